"""Secure two-party inference for recurrent networks."""

from sirnn.version import __version__

__all__ = ["__version__"]
