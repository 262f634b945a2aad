"""What the comparisons of rows could have found, and which design would find 5 points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from math import comb

from bench.report.spread import Spread, block_of
from bench.statistics.power import Scatter, detectable, groups_for, scatter_of, seeds_for

WANTED = 0.05
"""The difference that a design is sought for, in 0..1."""


@dataclass(frozen=True, slots=True)
class Power:
    """Rows that are compared in pairs: their scatter, among how many, over which seeds and groups with defects."""

    scatter: Scatter
    rows: int
    seeds: int
    groups: int

    @property
    def family(self) -> int:
        """Pairs of rows: a difference that is found is found at Holm's first step."""
        return comb(self.rows, 2)

    @property
    def found(self) -> float:
        """The smallest true difference (0..1) that is found in four of five repetitions."""
        return detectable(self.scatter, self.seeds, self.family)

    @property
    def seeds_wanted(self) -> int | None:
        """Seeds that would find :data:`WANTED` on these groups; None where no number of them would."""
        return seeds_for(WANTED, self.scatter, self.family)

    @property
    def groups_wanted(self) -> int | None:
        """Groups with defects that would find it with these seeds; None where no number of them would."""
        return groups_for(WANTED, self.scatter, self.seeds, self.family, self.groups)


def power_of(rows: Mapping[str, Mapping[str, Spread]], among: int) -> Power | None:
    """The power among rows of the same seeds, in a family of ``among`` rows; None where there is nothing to compare."""
    cells = list(chain.from_iterable(row.values() for row in rows.values()))
    if len(rows) < 2 or not cells[0].counts.defective:
        return None
    scores = block_of(cells, levels=len(rows))
    scatter = scatter_of([scores], list(combinations(range(len(rows)), 2)))
    return Power(scatter, among, scores.values.shape[-1], cells[0].counts.defective)
