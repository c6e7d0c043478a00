"""The one place that names the version."""

__version__ = "0.1.0"

PROTOCOL_VERSION = 2
"""Raised when two releases cannot talk to each other; compared before anything else."""
