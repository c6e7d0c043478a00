"""Math functions on shares, bit-exact."""
