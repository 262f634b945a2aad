"""Effects of an axis with their intervals: means of its levels, and differences to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from bench.pictures.pareto import SIGNS
from bench.pictures.sizes import LETTER, Panels, check_height
from bench.pictures.style import BLACK, COLOURS, INK, MORE_COLOURS, broken, lettered, panels_of
from bench.report.effects import Effects, InteractionLine, Interval
from bench.report.measures import heading

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, MORE = 0.26, 0.13
"""Inches of a level, and of each level of another axis below it."""
PANEL = 0.4
"""Share of the figure that the letters below a panel may take."""
ALL = "all"
PARTS = tuple(colour for colour in COLOURS + MORE_COLOURS if colour != BLACK)
"""Colours of the levels of another axis; what is over all is black."""
Mark = tuple[str, str]
"""Colour and sign."""


def effects_figure(effects: Effects, width: float, other: str | None) -> Figure:
    """Means (a) and differences (b) with intervals of 95 %, ``width`` inches wide; ``other`` parts (b) by that axis.

    Raises:
        DataError: more levels than fit a page.
    """
    parted = [one for one in effects.interactions if one.other_axis == other]
    others = list(dict.fromkeys(one.other for one in parted))
    marks = dict(zip(others, cycle(zip(PARTS, SIGNS[1:], strict=False)), strict=False))
    height = len(effects.levels) * (ROW + MORE * len(others)) + 0.8
    check_height(height, f"{len(effects.levels)} levels", width)
    figure, axes = panels_of(1, 2, (width, height), sharey=True)
    places = [-float(number) for number in range(len(effects.levels))]
    _means(axes[0], effects, places)
    _differences(axes[1], effects, places, parted, marks)
    unit = " [points]" if effects.measure.percent else ""
    text = f"difference to {effects.reference}{unit}"
    axes[1].set_xlabel(broken(text, int(PANEL * width / LETTER)), parse_math=False)
    names = [f"{one.level}  {one.tie}" if one.tie else one.level for one in effects.levels]
    axes[0].set_yticks(places, names, parse_math=False)
    axes[0].set_ylim(places[-1] - 0.6, 0.6)
    for number, axis in enumerate(axes):
        axis.set_title(lettered(number), loc="left")
        axis.grid(visible=False, axis="y")
        axis.tick_params(axis="y", length=0)
    if others:
        Panels(figure, [axes], 1).legend(_legend(marks))
    return figure


def _means(axis: Axes, effects: Effects, places: Sequence[float]) -> None:
    scale = 100 if effects.measure.percent else 1
    for one, place in zip(effects.levels, places, strict=True):
        _point(axis, one.mean * scale, _scaled(one.interval, scale), place, (BLACK, "o"))
    axis.set_xlabel(_mathematical(heading(effects.measure)))


def _differences(
    axis: Axes,
    effects: Effects,
    places: Sequence[float],
    parted: Sequence[InteractionLine],
    marks: dict[str, Mark],
) -> None:
    """Of every level over all, and below it in every level of the other axis; the dotted line is no difference."""
    scale = 100 if effects.measure.percent else 1
    step = MORE / (ROW + MORE * len(marks))
    top = step * len(marks) / 2
    axis.axvline(0, color=INK, linestyle=":")
    for one, place in zip(effects.levels, places, strict=True):
        if one.difference is not None:
            _point(axis, one.difference * scale, _scaled(one.difference_interval, scale), place + top, (BLACK, "o"))
        for number, (name, mark) in enumerate(marks.items(), start=1):
            for found in parted:
                if (found.level, found.other) == (one.level, name):
                    interval = _scaled(found.difference_interval, scale)
                    _point(axis, found.difference * scale, interval, place + top - number * step, mark)


def _point(axis: Axes, value: float, interval: Interval | None, place: float, mark: Mark) -> None:
    """A value with its interval, open unless it is of all combinations."""
    colour, sign = mark
    if interval is not None:
        axis.plot(interval, (place, place), color=colour, solid_capstyle="butt")
    face = colour if colour == BLACK else "white"
    axis.plot(value, place, sign, color=colour, markerfacecolor=face)


def _scaled(interval: Interval | None, scale: float) -> Interval | None:
    return None if interval is None else (interval[0] * scale, interval[1] * scale)


def _legend(marks: dict[str, Mark]) -> list[Artist]:
    from matplotlib.lines import Line2D

    handles: list[Artist] = [Line2D([], [], color=BLACK, marker="o", label=ALL)]
    for name, (colour, sign) in marks.items():
        shown = name.replace("$", r"\$")  # a label is no formula
        handles.append(Line2D([], [], color=colour, marker=sign, markerfacecolor="white", label=shown))
    return handles


def _mathematical(text: str) -> str:
    """``F1_T [%]`` with its index set low."""
    sign, _, index = text.partition("_")
    low, space, rest = index.partition(" ")
    return f"{sign}$_{{{low}}}${space}{rest}" if index else text
