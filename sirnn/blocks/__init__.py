"""The building blocks of mixed-bitwidth arithmetic on shares."""
