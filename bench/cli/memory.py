"""Memory of all processes that a command has started, where the system tells it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
HELD = ("RssAnon:", "RssShmem:")
"""What the system cannot take back, unlike pages of mapped files."""


def held_by_workers() -> int | None:
    """Bytes that the descendants of this process hold now; None where Linux does not say."""
    if not (PROC / "self" / "task").is_dir():
        return None
    return sum(map(_held, _descendants(os.getpid())))


def _descendants(pid: int) -> Iterator[int]:
    for file in (PROC / str(pid) / "task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, file.read_text(encoding="ascii").split()):
                yield child
                yield from _descendants(child)


def _held(pid: int) -> int:
    total = 0
    with suppress(OSError, ValueError):  # it ended a moment ago
        for line in (PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(HELD):
                total += 1024 * int(line.split()[1])
    return total
