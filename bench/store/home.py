"""Where things lie: shared stages and fetched or rendered data under ``$BENCH_HOME``, results under ``runs/``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EDQUOT, EFBIG, EIO, ENOLCK, ENOSPC, EROFS
from pathlib import Path

from bench.errors import StoreError, one_line
from bench.home import bench_home, resolved

BLOCK = bytes(4096)
"""Enough that a full disk refuses it."""
DISK = (ENOSPC, EDQUOT, EFBIG, EIO, EROFS, ENOLCK)
"""What the system answers to whoever writes: no space, no quota, too large, a broken disk, read-only, no locks."""


def check_readable(home: Path) -> None:
    """Refuse a ``BENCH_HOME`` that cannot be looked into; one that is not there yet is empty.

    Raises:
        StoreError: it is no folder, lies below a file, or may not be listed.
    """
    try:
        os.scandir(home).close()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{home}: cannot be read ({_why(error)}); {_remedy(home)}") from None


def check_writable(folder: Path) -> None:
    """Refuse a folder in which nothing can be written, made or not; leaves nothing behind.

    Raises:
        StoreError: it or the nearest folder above it may not be written, is no folder, or its disk is full.
    """
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)) as file:
            file.write(BLOCK)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(folder, error) from None


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one line that the system lets nothing be written in ``folder``; other errors pass as they are.

    Raises:
        StoreError: the disk is full or read-only, or an error names something in the folder.
    """
    try:
        yield
    except OSError as error:
        if error.errno in DISK or str(folder.parent) in str(error):
            raise unwritable(folder, error) from None
        raise


def unwritable(path: Path, error: OSError) -> StoreError:
    """What could not be written, why, and where to go instead."""
    return StoreError(f"{path}: cannot be written ({_why(error)}); {_remedy(path)}")


def _nearest(folder: Path) -> Path:
    """The folder itself or the nearest above it that is there, whatever it is."""
    return next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))


def _why(error: OSError) -> str:
    """The system's own words in one line; those of a library that gives no number as they are."""
    return error.strerror or one_line(error)


def _remedy(path: Path) -> str:
    if path.is_relative_to(bench_home()):
        return "set BENCH_HOME to a folder of yours, on a disk with free space"
    return "name another folder with --out or --to, or free space"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one invocation; ``data`` maps a data set's name to the folder the user gave for it."""

    home: Path
    out: Path
    data: Mapping[str, str]

    def root(self, dataset: str, shared: str | None = None) -> Path:
        """Folder of a data set: the user's, or ``$BENCH_HOME/data/<name>``.

        ``shared`` is ``Component.folder``, the data set whose folder it is where the user gave this one none.

        Raises:
            DataError: as :func:`bench.home.resolved` does.
        """
        given = self.given(dataset, shared)
        return resolved(given) if given else self.home / "data" / (shared or dataset).replace(":", "_")

    def given(self, dataset: str, shared: str | None = None) -> str | None:
        """The folder that the user gave for a data set, or for the one whose folder it shares."""
        return self.data.get(dataset) or self.data.get(shared or dataset)

    def index(self, locator: str) -> Path:
        """File of a data set's index."""
        return self.home / "index" / f"{locator}.json"

    def stages(self, kind: str) -> Path:
        """Folder of all stages of a kind."""
        return self.home / "stages" / kind

    def stage(self, kind: str, key: str) -> Path:
        """Folder of a finished stage."""
        return self.stages(kind) / key

    def run(self, suite: str) -> Path:
        """Folder of a suite's cell records and pictures."""
        return self.out / suite

    def records(self, suite: str) -> Path:
        """Folder of a suite's cell records."""
        return self.run(suite) / "cells"

    def record(self, suite: str, cell: str) -> Path:
        """File of one cell's record."""
        return self.records(suite) / f"{cell}.json"
