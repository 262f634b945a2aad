"""Writing a crop bank: under a temporary name, from any thread, and renamed only when complete."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from bench.crops.hdf5 import SCHEMA, Pixels, Tables, crop_checksum, table_checksum
from bench.errors import StoreError
from bench.files import sync
from bench.types import Image, Mask

SPARE = 1 << 20
"""Bytes set aside for HDF5's own structures and the small data sets when the free disk space is checked."""
FORMAT = ("v108", "v108")
"""The oldest file format in which HDF5's own structures carry checksums."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A bank on its way to ``path``; crops may come in any order, from any thread, and nobody sees them yet.

    ``checksum`` (``uint64[N]``) is filled crop by crop.
    """

    path: Path
    temporary: Path
    pixels: Pixels
    descriptor: int
    checksum: npt.NDArray[np.uint64]

    def put(self, row: int, image: Image, mask: Mask) -> None:
        """Write one crop, ``[h, w, C]`` and ``uint8[h, w]``, at its row.

        Raises:
            StoreError: the disk is full.
        """
        pixels = self.pixels
        blocks = [memoryview(np.ascontiguousarray(each).data).cast("B") for each in (image, mask)]
        self.checksum[row] = crop_checksum(*blocks)  # while they are in the processor's cache
        with _sentence(self.path):
            _write(self.descriptor, blocks[0], pixels.image_at + row * pixels.image_bytes)
            _write(self.descriptor, blocks[1], pixels.mask_at + row * pixels.mask_bytes)

    def finish(self, tables: Tables) -> None:
        """Add everything else and give the file its name; without this it is thrown away.

        Raises:
            StoreError: the disk is full.
        """
        import h5py

        with _sentence(self.path):
            checksum = np.append(self.checksum, np.uint64(table_checksum(tables)))
            with h5py.File(self.temporary, "r+", libver=FORMAT, locking=False) as file:
                for name, array in {**tables.arrays(), "checksum": checksum.astype("<u8")}.items():
                    file.create_dataset(name, data=array)
                file.attrs["schema"], file.attrs["key"] = SCHEMA, tables.key
            os.fsync(self.descriptor)
            self.temporary.rename(self.path)
            sync(self.path.parent)  # makes the rename itself survive a power cut


@contextmanager
def new_file(path: Path, pixels: Pixels) -> Iterator[Writer]:
    """Write a bank under a temporary name beside ``path``; only :meth:`Writer.finish` gives it its own.

    What killed writers left of the same bank is removed first.

    Raises:
        StoreError: the disk is too small or full, or the folder cannot be written.
    """
    with _sentence(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        _refuse_small_disk(path, pixels)
        temporary = path.with_name(f".{path.name}.{uuid4().hex}.partial")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with _sentence(path):
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # tells _sweep that somebody is at work here
            placed = _allocated(temporary, pixels)
        yield Writer(path, temporary, placed, descriptor, np.zeros(pixels.crops, np.uint64))
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


@contextmanager
def _sentence(path: Path) -> Iterator[None]:
    """Say what the operating system refused in our words."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path}: the crop bank cannot be written ({error}); free space or choose another folder"
        ) from error


def _write(descriptor: int, rest: memoryview, offset: int) -> None:
    """Write at an offset; unlike a store through a mapping, a full disk is an error and not a signal."""
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def _allocated(path: Path, pixels: Pixels) -> Pixels:
    """Lay out the two large data sets, allocated early and never filled, on page boundaries."""
    import h5py

    shape = pixels.crops, pixels.size, pixels.size
    with h5py.File(path, "w", libver=FORMAT, locking=False, alignment_threshold=4096, alignment_interval=4096) as file:
        image = _contiguous(file, "image", (*shape, pixels.channels), np.dtype(pixels.dtype).newbyteorder("<"))
        mask = _contiguous(file, "mask", shape, np.dtype("u1"))
        return Pixels(pixels.crops, pixels.size, pixels.channels, pixels.dtype, image, mask)


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


def _refuse_small_disk(path: Path, pixels: Pixels) -> None:
    needed = pixels.crops * (pixels.image_bytes + pixels.mask_bytes) + SPARE
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise StoreError(
            f"{path}: the crop bank needs {needed} bytes ({needed / 1e9:.1f} GB) and its disk has {free} "
            f"({free / 1e9:.1f} GB); free space, set BENCH_HOME to another disk, or store fewer crops"
        )


def _sweep(path: Path) -> None:
    """Remove what killed writers of this bank left: a partial file that nobody holds the lock of."""
    for left in path.parent.iterdir():
        if left.name.startswith(f".{path.name}.") and left.suffix == ".partial":
            with suppress(OSError), left.open("rb") as file:  # gone by now, or locked: at work
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
