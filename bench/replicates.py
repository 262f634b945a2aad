"""Replicates of a cell's test scores: what their intervals are made of, kept beside its record.

A score is a function of all images of a split, so its error over groups is found by making it again: without each
group in turn (jackknife), and at the threshold that validation groups drawn anew would have chosen (bootstrap).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.types import Float64


@dataclass(frozen=True, slots=True)
class Replicates:
    """One score made again; ``value`` is the score itself, in its own unit.

    ``without`` is ``float64[groups]``: without one group each. ``rechosen`` is ``float64[draws]``: at the threshold
    chosen anew on each draw of validation groups, the same draws for all cells with these groups; None where the
    threshold is not the best one of validation, or not the only choice that the score follows from. NaN: no value.
    """

    value: float
    without: Float64
    rechosen: Float64 | None = None


@dataclass(frozen=True, slots=True)
class CellReplicates:
    """Replicates of every test score of one cell, by its dotted name; ``groups`` are those left out, in their order.

    ``predict`` is the key of the prediction that they are of, ``validation`` is ``float64[draws]``: the validation F1
    at the threshold chosen anew.
    """

    predict: str
    groups: tuple[str, ...]
    scores: Mapping[str, Replicates]
    validation: Float64 | None = None
