"""Mutants: small changes to the library that keep every value, byte and flight, and give secrets away.

    python -m tests.mutants                  # plant each, run the privacy tests, say which test caught it
    python -m tests.mutants --list
    python -m tests.mutants delta-from-name  # some of them, by name

A test that cannot fail is worth nothing, and a privacy test seldom has occasion to. So each mutant is planted in turn,
in a process of its own, by changing a module's text while it is imported; no file is touched. The privacy tests must
fail. Those that are likely to are run first, all others if those did not.
"""
