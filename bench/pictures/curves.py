"""APRF plots: accuracy, precision, recall, F1 and F2 over the binarisation threshold (supplement, figures 5-8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import DataError
from bench.types import Float64
from bench.words import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

CURVES = {
    "accuracy": ("A  accuracy", "#7f7f7f", "-"),
    "precision": ("P  precision", "#0072B2", "-"),
    "recall": ("R  recall", "#D55E00", "-"),
    "f1": ("F1", "#000000", "-"),
    "f2": ("F2", "#009E73", (0, (5, 1.5))),
}
"""Label, colour (Okabe and Ito's, told apart by every common kind of colour vision) and dash of each curve."""

SPACING = 0.052
"""Least distance of two labels, as a share of the axis."""
TITLE = 64
"""Letters of a title's line that fit a figure; a longer one would squeeze the axes or be cut off."""
EDGE = 0.15
"""Share of the axis at either end where a label over it is set inwards, off the names of the curves."""


def aprf_plot(thresholds: Float64, curves: Mapping[str, Float64], threshold: float, *, title: str = "") -> Figure:
    """Plot ``curves[name]: float64[T]`` (0..1, NaN where undefined) over ``thresholds: float64[T]``.

    The dotted line TH stands at the threshold chosen on validation. A curve that is undefined everywhere is said so.

    Raises:
        DataError: a curve of the five is missing or of another length than the thresholds.
    """
    _check(thresholds, curves)
    figure, axes = axes_of(1, (6.4, 4.0))
    axis = axes[0]
    ends, absent = {}, []
    for name, (label, colour, dash) in CURVES.items():
        axis.plot(thresholds, curves[name], color=colour, linestyle=dash, linewidth=2.2 if name == "f1" else 1.5)
        if np.isfinite(curves[name]).any():
            ends[label] = (_last(curves[name]), colour)
        else:
            absent.append(name)
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="binarisation threshold", ylabel="score on test")
    axis.axvline(threshold, color="#444444", linestyle=":", linewidth=1.4, clip_on=False)
    side = "left" if threshold < EDGE else "right" if threshold > 1 - EDGE else "center"
    axis.annotate(
        f"TH {threshold:.3f}", (threshold, 1.0), (0, 4), textcoords="offset points", ha=side, fontsize="small"
    )
    _end_labels(axis, ends)
    if absent:
        text = f"no value on test: {', '.join(absent)}"
        axis.text(0.5, 0.5, text, ha="center", va="center", fontsize="small", backgroundcolor="white")
    entitle(axis, title)
    return figure


def training_plot(
    history: Sequence[Mapping[str, float]], *, convergence_epoch: int | None, best_epoch: int | None, title: str = ""
) -> Figure:
    """Plot losses and validation F1 over epochs, with E (convergence) and the epoch of the kept weights.

    ``history`` rows have ``epoch``, ``train_loss``, ``validation_loss``, ``validation_f1``.
    """
    figure, axes = axes_of(2, (6.4, 5.0))
    epochs = np.array([row["epoch"] for row in history], dtype=np.float64)
    losses = {"training": ("train_loss", "#7f7f7f"), "validation": ("validation_loss", "#0072B2")}
    axes[0].set(ylabel="loss")
    axes[1].set(ylabel="validation F1", xlabel="epoch", ylim=(0, 1))
    counting(axes[1].xaxis)
    if len(epochs):
        axes[1].set_xlim(epochs[0] - 0.5 - 0.02 * len(epochs), epochs[-1] + 0.5 + 0.02 * len(epochs))
    _draw_history(axes[0], epochs, history, losses)
    _draw_history(axes[1], epochs, history, {"F1": ("validation_f1", "#000000")})
    for axis in axes:
        _mark_epoch(axis, convergence_epoch, ":", "#444444")
        _mark_epoch(axis, best_epoch, "--", "#009E73")
    _name_epochs(axes[0], convergence_epoch, best_epoch, int(epochs[-1]) if len(epochs) else 0)
    entitle(axes[0], title)
    return figure


def counting(axis: Axis) -> None:
    """Ticks at whole numbers only: there is no half an epoch, defect or image."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins="auto", integer=True, min_n_ticks=1))


def entitle(axis: Axes, title: str) -> None:
    """Set a title in as many lines as it takes, above a line of remarks."""
    axis.set_title(broken(title, TITLE), loc="left", fontsize=10, pad=18, parse_math=False)


def broken(text: str, letters: int) -> str:
    """The text in lines of at most so many letters."""
    from textwrap import wrap

    return "\n".join(wrap(text, letters))


def write_figure(figure: Figure, path: Path) -> None:
    """Write as PNG, SVG or PDF by the suffix of ``path``; a PNG holds no version or date."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        figure.savefig(path, dpi=150, metadata={"Software": None})  # the version would make equal plots differ
    else:
        figure.savefig(path)


def axes_of(rows: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """A figure outside pyplot's global list, with room for labels on the right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(np.atleast_1d(figure.subplots(rows, 1, sharex=True)))
    for axis in axes:
        plain(axis)
    return figure, axes


def plain(axis: Axes) -> None:
    """A light grid, and no frame where there is no scale."""
    axis.grid(color="#dddddd", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)


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


def _draw_history(
    axis: Axes, epochs: Float64, history: Sequence[Mapping[str, float]], curves: Mapping[str, tuple[str, str]]
) -> None:
    ends = {}
    for label, (field, colour) in curves.items():
        values = np.array([row.get(field, np.nan) for row in history], dtype=np.float64)
        axis.plot(epochs, values, color=colour, linewidth=1.5, marker="o", markersize=3)
        ends[label] = (_last(values), colour)
    _end_labels(axis, ends)


def _mark_epoch(axis: Axes, epoch: int | None, dash: str, colour: str) -> None:
    if epoch is not None:
        axis.axvline(epoch, color=colour, linestyle=dash, linewidth=1.2)


def _name_epochs(axis: Axes, convergence: int | None, best: int | None, last: int) -> None:
    """Name the marked epochs in one line above the axis, where they cannot meet a curve."""
    reached = f"E {convergence} (dotted)" if convergence is not None else f"E > {last}: not converged"
    kept = f"   kept weights: epoch {best} (dashed)" if best is not None else ""
    axis.annotate(reached + kept, (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", fontsize=8)
