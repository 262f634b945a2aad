"""Test scores of a cell made again: without each group in turn, and at thresholds that validation would have chosen.

Whatever makes a score makes its replicates, so that a score needs nothing of its own to be tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bench.canonical import digest
from bench.replicates import CellReplicates, Replicates
from bench.score.evidence import Evidence
from bench.score.subset import subset
from bench.score.thresholds import best_index
from bench.scores import F1, has_own_choice, named
from bench.types import Bool, Float64, PixelMetric

DRAWS = 200
"""Bootstrap draws of validation groups: a standard deviation over so many is known to 5 %."""

Scorer = Callable[[Evidence, int], Mapping[str, Any]]
"""All scores of a split at threshold k / 1000, inside each other."""


def cell_replicates(
    validation: Evidence, test: Evidence, k: int, scorer: Scorer, rule: PixelMetric | None, predict: str
) -> CellReplicates | None:
    """The replicates of all test scores at threshold k / 1000; None where the test split has a single group.

    ``rule`` is the metric whose best threshold on validation ``k`` is; None where it was chosen otherwise.
    ``predict`` is the key of the prediction.
    """
    groups = tuple(dict.fromkeys(test.groups))
    if len(groups) < 2:
        return None
    whole = comparable(scorer(test, k))
    without = [comparable(scorer(subset(test, kept), k)) for kept in left_out(test.groups)]
    draws = redrawn(validation) if rule is not None else []
    chosen = [best_index(counts, rule)[0] for counts in draws if rule is not None]
    at = {index: comparable(scorer(test, index)) for index in set(chosen)}
    scores = {}
    for name, value in whole.items():
        jackknife = np.array([one.get(name, np.nan) for one in without])
        rechosen = None
        if chosen and not has_own_choice(name):
            rechosen = np.array([at[index].get(name, np.nan) for index in chosen])
        scores[name] = Replicates(value, jackknife, rechosen)
    reached = [float(F1.value(counts[index])) for counts, index in zip(draws, chosen, strict=True)]
    return CellReplicates(predict, groups, scores, np.array(reached) if reached else None, draws_of(validation))


def comparable(scores: Mapping[str, Any], place: str = "") -> dict[str, float]:
    """Dotted names and values of the scores of which more or less is better; those without a value are left out."""
    found: dict[str, float] = {}
    for name, value in scores.items():
        row = named(name)
        if isinstance(value, Mapping):
            found |= comparable(value, f"{place}{name}.")
        elif isinstance(value, int | float) and (row is None or row.better):
            found[f"{place}{name}"] = float(value)
    return found


def left_out(groups: Sequence[str]) -> Iterator[Bool]:
    """The images of all groups but one, ``bool[N]``, group by group in order of appearance."""
    names = np.array(groups, np.str_)
    for group in dict.fromkeys(groups):
        yield names != group


def draws_of(validation: Evidence) -> str:
    """What decides the draws of a split: its groups."""
    return digest(list(dict.fromkeys(validation.groups)))


def redrawn(validation: Evidence) -> list[Float64]:
    """Counts of bootstrap draws of the groups at every threshold, ``float64[1001, 4]`` each.

    Equal groups give equal draws, whatever was predicted.
    """
    groups = list(dict.fromkeys(validation.groups))
    positive = np.zeros((len(groups), 2, 1001))
    np.add.at(positive, [groups.index(group) for group in validation.groups], validation.positive)
    rng = np.random.default_rng(int(draws_of(validation), 16))
    times = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), DRAWS)
    drawn = np.tensordot(times.astype(np.float64), positive, 1)
    return [np.stack([*one, *(one[:, :1] - one)], axis=1) for one in drawn]
