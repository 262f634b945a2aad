"""Which files of ``bench`` a call enters: how far a reader of the code must follow it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import bench

HOUSE = Path(bench.__file__).parent


@contextmanager
def entered() -> Iterator[set[str]]:
    """The files of ``bench`` in which a function is called meanwhile."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            files.add(frame.f_code.co_filename)

    inside: set[str] = set()
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield inside
    finally:
        sys.setprofile(before)
    paths = [Path(file) for file in files]
    inside |= {path.relative_to(HOUSE).as_posix() for path in paths if path.is_relative_to(HOUSE)}
