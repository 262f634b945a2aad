"""The files of the store: contiguous HDF5 that is written once, checked before use, and mapped by offset.

A file has large arrays of pixels (``image``, ``mask``, ``guide``), written by position from any thread, and small
tables, read whole. Attributes: ``schema`` and ``key``. ``checksum[N + 1]`` u8 has an entry for each of its N rows (the
crops of a bank, the images of an image store): the CRC-32 of image and guide in the low half, of the mask in the high
half. The last entry is that of all tables, schema and key. HDF5's own structures carry checksums in the file format of
version 1.8.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.crops.sampling import Int64
from bench.errors import Damaged, StoreError
from bench.words import plural, shown

SCHEMA = 1
LARGE = ("image", "mask", "guide")
"""Names of the arrays of pixels, in the order in which a checksum takes them."""
BLOCK = 64
"""Rows that a thread checks before it takes others."""

UInt64 = npt.NDArray[np.uint64]
Table = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Large:
    """An array of pixels; ``at`` is its first byte in the file, -1 where nothing was allocated."""

    shape: tuple[int, ...]
    dtype: str
    at: int = -1

    @property
    def itemsize(self) -> int:
        """Bytes of one value."""
        return np.dtype(self.dtype).itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        items = 1
        for length in self.shape:
            items *= length
        return items * self.itemsize


@dataclass(frozen=True, slots=True)
class Content:
    """A file without its pixels: key, tables and checksums by name, and where the pixels are."""

    path: Path
    key: str
    large: Mapping[str, Large]
    tables: Mapping[str, Table]
    checksum: UInt64

    @property
    def rows(self) -> int:
        """Crops or images."""
        return len(self.checksum) - 1


Bounds = Mapping[str, Int64]
"""By the name of a large array: where each row begins in it and the last ends, in bytes, ``int64[N + 1]``."""


def read_content(path: Path, what: str) -> Content:
    """Read everything but the pixels, and close the file; ``what`` names it in messages, as ``crop bank``.

    Raises:
        StoreError: the file is missing, truncated, something else, or of another schema.
    """
    import h5py

    if not path.is_file():
        raise StoreError(f"{path}: there is no {what}; run the suite again")
    try:
        with h5py.File(path, "r", locking=False) as file:
            schema = file.attrs.get("schema")
            if schema is None or int(schema) != SCHEMA:
                raise damaged(path, f"it is of schema {schema}, this version reads schema {SCHEMA}")
            large: dict[str, Large] = {}
            tables: dict[str, Table] = {}
            most = path.stat().st_size
            file.visititems(lambda name, found: _sort(name, found, large, tables, most))
            checksum = tables.pop("checksum").astype(np.uint64)
            content = Content(path, str(file.attrs["key"]), large, tables, checksum)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise damaged(path, f"it cannot be read as a {what} ({str(error).partition(chr(10))[0]})") from error
    size, needed = path.stat().st_size, max([each.at + each.nbytes for each in large.values()], default=0)
    if size < needed or any(each.at < 0 for each in large.values()):
        raise damaged(path, f"it has {size} bytes and needs {needed}: it is truncated")
    return content


def _sort(name: str, found: Any, large: dict[str, Large], tables: dict[str, Table], most: int) -> None:
    """Read a table of at most so many bytes; of an array of pixels only where it is.

    Raises:
        ValueError: it is of another type, or lies elsewhere or nowhere.
    """
    if not hasattr(found, "dtype"):
        return  # a group
    if found.is_virtual or found.external:
        raise ValueError(f"{name} lies in another file")
    if name not in LARGE:
        if found.nbytes > most:
            raise ValueError(f"{name} has {found.nbytes} bytes, the file {most}")
        tables[name] = found[()]
        return
    if found.dtype.str not in ("|u1", "<u2"):
        raise ValueError(f"{name} is {shown(found)}")
    at = found.id.get_offset()
    large[name] = Large(found.shape, found.dtype.name, -1 if at is None else int(at))


def problems(path: Path, what: str, bounds: Callable[[Content], Bounds], row: str) -> list[str]:
    """What is wrong with a file: its structure, its size, and the checksum of every row; empty when sound.

    ``bounds`` tells where rows lie, and raises KeyError or ValueError where the tables do not fit; ``row`` names one.
    """
    try:
        content = read_content(path, what)
        rows = wrong_rows(content, placed(content, bounds), np.arange(content.rows))
    except StoreError as error:
        return [str(error)]
    found = [] if has_sound_tables(content) else [f"{path}: the checksum of its tables is wrong"]
    return found + [f"{path}: the checksum of {row} {number} is wrong" for number in rows]


def placed(content: Content, bounds: Callable[[Content], Bounds]) -> Bounds:
    """Where rows lie in the large arrays.

    Raises:
        StoreError: the tables say otherwise than the arrays.
    """
    try:
        found = bounds(content)
    except (KeyError, ValueError, IndexError) as error:
        raise damaged(content.path, f"its tables do not fit its pixels ({error})") from None
    for name, large in content.large.items():
        edges = found.get(name, np.zeros(0, np.int64))
        if len(edges) != content.rows + 1 or edges[-1] != large.nbytes or (np.diff(edges) < 0).any():
            raise damaged(content.path, f"its tables do not fit its {plural(content.rows, 'row')} of {name}")
    return found


def has_sound_tables(content: Content) -> bool:
    """Whether the tables are those that were written."""
    return table_checksum(content.key, content.tables) == int(content.checksum[-1])


def wrong_rows(content: Content, bounds: Bounds, rows: Int64) -> list[int]:
    """Which of these rows no longer have their checksum; not through a mapping: a truncated mapped file kills."""
    descriptor = os.open(content.path, os.O_RDONLY)

    def check(block: Int64) -> list[int]:
        wrong = []
        for row in block.tolist():
            pixels = {name: read_row(descriptor, content, bounds, name, row) for name in content.large}
            if pixel_checksum(pixels) != content.checksum[row]:
                wrong.append(row)
        return wrong

    blocks = [rows[first : first + BLOCK] for first in range(0, len(rows), BLOCK)]
    found: list[int] = []
    try:
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            for wrong in pool.map(check, blocks):
                found += wrong
    finally:
        os.close(descriptor)
    return found


def read_row(descriptor: int, content: Content, bounds: Bounds, name: str, row: int) -> npt.NDArray[np.uint8]:
    """The bytes of a row in one large array.

    Raises:
        StoreError: the file ends before.
    """
    start, end = bounds[name][row : row + 2].tolist()
    pixels = np.empty(end - start, np.uint8)
    rest, offset = memoryview(pixels.data), content.large[name].at + start
    while rest:
        read = os.preadv(descriptor, [rest], offset)
        if not read:
            raise damaged(content.path, "it is truncated")
        rest, offset = rest[read:], offset + read
    return pixels


def pixel_checksum(pixels: Mapping[str, Any]) -> int:
    """CRC-32 of image and guide in the low half, of the mask in the high half; values are buffers by name."""
    low = zlib.crc32(pixels["image"])
    if "guide" in pixels:
        low = zlib.crc32(pixels["guide"], low)
    return low | zlib.crc32(pixels["mask"]) << 32


def table_checksum(key: str, tables: Mapping[str, Table]) -> int:
    """CRC-32 of schema, key and every table with its name and shape."""
    crc = zlib.crc32(f"{SCHEMA} {key}".encode())
    for name, array in sorted(tables.items()):
        crc = zlib.crc32(array.tobytes(), zlib.crc32(f"{name} {array.shape}".encode(), crc))
    return crc


def mapped(content: Content, name: str) -> npt.NDArray[Any]:
    """Map a large array read-only; check the rows first: see :func:`wrong_rows`."""
    large = content.large[name]
    return np.asarray(np.memmap(content.path, large.dtype, "r", large.at, large.shape))  # memmap's indexing is slow


def damaged(path: Path, what: str) -> Damaged:
    """The one sentence for a file that must not be used."""
    return Damaged(f"{path}: {what}; run 'bench cache gc' and then the suite again")


def encoded(texts: Sequence[str]) -> Table:
    """Fixed-length UTF-8 with its zeros behind: no pointers into a heap, so one checksum covers it."""
    found = [text.encode() for text in texts]
    return np.array(found, dtype=f"S{max([1, *map(len, found)])}")


def decoded(table: Table) -> tuple[str, ...]:
    """The inverse of :func:`encoded`."""
    return tuple(text.decode() for text in table.tolist())
