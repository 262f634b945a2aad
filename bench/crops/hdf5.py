"""The file of a crop bank: contiguous HDF5 that is written once, checked before use, and mapped by offset.

Data sets: ``image[N, h, w, C]`` u1 or u2, ``mask[N, h, w]`` u1, ``source[N]`` i4, ``corner[N, 2]`` i4,
``part[N]`` u1, ``sources/{id,group,split}`` UTF-8, ``checksum[N + 1]`` u8, ``provenance`` (canonical JSON),
and in a bank of tiles ``mean[C]`` and ``std[C]`` f8. Attributes: ``schema`` and ``key``.

A checksum holds the CRC-32 of one image (low half) and of its mask (high half), taken while the crop is written;
the last one is that of all other data sets, schema and key. HDF5's own structures carry checksums in the file format
of version 1.8.
"""

from __future__ import annotations

import json
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.canonical import canonical
from bench.crops.sampling import Int32, Parts
from bench.errors import StoreError
from bench.types import Float64, Image, JsonValue, Mask
from bench.words import plural, shown

SCHEMA = 1
BLOCK = 64
"""Crops read at once when a file is checked."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """Shape and place of the two large data sets; offsets are bytes from the start of the file."""

    crops: int
    size: int
    channels: int
    dtype: str
    image_at: int = -1
    mask_at: int = -1

    @property
    def mask_bytes(self) -> int:
        """Bytes of one mask."""
        return self.size * self.size

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return self.mask_bytes * self.channels * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, slots=True)
class Sources:
    """The images that crops come from, by number."""

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    splits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything in the file but the pixels: ``int32[N]``, ``int32[N, 2]``, ``uint8[N]``, ``float64[C]``."""

    key: str
    source: Int32
    corner: Int32
    part: Parts
    sources: Sources
    provenance: JsonValue
    mean: Float64 | None = None
    std: Float64 | None = None

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The data sets by name, as they stand in the file."""
        found: dict[str, npt.NDArray[Any]] = {
            "source": self.source.astype("<i4"),
            "corner": self.corner.astype("<i4"),
            "part": self.part,
            "sources/id": _encoded(self.sources.ids),
            "sources/group": _encoded(self.sources.groups),
            "sources/split": _encoded(self.sources.splits),
            "provenance": np.frombuffer(canonical(self.provenance), np.uint8),
        }
        if self.mean is not None and self.std is not None:
            found |= {"mean": self.mean.astype("<f8"), "std": self.std.astype("<f8")}
        return found


def read_tables(path: Path) -> tuple[Pixels, Tables, npt.NDArray[np.uint64]]:
    """Read everything but the pixels, and close the file.

    Raises:
        StoreError: the file is missing, truncated, no bank, or of another schema.
    """
    import h5py

    if not path.is_file():
        raise StoreError(f"{path}: there is no crop bank; run the suite again")
    try:
        with h5py.File(path, "r", locking=False) as file:
            schema = file.attrs.get("schema")
            if schema is None or int(schema) != SCHEMA:
                raise damaged(path, f"it is of schema {schema}, this version reads schema {SCHEMA}")
            return _pixels(file), _tables(file), file["checksum"][()].astype(np.uint64)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise damaged(path, f"it cannot be read as a crop bank ({str(error).partition(chr(10))[0]})") from error


def problems(path: Path) -> list[str]:
    """What is wrong with a bank: its structure, its size, and the checksum of every block; empty when sound."""
    try:
        pixels, tables, checksum = read_tables(path)
    except StoreError as error:
        return [str(error)]
    size = path.stat().st_size
    needed = max(pixels.image_at + pixels.crops * pixels.image_bytes, pixels.mask_at + pixels.crops * pixels.mask_bytes)
    if min(pixels.image_at, pixels.mask_at) < 0 or size < needed:
        return [f"{path}: it has {size} bytes and needs {needed}: it is truncated"]
    if len(checksum) != pixels.crops + 1 or not len(tables.source) == len(tables.corner) == pixels.crops:
        return [f"{path}: its tables do not fit its {plural(pixels.crops, 'crop')}"]
    wrong = np.flatnonzero(_checksums(path, pixels) != checksum[:-1]).tolist()
    found = [f"{path}: the checksum of its tables is wrong"] if table_checksum(tables) != checksum[-1] else []
    return found + [f"{path}: the checksum of crop {row} is wrong" for row in wrong]


def mapped(path: Path, pixels: Pixels) -> tuple[Image, Mask]:
    """Map images ``[N, h, w, C]`` and masks ``[N, h, w]`` read-only; check the file first: see :func:`problems`."""
    shape = pixels.crops, pixels.size, pixels.size
    image = np.memmap(path, pixels.dtype, "r", pixels.image_at, (*shape, pixels.channels))
    mask = np.memmap(path, np.uint8, "r", pixels.mask_at, shape)
    return np.asarray(image), np.asarray(mask)  # plain arrays: memmap's own indexing is slow


def damaged(path: Path, what: str) -> StoreError:
    """The one sentence for a bank that must not be used."""
    return StoreError(f"{path}: {what}; run 'bench cache gc' and then the suite again")


def _pixels(file: Any) -> Pixels:
    image, mask = file["image"], file["mask"]
    crops, size, width, channels = image.shape
    squares = size == width and mask.shape == (crops, size, size)
    if not squares or mask.dtype != np.uint8 or image.dtype.str not in ("|u1", "<u2"):
        raise ValueError(f"images {shown(image)} and masks {shown(mask)}")
    return Pixels(crops, size, channels, image.dtype.name, _offset(image), _offset(mask))


def _offset(made: Any) -> int:
    """Where the bytes of a data set begin; -1 where nothing was allocated."""
    at = made.id.get_offset()
    return -1 if at is None else int(at)


def _tables(file: Any) -> Tables:
    def texts(name: str) -> tuple[str, ...]:
        return tuple(text.decode() for text in file[f"sources/{name}"][()].tolist())

    return Tables(
        key=str(file.attrs["key"]),
        source=file["source"][()],
        corner=file["corner"][()],
        part=file["part"][()],
        sources=Sources(texts("id"), texts("group"), texts("split")),
        provenance=json.loads(file["provenance"][()].tobytes()),
        mean=file["mean"][()] if "mean" in file else None,
        std=file["std"][()] if "std" in file else None,
    )


def _encoded(texts: tuple[str, ...]) -> npt.NDArray[Any]:
    """Fixed-length UTF-8 with its zeros behind: no pointers into a heap, so one checksum covers it."""
    encoded = [text.encode() for text in texts]
    return np.array(encoded, dtype=f"S{max([1, *map(len, encoded)])}")


def crop_checksum(image: bytes | memoryview, mask: bytes | memoryview) -> int:
    """CRC-32 of an image in the low half, of its mask in the high half."""
    return zlib.crc32(image) | zlib.crc32(mask) << 32


def _checksums(path: Path, pixels: Pixels) -> npt.NDArray[np.uint64]:
    """Checksums of the crops as they are, ``uint64[N]``; not through a mapping: a truncated mapped file kills."""
    found = np.zeros(pixels.crops, np.uint64)
    image_bytes, mask_bytes = pixels.image_bytes, pixels.mask_bytes
    descriptor = os.open(path, os.O_RDONLY)

    def check(first: int) -> None:
        crops = min(BLOCK, pixels.crops - first)
        images = memoryview(os.pread(descriptor, crops * image_bytes, pixels.image_at + first * image_bytes))
        masks = memoryview(os.pread(descriptor, crops * mask_bytes, pixels.mask_at + first * mask_bytes))
        for row in range(crops):
            image = images[row * image_bytes : (row + 1) * image_bytes]
            mask = masks[row * mask_bytes : (row + 1) * mask_bytes]
            found[first + row] = crop_checksum(image, mask)

    try:
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            for _ in pool.map(check, range(0, pixels.crops, BLOCK)):
                pass
    finally:
        os.close(descriptor)
    return found


def table_checksum(tables: Tables) -> int:
    """CRC-32 of schema, key and every small data set with its name and shape."""
    crc = zlib.crc32(f"{SCHEMA} {tables.key}".encode())
    for name, array in sorted(tables.arrays().items()):
        crc = zlib.crc32(array.tobytes(), zlib.crc32(f"{name} {array.shape}".encode(), crc))
    return crc
