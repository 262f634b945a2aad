"""The plot of score against cost, with its Pareto fronts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING

import numpy as np

from bench.pictures.sizes import panelled
from bench.pictures.style import COLOURS, GREY, MORE_COLOURS, blank, broken, lettered, plain, write_figure
from bench.report.naming import slug
from bench.report.shape import CostLine

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

PANELS = {
    "image_latency_s": ("ms per image", 1e3),
    "train_s": ("training seconds", 1.0),
    "parameters": ("millions of parameters", 1e-6),
}
"""Cost to its words and what it is multiplied by."""
SIGNS = (*"osD^vP*X<>phd", *(f"${letter}$" for letter in ascii_uppercase))
"""No two rows share one before there are forty."""
LETTER, ENTRY = 0.085, 0.2
"""Inches that a letter is wide, and a line of the legend or the heading high."""
FILLED = "filled: no other position has a higher F1 at no more cost"


def pareto_plot(lines: Sequence[CostLine], *, title: str = "") -> Figure | None:
    """Validation F1 over every cost that has a front, one panel each; None where there is no front."""
    panels = fronts_of(lines)
    if not panels:
        return None
    marks = _Marks.of(lines)
    names = [*marks.colours, *marks.signs]
    width = 1.4 + 2.8 * len(panels) + LETTER * max(map(len, names))
    heading = broken(f"{title}   {FILLED}", int(width / LETTER))
    height = max(3.3, ENTRY * len(names)) + ENTRY * (1 + heading.count("\n"))
    figure = blank((width, height))
    figure.set_layout_engine("constrained")
    for axis, cost in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True):
        _panel(axis, lines, cost, marks, 7)
    figure.axes[0].set_ylabel("validation F1")
    figure.legend(handles=marks.legend(), loc="outside right center", fontsize="small", frameon=False)
    figure.suptitle(heading, x=0.01, ha="left", fontsize=9, parse_math=False)
    return figure


def pareto_panels(lines: Sequence[CostLine], width: float) -> Figure:
    """The same for print, ``width`` inches wide, without a title, of lines that have a front.

    Raises:
        DataError: more panels than fit a page.
    """
    costs = fronts_of(lines)
    marks = _Marks.of(lines)
    figure, panels = panelled(len(costs), width)
    for number, (axis, cost) in enumerate(zip(panels.axes, costs, strict=True)):
        _panel(axis, lines, cost, marks, 4)
        axis.set_ylabel("validation F1")
        if len(costs) > 1:
            axis.set_title(lettered(number), loc="left")
    panels.outer_labels_only(columns=False)
    panels.legend(marks.legend())
    return figure


def fronts_of(lines: Sequence[CostLine]) -> list[str]:
    """The costs that have a front."""
    return [cost for cost in PANELS if any(cost in one.fronts for one in lines)]


@dataclass(frozen=True, slots=True)
class _Marks:
    """Colour of every column and sign of every row."""

    colours: Mapping[str, str]
    signs: Mapping[str, str]

    @staticmethod
    def of(lines: Sequence[CostLine]) -> _Marks:
        columns = dict.fromkeys(one.column for one in lines)
        rows = dict.fromkeys(one.row for one in lines)
        colours = zip(columns, cycle(COLOURS + MORE_COLOURS), strict=False)
        return _Marks(dict(colours), dict(zip(rows, cycle(SIGNS), strict=False)))

    def legend(self) -> list[Line2D]:
        from matplotlib.lines import Line2D

        columns = [
            Line2D([], [], color=colour, linewidth=5, label=_shown(name)) for name, colour in self.colours.items()
        ]
        rows = []
        for name, sign in self.signs.items():
            rows.append(Line2D([], [], color=GREY, marker=sign, linestyle="", label=_shown(name)))
        return columns + rows


def _shown(name: str) -> str:
    """A label is no formula."""
    return name.replace("$", r"\$")


def _panel(axis: Axes, lines: Sequence[CostLine], cost: str, marks: _Marks, size: float) -> None:
    """Points, filled where they are on the front, and the front as a staircase."""
    label, scale = PANELS[cost]
    front = []
    for one in lines:
        paid, score = getattr(one, cost), one.f1_validation
        if paid is None or score is None:
            continue
        colour, face = marks.colours[one.column], "none"
        if cost in one.fronts:
            face = colour
            front.append((paid * scale, score))
        axis.plot(paid * scale, score, marks.signs[one.row], color=colour, markerfacecolor=face, markersize=size)
    steps = np.array(sorted(front)).reshape(-1, 2)
    axis.step(steps[:, 0], steps[:, 1], where="post", color=GREY, linewidth=1, zorder=0)
    axis.set(xlabel=label)
    axis.margins(y=0.1)
    plain(axis)


def write_pareto(lines: Sequence[CostLine], folder: Path, *, title: str) -> list[str]:
    """Draw ``pareto.png``, or one file per data set where there are several; returns the names of the files."""

    groups = list(dict.fromkeys(one.group for one in lines))
    drawn = []
    for group in groups:
        members = [one for one in lines if one.group == group]
        badges = dict.fromkeys(chain.from_iterable(one.badges for one in members))
        shown = "".join(f" [{badge}]" for badge in badges)
        figure = pareto_plot(members, title=f"{title}, {group}{shown}")
        if figure is not None:
            name = "pareto.png" if len(groups) == 1 else f"pareto-{slug(group)}.png"
            write_figure(figure, folder / name)
            drawn.append(name)
    return drawn
