"""Both parties in one process: a deterministic network in virtual time behind the channel contract."""
