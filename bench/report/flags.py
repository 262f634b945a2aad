"""Rows of which no order is claimed: a training has collapsed, the seeds fall apart, or a single group decides.

All of it is told by the F1 that follows from the pixel counts, whatever score the board orders by: a flag is of the
trainings, not of a score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.report.measures import interval_text, percent
from bench.report.rows import Row
from bench.scores import F1
from bench.statistics.collapse import Share, collapsed, floors
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.statistics.estimates import block, mean_estimate
from bench.statistics.flags import CARRIED, carried, fallen_apart
from bench.types import Float64
from bench.words import plural


@dataclass(frozen=True, slots=True)
class Flags:
    """What was looked for in a row of several seeds. ``why`` says why no order is claimed; None where it may be.

    ``standing`` are the seeds that have not collapsed.
    """

    share: Share
    standing: tuple[str, ...]
    why: str | None

    @property
    def measured(self) -> bool:
        """Whether an interval over seeds is known: none has collapsed, or at least two stand."""
        return not self.share.count or len(self.standing) > 1


def flags_of(rows: Mapping[str, Row], *, together: bool) -> dict[str, Flags]:
    """The flags of the rows of a column that have enough seeds for an order; ``together``: their scores compare."""
    enough = {name: row for name, row in rows.items() if len(row) >= FEWEST_SEEDS}
    if together:
        return _looked_at(enough) if enough else {}
    found: dict[str, Flags] = {}
    for name, row in enough.items():
        found |= _looked_at({name: row})
    return found


def standing(name: str, row: Row, flags: Mapping[str, Flags]) -> Row:
    """The row without trainings that have collapsed; all of it where none stands, or none was looked for."""
    stands = flags[name].standing if name in flags else ()
    return {seed: spread for seed, spread in row.items() if seed in stands} or row


def _looked_at(rows: Mapping[str, Row]) -> dict[str, Flags]:
    scores = _scores(list(rows.values()))
    floor = np.array([floors(_counts(row)[0]) for row in rows.values()])
    gone = collapsed(scores, floor[:, None])
    apart = fallen_apart(np.where(gone, np.nan, scores))
    found = {}
    for number, (name, row) in enumerate(rows.items()):
        stands = tuple(seed for seed, lost in zip(row, gone[number], strict=False) if not lost)
        share = Share(len(row) - len(stands), len(row))
        why: str | None
        if share.count:
            why = _of_collapse(row, stands, share)
        elif apart[number]:
            why = f"its seeds fall apart (F1 {', '.join(map(percent, sorted(scores[number, : len(row)].tolist())))})"
        else:
            why = _of_groups(row)
        found[name] = Flags(share, stands, why)
    return found


def _scores(rows: Sequence[Row]) -> Float64:
    """F1 of every training, ``float64[rows, seeds]``; NaN where a row has fewer than another."""
    scores = np.full((len(rows), max(map(len, rows))), np.nan)
    for number, row in enumerate(rows):
        scores[number, : len(row)] = F1.value(_counts(row).sum(axis=1))
    return scores


def _counts(row: Row) -> Float64:
    """Counts of pixels ``float64[seeds, groups, 4]``."""
    return np.stack([spread.counts.values for spread in row.values()])


def _of_collapse(row: Row, stands: Sequence[str], share: Share) -> str:
    """``1 of 5 trainings collapsed (seed 3), a share of 20.0 % [0.5, 71.6]``."""
    gone = [seed for seed in row if seed not in stands]
    seeds = f"seed{'s' if len(gone) > 1 else ''} {', '.join(gone)}"
    of_all = f"{percent(share.count / share.of)} % {interval_text(share.interval())}"
    return f"{share.count} of {plural(share.of, 'training')} collapsed ({seeds}), a share of {of_all}"


def _of_groups(row: Row) -> str | None:
    """``group 'part 7' alone carries 93.1 % of the variance``, or None."""
    counts = _counts(row)
    without = block(counts[None, None], F1).without[0, 0]
    parts = carried(without, mean_estimate(counts, F1).error ** 2)
    heaviest = int(parts.argmax())
    if parts[heaviest] <= CARRIED:
        return None
    groups = list(dict.fromkeys(next(iter(row.values())).counts.groups))
    return f"group {groups[heaviest]!r} alone carries {percent(float(parts[heaviest]))} % of the variance"
