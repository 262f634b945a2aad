"""Room on disk: a refusal before a disk is filled."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.errors import DataError
from bench.words import size_text

SPARE = 64 * 2**20
"""Bytes that are left free."""


class NoRoom(DataError):
    """The disk is full, or would be: nothing is wrong with the data."""


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
