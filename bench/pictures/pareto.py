"""The plot of score against cost, with its Pareto fronts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING

import numpy as np

from bench.pictures.curves import broken, plain, write_figure
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
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, told apart by every common kind of colour vision."""
MORE_COLOURS = ("#882255", "#117733", "#332288", "#999933", "#AA4499", "#661100", "#DDCC77", "#6699CC")
"""Tol's, for more than seven columns."""
SIGNS = (*"osD^vP*X<>phd", *(f"${letter}$" for letter in ascii_uppercase))
"""No two rows share one before there are forty."""
LETTER, ENTRY = 0.085, 0.2
"""Inches that a letter is wide, and a line of the legend or the heading high."""
FILLED = "filled: no other position has a higher F1 at no more cost"


def pareto_plot(lines: Sequence[CostLine], *, title: str = "") -> Figure | None:
    """Validation F1 over every cost that has a front, one panel each; None where there is no front."""
    panels = [cost for cost in PANELS if any(cost in one.fronts for one in lines)]
    if not panels:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    marks = _Marks.of(lines)
    names = [*marks.colours, *marks.signs]
    width = 1.4 + 2.8 * len(panels) + LETTER * max(map(len, names))
    heading = broken(f"{title}   {FILLED}", int(width / LETTER))
    height = max(3.3, ENTRY * len(names)) + ENTRY * (1 + heading.count("\n"))
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, cost in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True):
        _panel(axis, lines, cost, marks)
    figure.axes[0].set_ylabel("validation F1")
    figure.legend(handles=marks.legend(), loc="outside right center", fontsize="small", frameon=False)
    figure.suptitle(heading, x=0.01, ha="left", fontsize=9, parse_math=False)
    return figure


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

        def handle(name: str, colour: str, sign: str) -> Line2D:
            shown = name.replace("$", r"\$")  # a label is no formula
            return Line2D([], [], color=colour, marker=sign, linestyle="", markerfacecolor=colour, label=shown)

        rows = [handle(name, "#7f7f7f", sign) for name, sign in self.signs.items()]
        return [handle(name, colour, "s") for name, colour in self.colours.items()] + rows


def _panel(axis: Axes, lines: Sequence[CostLine], cost: str, marks: _Marks) -> None:
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
        axis.plot(paid * scale, score, marks.signs[one.row], color=colour, markerfacecolor=face, markersize=7)
    steps = np.array(sorted(front)).reshape(-1, 2)
    axis.step(steps[:, 0], steps[:, 1], where="post", color="#7f7f7f", linewidth=1, zorder=0)
    axis.set(xlabel=label)
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
