"""JSON from anywhere, bounded before anything is made of it: in bytes, in lists and objects, and in nesting."""

from __future__ import annotations

import json
import os
from itertools import chain
from pathlib import Path
from typing import Any

LARGEST = 256 * 10**6
"""Bytes of a file: the suite of 100,000 cells takes 35 MB."""
MOST = 5_000_000
"""Lists and objects in it."""
DEEPEST = 100
"""Levels of lists and objects in each other."""


def read_bounded(path: Path) -> Any:
    """The JSON in a file of at most :data:`LARGEST` bytes.

    Raises:
        OSError: it is missing or cannot be read.
        ValueError: it is no JSON, too large or nested too deep; says which.
    """
    return parsed(bounded_bytes(path))


def bounded_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a file, at most ``largest``.

    Raises:
        OSError: it is missing or cannot be read.
        ValueError: it is too large.
    """
    with path.open("rb") as file:
        too_large = os.fstat(file.fileno()).st_size > largest  # 0 for what is no file on a disk
        content = b"" if too_large else file.read(largest + 1)
    if too_large or len(content) > largest:
        raise ValueError(f"more than {largest // 10**6:,} MB")
    return content


def parsed(content: bytes, most: int = MOST) -> Any:
    """The JSON in some bytes, with at most so many lists and objects.

    Raises:
        ValueError: it is no JSON, holds too much or is nested too deep.
    """
    many = content.count(b"[") + content.count(b"{")  # in texts too: no fewer than there are
    if many > most:
        raise ValueError(f"more than {most:,} lists and objects")
    try:
        value = json.loads(content)
    except RecursionError:
        raise ValueError(f"nested more than {DEEPEST} levels deep") from None
    if many > DEEPEST and not _is_flat(value, DEEPEST):
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    return value


def _is_flat(value: Any, levels: int) -> bool:
    """Whether a value has at most so many levels of lists and objects."""
    level = [value]
    for _ in range(levels):
        below = chain.from_iterable(one.values() if isinstance(one, dict) else one for one in level)
        level = [one for one in below if isinstance(one, dict | list)]
        if not level:
            return True
    return False
