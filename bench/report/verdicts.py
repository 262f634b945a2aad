"""Claims judged by records: does the difference lie above the margin that is claimed, below it, or is it not decided?

All claims on a run are one family. Their intervals hold together: each is of ``1 - 0.05 / claims`` (Bonferroni), so the
chance that any claim is wrongly said to hold or not to hold is at most 5 %. A claim holds where the whole interval lies
above its margin, and does not where the whole interval lies below. Differences are those of ``bench effects``: paired
over groups, and averaged over the combinations of all other axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

import numpy as np

from bench.report.choose import Records
from bench.report.claims import ends
from bench.report.claims_file import SIDES, Claim, Claimed
from bench.report.design import Design, design
from bench.report.effects import told
from bench.report.measures import measure_of
from bench.report.shape import Measure
from bench.report.undefined import all_shown
from bench.statistics.comparisons import ALPHA, FEWEST_SEEDS, even_shares, weighted
from bench.statistics.power import detectable, scatter_of, seeds_for
from bench.suite.cells import Cell
from bench.suite.joint import followers

Outcome = Literal["holds", "does not hold", "not decided"]
SIDE = "side of the claim"
"""The axis that takes the place of those that a claim compares."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the records say of a claim.

    ``difference`` is by how much the better side is better (0..1 for a score in percent) with the ``interval`` that
    decides and the ``p`` of the margin, both adjusted over all claims; None where they are not known. ``reasons``
    say why it is not decided and what is left out. ``found`` is the difference from the margin that these seeds and
    groups find in four of five repetitions; ``seeds_wanted`` would decide on these groups if the difference stays
    as it is, None where no number of them would.
    """

    claim: Claim
    measure: Measure
    outcome: Outcome
    difference: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    combinations: int = 0
    seeds: int = 0
    groups: int = 0
    defective_groups: int = 0
    found: float | None = None
    seeds_wanted: int | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """The claims on a run of a suite with their verdicts, and how many claims of the file are on other suites."""

    suite: str
    verdicts: tuple[Verdict, ...]
    of_others: int = 0


def judged(
    claimed: Claimed, cells: Sequence[Cell], records: Records, suite: str, paired: Sequence[Sequence[str]] = ()
) -> Judged:
    """The verdict on every claim; they are adjusted together. Axes of a ``paired`` group advance together."""
    shown, family = all_shown(records), len(claimed.claims)
    verdicts = tuple(_verdict(claim, cells, shown, family, paired) for claim in claimed.claims)
    return Judged(suite, verdicts, claimed.of_others)


def _verdict(
    claim: Claim, cells: Sequence[Cell], records: Records, family: int, paired: Sequence[Sequence[str]]
) -> Verdict:
    measure = measure_of(claim.score)
    sides = list(_sides(claim, cells, paired))
    crossed = design(sides, records, SIDE, SIDES, measure)
    reasons = (*crossed.remarks, *told(sides, records, measure))
    if not crossed.blocks:
        return Verdict(claim, measure, "not decided", reasons=reasons or ("No cell has a score",))
    less = np.array([1.0, -1.0]) if measure.better != "lower" else np.array([-1.0, 1.0])
    difference = weighted(crossed.scores, less, even_shares(crossed.scores))
    interval = ends(difference.interval(1 - ALPHA / family))
    margin = claim.by / 100 if measure.percent else claim.by
    from_margin = replace(difference, value=difference.value - margin)
    known = crossed.is_measured(*SIDES)
    scatter = scatter_of(crossed.scores, [(0, 1)]) if known and crossed.seeds > 1 else None
    return Verdict(
        claim,
        measure,
        _outcome(crossed, interval, margin),
        float(difference.value),
        interval if known else None,
        min(1.0, family * float(from_margin.p_value())) if known else None,
        len(crossed.contexts),
        crossed.seeds,
        crossed.groups,
        crossed.defective,
        detectable(scatter, crossed.seeds, family) if scatter else None,
        seeds_for(abs(float(from_margin.value)), scatter, family) if scatter else None,
        reasons,
    )


def _outcome(crossed: Design, interval: tuple[float, float], margin: float) -> Outcome:
    low, high = interval
    if crossed.seeds < FEWEST_SEEDS or not crossed.whole or crossed.flags or low <= margin <= high:
        return "not decided"
    return "holds" if low > margin else "does not hold"


def _sides(claim: Claim, cells: Sequence[Cell], paired: Sequence[Sequence[str]]) -> Iterator[Cell]:
    """The cells that the claim is about, with the side they stand on in place of the axes that it compares.

    What only follows such an axis goes with it: a level is compared as the suite has it.
    """
    rows = [cell.labels for cell in cells if not cell.included]
    compared = {*claim.better, *chain.from_iterable(followers(axis, paired, rows) for axis in claim.better)}
    for cell in cells:
        inside = all(cell.labels.get(axis) in labels for axis, labels in claim.where.items())
        for side in SIDES:
            if inside and getattr(claim, side).items() <= cell.labels.items():
                others = {axis: label for axis, label in cell.labels.items() if axis not in compared}
                yield replace(cell, labels={**others, SIDE: side})
