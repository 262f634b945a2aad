"""What an interval is worth that includes the choice of the threshold: worlds in which validation chooses it.

As in :mod:`studies.worlds`, over a grid of thresholds t on the logit scale: a training finds the share
``logistic(m + a[s] + b[g] + c[s, g] - t)`` of a defect and calls ``E[D] f exp(e[g] + c'[s, g] / 2 - a[s] / 2 -
steep t)`` clean pixels defects. Validation and test groups are drawn alike; every seed takes the threshold of its own
best F1 on validation groups that all seeds share. The truth is the mean over seeds and over validation splits of that
size of the F1 on unlimited test groups at the threshold chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.scores import F1
from bench.statistics.choices import estimate_rechosen
from bench.statistics.estimates import Block, block, estimate
from bench.types import Float64
from studies.worlds import WORLDS, World

GRID = np.linspace(-4.0, 4.0, 41)
"""Thresholds on the logit scale."""
DRAWS = 200
"""Bootstrap draws of the validation groups, as the product makes them."""
SPLITS = 4000
"""Trainings, each with a validation split of its own, of which the truth is the mean."""
BATCH = 50
ONE = [np.ones((1, 1))]

SETTINGS = ((12, 50, 3), (12, 400, 3), (30, 150, 3), (60, 150, 5), (60, 400, 5))
"""Validation groups, test groups and seeds."""


@dataclass(frozen=True, slots=True)
class Chooser:
    """A world with thresholds; false alarms fall with them as ``exp(-steep t)``."""

    world: World
    steep: float = 1.0

    def counts(self, of_seed: Float64, groups: int, rng: np.random.Generator) -> Float64:
        """Counts ``float64[worlds, seeds, groups, thresholds, 4]`` of trainings ``float64[worlds, seeds]``."""
        world, shape = self.world, (*of_seed.shape, groups)
        shared = (len(of_seed), 1, groups)
        area = world.areas(shared, rng)[..., None]
        ease = world.centre + of_seed[..., None] + world.group_sd * rng.normal(size=shared)
        ease = ease + world.both_sd * rng.normal(size=shape)
        noise = world.false_sd * rng.normal(size=shared) + world.both_sd / 2 * rng.normal(size=shape)
        noise = noise - of_seed[..., None] / 2
        found = area / (1 + np.exp(GRID - ease[..., None]))
        false = world.mean_area * world.false * np.exp(noise[..., None] - self.steep * GRID)
        return np.stack([found, false, area - found, np.zeros_like(found)], axis=-1)

    def seeds(self, shape: tuple[int, int], rng: np.random.Generator) -> Float64:
        """Trainings, ``float64[worlds, seeds]``."""
        return self.world.seed_sd * rng.normal(size=shape)

    def truth(self, groups: int, rng: np.random.Generator) -> float:
        """The mean F1 on unlimited test groups at thresholds chosen on so many validation groups."""
        reached = []
        for _ in range(SPLITS // BATCH):
            of_seed = self.seeds((BATCH, 1), rng)
            best = chosen(self.counts(of_seed, groups, rng).sum(axis=-3))
            unlimited = self.world.pooled_f1(of_seed[..., None] - GRID, of_seed[..., None] + 2 * self.steep * GRID)
            reached.append(np.take_along_axis(unlimited, best[..., None], axis=-1))
        return float(np.mean(reached))

    def world_of(self, validation: int, groups: int, seeds: int, rng: np.random.Generator) -> Block:
        """A batch of worlds as the product sees them: scores, scores without a group, scores at other thresholds."""
        of_seed = self.seeds((BATCH, seeds), rng)
        known, test = self.counts(of_seed, validation, rng), self.counts(of_seed, groups, rng)
        best = chosen(known.sum(axis=-3))[..., None, None, None]
        at_best = np.take_along_axis(test, best, axis=-2)[..., 0, :]
        times = rng.multinomial(validation, np.full(validation, 1 / validation), DRAWS).astype(np.float64)
        drawn = chosen(np.einsum("bg,wsgtc->wsbtc", times, known, optimize=True))
        rechosen = np.take_along_axis(F1.value(test.sum(axis=-3)), drawn, axis=-1).mean(axis=1)
        held = block(at_best[:, None, None], F1)
        return Block(held.values, held.without, rechosen[:, None, None])


def chosen(counts: Float64) -> npt.NDArray[np.intp]:
    """The threshold of best F1, ``int64[...]``, of ``float64[..., thresholds, 4]``."""
    return np.asarray(F1.value(counts).argmax(axis=-1))


@dataclass(frozen=True, slots=True)
class Covered:
    """Share of worlds whose interval holds the truth and its mean width: threshold held fixed, and chosen anew."""

    world: str
    validation: int
    groups: int
    seeds: int
    fixed: tuple[float, float]
    rechosen: tuple[float, float]


def coverage(
    chooser: Chooser, validation: int, groups: int, seeds: int, worlds: int, rng: np.random.Generator
) -> Covered:
    """Draw worlds and count the intervals that hold the truth."""
    truth = chooser.truth(validation, rng)
    fixed, rechosen = [], []
    for _ in range(worlds // BATCH):
        one = chooser.world_of(validation, groups, seeds, rng)
        whole = estimate_rechosen([one], ONE)
        assert whole is not None, "the block has rechosen scores"
        fixed.append(estimate([one], ONE).share_interval())
        rechosen.append(whole.share_interval())
    ends = [np.concatenate(one) for one in (fixed, rechosen)]
    return Covered(chooser.world.name, validation, groups, seeds, _worth(ends[0], truth), _worth(ends[1], truth))


def _worth(ends: Float64, truth: float) -> tuple[float, float]:
    low, high = ends.T
    return float(np.mean((low <= truth) & (truth <= high))), float(np.mean(high - low))


def choices_lines(rows: Sequence[Covered]) -> list[list[str]]:
    """World, validation groups, test groups and seeds; coverage in percent with the mean width in points of F1."""
    lines = []
    for row in rows:
        sizes = [str(row.validation), str(row.groups), str(row.seeds)]
        worth = [f"{100 * covered:.1f} ({100 * width:.0f})" for covered, width in (row.fixed, row.rechosen)]
        lines.append([row.world, *sizes, *worth])
    return lines


HEAD = ("world", "validation groups", "test groups", "seeds", "threshold held fixed", "threshold chosen anew")
CHOOSERS = (
    *map(Chooser, WORLDS),
    Chooser(World("balanced, false alarms fall slowly"), steep=0.5),
    Chooser(World("groups differ in false alarms", seed_sd=0.1, false_sd=1.5)),
    Chooser(World("nine in ten groups clean", defective=0.1, false=0.025)),
)
"""Of the last one 12 validation groups hold one or two defects: they say next to nothing of the threshold."""
