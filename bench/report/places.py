"""A row of a column: its mean with its intervals, and what is claimed of it beside the other rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from bench.report.claims import NO_CLAIM, Claim, claims, of_the_rest
from bench.report.flags import Flags, standing
from bench.report.rows import Row
from bench.report.shape import Measure
from bench.report.spread import block_of, interval_of, mean_of, mean_rechosen


@dataclass(frozen=True, slots=True)
class Place:
    """One row of a column, in the score's own unit. ``p`` is adjusted; what is not claimed is None or empty.

    What is ``rechosen`` includes the choice of the threshold, which so many ``choosing_groups`` with a defect make;
    None where nothing is known of it.
    """

    row: str
    seeds: int
    value: float
    interval: tuple[float, float] | None
    defective_groups: int
    tie: str = ""
    difference: float | None = None
    difference_interval: tuple[float, float] | None = None
    p: float | None = None
    difference_rechosen: tuple[float, float] | None = None
    rechosen: tuple[float, float] | None = None
    choosing_groups: int | None = None


def place_of(name: str, row: Row, measure: Measure, flags: Mapping[str, Flags], claim: Claim = NO_CLAIM) -> Place:
    """A row by itself, of its trainings that have not collapsed."""
    cells = list(standing(name, row, flags).values())
    value = float(np.mean([cell.value for cell in cells]))
    interval = rechosen = choosing = None
    if name not in flags or flags[name].measured:
        interval = interval_of(mean_of(cells), measure)
        again = mean_rechosen(cells)
        rechosen = interval_of(again, measure) if again else None
    if rechosen and cells[0].choice:
        choosing = cells[0].choice.defective
    return Place(name, len(cells), value, interval, cells[0].counts.defective, *claim, rechosen, choosing)


def compared(rows: Mapping[str, Row], measure: Measure, reference: str, flags: Mapping[str, Flags]) -> dict[str, Place]:
    """Places of rows of the same seeds, with tie groups, and with differences to the reference if it is among them.

    Of a flagged row nothing is claimed: its difference is that of the trainings that have not collapsed.
    """
    cells = list(chain.from_iterable(row.values() for row in rows.values()))
    scores = [block_of(cells, levels=len(rows))]
    means = scores[0].values.mean(axis=-1)[:, 0]
    ranked = (-means if measure.better == "lower" else means).tolist()
    flagged = {name for name in rows if flags[name].why}
    found = dict(zip(rows, claims(scores, ranked, list(rows), reference, unclaimed=flagged), strict=True))
    rest = {name: list(standing(name, row, flags).values()) for name, row in rows.items()}
    for name in rows if reference in rows else ():
        if name != reference and flagged.intersection((name, reference)):
            measured = flags[name].measured and flags[reference].measured
            apart = of_the_rest(rest[name], rest[reference], measured=measured)
            found[name] = apart._replace(tie=found[name].tie)
    return {name: place_of(name, rows[name], measure, flags, claim) for name, claim in found.items()}
