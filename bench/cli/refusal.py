"""All commands of a machine that bench does not run on."""

from __future__ import annotations

import sys

from bench.machine import NO_WINDOWS


def main() -> None:
    """Say why not, before anything is imported that the machine may lack, and exit with the code of a wrong input."""
    sys.stderr.write(f"{NO_WINDOWS}\n")
    sys.exit(2)
