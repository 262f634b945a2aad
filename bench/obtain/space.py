"""Room on disk: sizes as text, and a refusal before a disk is filled."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.errors import DataError

SPARE = 64 * 2**20
"""Bytes that are left free."""
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


class NoRoom(DataError):
    """The disk is full, or would be: nothing is wrong with the data."""


def size_text(size: float) -> str:
    """Bytes as people say them, in steps of 1,000: ``532 bytes``, ``1.3 GB``."""
    step = 0
    while round(size, 1) >= 1000 and step < len(UNITS) - 1:
        size, step = size / 1000, step + 1
    return f"{size:,.1f} {UNITS[step]}" if step else f"{size:,.0f} {UNITS[0]}"


def check_space(folder: Path, needed: int, what: str) -> None:
    """Refuse to begin what the disk of an existing ``folder`` cannot hold.

    Raises:
        NoRoom: fewer than ``needed`` bytes are free, with a little to spare.
    """
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        raise NoRoom(
            f"{folder}: {what} needs {size_text(needed)}, but the disk has {size_text(free)} free; "
            "make room, or name another disk with BENCH_HOME"
        )
