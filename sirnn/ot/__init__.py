"""Oblivious transfer: base OTs, their extensions, and the calls protocols make."""
