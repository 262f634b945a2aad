"""Which cells can be compared for the effect of an axis: combinations of the other axes that all its levels have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product

from bench.report.choose import Records, chosen, done_cells, seed_of, trials_of
from bench.report.counts import Images
from bench.report.flagged_levels import LevelFlag, flag_remarks, flagged_levels
from bench.report.shape import Labels, Measure, title_text
from bench.report.spread import Spread, block_of, spread_of
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.statistics.estimates import Block
from bench.suite.cells import Cell
from bench.words import plural

MOST_NAMED = 6
"""Combinations named in one sentence at most."""

Context = Labels
"""Labels of the other axes."""
Scored = Mapping[tuple[str, Context], Mapping[str, Spread]]
"""Level and context to the score by seed, with what its error is made of."""


@dataclass(frozen=True, slots=True)
class Design:
    """The cells that can be compared: levels by contexts by seeds, in blocks of equal test images.

    ``seeds`` and ``defective`` groups are the fewest of any block; ``whole``: no level and no combination is left out;
    ``remarks`` say what is, and why. Of the levels in ``flags`` no order is claimed.
    """

    levels: tuple[str, ...]
    blocks: tuple[tuple[tuple[Context, ...], Block], ...]
    seeds: int
    groups: int
    defective: int
    whole: bool
    remarks: tuple[str, ...]
    flags: Mapping[str, LevelFlag]

    @property
    def scores(self) -> list[Block]:
        """The blocks without their contexts."""
        return [one for _, one in self.blocks]

    def is_measured(self, *levels: str) -> bool:
        """Whether the errors of the means of all these levels are known."""
        return all(self.flags[level].measured for level in levels if level in self.flags)

    @property
    def contexts(self) -> list[Context]:
        """All combinations that are used."""
        return list(chain.from_iterable(contexts for contexts, _ in self.blocks))


def design(cells: Sequence[Cell], records: Records, axis: str, levels: Sequence[str], measure: Measure) -> Design:
    """The design for the effect of ``axis``, from whatever cells are done.

    It uses the combinations that all levels have, with all seeds where possible, and says what is left out.
    """
    scored = _scored(cells, records, axis, measure)
    here = tuple(level for level in levels if any(scored[place] for place in scored if place[0] == level))
    asked: dict[Context, None] = {}
    for level in levels:
        asked |= dict.fromkeys(context for other, context in scored if other == level)
    kept = _kept(here, asked, scored)
    alike: dict[tuple[str, Images], list[Context]] = {}
    for context in kept:
        (images,) = _images(context, here, scored)
        alike.setdefault((dict(context).get("dataset", ""), images), []).append(context)
    blocks, samples, seeds, used = [], [], [], []
    for contexts in alike.values():
        places = list(product(here, contexts))
        shared = _shared_seeds(places, scored)
        if shared:
            spreads = [scored[place][seed] for place, seed in product(places, shared)]
            blocks.append((tuple(contexts), block_of(spreads, len(here), len(contexts))))
            samples.append(spreads[0].counts)
            seeds.append(len(shared))
            used += contexts
    flags = flagged_levels(here, used, scored, min(seeds, default=0))
    return Design(
        levels=here,
        blocks=tuple(blocks),
        seeds=min(seeds, default=0),
        groups=sum(len(one.values) for one in samples),
        defective=min((one.defective for one in samples), default=0),
        whole=len(here) == len(levels) and len(used) == len(asked),
        remarks=(
            *_left_out(levels, here, list(asked), used, kept),
            *_of_seeds(here, used, seeds, scored),
            *flag_remarks(flags, len(here)),
        ),
        flags=flags,
    )


def _scored(cells: Sequence[Cell], records: Records, axis: str, measure: Measure) -> Scored:
    """The finished cells with a score of the trials on the leaderboard, without models that fit nothing."""
    places: dict[tuple[str, Context], list[Cell]] = {}
    for cell in cells:
        if axis in cell.labels and not (cell.id in records and records[cell.id].parameters == 0):
            others = {"seed", axis} | set(cell.tuned)
            context = tuple((name, label) for name, label in cell.labels.items() if name not in others)
            places.setdefault((cell.labels[axis], context), []).append(cell)
    scored: dict[tuple[str, Context], dict[str, Spread]] = {}
    for place, members in places.items():
        by_seed = scored[place] = {}
        for cell in done_cells(chosen(trials_of(members), records), records):
            spread = spread_of(records[cell.id], measure)
            if spread is not None:
                by_seed[seed_of(cell)] = spread
    return scored


def _kept(levels: Sequence[str], asked: Iterable[Context], scored: Scored) -> list[Context]:
    """Combinations in which all levels share enough seeds for an order, or else those in which they share any."""
    same = [context for context in asked if len(_images(context, levels, scored)) == 1]
    for fewest in (FEWEST_SEEDS, 1):
        kept = [context for context in same if len(_shared_seeds(product(levels, [context]), scored)) >= fewest]
        if kept and len(levels) > 1:
            return kept
    return []


def _shared_seeds(places: Iterable[tuple[str, Context]], scored: Scored) -> list[str]:
    """Seeds that all of these places have, in the order of the first."""
    first, *others = (scored.get(place, {}) for place in places)
    return [seed for seed in first if all(seed in other for other in others)]


def _images(context: Context, levels: Iterable[str], scored: Scored) -> set[Images]:
    """The sets of images that a combination was scored on."""
    images = set()
    for level in levels:
        images |= {one.counts.same_images for one in scored.get((level, context), {}).values()}
    return images


def _left_out(
    levels: Sequence[str],
    here: Sequence[str],
    asked: Sequence[Context],
    used: Sequence[Context],
    kept: Sequence[Context],
) -> list[str]:
    remarks = []
    absent = [level for level in levels if level not in here]
    if absent:
        remarks.append(f"Left out, no finished cell with a score: {', '.join(absent)}.")
    lost = [context for context in asked if context not in used]
    if not lost:
        return remarks
    if len(here) < 2:
        why = "fewer than two levels have finished cells with a score"
    elif used:
        why = "some level lacks finished seeds there"
    elif kept:
        why = "all levels are there, but no seed is finished in all of them"
    else:
        why = "no combination has all levels"
    named = [title_text(context) or "the only one" for context in lost[:MOST_NAMED]]
    more = " ..." if len(lost) > MOST_NAMED else ""
    of = plural(len(asked), "combination")
    remarks.append(f"Left out, {len(lost)} of {of} of the other axes ({why}): {'; '.join(named)}{more}.")
    return remarks


def _of_seeds(levels: Sequence[str], used: Sequence[Context], seeds: Sequence[int], scored: Scored) -> list[str]:
    """That seeds are left out because not all combinations have them, and that too few are left for an order."""
    remarks = []
    most = max((len(scored[place]) for place in product(levels, used)), default=0)
    fewest = min(seeds, default=0)
    if 0 < fewest < most:
        remarks.append(f"Compared over the {plural(fewest, 'seed')} that all have, of {most}.")
    if 0 < fewest < FEWEST_SEEDS:
        remarks.append(f"Fewer than {FEWEST_SEEDS} seeds: no order claimed.")
    return remarks
