"""A model as data: load, save, quantise, its plaintext twin."""
