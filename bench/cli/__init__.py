"""The command line: one command per file, each imported when it is called."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from bench.cli.refusal import main
else:
    from bench.cli.main import main

__all__ = ["main"]
