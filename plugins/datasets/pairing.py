"""Images and masks in two folders, paired by name: for readers of people's own data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bench.api import DataError, Mask, visible

TYPES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def picture_files(folder: Path) -> list[Path]:
    """Files of image types in and below a folder, hidden ones left out, in a stable order.

    Raises:
        DataError: the folder is missing, or links to another one inside.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder}: the folder is missing; images and masks have a folder each, named by the settings 'images' "
            "and 'masks'"
        )
    return sorted(_below(folder))


def _below(folder: Path) -> Iterable[Path]:
    for path in visible(folder):
        if path.is_dir() and path.is_symlink():
            raise DataError(f"{path}: a link to a folder would show its images twice; name the folder itself instead")
        if path.is_dir():
            yield from _below(path)
        elif path.suffix.lower() in TYPES and path.is_file():
            yield path


def by_name(folder: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Files by their path below the folder without file type.

    Raises:
        DataError: two files differ in nothing but their type.
    """
    named: dict[str, Path] = {}
    for path in files:
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in named:
            raise DataError(f"{path}: {named[name].name} beside it has the same name; keep one of the two")
        named[name] = path
    return named


def marked(values: Mask, threshold: int, file: Path, advice: str) -> Mask:
    """1 where a mask holds ``threshold`` or more.

    Raises:
        DataError: the mask has values, but none that high: it would pass for clean. ``advice`` ends the message.
    """
    largest = int(values.max(initial=0))
    if 0 < largest < threshold:
        raise DataError(
            f"{file}: its largest value is {largest}, so no pixel reaches mask_threshold {threshold}; {advice}"
        )
    return (values >= threshold).astype(np.uint8)
