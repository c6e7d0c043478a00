"""`python -m sirnn.cli` is `sirnn`, wherever its script may be."""

from sirnn.cli.main import main

main()
