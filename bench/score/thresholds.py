"""The threshold of a model: highest pooled F1 on validation; and every metric over the grid of thresholds.

Other rules, for scores made later, are in :mod:`bench.score.rules`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.errors import DataError
from bench.score.evidence import Evidence
from bench.score.metrics import image_counts, swept
from bench.score.zones import INSIDE, OUTSIDE
from bench.scores import F1, pooled_metrics
from bench.types import Float64, PixelMetric

STEPS = 1000
"""The grid is k / 1000, k = 1..1000; positive if p >= float32(k / 1000)."""

NO_POSITIVES = "no true positives"
"""Flag of counts without a defect pixel."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold ``value`` = ``index`` / 1000 with the validation F1 it reaches.

    ``flags`` say in words where the choice was degenerate.
    """

    value: float
    index: int
    f1: float
    flags: tuple[str, ...] = ()


def choose_threshold(validation: Evidence) -> Threshold:
    """Highest pooled F1 of the row ``any``; among equals the middle of the longest plateau (PROTOCOL, section 3).

    Of two longest plateaus the lower one is taken, of an even plateau the lower middle. Without true positives
    F1 is 0 everywhere and the choice is the middle of the grid, 0.5, with a flag; so it is when no threshold
    reaches a true pixel. Test evidence must never be passed.

    Raises:
        DataError: there is no valid pixel to choose on.
    """
    return threshold_at(best_index(choosable(validation))[0], validation)


def threshold_at(index: int, validation: Evidence) -> Threshold:
    """A threshold found elsewhere, with the validation F1 it reaches and what makes the choice degenerate.

    Raises:
        DataError: there is no valid pixel to choose on.
    """
    counts = choosable(validation)
    return Threshold(index / STEPS, index, float(F1.value(counts[index])), degenerate(counts))


def choosable(validation: Evidence) -> Float64:
    """Pooled counts ``float64[1001, 4]`` of a split to choose on.

    Raises:
        DataError: there is no valid pixel in it.
    """
    counts = pooled(validation)
    if not counts[0].any():
        raise DataError("the validation split has no valid pixel to choose a threshold on; give it images with masks")
    return counts


def best_index(counts: Float64, metric: PixelMetric = F1) -> tuple[int, float]:
    """Grid index and value of the best threshold of ``float64[1001, 4]``; ties as in :func:`choose_threshold`."""
    values = metric.value(counts[1:])  # index 0 would call everything positive and is not on the grid
    best = np.flatnonzero(values == values.max()) + 1
    plateaus = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    longest = max(plateaus, key=len)
    return int(longest[0] + longest[-1]) // 2, float(values.max())


def degenerate(counts: Float64) -> tuple[str, ...]:
    """What makes a threshold meaningless: no true pixels, no true background, or predictions that do not differ."""
    tp, fp = counts[0, :2]
    bins_in_use = np.count_nonzero(np.diff(counts[:, :2].sum(axis=1), append=0))
    flags = []
    if tp == 0:
        flags.append(NO_POSITIVES)
    if fp == 0:
        flags.append("no true negatives")
    if bins_in_use == 1:
        flags.append("constant predictions")
    elif tp > 0 and not counts[1:, 0].any():
        flags.append("no true pixel is reached at any threshold")
    return tuple(flags)


def pooled(evidence: Evidence, row: int = -1) -> Float64:
    """TP, FP, FN, TN over all images at every threshold, ``float64[1001, 4]``; ``row`` -1 is ``any``.

    Row k of the result is threshold k / 1000.
    """
    zones = evidence.zones[row]
    return swept(zones[INSIDE].sum(axis=0), zones[OUTSIDE].sum(axis=0))


def pooled_f1(evidence: Evidence, k: int) -> float:
    """F1 of the row ``any`` over all images at threshold k / 1000."""
    return float(F1.value(image_counts(evidence, k).sum(axis=0).astype(np.float64)))


def curves(evidence: Evidence) -> dict[str, Float64]:
    """Pooled accuracy, precision, recall, F1 and F2 over ``threshold``, ``float64[1001]`` each, k = 0..1000.

    Index 0 is threshold 0, where everything is positive. NaN is where there is no value: precision where nothing is
    predicted positive, and all but accuracy where there is no defect pixel.
    """
    counts = pooled(evidence)
    metrics = pooled_metrics()
    found = {"threshold": np.arange(STEPS + 1) / STEPS}
    for name in ("accuracy", "precision", "recall", "f1", "f2"):
        found[name] = metrics[name].value(counts)
        if name != "accuracy" and not counts[0, 0]:
            found[name][:] = np.nan
    found["precision"][~counts[:, :2].any(axis=1)] = np.nan
    return found
