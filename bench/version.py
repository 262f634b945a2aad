"""The version of the product, for whoever needs no more of it."""

__version__ = "0.1.0"
