"""APRF plots (supplement, figures 5-8) and training curves: one for a screen, or panels of several for print.

An APRF plot has accuracy, precision, recall, F1 and F2 over the binarisation threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import DataError
from bench.pictures.sizes import panelled
from bench.pictures.style import BLACK, BLUE, GREEN, GREY, INK, VERMILION, axes_of, counting, entitle, lettered
from bench.types import Float64
from bench.words import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

CURVES: Mapping[str, tuple[str, str, Any]] = {
    "accuracy": ("A  accuracy", GREY, (0, (2, 1))),
    "precision": ("P  precision", BLUE, (0, (6, 1.5))),
    "recall": ("R  recall", VERMILION, (0, (6, 1.5, 1.5, 1.5))),
    "f1": ("F1", BLACK, "-"),
    "f2": ("F2", GREEN, (0, (4, 1.2, 1.2, 1.2, 1.2, 1.2))),
}
"""Label, colour and dash of each curve; the dotted line is that of the threshold alone."""
LOSSES: Mapping[str, tuple[str, str, Any]] = {
    "training": ("train_loss", GREY, (0, (4, 1.5))),
    "validation": ("validation_loss", BLUE, "-"),
}
"""Label of each loss to its field, colour and dash."""
F1: Mapping[str, tuple[str, str, Any]] = {"F1": ("validation_f1", BLACK, "-")}
REACHED, KEPT = (INK, ":"), (GREEN, "--")
"""Colour and dash of the lines at the epoch of convergence and at that of the kept weights."""

SPACING = 0.052
"""Least distance of two labels, as a share of the axis."""
EDGE = 0.15
"""Share of the axis at either end where a label over it is set inwards, off the names of the curves."""
BOLD = 1.5
"""How much wider the line of F1, which decides, is than the others."""


@dataclass(frozen=True, slots=True)
class Aprf:
    """Curves ``float64[T]`` (0..1, NaN where undefined) of a cell over ``thresholds: float64[T]``, and the chosen one.

    Raises:
        DataError: a curve of the five is missing or of another length than the thresholds.
    """

    thresholds: Float64
    curves: Mapping[str, Float64]
    threshold: float
    name: str = ""

    def __post_init__(self) -> None:
        _check(self.thresholds, self.curves)


@dataclass(frozen=True, slots=True)
class Training:
    """The epochs of a cell: rows with ``epoch``, ``train_loss``, ``validation_loss``, ``validation_f1``."""

    history: Sequence[Mapping[str, float]]
    convergence_epoch: int | None
    best_epoch: int | None
    name: str = ""

    @property
    def epochs(self) -> Float64:
        """The epochs that were validated."""
        return np.array([row["epoch"] for row in self.history], dtype=np.float64)


def aprf_plot(one: Aprf) -> Figure:
    """The plot of one cell for a screen; the dotted line TH stands at the threshold chosen on validation."""
    figure, (axis,) = axes_of(1, (6.4, 4.0))
    _draw_aprf(axis, one)
    ends = {}
    for name, (label, colour, _) in CURVES.items():
        if np.isfinite(one.curves[name]).any():
            ends[label] = (_last(one.curves[name]), colour)
    _end_labels(axis, ends)
    entitle(axis, one.name)
    return figure


def aprf_panels(cells: Sequence[Aprf], width: float) -> Figure:
    """A panel for each cell, ``width`` inches wide in all, under one legend.

    Raises:
        DataError: more panels than fit a page.
    """
    figure, grid = panelled(len(cells), width)
    for number, (axis, one) in enumerate(zip(grid.axes, cells, strict=True)):
        _draw_aprf(axis, one)
        axis.set_title(lettered(number, one.name), loc="left", pad=12, parse_math=False)
    grid.outer_labels_only()
    handles = [_handle(label, colour, dash) for label, colour, dash in CURVES.values()]
    grid.legend([*handles, _handle("TH  threshold", INK, ":")])
    return figure


def _draw_aprf(axis: Axes, one: Aprf) -> None:
    """The curves, and above the axes the threshold; a curve that is undefined everywhere is said so."""
    absent = []
    for name, (_, colour, dash) in CURVES.items():
        (drawn,) = axis.plot(one.thresholds, one.curves[name], color=colour, linestyle=dash)
        if name == "f1":
            drawn.set_linewidth(BOLD * drawn.get_linewidth())
        if not np.isfinite(one.curves[name]).any():
            absent.append(name)
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="binarisation threshold", ylabel="score on test")
    axis.axvline(one.threshold, color=INK, linestyle=":", clip_on=False)
    side = "left" if one.threshold < EDGE else "right" if one.threshold > 1 - EDGE else "center"
    text = f"TH {one.threshold:.3f}"
    axis.annotate(text, (one.threshold, 1.0), (0, 3), textcoords="offset points", ha=side, fontsize="small")
    if absent:
        text = f"no value on test: {', '.join(absent)}"
        axis.text(0.5, 0.5, text, ha="center", va="center", fontsize="small", backgroundcolor="white")


def training_plot(one: Training) -> Figure:
    """Losses and validation F1 of one cell over epochs, with E (convergence) and the epoch of the kept weights."""
    figure, axes = axes_of(2, (6.4, 5.0))
    _draw_training(axes[0], axes[1], one)
    for axis, curves in zip(axes, (LOSSES, F1), strict=True):
        ends = {label: (_last(_column(one, field)), colour) for label, (field, colour, _) in curves.items()}
        _end_labels(axis, ends)
    entitle(axes[0], one.name)
    return figure


def training_panels(cells: Sequence[Training], width: float) -> Figure:
    """The same of several cells, two panels below each other for each, ``width`` inches wide in all, under one legend.

    Raises:
        DataError: more panels than fit a page.
    """
    figure, grid = panelled(len(cells), width, each=2)
    for number, ((losses, score), one) in enumerate(zip(grid.pairs, cells, strict=True)):
        _draw_training(losses, score, one)
        losses.set_title(lettered(number, one.name), loc="left", pad=12, parse_math=False)
        losses.tick_params(labelbottom=False)
    grid.outer_labels_only()
    handles = [_handle(f"{label} loss", colour, dash) for label, (_, colour, dash) in LOSSES.items()]
    marks = (("validation F1", BLACK, "-"), ("E  convergence", *REACHED), ("kept weights", *KEPT))
    grid.legend([*handles, *(_handle(*mark) for mark in marks)])
    return figure


def _draw_training(losses: Axes, score: Axes, one: Training) -> None:
    """Losses on the upper axes, F1 on the lower, the marked epochs on both and in words above."""
    epochs = one.epochs
    losses.set(ylabel="loss")
    score.set(ylabel="validation F1", xlabel="epoch", ylim=(0, 1))
    for axis, curves in ((losses, LOSSES), (score, F1)):
        counting(axis.xaxis)
        for field, colour, dash in curves.values():
            axis.plot(epochs, _column(one, field), color=colour, linestyle=dash, marker="o", markersize=2.5)
        if len(epochs):
            axis.set_xlim(epochs[0] - 0.5 - 0.02 * len(epochs), epochs[-1] + 0.5 + 0.02 * len(epochs))
        _mark_epoch(axis, one.convergence_epoch, *REACHED)
        _mark_epoch(axis, one.best_epoch, *KEPT)
    _name_epochs(losses, one.convergence_epoch, one.best_epoch, int(epochs[-1]) if len(epochs) else 0)


def _column(one: Training, field: str) -> Float64:
    return np.array([row.get(field, np.nan) for row in one.history], dtype=np.float64)


def _handle(label: str, colour: str, dash: Any) -> Line2D:
    """An entry of a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, linestyle=dash, label=label)


def _check(thresholds: Float64, curves: Mapping[str, Float64]) -> None:
    for name in CURVES:
        if name not in curves:
            raise DataError(f"an APRF plot needs the curve {name!r}; given are {', '.join(curves) or 'none'}")
        if curves[name].shape != thresholds.shape:
            raise DataError(
                f"the curve {name!r} has {plural(curves[name].size, 'value')} "
                f"for {plural(thresholds.size, 'threshold')}; "
                "they must be as many"
            )


def _last(values: Float64) -> float:
    """The last defined value, for the label's height; 0 where none is (a curve that was never drawn)."""
    found = values[np.isfinite(values)]
    return float(found[-1]) if found.size else 0.0


def _end_labels(axis: Axes, ends: Mapping[str, tuple[float, str]]) -> None:
    """Name every curve at its right end, after the limits are set; labels are moved apart."""
    names = sorted(ends, key=lambda name: ends[name][0])
    low, high = axis.get_ylim()
    heights = spread(np.array([(ends[name][0] - low) / (high - low) for name in names]), SPACING)
    for name, height in zip(names, heights, strict=True):
        axis.annotate(
            name,
            (1.0, float(height)),
            (6, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            color=ends[name][1],
            va="center",
            fontsize="small",
        )


def spread(heights: Float64, spacing: float) -> Float64:
    """Move sorted heights in 0..1 apart to at least ``spacing``, as little as a pass up and a pass down allow."""
    moved = heights.copy()
    for index in range(1, len(moved)):
        moved[index] = max(moved[index], moved[index - 1] + spacing)
    ceiling = 1.0
    for index in range(len(moved) - 1, -1, -1):
        moved[index] = min(moved[index], ceiling)
        ceiling = moved[index] - spacing
    return moved


def _mark_epoch(axis: Axes, epoch: int | None, colour: str, dash: str) -> None:
    if epoch is not None:
        axis.axvline(epoch, color=colour, linestyle=dash)


def _name_epochs(axis: Axes, convergence: int | None, best: int | None, last: int) -> None:
    """Name the marked epochs in one line above the axis, where they cannot meet a curve."""
    reached = f"E {convergence} (dotted)" if convergence is not None else f"E > {last}: not converged"
    kept = f"   kept weights: epoch {best} (dashed)" if best is not None else ""
    above: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": "small"}
    axis.annotate(reached + kept, (0, 1), (0, 3), **above)
