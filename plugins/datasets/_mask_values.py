"""What the values of people's own masks mean: defect or not by a threshold, or numbers of classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from bench_plugins.datasets._settings import check_threshold

from bench.api import (
    LOSSY_TYPES,
    Bool,
    Colour,
    DataError,
    Indices,
    Mask,
    SettingsError,
    check_drawn,
    read_indices,
    read_mask,
    read_palette,
)

Palette: TypeAlias = Literal["shown", "index"]
"""What the number of a class is in a file with a palette: the grey level that it shows, or the index."""

Masks: TypeAlias = Literal["binary", "classes"]
"""What the values of masks are: defect or not, or numbers of classes."""
OR_CLASSES = ", or save class numbers and set 'masks_are: classes'"

NOISE, FEW_LEVELS = 16, 10
"""Levels by which a lossy file may miss what was drawn, and how many codes of classes have at most."""
HALF = 128
"""The level from which on a mask marks a defect, unless a setting says another."""
FLAT = 9
"""So many pixels of one level make a flat area; edges that were smoothed have a few by chance."""


Declared: TypeAlias = Mapping[int, Mapping[Colour, Path]]
"""Index to its colours in the palettes of a data set, each with the first file that has it."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A defect where a mask holds ``threshold`` or more; where it holds less, if ``invert``.

    Without ``threshold`` it is 128, and a mask must leave no doubt about that. ``otherwise`` ends the advice on masks
    that do not fit.
    """

    threshold: int | None
    invert: bool = False
    otherwise: str = ""

    def read(self, file: Path, _declared: Callable[[], Declared] | None = None, /) -> Mask:
        """1 for a defect.

        Raises:
            DataError: the mask would pass for another one: a photograph; no value that high; or, without ``threshold``,
                flat areas of several levels, as codes of classes in grey are.
        """
        values = read_mask(file)
        check_drawn(values, file)
        threshold = self.threshold or HALF
        if self.invert:
            values, threshold = 255 - values, 256 - threshold
        self._check_reached(values, threshold, file)
        if self.threshold is None:
            self._check_flat(values, file)
        return (values >= threshold).astype(np.uint8)

    def _check_flat(self, values: Mask, file: Path) -> None:
        """Refuse a mask of several flat levels, of which nobody said where defects begin.

        Levels above the threshold count too where there are few in all: among many they are edges and noise.
        """
        few = file.suffix.lower() not in LOSSY_TYPES and np.unique(values).size <= FEW_LEVELS
        flat = _flat_levels(values, 1 if few else NOISE)
        if not flat or (flat[0] >= HALF and not few):
            return
        top = int(values.max())
        count = "count as background" if flat[0] < HALF else "all count as defects"
        thresholds = dict.fromkeys((self._taking(flat[0]), self._taking(top)))
        raise DataError(
            f"{file}: flat areas of grey {self._shown([*flat, top] if flat[0] >= HALF else flat)} would {count}; set "
            f"'mask_threshold: {self._taking(flat[0])}' if they mark defects, 'mask_threshold: {self._taking(top)}' if "
            f"grey {self._shown([top])} alone does, or save the mask with 0 and 255{self.otherwise}",
            remedies=[{"mask_threshold": threshold} for threshold in thresholds],
        )

    def _check_reached(self, values: Mask, threshold: int, file: Path) -> None:
        """Refuse a mask that has something in it and would pass for clean."""
        lowest, largest = int(values.min(initial=255)), int(values.max(initial=0))
        if not 0 < largest < threshold:
            return
        shown = self._shown([largest])
        if lowest == largest:
            raise DataError(
                f"{file}: every pixel of it is {shown}; save it with {self._shown([0])} if it is clean, or with "
                f"{self._shown([255])} if all of it is a defect"
            )
        taken = f"'mask_threshold: {self._taking(largest)}' if that marks a defect"
        remedies = [{"mask_threshold": self._taking(largest)}]
        if np.count_nonzero(values == largest) < FLAT:
            remedies = []
            taken = "'mask_threshold' to the level at which a defect begins"
        raise DataError(
            f"{file}: its {'lowest' if self.invert else 'largest'} value is {shown}, so no pixel reaches "
            f"mask_threshold {self.threshold or HALF}; set {taken}, or save the mask with 0 and 255{self.otherwise}",
            remedies=remedies,
        )

    def _shown(self, levels: Sequence[int]) -> str:
        """Levels as they stand in the file, four at most."""
        return ", ".join(str(255 - level if self.invert else level) for level in levels[:4])

    def _taking(self, level: int) -> int:
        """The ``mask_threshold`` from which on a level marks a defect."""
        return 256 - level if self.invert else level


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of classes; ``palette`` says what they are in a file with one, None that it must be plain."""

    palette: Palette | None

    def read(self, file: Path, declared: Callable[[], Declared], /) -> Mask:
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
                _check_agree(found, file, declared())
        return found.values


Values: TypeAlias = Binary | Numbers
"""How the values of masks are meant."""


def values_meant(
    masks_are: Masks, mask_threshold: int | None, invert: bool, palette: Palette | None, classes: Sequence[str]
) -> Values:
    """How values are meant by the settings of a reader of people's own masks.

    Raises:
        SettingsError: settings that contradict each other.
    """
    if masks_are == "binary" and len(classes) != 1:
        raise SettingsError(f"binary masks know one class, not {list(classes)}; set 'masks_are: classes'")
    if masks_are == "classes" and invert:
        raise SettingsError(
            "invert exchanges background and defect of binary masks; numbers of classes have no opposite"
        )
    if masks_are == "binary" and palette == "index":
        raise SettingsError("palette: index is for numbers of classes; set 'masks_are: classes' with it")
    if mask_threshold is not None:
        check_threshold(mask_threshold)
    return Binary(mask_threshold, invert, OR_CLASSES) if masks_are == "binary" else Numbers(palette)


def _flat_levels(values: Mask, apart: int) -> list[int]:
    """Levels between the lowest and the highest one that fill areas, or lines with nothing brighter beside.

    Levels of smoothed edges do not: their pixels have brighter and darker neighbours. Where they fade out, and where a
    lossy file missed what was drawn, levels next to the two do: only those ``apart`` from them, or farther, count.
    """
    import cv2

    lowest, highest = int(values.min(initial=255)), int(values.max(initial=0))
    between = (values >= lowest + apart) & (values <= highest - apart)
    if not between.any():
        return []
    square, cross = np.ones((3, 3), np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    drawn = np.where(values == lowest, np.uint8(255), values)
    alone = (cv2.dilate(values, square) == values) & (cv2.erode(drawn, square) == values)
    inside = (cv2.dilate(values, cross) == values) & (cv2.erode(values, cross) == values)
    flat: Bool = (alone | inside) & between
    counts = np.bincount(values[flat], minlength=256)
    return [int(level) for level in np.flatnonzero(counts >= FLAT)]


def _check_plain(found: Indices, file: Path) -> None:
    """Refuse a palette whose indices may not be class numbers."""
    moved = [index for index, colour in found.colours.items() if found.are_grey and colour[0] != index]
    if moved:
        raise DataError(
            f"{file}: its palette shows index {moved[0]} as grey {found.colours[moved[0]][0]}, and either may be the "
            "number of the class; set 'palette: index' or 'palette: shown'",
            remedies=({"palette": "index"}, {"palette": "shown"}),
        )
    if found.colours.get(0, (0, 0, 0)) != (0, 0, 0):
        raise DataError(
            f"{file}: its palette shows index 0, the background, as colour {found.colours[0]} and not as black; set "
            "'palette: index' if indices are class numbers all the same, else save class numbers",
            remedies=({"palette": "index"},),
        )


def _check_agree(found: Indices, file: Path, declared: Declared) -> None:
    """Refuse palettes that differ from file to file: then one index stands for several things."""
    for index, colour in found.colours.items():
        for other, first in declared.get(index, {}).items():
            if other != colour:
                raise DataError(
                    f"{file}: index {index} is colour {colour} here and {other} in {first}; files were saved with "
                    "palettes of their own: save class numbers, or one palette for all"
                )


def declared_colours(files: Sequence[Path]) -> Declared:
    """What the palettes of all masks of a data set declare; black, with which palettes are filled up, says nothing."""
    found: dict[int, dict[Colour, Path]] = {}
    for file in files:
        try:
            palette = read_palette(file)
        except DataError:
            continue  # its own reading says what is wrong with it
        for index, colour in enumerate(palette):
            if colour != (0, 0, 0):
                found.setdefault(index, {}).setdefault(colour, file)
    return found
