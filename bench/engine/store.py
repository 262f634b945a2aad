"""The store: shared stage folders and small cell records, each written whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.errors import StoreError
from bench.types import JsonValue

SCHEMA = 1
"""Schema number of cell records, resolved suites and stage notes."""

NOTE = "stage.json"
"""The file whose presence says that a stage folder is complete."""


def write_json(path: Path, value: JsonValue) -> None:
    """Write to a temporary file in the same folder, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(value, file, allow_nan=False, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> Any:
    """Read a JSON file of the store.

    Raises:
        StoreError: the file is missing, damaged, or of another schema.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{path}: the file is missing; run the suite again") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: damaged ({error}); delete it and run the suite again") from None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        found = value.get("schema") if isinstance(value, dict) else None
        raise StoreError(f"{path}: schema {found}, this version reads {SCHEMA}; delete it and run the suite again")
    return value


def read_record(path: Path) -> dict[str, Any] | None:
    """A cell's record, or None where there is none or it cannot be used."""
    if not path.is_file():
        return None
    try:
        record: dict[str, Any] = read_json(path)
    except StoreError:
        return None  # as good as absent: the cell is run again and the file replaced
    return record


def stage_note(folder: Path) -> dict[str, Any] | None:
    """What a finished stage left behind, or None where the stage is not finished."""
    return read_record(folder / NOTE)


def finish_stage(folder: Path, write: Callable[[Path], Mapping[str, JsonValue]]) -> dict[str, Any]:
    """Return the note of a stage, running ``write`` into a fresh folder first where it is not finished.

    ``write`` fills the folder it is given and returns the note. The folder is renamed into place when all of it
    is on disk. A lock lets several workers meet at one stage: the first does it, the others find it done.
    """
    with _lock(folder):
        done = stage_note(folder)
        if done is not None:
            os.utime(folder / NOTE)  # when it was last of use, for `bench cache gc`
            return done
        temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            note = {"schema": SCHEMA, **write(temporary)}
            write_json(temporary / NOTE, note)
            _sync(temporary)
            shutil.rmtree(folder, ignore_errors=True)  # an unfinished or unreadable one
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return note


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold an advisory lock that the kernel drops when its holder dies."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sync(folder: Path) -> None:
    """Flush every file of a folder, and the folder itself."""
    for path in (*(p for p in folder.rglob("*") if p.is_file()), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
