"""Which cells can be compared for the effect of an axis: combinations of the other axes that all its levels have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from bench.report.choose import Records, chosen, seed_of, state_of, trials_of
from bench.report.counts import Counts, counts_of, stacked
from bench.report.measures import read
from bench.report.shape import CellLike, Measure
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.statistics.estimates import Block, block
from bench.types import Float64, PixelMetric
from bench.words import plural

MOST_NAMED = 6
"""Combinations named in one sentence at most."""

Context = tuple[tuple[str, str], ...]
"""Labels of the other axes."""
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
        return [context for contexts, _ in self.blocks for context in contexts]


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
        done = [cell for cell in chosen(trials_of(members), records) if state_of(cell, records)[0] == "done"]
        scored = [cell for cell in done if read(records[cell.id], measure).value is not None]
        counts = {seed_of(cell): counts_of(records[cell.id], measure.split or "") for cell in scored}
        found.setdefault(level, {})[context] = {seed: one for seed, one in counts.items() if one}
    return found


def _design(levels: Sequence[str], scored: Scored, metric: PixelMetric) -> Design:
    """Use the combinations that all levels have, with all seeds where possible, and say what is left out."""
    here = tuple(level for level in levels if any(scored.get(level, {}).values()))
    asked = list(dict.fromkeys(context for level in levels for context in scored.get(level, {})))
    kept = _kept(here, asked, scored)
    blocks, seeds = [], []
    for _, members in groupby(sorted(kept, key=lambda c: _images(c, here, scored)), lambda c: _images(c, here, scored)):
        contexts = sorted(members, key=asked.index)
        shared = _shared_seeds(here, contexts, scored)
        if shared:
            blocks.append((tuple(contexts), block(_array(here, contexts, shared, scored), metric)))
            seeds.append(len(shared))
    used = [context for contexts, _ in blocks for context in contexts]
    samples = [next(iter(scored[here[0]][contexts[0]].values())) for contexts, _ in blocks]
    return Design(
        levels=here,
        blocks=tuple(blocks),
        seeds=min(seeds, default=0),
        groups=sum(len(one.values) for one in samples),
        defective=min((one.defective for one in samples), default=0),
        remarks=(*_left_out(levels, here, asked, used, kept), *_of_seeds(here, used, seeds, scored)),
    )


def _kept(levels: Sequence[str], asked: Sequence[Context], scored: Scored) -> list[Context]:
    """Combinations in which all levels share enough seeds for an order, or else those in which they share any."""
    shared = {context: len(_shared_seeds(levels, [context], scored)) for context in asked}
    same = {context for context in asked if len(_sets_of_images(context, levels, scored)) == 1}
    for fewest in (FEWEST_SEEDS, 1):
        kept = [context for context in asked if shared[context] >= fewest and context in same]
        if kept and len(levels) > 1:
            return kept
    return []


def _shared_seeds(levels: Sequence[str], contexts: Sequence[Context], scored: Scored) -> list[str]:
    held = [scored.get(level, {}).get(context, {}) for level in levels for context in contexts]
    return [seed for seed in held[0] if all(seed in one for one in held)] if held else []


def _sets_of_images(context: Context, levels: Iterable[str], scored: Scored) -> set[tuple[tuple[str, ...], ...]]:
    return {one.same_images for level in levels for one in scored.get(level, {}).get(context, {}).values()}


def _images(context: Context, levels: Sequence[str], scored: Scored) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Combinations of equal data set and images form a block."""
    return dict(context).get("dataset", ""), next(iter(_sets_of_images(context, levels, scored)))


def _array(levels: Sequence[str], contexts: Sequence[Context], seeds: Sequence[str], scored: Scored) -> Float64:
    """``float64[levels, contexts, seeds, groups, 4]``."""
    return np.stack(
        [
            np.stack([stacked([scored[level][context][seed] for seed in seeds]) for context in contexts])
            for level in levels
        ]
    )


def _left_out(
    levels: Sequence[str],
    here: Sequence[str],
    asked: Sequence[Context],
    used: Sequence[Context],
    kept: Sequence[Context],
) -> tuple[str, ...]:
    absent = [level for level in levels if level not in here]
    lost = [context for context in asked if context not in used]
    why = "some level lacks finished seeds there" if used else "no combination has all levels"
    if kept and not used:
        why = "all levels are there, but no seed is finished in all of them"
    if len(here) < 2:
        why = "fewer than two levels have finished cells with a score"
    return (
        *([f"Left out, no finished cell with a score: {', '.join(absent)}."] if absent else ()),
        *(
            [
                f"Left out, {len(lost)} of {plural(len(asked), 'combination')} of the other axes ({why}): "
                f"{'; '.join(map(_said, lost[:MOST_NAMED]))}{' ...' if len(lost) > MOST_NAMED else ''}."
            ]
            if lost
            else ()
        ),
    )


def _of_seeds(levels: Sequence[str], used: Sequence[Context], seeds: Sequence[int], scored: Scored) -> tuple[str, ...]:
    """That seeds are left out because not all combinations have them, and that too few are left for an order."""
    most = max((len(scored[level][context]) for level in levels for context in used), default=0)
    fewest = min(seeds, default=0)
    return (
        *([f"Compared over the {plural(fewest, 'seed')} that all have, of {most}."] if 0 < fewest < most else ()),
        *([f"Fewer than {FEWEST_SEEDS} seeds: no order claimed."] if 0 < fewest < FEWEST_SEEDS else ()),
    )


def _said(context: Context) -> str:
    return ", ".join(f"{axis} {label}" for axis, label in context) or "the only one"
