"""Plates: rows of images for print, with vector text around them and never over them.

Pixels are embedded as they are; only an image with more of them than print shows is reduced, by a whole factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

    Raises:
        DataError: more rows than fit a page.
    """
    columns = max(len(row.tiles) for row in rows)
    shapes = [[tile.picture.shape[0] / tile.picture.shape[1] for tile in row.tiles if tile] for row in rows]
    flat = [max(found, default=1.0) for found in shapes]
    captions = [TEXT if any(tile and tile.caption for tile in row.tiles) else 0.0 for row in rows]
    around = TEXT * len(heads) + sum(captions) + GAP * len(rows) + (2 * TEXT if legend else 0.0)
    room = (PAGE - around) / sum(flat)
    narrowest = min(tile_width(columns, width), room)
    names = []
    for row, share in zip(rows, flat, strict=True):
        names.append(broken(row.name, max(1, int(narrowest * share / LETTER))))
    gutter = SIDE + TEXT * max(name.count("\n") for name in names)
    side = min(tile_width(columns, width, gutter), room)
    if side * min(flat) < SMALLEST:
        check_height(around + SMALLEST / min(flat) * sum(flat), f"{len(rows)} rows of images", width)
    height = around + side * sum(flat)
    drawn = _Drawn(blank((width, height)), width, height, columns, side, gutter)
    for number, line in enumerate(heads):
        drawn.heads(line, (number + 0.55) * TEXT)
    top = TEXT * len(heads)
    for row, name, share, below in zip(rows, names, flat, captions, strict=True):
        drawn.name(name, top + side * share / 2)
        drawn.row(row, top, side * share)
        top += side * share + below + GAP
    drawn.legend(legend)
    return drawn.figure


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A figure with its measures in inches; places count from its upper left corner."""

    figure: Figure
    width: float
    height: float
    columns: int
    side: float
    gutter: float

    def left(self, column: float) -> float:
        """Where a column begins; what the columns leave of the width lies at both sides."""
        taken = self.gutter + self.columns * self.side + (self.columns - 1) * GAP
        return (self.width - taken) / 2 + self.gutter + column * (self.side + GAP)

    def write(self, text: str, x: float, y: float, **how: object) -> None:
        """Write around a point, in letters of 7 points."""
        how = {"ha": "center", "va": "center", "fontsize": "small", "parse_math": False, **how}
        self.figure.text(x / self.width, 1 - y / self.height, text, **how)

    def heads(self, line: Sequence[Head], y: float) -> None:
        column = 0
        for head in line:
            last = column + head.span
            self.write(head.text, (self.left(column) + self.left(last) - GAP) / 2, y)
            column = last

    def name(self, name: str, middle: float) -> None:
        self.write(name, self.left(0) - self.gutter / 2, middle, rotation=90)

    def row(self, row: Row, top: float, high: float) -> None:
        for column, tile in enumerate(row.tiles):
            if tile is not None:
                self.tile(tile, self.left(column), top, high)

    def tile(self, tile: Tile, left: float, top: float, high: float) -> None:
        """An image in the middle of its place, pixel by pixel."""
        from matplotlib.patches import Rectangle

        rows, columns = tile.picture.shape[:2]
        scale = min(self.side / columns, high / rows)
        wide, tall = columns * scale, rows * scale
        x, y = left + (self.side - wide) / 2, top + (high - tall) / 2
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
            self.write(tile.caption, left + self.side / 2, top + high + 0.6 * TEXT)

    def legend(self, legend: Legend) -> None:
        from matplotlib.patches import Patch

        handles = []
        for name, colour in legend:
            handles.append(Patch(facecolor=[level / 255 for level in colour], label=name))
        if handles:
            self.figure.legend(
                handles=handles, loc="lower center", ncols=len(handles), frameon=False, borderaxespad=0.2,
                handlelength=1.0, handleheight=1.0,
            )  # fmt: skip
