"""Writing a plugin distribution to start from: what ``bench plugins new`` does."""

from bench.scaffold.distribution import files_of, write_distribution

__all__ = ["files_of", "write_distribution"]
