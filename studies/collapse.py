"""What flags are worth: worlds in which trainings go wrong by chance, with and without them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from bench.scores import F1
from bench.statistics.collapse import Share, collapsed, floors
from bench.statistics.effects import marginal_means
from bench.statistics.estimates import Block, block, mean_estimate
from bench.statistics.flags import CARRIED, carried, fallen_apart
from bench.types import Bool, Float64
from studies.worlds import World

LEVELS = 5
"""A reference and four others, as in the supplement's Table 1."""
BATCH = 100


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of rows, each of a column of five equal ones; a share of nothing is NaN.

    ``all_covered``: the interval over all trainings holds the mean over all possible ones. ``up``: the flag is up;
    ``up_of_missed``: where that interval misses. ``covered``: the printed interval, over the trainings that have not
    collapsed, at least two, holds the mean over those that neither collapse nor storm; ``covered_unflagged``: of the
    rows without a flag; ``up_of_uncovered``: where it misses. ``share_covered``: the exact interval holds the share
    that collapses.
    """

    all_covered: float
    up: float
    up_of_missed: float
    covered: float
    covered_unflagged: float
    up_of_uncovered: float
    share_covered: float


@dataclass(frozen=True, slots=True)
class Rows:
    """The shares at one setting."""

    world: World
    groups: int
    seeds: int
    shares: Shares


def gone_wrong(counts: Float64) -> Bool:
    """Which trainings have collapsed, ``bool[worlds, levels, seeds]``; ``counts`` go on with groups and 4."""
    scores = F1.value(counts.sum(axis=-2))
    return collapsed(scores, floors(counts[:, :1, :1]))


def flagged(counts: Float64, scores: Block) -> Bool:
    """Rows that a board flags, ``bool[worlds, levels]``; ``scores`` is the block of these counts."""
    values = scores.values[:, :, 0]
    gone = gone_wrong(counts)
    errors = np.stack([one.error for one in marginal_means([scores])], axis=-1)
    decided = carried(scores.without[:, :, 0], errors**2).max(axis=-1) > CARRIED
    return np.asarray(gone.any(axis=-1) | fallen_apart(np.where(gone, np.nan, values)) | decided)


def flags_of(world: World, groups: int, seeds: int, worlds: int, rng: np.random.Generator) -> Rows:
    """Draw columns of equal rows, and count what is covered and flagged; splits without a defect are left out."""
    found = []
    for size in batches(worlds):
        counts = world.counts((size, LEVELS, seeds), groups, rng)
        counts = counts[counts[:, 0, 0, :, (0, 2)].sum(axis=(0, 2)) > 0]
        gone = gone_wrong(counts)
        every = _holds(counts, np.ones_like(gone), world.truth())
        stands = gone.all(axis=-1, keepdims=True) | ~gone
        printed = _holds(counts, stands, world.steady())
        told = ~gone.any(axis=-1) | ((~gone).sum(axis=-1) > 1)
        share = _share_held(gone, world.collapse)
        found.append(np.stack([every, flagged(counts, block(counts[:, :, None], F1)), printed, told, share]))
    every, up, printed, told, share = np.concatenate(found, axis=1)
    shares = [every, up, up[~every], printed[told], printed[~up], up[told & ~printed], share]
    return Rows(world, groups, seeds, Shares(*[float(one.mean()) if one.size else np.nan for one in shares]))


def _holds(counts: Float64, stands: Bool, truth: float) -> Bool:
    """Whether the interval over the trainings that stand holds the truth, ``bool[worlds, levels]``."""
    held = np.zeros(stands.shape[:2], bool)
    for seeds in np.unique(stands.sum(axis=-1)):
        rows = stands.sum(axis=-1) == seeds
        kept = counts[rows][stands[rows]].reshape(-1, seeds, *counts.shape[-2:])
        low, high = np.moveaxis(mean_estimate(kept, F1).share_interval(), -1, 0)
        held[rows] = (low <= truth) & (truth <= high)
    return held


def _share_held(gone: Bool, share: float) -> Bool:
    """Whether the exact interval of the share that collapses holds it, ``bool[worlds, levels]``."""
    seeds = gone.shape[-1]
    ends = [Share(count, seeds).interval() for count in range(seeds + 1)]
    holds = np.array([low <= share <= high for low, high in ends])
    return np.asarray(holds[gone.sum(axis=-1)])


def batches(worlds: int) -> Iterator[int]:
    """Sizes that add up to so many worlds."""
    for start in range(0, worlds, BATCH):
        yield min(BATCH, worlds - start)


HEAD = (
    "all trainings covered",
    "flag up",
    "up where missed",
    "printed covered",
    "of the unflagged",
    "up where missed",
    "share covered",
)


def flags_lines(rows: Sequence[Rows]) -> list[list[str]]:
    """A line for each setting; shares in percent, a dash for a share of nothing."""
    lines = []
    for row in rows:
        values = astuple(row.shares)
        texts = ["–" if np.isnan(value) else f"{100 * value:.1f}" for value in values]
        lines.append([row.world.name, str(row.groups), str(row.seeds), *texts])
    return lines
