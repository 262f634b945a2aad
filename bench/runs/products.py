"""What a prediction of a new picture leaves: a map of probabilities, a mask, an overlay, as PNG files."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

from bench.errors import DataError, StoreError
from bench.images import write_png
from bench.pictures.overlay import overlay
from bench.types import Float32, Image

HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors that the next file will meet as well."""


def check_place(to: Path) -> None:
    """Make the output folder and try to write in it.

    Raises:
        StoreError: it cannot be made, or nothing can be written in it.
    """
    try:
        to.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=to):
            pass
    except OSError as error:
        raise StoreError(f"{to}: nothing can be written there ({error.strerror}); choose another --to") from None


def product_files(name: Path, products: Sequence[str]) -> dict[str, Path]:
    """The file of each product."""
    return {product: name.with_name(f"{name.name}.{product}.png") for product in products}


def check_new(files: Sequence[Path], picture: Path) -> None:
    """Refuse to replace what an earlier call wrote.

    Raises:
        DataError: one of the files is there already; names it and the picture.
    """
    for file in files:
        if os.path.lexists(file):
            raise DataError(f"{picture}: {file} is there already; --overwrite replaces it, another --to keeps it")


def write_products(files: dict[str, Path], image: Image, background: Float32, threshold: int) -> None:
    """Write products of ``image [H, W, C]`` from the probability of background ``float32[H, W]``: all, or none.

    ``threshold`` is k of k/1000.

    Raises:
        DataError: a file cannot be written.
        StoreError: none can, on this disk.
    """
    probability = 1 - background
    positive = probability >= np.float32(threshold / 1000)
    nowhere = np.zeros(positive.shape, np.uint8)  # without a truth every predicted pixel is drawn in red
    drawn: dict[str, Callable[[], Image]] = {
        "prob": lambda: (probability * 255).round().astype(np.uint8),
        "mask": lambda: positive.astype(np.uint8) * 255,
        "overlay": lambda: overlay(image, nowhere, positive),
    }
    temporary = {file: file.with_name(f".{uuid4().hex}.tmp") for file in files.values()}
    at = next(iter(temporary))
    try:
        for product, at in files.items():
            write_png(temporary[at], drawn[product]())
        for at in files.values():
            if at.is_dir():  # found before the first rename, so that none is made
                raise IsADirectoryError(errno.EISDIR, "a folder of this name is there")
        for at, written in temporary.items():
            written.replace(at)
    except OSError as error:
        raise _unwritten(at, error) from None
    finally:
        for written in temporary.values():
            with suppress(OSError):
                written.unlink()


def _unwritten(file: Path, error: OSError) -> DataError | StoreError:
    text = f"{file}: cannot be written ({error.strerror or error}); "
    if error.errno in HOPELESS:
        return StoreError(text + "free space or choose another --to, then repeat: what is written stays")
    if error.errno == errno.ENAMETOOLONG:
        return DataError(text + "give the picture a shorter name")
    return DataError(text + "choose another --to")
