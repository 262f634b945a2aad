"""Files and folders that are written whole or not at all: under another name first, then on disk, then renamed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

UNFINISHED = ".tmp"
"""Ending of what somebody is writing, or was when the process was killed."""

ABANDONED_S = 3600.0
"""Seconds after which nobody writes a file any more that is unfinished."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to beside ``path``; it takes that name once all is on disk, and after an error nothing is left.

    Raises:
        OSError: the folder cannot be made or written, or its disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}{UNFINISHED}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def whole_folder(path: Path, may: Callable[[], None] | None = None) -> Iterator[Path]:
    """An empty folder beside ``path``; it takes that name once all is on disk, and after an error nothing is left.

    ``may`` is called just before, and raises where it may not.

    Raises:
        OSError: it cannot be made or written, the disk is full, or something lies at ``path`` in the end.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}{UNFINISHED}")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for entry in (*files_below(temporary), temporary):
            sync(entry)
        if may is not None:
            may()
        if path.exists():
            path.rmdir()
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove unfinished files below a folder that killed processes left long ago; nobody's work is touched."""
    for path in folder.rglob(f".*{UNFINISHED}"):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime > ABANDONED_S:
                path.unlink()


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and in those below it."""
    return [path for path in folder.rglob("*") if path.is_file()]


def sync(path: Path) -> None:
    """Wait until a file is on disk, or, of a folder, what is in it by which name."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
