"""The command line: one command per file, each imported when it is called."""

from __future__ import annotations

from bench.cli.main import main

__all__ = ["main"]
