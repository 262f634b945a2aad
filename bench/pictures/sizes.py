"""How many panels a width has room for, and one legend for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import DataError
from bench.pictures.journals import MM, PAGE
from bench.pictures.style import panels_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST = 2.2
"""Inches of a panel with axes at least, where there is room for more than one."""
FLAT, LINE = 0.66, 0.16
"""Height of a panel as a share of its width, and inches of a line of letters."""
HANDLE, LETTER = 0.55, 0.062
"""Inches of an entry of a legend without its letters, and of a letter of 7 points."""


@dataclass(frozen=True, slots=True)
class Panels:
    """Panels of a figure in reading order; ``each`` axes below each other make one."""

    figure: Figure
    rows: Sequence[Sequence[Axes]]
    each: int

    @property
    def axes(self) -> list[Axes]:
        """The first axes of every panel."""
        return [axis for row in self.rows[:: self.each] for axis in row if axis.get_visible()]

    @property
    def pairs(self) -> Iterator[tuple[Axes, Axes]]:
        """The first and the last axes of every panel."""
        last = [axis for row in self.rows[self.each - 1 :: self.each] for axis in row if axis.get_visible()]
        return zip(self.axes, last, strict=True)

    def outer_labels_only(self, *, columns: bool = True) -> None:
        """Name the axes once for every row of panels, and for every column where these have the same scale."""
        for row in self.rows:
            for axis in row[1:]:
                axis.set_ylabel("")
        for upper, lower in pairwise(self.rows if columns else ()):
            for above, below in zip(upper, lower, strict=True):
                if below.get_visible():
                    above.set_xlabel("")

    def legend(self, handles: Sequence[Artist]) -> None:
        """One legend for all panels, above them and off the data."""
        across = columns_of([str(handle.get_label()) for handle in handles], self.figure.get_figwidth())
        self.figure.legend(handles=handles, loc="outside upper center", ncols=across, frameon=False, handlelength=2.6)


def columns_of(labels: Sequence[str], width: float) -> int:
    """The most columns of a legend that fit so many inches, each as wide as its longest label."""
    for across in range(len(labels), 1, -1):
        longest = [max(map(len, column)) for column in np.array_split(np.array(labels, object), across)]
        if sum(HANDLE + LETTER * letters for letters in longest) <= width:
            return across
    return 1


def panelled(count: int, width: float, each: int = 1) -> tuple[Figure, Panels]:
    """A figure of so many panels with axes, as many beside each other as have room.

    Raises:
        DataError: more than fit a page.
    """
    most = max(1, int(width / LEAST))
    rows = -(-count // most)
    columns = -(-count // rows)
    height = rows * (each * min(FLAT * width / columns, 1.9) + 2 * LINE) + 4 * LINE
    check_height(height, f"{count} panels", width)
    figure, axes = panels_of(each * rows, columns, (width, height))
    lines = [axes[start : start + columns] for start in range(0, len(axes), columns)]
    for number in range(count, rows * columns):
        for below in range(each):
            lines[each * (rows - 1) + below][number % columns].set_visible(False)
    return figure, Panels(figure, lines, each)


def check_height(height: float, what: str, width: float) -> None:
    """Refuse what does not fit a page.

    Raises:
        DataError: it is higher than a page, in words of what it shows.
    """
    if height > PAGE:
        raise DataError(
            f"{what} would be {height / MM:.0f} mm high at {width / MM:.0f} mm of width, and a page has "
            f"{PAGE / MM:.0f}; name fewer cells with --cell, or a larger --width"
        )
