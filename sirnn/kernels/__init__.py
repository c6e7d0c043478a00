"""Compiled loops over numpy arrays, one job a file; they know nothing of parties."""
