"""What marks defects on Severstal images: run lengths in ``train.csv``, in two forms, or mask images of one class each.

Image ids are 9 hexadecimal digits, classes 1 to 4. ``EncodedPixels`` is pairs of start and length; pixels are counted
from 1, down the columns of 1600 x 256 pixels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.api import (
    Bool,
    DataError,
    Row,
    check_share,
    check_size,
    check_values,
    plural,
    read_csv,
    read_mask,
    release_files,
)

CLASSES = ("class 1", "class 2", "class 3", "class 4")
"""The release numbers its kinds of defect and names none."""
HEIGHT, WIDTH = 256, 1600
"""The grid that run lengths count on."""
MOST = 0.9
"""Masks of whole defects fill up to most of an image; one that fills more is taken for inverted."""
ROW = re.compile(r"(?P<id>[0-9a-f]{9})\.jpg_(?P<class>[1-4])")
MASK = r"([0-9a-f]{9}_[1-4])\.png"


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one image shows one class of defect: what a file, or a line in it, says."""

    defect: int
    """Number of the class, from 1."""
    file: Path
    where: str
    """The file, and the line in it, for messages."""
    pixels: Callable[[Path], Bool]
    """``bool[256, 1600]``, given the image, which has this size and is named where the mark does not fit it."""


Marks: TypeAlias = Mapping[str, Sequence[Mark]]
"""By image, in the order of the classes; none, or no entry, for a clean one."""


def marks_in_folder(folder: Path, images: Collection[str]) -> Marks:
    """Find the mask images ``{id}_{class}.png``.

    Raises:
        DataError: the folder is missing or holds none, or one has no image.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: the folder is missing; the setting 'masks' names it")
    found: dict[str, list[Mark]] = {}
    for key, path in release_files(folder, MASK)[0].items():
        id, _, defect = key.partition("_")
        found.setdefault(id, []).append(Mark(int(defect), path, str(path), partial(_drawn, path)))
    if not found:
        raise DataError(f"{folder}: holds no mask named like 0002cc93b_1.png")
    unused = sorted(found.keys() - set(images))
    if unused:
        raise DataError(
            f"{found[unused[0]][0].file}: its image {unused[0]}.jpg is missing "
            f"({plural(len(unused), 'such image')}); add it, or move the mask out of the data set"
        )
    return found


def _drawn(path: Path, image: Path) -> Bool:
    """What a mask image of one class marks: 0 is background, 1 or 255 the defect."""
    values = read_mask(path)
    check_size(values, WIDTH, HEIGHT, path, image)
    check_values(values, (0, 1, 255), path)
    marked: Bool = values != 0
    check_share(marked, MOST, path)
    return marked


def marks_in_table(path: Path, images: Collection[str]) -> Marks:
    """Read either form of ``train.csv``; runs are decoded when they are asked for.

    Rows of absent images are allowed, as in a subset.

    Raises:
        DataError: the file is cut off, is no such table, names what is no image or class, says something twice, or
            lacks an image in the form that has rows for clean ones too.
    """
    rows = read_csv(path, ("EncodedPixels",))
    _check_whole(path, rows)
    complete = "ImageId_ClassId" in rows[0].values
    if not complete and not {"ImageId", "ClassId"} <= rows[0].values.keys():
        raise DataError(
            f"{path}:1: the columns are {list(rows[0].values)}; there must be ImageId,ClassId,EncodedPixels or "
            "ImageId_ClassId,EncodedPixels"
        )
    found: dict[str, dict[int, Row]] = {}
    for row in rows:
        id, defect = _named(row, row["ImageId_ClassId"] if complete else f"{row['ImageId']}_{row['ClassId']}")
        first = found.setdefault(id, {}).setdefault(defect, row)
        if first is not row:
            raise DataError(f"{row.where}: class {defect} of {id}.jpg stands on line {first.line} already")
    marks: dict[str, list[Mark]] = {}
    for id, known in found.items():
        _check_rows(id, known, complete)
        marked = [(defect, row) for defect, row in sorted(known.items()) if _runs(row)]
        marks[id] = [Mark(defect, path, row.where, partial(decoded, row)) for defect, row in marked]
    lost = [id for id in images if id not in found] if complete else []
    if lost:
        raise DataError(
            f"{path}: no rows for {lost[0]}.jpg ({plural(len(lost), 'such image')}), but this form of the "
            "file has rows for clean images too; restore the original file"
        )
    return marks


def _check_whole(path: Path, rows: Sequence[Row]) -> None:
    """Refuse a table that was cut off: half a list of runs may be a valid one.

    Raises:
        DataError: there are no rows, or the last line does not end.
    """
    if not rows:
        raise DataError(f"{path}: has no rows, so every image would count as clean; restore the original file")
    with path.open("rb") as file:
        file.seek(-1, 2)
        if file.read() not in (b"\n", b"\r"):
            raise DataError(
                f"{path}:{rows[-1].line}: the last line does not end, so the file may be cut off; restore the original "
                "file, or end the line if it is whole"
            )


def _named(row: Row, name: str) -> tuple[str, int]:
    """Image id and class.

    Raises:
        DataError: the row names something else.
    """
    named = ROW.fullmatch(name)
    if not named:
        raise DataError(f"{row.where}: {name!r} is not an image like 0002cc93b.jpg with a class from 1 to 4 after it")
    return named["id"], int(named["class"])


def _runs(row: Row) -> str:
    return row["EncodedPixels"].strip()


def _check_rows(id: str, known: Mapping[int, Row], complete: bool) -> None:
    """Hold the rows of one image to the form of the table.

    Raises:
        DataError: the form with rows for clean images lacks one, or a row of the other form has no runs.
    """
    first = next(iter(known.values()))
    if complete and len(known) < len(CLASSES):
        raise DataError(
            f"{first.where}: {id}.jpg has rows for {len(known)} of {len(CLASSES)} classes; this form of the file has "
            "all of them, empty where there is no defect: restore the original file"
        )
    empty = [row for row in known.values() if not _runs(row)]
    if empty and not complete:
        raise DataError(f"{empty[0].where}: no runs, but this form of the file has rows for defects only")


def decoded(row: Row, _image: Path) -> Bool:
    """Decode the run lengths of a row to ``bool[256, 1600]``.

    Raises:
        DataError: not pairs of plain numbers, or runs that are empty, leave the image, overlap or lack order; names
            file and line.
    """
    starts, lengths = _pairs(row)
    ends = starts + lengths
    outside = (starts < 1) | (lengths < 1) | (ends > HEIGHT * WIDTH + 1)
    if outside.any():
        k = int(np.argmax(outside))
        raise DataError(f"{row.where}: the run {starts[k]} {lengths[k]} does not lie in pixels 1 to {HEIGHT * WIDTH}")
    mixed = starts[1:] < ends[:-1]
    if mixed.any():
        k = int(np.argmax(mixed))
        raise DataError(f"{row.where}: the run at {starts[k + 1]} begins before the one at {starts[k]} ends")
    steps = np.zeros(HEIGHT * WIDTH + 1, np.int8)
    steps[starts - 1] += 1
    steps[ends - 1] -= 1
    columns = np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_).reshape(WIDTH, HEIGHT)
    return np.ascontiguousarray(columns.T)


def _pairs(row: Row) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Starts and lengths as they stand there.

    Raises:
        DataError: something is not a number, or one lacks its partner.
    """
    words = _runs(row).split()
    wrong = [word for word in words if not (word.isascii() and word.isdigit() and len(word) < 8)]
    if wrong:
        raise DataError(f"{row.where}: {wrong[0][:20]!r} is neither a pixel nor a length")
    if len(words) % 2:
        raise DataError(f"{row.where}: {len(words)} numbers; runs are pairs of start and length")
    numbers = np.array(words, np.int64)
    return numbers[::2], numbers[1::2]
