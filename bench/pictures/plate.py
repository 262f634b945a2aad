"""Plates: rows of images for print, with vector text around them and never over them.

Pixels are embedded as they are; only an image with more of them than print shows is reduced, by a whole factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.pictures.journals import MM, PAGE
from bench.pictures.overlay import Colour
from bench.pictures.sizes import LETTER, check_height
from bench.pictures.style import AMBER, PRINT_DPI, blank, broken

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP, TEXT, SIDE = 1 * MM, 3.2 * MM, 4 * MM
"""Inches between tiles, of a line of letters above or below them, and of one line of the names of rows at the left."""
SMALLEST = 8 * MM
"""Inches that a tile is high at least: smaller ones show nothing."""
TALLEST = 0.4
"""Width by height of a column at least, as its tiles have captions below them; the widest is as wide the other way."""
Legend = Sequence[tuple[str, tuple[int, int, int]]]
"""Names with the colours of 0..255 that they stand for."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One image as RGB, with a short line under it, and a square drawn where other tiles show a part of it.

    ``square`` is top, left, height and width as shares of the image.
    """

    picture: Colour
    caption: str = ""
    square: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a plate by its name; where an image is missing its place stays empty."""

    name: str
    tiles: Sequence[Tile | None]


@dataclass(frozen=True, slots=True)
class Head:
    """Words above as many columns as they ``span``."""

    text: str
    span: int = 1


def pixels(inches: float) -> int:
    """Pixels that print shows along so many inches."""
    return round(PRINT_DPI * inches)


def tile_width(columns: int, width: float, gutter: float = SIDE) -> float:
    """Inches that a column of a plate has at most, beside a ``gutter`` with the names of rows."""
    return (width - gutter - GAP * (columns - 1)) / columns


def plate(rows: Sequence[Row], width: float, *, heads: Sequence[Sequence[Head]] = (), legend: Legend = ()) -> Figure:
    """Set rows below each other, ``width`` inches wide; tiles are smaller where their height would not fit a page.

    A column of wide images is wider than one of tall ones, so that the tiles of a row are about as high.

    Raises:
        DataError: more rows than fit a page.
    """
    shares = _shares(rows)
    flat = [_height(row, shares) for row in rows]
    captions = [TEXT if any(tile and tile.caption for tile in row.tiles) else 0.0 for row in rows]
    around = TEXT * len(heads) + sum(captions) + GAP * len(rows) + (2 * TEXT if legend else 0.0)
    room = (PAGE - around) / sum(flat)
    narrow = min(tile_width(len(shares), width), room)
    names = [broken(row.name, max(1, int(narrow * high / LETTER))) for row, high in zip(rows, flat, strict=True)]
    gutter = SIDE + TEXT * max(name.count("\n") for name in names)
    side = min(tile_width(len(shares), width, gutter), room)
    if side * min(flat) < SMALLEST:
        check_height(around + SMALLEST / min(flat) * sum(flat), f"{len(rows)} rows of images", width)
    height = around + side * sum(flat)
    drawn = _Drawn(blank((width, height)), width, height, [side * share for share in shares], gutter)
    top = drawn.heads(heads)
    for row, name, high, below in zip(rows, names, flat, captions, strict=True):
        drawn.row(row, name, top, side * high)
        top += side * high + below + GAP
    drawn.legend(legend)
    return drawn.figure


def _height(row: Row, shares: Sequence[float]) -> float:
    """Height of a row where columns are as wide as their shares: that of its tallest tile."""
    found = [share / _aspect(tile) for tile, share in zip(row.tiles, shares, strict=True) if tile]
    return max(found, default=1.0)


def _aspect(tile: Tile) -> float:
    """Width by height."""
    height, width = tile.picture.shape[:2]
    return float(width / height)


def _shares(rows: Sequence[Row]) -> list[float]:
    """How wide each column is, 1 on average: in proportion to its images, as far as captions below them have room."""
    columns = max(len(row.tiles) for row in rows)
    aspects = []
    for column in range(columns):
        found = [_aspect(tile) for row in rows if (tile := row.tiles[column])]
        aspects.append(min(max(float(np.median(found or [1.0])), TALLEST), 1 / TALLEST))
    return [columns * aspect / sum(aspects) for aspect in aspects]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A figure with its measures in inches; places count from its upper left corner."""

    figure: Figure
    width: float
    height: float
    sides: Sequence[float]
    gutter: float

    def left(self, column: int) -> float:
        """Where a column begins; what the columns leave of the width lies at both sides."""
        taken = self.gutter + sum(self.sides) + (len(self.sides) - 1) * GAP
        return (self.width - taken) / 2 + self.gutter + sum(self.sides[:column]) + column * GAP

    def write(self, text: str, x: float, y: float, **how: Any) -> None:
        """Write around a point, in letters of 7 points."""
        how = {"ha": "center", "va": "center", "fontsize": "small", "parse_math": False, **how}
        self.figure.text(x / self.width, 1 - y / self.height, text, **how)

    def heads(self, lines: Sequence[Sequence[Head]]) -> float:
        """Write the words above the columns; returns where the rows begin."""
        for number, line in enumerate(lines):
            column = 0
            for head in line:
                last = column + head.span - 1
                middle = (self.left(column) + self.left(last) + self.sides[last]) / 2
                self.write(head.text, middle, (number + 0.55) * TEXT)
                column = last + 1
        return TEXT * len(lines)

    def row(self, row: Row, name: str, top: float, high: float) -> None:
        self.write(name, self.left(0) - self.gutter / 2, top + high / 2, rotation=90)
        for column, tile in enumerate(row.tiles):
            if tile is not None:
                self.tile(tile, self.left(column), top, self.sides[column], high)

    def tile(self, tile: Tile, left: float, top: float, side: float, high: float) -> None:
        """An image in the middle of its place, pixel by pixel."""
        from matplotlib.patches import Rectangle

        rows, columns = tile.picture.shape[:2]
        scale = min(side / columns, high / rows)
        wide, tall = columns * scale, rows * scale
        x, y = left + (side - wide) / 2, top + (high - tall) / 2
        place = (x / self.width, 1 - (y + tall) / self.height, wide / self.width, tall / self.height)
        axis = self.figure.add_axes(place)
        axis.imshow(tile.picture, interpolation="none", aspect="auto")
        axis.set_axis_off()
        if tile.square:
            first, begin, tall, wide = tile.square
            edge = Rectangle((begin, 1 - first - tall), wide, tall, transform=axis.transAxes)
            edge.set(fill=False, edgecolor=AMBER, linewidth=0.9)
            axis.add_patch(edge)
        if tile.caption:
            self.write(tile.caption, left + side / 2, top + high + 0.6 * TEXT)

    def legend(self, legend: Legend) -> None:
        from matplotlib.patches import Patch

        handles = []
        for name, colour in legend:
            handles.append(Patch(facecolor="#{:02x}{:02x}{:02x}".format(*colour), label=name))
        if handles:
            self.figure.legend(
                handles=handles, loc="lower center", ncols=len(handles), frameon=False, borderaxespad=0.2,
                handlelength=1.0, handleheight=1.0,
            )  # fmt: skip
