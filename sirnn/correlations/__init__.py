"""What is made ahead from random OTs, and the store that deals it out."""
