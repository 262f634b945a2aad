"""What the values of people's own masks mean: defect or not by a threshold, or numbers of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np

from bench.api import LOSSY_TYPES, Bool, DataError, Indices, Mask, check_drawn, read_indices, read_mask, read_palette

Palette: TypeAlias = Literal["shown", "index"]
"""What the number of a class is in a file with a palette: the grey level that it shows, or the index."""

NOISE, FEW_LEVELS = 16, 10
"""Levels by which a lossy file may miss what was drawn, and how many codes of classes have at most."""
FLAT = 9
"""So many pixels of one level make a flat area; edges that were smoothed have a few by chance."""


class Values(Protocol):
    """How the values of masks are meant."""

    def read(self, file: Path, all: Sequence[Path], /) -> Mask:
        """Class numbers ``uint8[H, W]`` of one of ``all`` masks of the data set."""
        ...


@dataclass(frozen=True, slots=True)
class Binary:
    """A defect where a mask holds ``threshold`` or more; where it holds less, if ``invert``.

    ``otherwise`` ends the advice on masks that do not fit.
    """

    threshold: int
    invert: bool = False
    otherwise: str = ""

    def read(self, file: Path, _all: Sequence[Path] = (), /) -> Mask:
        """1 for a defect.

        Raises:
            DataError: the mask would pass for another one: a photograph; no value that high; or flat areas of a level
                that would count as background, as codes of classes in grey are.
        """
        values, threshold = read_mask(file), self.threshold
        if self.invert:
            values, threshold = 255 - values, 256 - threshold
        check_drawn(values, file)
        largest = int(values.max(initial=0))
        if 0 < largest < threshold and not self.invert:
            raise DataError(
                f"{file}: its largest value is {largest}, so no pixel reaches mask_threshold {threshold}; set "
                f"'mask_threshold: {largest}' if that marks a defect, or save the mask with 0 and 255{self.otherwise}"
            )
        lost = _flat_levels(values, threshold, file)
        if lost:
            levels = [255 - level if self.invert else level for level in lost]
            shown = ", ".join(map(str, levels[:4]))
            lowest = levels[0] + 1 if self.invert else levels[0]
            raise DataError(
                f"{file}: flat areas of grey {shown} would count as background; set 'mask_threshold: {lowest}' if they "
                f"mark defects, or save the mask with 0 and 255{self.otherwise}"
            )
        return (values >= threshold).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of classes; ``palette`` says what they are in a file with one, None that it must be plain."""

    palette: Palette | None

    def read(self, file: Path, all: Sequence[Path], /) -> Mask:
        """Values as stored; whether there are such classes is not asked.

        Without ``palette`` a file with one is read where its meaning is plain: its indices are the grey levels that it
        shows, or stand for colours, from a black 0 on, and all files agree on them.

        Raises:
            DataError: a file type that may change numbers, or a palette of which both readings are possible.
        """
        if file.suffix.lower() in LOSSY_TYPES:
            raise DataError(f"{file}: files of type {file.suffix} may change class numbers; save masks as PNG")
        if self.palette == "shown":
            return read_mask(file)
        found = read_indices(file)
        if self.palette is None and found.colours:
            _check_plain(found, file)
            if not found.are_grey:
                _check_agree(found, file, all)
        return found.values


def _flat_levels(values: Mask, threshold: int, file: Path) -> list[int]:
    """Levels between the lowest one and ``threshold`` that fill areas, or lines with nothing brighter beside.

    Levels of smoothed edges do not: their pixels have brighter and darker neighbours. Where they fade out, and where a
    lossy file missed the background, levels next to it do; among few levels in all there is neither.
    """
    import cv2

    background = int(values.min(initial=255))
    exact = file.suffix.lower() not in LOSSY_TYPES and np.unique(values).size <= FEW_LEVELS
    first = background + (1 if exact else NOISE)
    if not np.bincount(values.ravel(), minlength=256)[first:threshold].any():
        return []
    square, cross = np.ones((3, 3), np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    drawn = np.where(values == background, np.uint8(255), values)
    alone = (cv2.dilate(values, square) == values) & (cv2.erode(drawn, square) == values)
    inside = (cv2.dilate(values, cross) == values) & (cv2.erode(values, cross) == values)
    flat: Bool = (alone | inside) & (values >= first) & (values < threshold)
    counts = np.bincount(values[flat], minlength=256)
    return [int(level) for level in np.flatnonzero(counts >= FLAT)]


def _check_plain(found: Indices, file: Path) -> None:
    """Refuse a palette whose indices may not be class numbers."""
    moved = [index for index, colour in found.colours.items() if found.are_grey and colour[0] != index]
    if moved:
        raise DataError(
            f"{file}: its palette shows index {moved[0]} as grey {found.colours[moved[0]][0]}, and either may be the "
            "number of the class; set 'palette: index' or 'palette: shown'"
        )
    if found.colours.get(0, (0, 0, 0)) != (0, 0, 0):
        raise DataError(
            f"{file}: its palette shows index 0, the background, as colour {found.colours[0]} and not as black; set "
            "'palette: index' if indices are class numbers all the same, else save class numbers"
        )


def _check_agree(found: Indices, file: Path, all: Sequence[Path]) -> None:
    """Refuse palettes that differ from file to file: then one index stands for several things."""
    first = next(other for other in all if read_palette(other))
    colours = read_palette(first)
    for index, colour in found.colours.items():
        if index < len(colours) and colours[index] != colour:
            raise DataError(
                f"{file}: index {index} is colour {colour} here and {colours[index]} in {first}; each file was saved "
                "with a palette of its own: save class numbers, or one palette for all"
            )
