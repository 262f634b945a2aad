"""Writing a file of the store: under a temporary name, from any thread, and renamed only when complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from bench.crops.hdf5 import SCHEMA, Large, Table, UInt64, pixel_checksum, table_checksum
from bench.errors import StoreError, one_line
from bench.files import sync
from bench.words import size_text

SPARE = 1 << 20
"""Bytes set aside for HDF5's own structures and the small data sets when the free disk space is checked."""
EARLY = 1 << 20
"""Blocks of so many bytes begin their way to the disk at once, so that the end of the file need not wait for all."""
FORMAT = ("v108", "v108")
"""The oldest file format in which HDF5's own structures carry checksums."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A file on its way to ``path``; rows may come in any order, from any thread, and nobody sees them yet.

    ``checksum`` (``uint64[N]``) is filled row by row.
    """

    path: Path
    temporary: Path
    what: str
    large: Mapping[str, Large]
    descriptor: int
    checksum: UInt64

    def put(self, row: int, pixels: Mapping[str, tuple[int, npt.NDArray[Any]]]) -> None:
        """Write one row: by the name of a large array, the number of its first value there, and the pixels.

        Raises:
            StoreError: the disk is full.
        """
        blocks = {}
        for name, (_, values) in pixels.items():
            blocks[name] = memoryview(np.ascontiguousarray(values).data).cast("B")
        self.checksum[row] = pixel_checksum(blocks)  # while they are in the processor's cache
        with _sentence(self.path, self.what):
            for name, block in blocks.items():
                large = self.large[name]
                _write(self.descriptor, block, large.at + pixels[name][0] * large.itemsize)

    def finish(self, key: str, tables: Mapping[str, Table]) -> None:
        """Add everything else and give the file its name; without this it is thrown away.

        Raises:
            StoreError: the disk is full.
        """
        import h5py

        with _sentence(self.path, self.what):
            checksum = np.append(self.checksum, np.uint64(table_checksum(key, tables)))
            with h5py.File(self.temporary, "r+", libver=FORMAT, locking=False) as file:
                for name, array in {**tables, "checksum": checksum.astype("<u8")}.items():
                    file.create_dataset(name, data=array)
                file.attrs["schema"], file.attrs["key"] = SCHEMA, key
            os.fsync(self.descriptor)
            self.temporary.rename(self.path)
            sync(self.path.parent)  # makes the rename itself survive a power cut


@contextmanager
def new_file(path: Path, what: str, large: Mapping[str, Large], rows: int) -> Iterator[Writer]:
    """Write a file under a temporary name beside ``path``; only :meth:`Writer.finish` gives it its own.

    ``what`` names it in messages, as ``crop bank``. What a killed writer left goes with the folder of its stage.

    Raises:
        StoreError: the disk is too small or full, or the folder cannot be written.
    """
    with _sentence(path, what):
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_small_disk(path, what, large)
        temporary = path.with_name(f".{path.name}.{uuid4().hex}.partial")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with _sentence(path, what):
            placed = _allocated(temporary, large)
        yield Writer(path, temporary, what, placed, descriptor, np.zeros(rows, np.uint64))
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


@contextmanager
def _sentence(path: Path, what: str) -> Iterator[None]:
    """Say what the operating system refused in our words."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # HDF5 raises the second where there is no room to close a file
        why = one_line(error)
        raise StoreError(
            f"{path}: the {what} cannot be written ({why}); free space or choose another folder"
        ) from error


def _write(descriptor: int, rest: memoryview, offset: int) -> None:
    """Write at an offset; unlike a store through a mapping, a full disk is an error and not a signal."""
    start, length = offset, len(rest)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written
    if length >= EARLY and hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, start, length, os.POSIX_FADV_DONTNEED)  # dirty pages: written soon, and kept


def _allocated(path: Path, large: Mapping[str, Large]) -> dict[str, Large]:
    """Lay out the large data sets, allocated early and never filled, on page boundaries."""
    import h5py

    placed = {}
    with h5py.File(path, "w", libver=FORMAT, locking=False, alignment_threshold=4096, alignment_interval=4096) as file:
        for name, array in large.items():
            at = _contiguous(file, name, array.shape, np.dtype(array.dtype).newbyteorder("<"))
            placed[name] = replace(array, at=at)
    return placed


def _contiguous(file: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    import h5py

    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_layout(h5py.h5d.CONTIGUOUS)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plan.set_obj_track_times(False)  # equal crops are equal bytes, whenever they were written
    space = h5py.h5s.create_simple(shape)
    made = h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(dtype), space, dcpl=plan)
    return int(made.get_offset())


def _refuse_small_disk(path: Path, what: str, large: Mapping[str, Large]) -> None:
    needed = sum(array.nbytes for array in large.values()) + SPARE
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise StoreError(
            f"{path}: the {what} needs {size_text(needed)} and its disk has {size_text(free)}; free space, "
            "set BENCH_HOME to another disk, or store fewer crops"
        )
