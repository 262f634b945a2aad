"""One curve in a few lines of text: for a look at it where no picture can be shown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Point = tuple[float, float]
BLOCKS, PLAIN = " ▁▂▃▄▅▆▇█", " .:#"
"""What fills a place from its lower edge, from nothing to all of it; the second where there are only letters."""
HEIGHT = 6
"""Lines of the curve itself."""
MARGIN = 7
"""Columns left of it, for the scale."""
WIDEST = 72


@dataclass(frozen=True, slots=True)
class Curve:
    """Values of 0..1 over rising ``x``; ``marked`` is the x that was chosen, ``unit`` how many digits an x has."""

    title: str
    points: Sequence[Point]
    marked: float | None = None
    digits: int = 0


def plot(curve: Curve, width: int, *, ascii_only: bool = False) -> Iterator[str]:
    """The curve over the columns of a terminal, each column up to the value that holds there; in percent."""
    columns = min(width, WIDEST) - MARGIN
    first, last = curve.points[0][0], curve.points[-1][0]
    top = max(value for _, value in curve.points) or 1.0
    levels = PLAIN if ascii_only else BLOCKS
    heights = [_value_at(curve.points, first + (last - first) * column / (columns - 1)) for column in range(columns)]
    yield curve.title
    for row in range(HEIGHT - 1, -1, -1):
        scale = f"{100 * top:5.1f} " if row == HEIGHT - 1 else " " * (MARGIN - 1)
        yield (f"{scale}|" + "".join(_filled(levels, value / top * HEIGHT - row) for value in heights)).rstrip()
    yield f"{0:5.1f} +{'-' * columns}"
    yield _below(curve, columns)


def _value_at(points: Sequence[Point], x: float) -> float:
    """The value of the last point that is not beyond ``x``."""
    place = bisect_right(points, x + 1e-9, key=lambda point: point[0])
    return points[max(place - 1, 0)][1]


def _filled(levels: str, share: float) -> str:
    full = len(levels) - 1
    return levels[min(max(round(share * full), 0), full)]


def _below(curve: Curve, columns: int) -> str:
    """Both ends of the axis, and the mark with its value where it lies."""
    first, last = curve.points[0][0], curve.points[-1][0]
    ends = f"{first:.{curve.digits}f}", f"{last:.{curve.digits}f}"
    if curve.marked is None:
        return " " * MARGIN + ends[0] + ends[1].rjust(columns - len(ends[0]))
    place = round((curve.marked - first) / ((last - first) or 1) * (columns - 1))
    text = f"^ {curve.marked:.{curve.digits}f}"
    axis = [" "] * columns
    _put(axis, 0, ends[0])
    _put(axis, columns - len(ends[1]), ends[1])
    shown = text if place + len(text) <= columns else f"{text[2:]} ^"
    start = place if shown is text else place - len(shown) + 1
    for column in range(max(start - 1, 0), min(start + len(shown) + 1, columns)):
        axis[column] = " "  # an end that the mark covers
    _put(axis, start, shown)
    return (" " * MARGIN + "".join(axis)).rstrip()


def _put(axis: list[str], start: int, text: str) -> None:
    axis[start : start + len(text)] = text
