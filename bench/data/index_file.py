"""The index of a data set as a file: JSON that remembers the stamps of every file it was made from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from bench.bounded import bounded_bytes, parsed
from bench.data.index import DatasetIndex, IndexedImage, Stamp, fingerprint_of, stamp_of
from bench.errors import StoreError
from bench.files import whole_file
from bench.sealed import sealed, unsealed
from bench.types import Record

SCHEMA = 2
LARGEST = 2 * 10**9
"""Bytes of an index: a row takes some 700."""
MOST = 20_000_000
"""Lists and objects in it: a row takes eight, with an image and a mask."""


def write_index(path: Path, index: DatasetIndex, records: Sequence[Record]) -> None:
    """Write the index with the stamps of its files, whole or not at all."""
    stamps = index.stamps or [stamp_of(record) for record in records]
    content = {
        "schema": SCHEMA,
        "dataset": index.dataset,
        "classes": index.classes,
        "fingerprint": index.fingerprint,
        "remarks": index.remarks,
        "images": [{**asdict(entry), "files": stamp} for entry, stamp in zip(index.entries, stamps, strict=True)],
    }
    with whole_file(path) as file:
        file.write(sealed(json.dumps(content, ensure_ascii=False, allow_nan=False)[1:]))


def read_index(path: Path) -> DatasetIndex:
    """Read an index; once in a process for as long as the file stays as it is.

    Raises:
        StoreError: the file is missing, damaged, of another schema, or its rows are not those it was made with.
    """
    try:
        state = path.stat()
        return _read(path, (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns))
    except OSError as error:
        raise StoreError(f"{path}: the index cannot be read ({error.strerror}); build it again") from None


@lru_cache(maxsize=4)
def _read(path: Path, _state: tuple[int, ...]) -> DatasetIndex:
    """Read an index; of 300,000 images it takes seconds, and every stage of every cell looks at it."""
    try:
        content = unsealed(bounded_bytes(path, LARGEST), partial(parsed, most=MOST))
        if content["schema"] != SCHEMA:
            raise StoreError(f"{path}: written with schema {content['schema']}, this version reads {SCHEMA}; delete it")
        stamps = [row.pop("files") for row in content["images"]]
        index = DatasetIndex(
            dataset=content["dataset"],
            classes=tuple(content["classes"]),
            entries=tuple(map(_entry, content["images"])),
            fingerprint=content["fingerprint"],
            stamps=tuple(map(_stamp, stamps)),
            remarks=tuple(content["remarks"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(f"{path}: the index is damaged ({error}); delete it") from None
    if fingerprint_of(index.classes, index.entries) != index.fingerprint:
        raise StoreError(f"{path}: the index is damaged (its rows do not match its fingerprint); delete it")
    return index


def _entry(row: dict[str, Any]) -> IndexedImage:
    """A row, with the tuples that were written in place of JSON's lists."""
    for name in ("pixels", "sums", "squares"):
        row[name] = tuple(row[name])
    return IndexedImage(**row)


def _stamp(files: Sequence[Sequence[int] | None]) -> Stamp:
    return tuple(None if file is None else tuple(file) for file in files)


def is_current(path: Path, records: Sequence[Record]) -> bool:
    """Whether the index at ``path`` still describes these records, without opening an image.

    Ids, groups, official splits and metadata must be equal and every file must have kept its stamp.
    For a record that names no files (an image made in memory) the ids and the like are all there is to compare.
    """
    try:
        index = read_index(path)
    except StoreError:
        return False
    if len(index.entries) != len(records):
        return False
    for entry, stamp, record in zip(index.entries, index.stamps, records, strict=True):
        said = entry.id, entry.group, entry.official, entry.meta
        if said != (record.id, record.group, record.split, record.meta) or None in stamp or stamp != stamp_of(record):
            return False
    return True
