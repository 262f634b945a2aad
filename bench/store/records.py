"""Records on disk: the door through which a record file is read, and the one through which it is written."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import Damaged
from bench.record import Record, State, record_from, record_of
from bench.store.store import read_object, write_json


def load_record(path: Path) -> Record:
    """The record in a file.

    Raises:
        Damaged: its content is no record, or not what was written.
        StoreError: it is missing, cannot be read, or a newer version wrote it.
    """
    return record_from(read_object(path), str(path))


@dataclass(slots=True)
class Records:
    """Records as :func:`read_record` has them, each parsed once for as long as its file is the same one."""

    _known: dict[Path, tuple[tuple[int, int, int], Record | None]] = field(default_factory=dict)

    def read(self, path: Path) -> Record | None:
        """The record in a file, or None where there is none.

        Raises:
            StoreError: as :func:`read_record` does.
        """
        try:
            with path.open("rb") as file:  # a network file system tells of a new file when it is opened, not before
                state = os.fstat(file.fileno())
        except OSError:
            return read_record(path)
        stamp = state.st_ino, state.st_mtime_ns, state.st_size
        stamped = self._known.get(path)
        if stamped is None or stamped[0] != stamp:
            stamped = self._known[path] = stamp, read_record(path)
        return stamped[1]


def read_record(path: Path) -> Record | None:
    """The record in a file called by its id, or None where there is none.

    Of a damaged one, or one of another cell, a failed cell whose reason names the file.

    Raises:
        StoreError: it cannot be read, or a newer version wrote it; nothing of that is overwritten.
    """
    if not path.is_file():
        return None
    try:
        record = load_record(path)
        if record.id != path.stem:
            raise Damaged(f"{path}: damaged (it is of cell {record.id or 'none'}); make it again")
        return record
    except Damaged as error:
        return record_of(id=path.stem, state=State.FAILED, reason=str(error))


def write_record(path: Path, record: Record) -> None:
    """Write a record whole or not at all, in the schema that it was stored in.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    write_json(path, record.stored)
