"""The index of a data set as a file: JSON that remembers the stamps of every file it was made from."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.data.index import DatasetIndex, IndexedImage, Stamp, fingerprint_of, stamp_of
from bench.errors import StoreError
from bench.types import JsonValue, Record

SCHEMA = 2


def write_index(path: Path, index: DatasetIndex, records: Sequence[Record]) -> None:
    """Write the index with the stamps of its files: temporary file, fsync, rename."""
    stamps = index.stamps or tuple(stamp_of(record) for record in records)
    content = {
        "schema": SCHEMA,
        "dataset": index.dataset,
        "classes": index.classes,
        "fingerprint": index.fingerprint,
        "remarks": index.remarks,
        "images": [{**asdict(entry), "files": stamp} for entry, stamp in zip(index.entries, stamps, strict=True)],
    }
    _write_atomically(path, json.dumps(content, ensure_ascii=False, allow_nan=False).encode())


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_index(path: Path) -> DatasetIndex:
    """Read an index.

    Raises:
        StoreError: the file is missing, damaged, of another schema, or its rows are not those it was made with.
    """
    try:
        content = json.loads(path.read_bytes())
        if content["schema"] != SCHEMA:
            raise StoreError(f"{path}: written with schema {content['schema']}, this version reads {SCHEMA}; delete it")
        index = DatasetIndex(
            dataset=content["dataset"],
            classes=tuple(content["classes"]),
            entries=tuple(_entry(row) for row in content["images"]),
            fingerprint=content["fingerprint"],
            stamps=tuple(_stamp(row["files"]) for row in content["images"]),
            remarks=tuple(content["remarks"]),
        )
    except OSError as error:
        raise StoreError(f"{path}: the index cannot be read ({error.strerror}); build it again") from None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: the index is damaged ({error}); delete it") from None
    if fingerprint_of(index.classes, index.entries) != index.fingerprint:
        raise StoreError(f"{path}: the index is damaged (its rows do not match its fingerprint); delete it")
    return index


def _entry(row: Mapping[str, JsonValue]) -> IndexedImage:
    plain: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.items() if key != "files"
    }
    return IndexedImage(**plain)


def _stamp(files: Sequence[Sequence[int] | None]) -> Stamp:
    return tuple(None if found is None else tuple(found) for found in files)


def is_current(path: Path, records: Sequence[Record]) -> bool:
    """Whether the index at ``path`` still describes these records, without opening an image.

    Ids, groups, official splits and metadata must be equal and every file must have kept its stamp.
    For a record that names no files (an image made in memory) the ids and the like are all there is to compare.
    """
    try:
        index = read_index(path)
    except StoreError:
        return False
    return len(index.entries) == len(records) and all(
        _matches(entry, stamp, record)
        for entry, stamp, record in zip(index.entries, index.stamps, records, strict=True)
    )


def _matches(entry: IndexedImage, stamp: Stamp, record: Record) -> bool:
    said = (entry.id, entry.group, entry.official, dict(entry.meta))
    says = (record.id, record.group, record.split, dict(record.meta))
    return said == says and None not in stamp and stamp == stamp_of(record)
