"""Scores of a cell made again and again: what the intervals of its test scores are made of, kept beside its record.

A score is a function of all images of a split, so its error over groups is found by making it again: without each
group in turn (jackknife), and at the thresholds that validation groups drawn anew would have chosen (bootstrap).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.types import Float64


@dataclass(frozen=True, slots=True)
class Replicates:
    """One score made again; ``value`` is the score itself, in its own unit; NaN is a score that has no value.

    ``without`` is ``float64[groups]``: without one group each. ``rechosen`` is ``float64[draws]``: at the threshold
    chosen anew on each draw of validation groups; None where the score follows from another choice.
    """

    value: float
    without: Float64
    rechosen: Float64 | None = None


@dataclass(frozen=True, slots=True)
class CellReplicates:
    """Replicates of every test score of one cell, by its dotted name.

    ``predict`` is the key of the prediction that they are of, ``groups`` are those left out, in their order.
    ``validation`` is ``float64[draws]``: validation F1 at the threshold chosen anew; None where the threshold is not
    the best one of validation. ``draws`` names the validation groups: cells of equal ones have the same draws.
    """

    predict: str
    groups: tuple[str, ...]
    scores: Mapping[str, Replicates]
    validation: Float64 | None = None
    draws: str = ""


def with_scores_of(found: CellReplicates | None, other: CellReplicates | None) -> CellReplicates | None:
    """What was ``found``, and of another of the same prediction the scores that it lacks."""
    if found is None or other is None or found.predict != other.predict:
        return found
    return replace(found, scores={**other.scores, **found.scores})
