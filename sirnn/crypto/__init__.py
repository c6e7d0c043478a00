"""AES, ristretto255 and randomness."""
