"""From a real function to a protocol: plans, their search and proof, and how two parties run them."""
