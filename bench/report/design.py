"""Which cells can be compared for the effect of an axis: combinations of the other axes that all its levels have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.report.choose import Records, chosen, done_cells, seed_of, trials_of
from bench.report.counts import Counts, counts_of, stacked
from bench.report.measures import read
from bench.report.shape import CellLike, Measure, title_text
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.statistics.estimates import Block, block
from bench.types import Float64, PixelMetric
from bench.words import plural

MOST_NAMED = 6
"""Combinations named in one sentence at most."""

Context = tuple[tuple[str, str], ...]
"""Labels of the other axes."""
Images = tuple[str, tuple[tuple[str, ...], ...]]
"""A data set, and its images with their groups."""
Scored = Mapping[str, Mapping[Context, Mapping[str, Counts]]]
"""Level to context to seed to counts."""


@dataclass(frozen=True, slots=True)
class Design:
    """The cells that can be compared: levels by contexts by seeds, in blocks of equal test images.

    ``seeds`` and ``defective`` groups are the fewest of any block; ``remarks`` say what is left out and why.
    """

    levels: tuple[str, ...]
    blocks: tuple[tuple[tuple[Context, ...], Block], ...]
    seeds: int
    groups: int
    defective: int
    remarks: tuple[str, ...]

    @property
    def scores(self) -> list[Block]:
        """The blocks without their contexts."""
        return [one for _, one in self.blocks]

    @property
    def contexts(self) -> list[Context]:
        """All combinations that are used."""
        found: list[Context] = []
        for contexts, _ in self.blocks:
            found += contexts
        return found


def design(
    cells: Sequence[CellLike], records: Records, axis: str, levels: Sequence[str], measure: Measure, metric: PixelMetric
) -> Design:
    """The design for the effect of ``axis``, from whatever cells are done."""
    return _design(levels, _scored(cells, records, axis, measure), metric)


def _scored(cells: Sequence[CellLike], records: Records, axis: str, measure: Measure) -> Scored:
    """Counts of the finished cells with a score of the trials on the leaderboard, without models that fit nothing."""
    places: dict[tuple[str, Context], list[CellLike]] = {}
    for cell in cells:
        if axis in cell.labels and not (cell.id in records and records[cell.id].parameters == 0):
            others = {"seed", axis} | set(cell.tuned)
            context = tuple((name, label) for name, label in cell.labels.items() if name not in others)
            places.setdefault((cell.labels[axis], context), []).append(cell)
    found: dict[str, dict[Context, dict[str, Counts]]] = {}
    for (level, context), members in places.items():
        by_seed = found.setdefault(level, {}).setdefault(context, {})
        for cell in done_cells(chosen(trials_of(members), records), records):
            counts = counts_of(records[cell.id], measure.split or "")
            if counts and read(records[cell.id], measure).value is not None:
                by_seed[seed_of(cell)] = counts
    return found


def _design(levels: Sequence[str], scored: Scored, metric: PixelMetric) -> Design:
    """Use the combinations that all levels have, with all seeds where possible, and say what is left out."""
    here = tuple(level for level in levels if any(scored.get(level, {}).values()))
    asked: dict[Context, None] = {}
    for level in levels:
        asked |= dict.fromkeys(scored.get(level, {}))
    kept = _kept(here, list(asked), scored)
    alike: dict[Images, list[Context]] = {}
    for context in kept:
        alike.setdefault(_images(context, here, scored), []).append(context)
    blocks, samples, seeds, used = [], [], [], []
    for _, contexts in sorted(alike.items()):
        shared = _shared_seeds(here, contexts, scored)
        if shared:
            blocks.append((tuple(contexts), block(_array(here, contexts, shared, scored), metric)))
            samples.append(next(iter(scored[here[0]][contexts[0]].values())))
            seeds.append(len(shared))
            used += contexts
    return Design(
        levels=here,
        blocks=tuple(blocks),
        seeds=min(seeds, default=0),
        groups=sum(len(one.values) for one in samples),
        defective=min((one.defective for one in samples), default=0),
        remarks=(*_left_out(levels, here, list(asked), used, kept), *_of_seeds(here, used, seeds, scored)),
    )


def _kept(levels: Sequence[str], asked: Sequence[Context], scored: Scored) -> list[Context]:
    """Combinations in which all levels share enough seeds for an order, or else those in which they share any."""
    same = [context for context in asked if len(_sets_of_images(context, levels, scored)) == 1]
    for fewest in (FEWEST_SEEDS, 1):
        kept = [context for context in same if len(_shared_seeds(levels, [context], scored)) >= fewest]
        if kept and len(levels) > 1:
            return kept
    return []


def _shared_seeds(levels: Sequence[str], contexts: Sequence[Context], scored: Scored) -> list[str]:
    """Seeds that every level has in every context, in the order of the first."""
    shared: dict[str, None] | None = None
    for level in levels:
        for context in contexts:
            held = scored.get(level, {}).get(context, {})
            shared = dict.fromkeys(seed for seed in (held if shared is None else shared) if seed in held)
    return list(shared or ())


def _sets_of_images(context: Context, levels: Iterable[str], scored: Scored) -> set[tuple[tuple[str, ...], ...]]:
    images: set[tuple[tuple[str, ...], ...]] = set()
    for level in levels:
        held = scored.get(level, {}).get(context, {})
        images |= {one.same_images for one in held.values()}
    return images


def _images(context: Context, levels: Sequence[str], scored: Scored) -> Images:
    """Combinations of equal data set and images form a block."""
    return dict(context).get("dataset", ""), next(iter(_sets_of_images(context, levels, scored)))


def _array(levels: Sequence[str], contexts: Sequence[Context], seeds: Sequence[str], scored: Scored) -> Float64:
    """``float64[levels, contexts, seeds, groups, 4]``."""
    by_level = []
    for level in levels:
        by_context = []
        for context in contexts:
            counts = scored[level][context]
            by_context.append(stacked([counts[seed] for seed in seeds]))
        by_level.append(np.stack(by_context))
    return np.stack(by_level)


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
    most = 0
    for level in levels:
        most = max([most, *(len(scored[level][context]) for context in used)])
    fewest = min(seeds, default=0)
    if 0 < fewest < most:
        remarks.append(f"Compared over the {plural(fewest, 'seed')} that all have, of {most}.")
    if 0 < fewest < FEWEST_SEEDS:
        remarks.append(f"Fewer than {FEWEST_SEEDS} seeds: no order claimed.")
    return remarks
