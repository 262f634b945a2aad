"""A score of one cell with what its error is made of: from its counts of pixels, or from its replicates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.record import Record
from bench.replicates import Replicates
from bench.report.counts import Counts, counts_of, pooled_metric
from bench.report.measures import read
from bench.report.shape import Measure
from bench.scores import named
from bench.statistics.choices import estimate_rechosen
from bench.statistics.estimates import Block, Estimate, estimate
from bench.types import Float64


@dataclass(frozen=True, slots=True)
class Choice:
    """A score and validation F1 at thresholds chosen anew, ``float64[draws]`` each; equal ``draws`` are the same.

    ``defective`` is the number of validation groups with a defect.
    """

    draws: str
    rechosen: Float64
    validation: Float64
    defective: int


@dataclass(frozen=True, slots=True)
class Spread:
    """A score on one split: its ``value``, and ``without`` one group each, ``float64[groups]``; ``counts`` say of what.

    ``choice`` is what is known of the choice of the threshold; None where that is nothing. ``training`` is the key of
    the training that was scored; None where it is not known.
    """

    counts: Counts
    value: float
    without: Float64
    choice: Choice | None = None
    training: str | None = None


def spread_of(record: Record, measure: Measure) -> Spread | None:
    """None where the record lacks the score, counts of at least two groups, or replicates where pixels do not tell."""
    counts = counts_of(record, measure.split or "")
    if counts is None or read(record, measure).value is None:
        return None
    made = replicates_of(record, measure, counts)
    choice, training = _choice(record, made), record.training
    metric = pooled_metric(measure)
    if metric is not None:
        total = counts.values.sum(axis=0)
        return Spread(counts, float(metric.value(total)), metric.value(total - counts.values), choice, training)
    return Spread(counts, made.value, made.without, choice, training) if made else None


def replicates_of(record: Record, measure: Measure, counts: Counts) -> Replicates | None:
    """The replicates of a test score that a record comes with.

    None where they are of other groups or of another value, such as one at another threshold, or where the score has
    no value without one of the groups.
    """
    kept = record.replicates
    if kept is None or measure.split != "test" or kept.groups != tuple(dict.fromkeys(counts.groups)):
        return None
    made = kept.scores.get(".".join(measure.path))
    value = read(record, measure).value
    if made is None or value is None or not math.isclose(made.value, value, rel_tol=1e-9, abs_tol=1e-9):
        return None
    return made if np.isfinite(made.without).all() else None


def _choice(record: Record, made: Replicates | None) -> Choice | None:
    kept, validation = record.replicates, counts_of(record, "validation")
    if kept is None or kept.validation is None or made is None or made.rechosen is None:
        return None
    if not np.isfinite(made.rechosen).all():
        return None
    return Choice(kept.draws, made.rechosen, kept.validation, validation.defective if validation else 0)


def block_of(cells: Sequence[Spread], levels: int = 1, contexts: int = 1) -> Block:
    """The block of cells of the same images: levels by contexts by seeds, in this order.

    Raises:
        ValueError: the cells do not fill it evenly.
    """
    values = np.array([cell.value for cell in cells]).reshape(levels, contexts, -1)
    without = np.stack([cell.without for cell in cells]).reshape(*values.shape, -1)
    return Block(values, without.mean(axis=-2), _rechosen(cells, values.shape), _trainings(cells, values.shape))


def _trainings(cells: Sequence[Spread], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of every level the number of the first one that it is tied to by trainings in common, in the same seed."""
    levels, _, seeds = shape
    numbers = list(range(levels))
    owners: dict[tuple[int, str], int] = {}
    for place, cell in enumerate(cells):
        if cell.training is not None:
            level = place * levels // len(cells)
            mine, other = numbers[level], numbers[owners.setdefault((place % seeds, cell.training), level)]
            numbers = [min(mine, other) if number in (mine, other) else number for number in numbers]
    return tuple(numbers)


def _rechosen(cells: Sequence[Spread], shape: tuple[int, ...]) -> Float64 | None:
    """Means over seeds at thresholds chosen anew; None unless all cells have them on the same draws."""
    choices = [cell.choice for cell in cells if cell.choice is not None]
    if len(choices) < len(cells) or len({choice.draws for choice in choices}) > 1:
        return None
    rechosen = np.stack([choice.rechosen for choice in choices]).reshape(*shape, -1)
    return np.asarray(rechosen.mean(axis=-2))


def mean_of(cells: Sequence[Spread]) -> Estimate:
    """The mean over the seeds of one position."""
    return estimate([block_of(cells)], [np.ones((1, 1))])


def mean_rechosen(cells: Sequence[Spread]) -> Estimate | None:
    """The same with the choice of the threshold in its error; None where nothing is known of that."""
    return estimate_rechosen([block_of(cells)], [np.ones((1, 1))])


def interval_of(found: Estimate, measure: Measure) -> tuple[float, float]:
    """Interval of 95 % that stays where a score of this kind can be."""
    if measure.percent:
        ends = found.share_interval()
    elif named(measure.path[-1]):
        ends = found.amount_interval()
    else:
        ends = found.interval()
    low, high = ends.tolist()
    return low, high
