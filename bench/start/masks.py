"""What the levels of a user's masks mean: settings where only one reading makes sense, nothing where none is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import DataError
from bench.images import read_indices, read_mask
from bench.threads import ordered
from bench.types import IGNORED, JsonValue, Mask

MOST_CLASSES = 20
"""More different small levels than this are no numbers of classes."""
HALF = 128
"""The level from which on a mask marks a defect, unless the setting ``mask_threshold`` says another."""
NAME_FILES = ("class_names.txt", "classes.txt", "labels.txt")
"""Files in which people list their classes, one a line, the background among them or not."""


@dataclass(frozen=True, slots=True)
class Levels:
    """In how many masks each level occurs; ``unread`` masks are in colour, or damaged."""

    masks: int
    of: Mapping[int, int]
    palette: bool
    unread: int

    @property
    def marked(self) -> tuple[int, ...]:
        """Levels besides 0, ascending."""
        return tuple(sorted(level for level in self.of if level))

    @property
    def sentence(self) -> str:
        """``0, 255`` or, of many, the ends and how many there are."""
        found = sorted(self.of)
        if len(found) <= 8:
            return ", ".join(map(str, found))
        return f"{len(found)} from {found[0]} to {found[-1]} (soft edges or JPEG); {HALF} and more mark a defect"


@dataclass(frozen=True, slots=True)
class Meaning:
    """Settings of a reader of people's own masks, and why each, with the alternative."""

    settings: Mapping[str, JsonValue]
    why: Mapping[str, str]


def levels_of(files: Sequence[Path]) -> Levels:
    """Read masks and count in how many each level occurs; of a coloured palette the indices are taken."""
    found: Counter[int] = Counter()
    unread = palette = 0
    for values, coloured in ordered(_values, files, 2):
        palette += coloured
        if values is None:
            unread += 1
        else:
            found.update(np.flatnonzero(np.bincount(values.ravel(), minlength=256)).tolist())
    return Levels(len(files), dict(found), bool(palette), unread)


def _values(file: Path) -> tuple[Mask | None, bool]:
    """Levels of a mask, or indices where its palette is in colour, which is told too."""
    try:
        return read_mask(file), False
    except DataError:
        try:
            indices = read_indices(file)
        except DataError:
            return None, False
        return indices.values, True


def meaning(root: Path, levels: Levels, given: Iterable[str]) -> Meaning:
    """What the levels mean, unless settings ``given`` by the user say so; what is open is left to the reader to refuse.

    Raises:
        DataError: no mask marks anything, or small numbers and 255 may be two things.
    """
    if {"masks_are", "mask_threshold", "invert", "palette"} & set(given):
        return Meaning({}, {})
    marked = levels.marked
    if not marked and not levels.unread:
        raise DataError(
            f"{root}: none of {levels.masks} masks looked at marks anything, all of their pixels are 0; name the "
            "folder of the right masks with --masks FOLDER"
        )
    if marked == (1,):
        why = "masks hold 0 and 1, so 1 is a defect"
        return Meaning({"mask_threshold": 1}, {"mask_threshold": why})
    numbers = tuple(level for level in marked if level != IGNORED)
    if numbers == (1,) and not levels.palette:
        raise DataError(
            f"{root}: masks hold 0, 1 and 255; say what they are: --set mask_threshold=1 (1 and 255 are defects), "
            "--set mask_threshold=255 (255 alone is), or --set masks_are=classes (1 is a defect, 255 is left out of "
            "training and scoring)"
        )
    if numbers and numbers == tuple(range(1, len(numbers) + 1)) and len(numbers) <= MOST_CLASSES:
        return _classes(root, levels, len(numbers))
    if len(marked) == 1 and marked[0] < 255:
        why = f"masks hold 0 and {marked[0]}, so {marked[0]} is a defect"
        return Meaning({"mask_threshold": marked[0]}, {"mask_threshold": why})
    return Meaning({}, {})


def _classes(root: Path, levels: Levels, count: int) -> Meaning:
    names, source = _names(root, count)
    ignored = " and 255 is left out of training and scoring" if IGNORED in levels.of else ""
    instead = "" if levels.palette else "; were all of them one kind of defect, 'mask_threshold: 1' alone would say so"
    why = {
        "masks_are": f"masks hold 0 to {count}, which are taken for numbers of classes{ignored}{instead}",
        "classes": f"names of 1 to {count}: {source}",
    }
    return Meaning({"masks_are": "classes", "classes": list(names)}, why)


def _names(root: Path, count: int) -> tuple[Sequence[str], str]:
    """Names of the classes, from a file of the user where there is one that fits, and where they are from."""
    for name in NAME_FILES:
        file = root / name
        lines = _lines(file)
        if len(set(lines)) == len(lines) and len(lines) in (count, count + 1):
            return lines[-count:], f"from {name}"
    return [f"class {number}" for number in range(1, count + 1)], "write your own"


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]
