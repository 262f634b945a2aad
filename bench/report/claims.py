"""What may be said of levels beside each other: tie groups, and differences to a reference with one family's p."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from bench.report.spread import Spread, block_of
from bench.statistics.comparisons import Difference, all_pairs, difference_rechosen, of_unlike_seeds, to_reference
from bench.statistics.estimates import Block
from bench.statistics.letters import letters
from bench.types import Float64


class Claim(NamedTuple):
    """What is said of a level beside others: its tie groups, and its difference to a reference with the adjusted p."""

    tie: str = ""
    difference: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    interval_rechosen: tuple[float, float] | None = None


NO_CLAIM = Claim()


def ends(interval: Float64) -> tuple[float, float]:
    """``float64[2]`` as its low and its high end."""
    low, high = interval.tolist()
    return low, high


def claims(
    blocks: Sequence[Block],
    values: Sequence[float],
    names: Sequence[str],
    reference: str,
    *,
    unclaimed: Collection[str] = (),
) -> list[Claim]:
    """Ties of levels, and their differences to the reference if it is among them; ``values``: higher is better.

    Ties and p come from one family, all pairs, so that they never disagree. Levels that are ``unclaimed`` count in it,
    but neither a tie nor a p is told of them.
    """
    pairs = all_pairs(blocks)
    kept = [level for level, name in enumerate(names) if name not in unclaimed]
    ties = _ties(pairs, values, kept)
    found = [Claim(ties.get(level, "")) for level in range(len(names))]
    for one in to_reference(pairs, names.index(reference)) if reference in names else ():
        p = float(one.p) if one.first in kept and one.second in kept else None
        difference, interval = float(one.estimate.value), ends(one.estimate.interval())
        rechosen = difference_rechosen(blocks, one.first, one.second)
        wide = ends(rechosen.interval()) if rechosen else None
        found[one.first] = Claim(ties.get(one.first, ""), difference, interval, p, wide)
    return found


def _ties(pairs: Sequence[Difference], values: Sequence[float], kept: Sequence[int]) -> dict[int, str]:
    """The letters of the levels that are kept; none where there is no second one to tie with."""
    if len(kept) < 2:
        return {}
    place = {level: number for number, level in enumerate(kept)}
    told = [one for one in pairs if one.told_apart and one.first in place and one.second in place]
    apart = [(place[one.first], place[one.second]) for one in told]
    return dict(zip(kept, letters([values[level] for level in kept], apart), strict=True))


def of_the_rest(row: Sequence[Spread], reference: Sequence[Spread], *, measured: bool) -> Claim:
    """The difference of two rows on the same groups, each over its own seeds, of which no order is claimed.

    Its interval is told only if it is ``measured``.
    """
    difference = of_unlike_seeds(block_of(row), block_of(reference))
    return Claim("", float(difference.value), ends(difference.interval()) if measured else None)
