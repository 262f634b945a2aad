"""Worlds with a known truth, to see what an interval is worth: heavy-tailed defects, planted seed and group variances.

In a group g with defects of area ``D[g]`` a training with seed s finds the share ``logistic(m + a[s] + b[g] +
c[s, g])`` of the pixels, and calls ``E[D] * f * exp(e[g] + c'[s, g] / 2 - a[s] / 2)`` clean pixels defects, with normal
a, b, c, c' and e. All cells and seeds of a world have the same groups. The truth is the mean over seeds of the pooled
F1 on unlimited groups: what a user would read off with all parts of the factory and all seeds.

In some worlds trainings go wrong by chance: one that **collapses** calls every pixel a defect, one that **storms**
raises many times its false alarms in a few groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.types import Float64

NODES = 61
"""Points of the Gauss-Hermite quadrature."""
POSITIVE = 0.004
"""Share of positive pixels: F1 of calling every pixel a defect is 0.8 %."""


@dataclass(frozen=True, slots=True)
class World:
    """One setting; ``seed_sd``, ``group_sd`` and ``both_sd`` are those of a, b and c.

    ``tail`` is sigma of the log-normal areas, or the exponent of the Pareto ones (below 2 the variance is infinite).
    ``defective`` is the share of groups with a defect; ``level_sd`` lets levels that are equal on the whole differ
    from group to group. ``collapse`` is the share of trainings that collapse, of the last level only where that is
    ``alone``. ``storm`` is the share of trainings that storm, in ``storm_groups`` of the groups, by ``storm_factor``.
    ``advantage`` is what the last level finds more on the logit scale.
    """

    name: str
    centre: float = 0.8
    seed_sd: float = 0.25
    group_sd: float = 1.0
    both_sd: float = 0.4
    area: Literal["lognormal", "pareto"] = "lognormal"
    tail: float = 1.5
    defective: float = 1.0
    false: float = 0.2
    false_sd: float = 1.0
    level_sd: float = 0.0
    collapse: float = 0.0
    alone: bool = False
    storm: float = 0.0
    storm_groups: float = 0.02
    storm_factor: float = 500.0
    advantage: float = 0.0

    def counts(
        self, shape: tuple[int, int, int], groups: int, rng: np.random.Generator, *, better: float = 0.0
    ) -> Float64:
        """Counts ``float64[worlds, levels, seeds, groups, 4]`` for ``shape`` (worlds, levels, seeds).

        The last level finds more by ``better`` on the logit scale; 0: all levels are equal.
        """
        worlds, levels, seeds = shape
        area = self.areas((worlds, 1, 1, groups), rng)
        of_seed = self.seed_sd * rng.normal(size=(worlds, levels, seeds, 1))
        of_group = self.group_sd * rng.normal(size=(worlds, 1, 1, groups))
        of_level = self.level_sd * rng.normal(size=(worlds, levels, 1, groups))
        ease = self.centre + of_seed + of_group + of_level + self.both_sd * rng.normal(size=(*shape, groups))
        ease[:, -1] += better + self.advantage
        found = area / (1 + np.exp(-ease))
        noise = self.false_sd * rng.normal(size=(worlds, 1, 1, groups))
        noise = noise + self.both_sd / 2 * rng.normal(size=(*shape, groups))
        false = self.mean_area * self.false * np.exp(noise - of_seed / 2)
        if self.storm:
            hit = (rng.random((worlds, levels, seeds, 1)) < self.storm) & (rng.random(false.shape) < self.storm_groups)
            false = np.where(hit, self.storm_factor * false, false)
        clean = np.maximum(self.clean_area - false, 0.0)
        counts = np.stack([found, false, area - found, clean], axis=-1)
        return self._collapsed(counts, rng) if self.collapse else counts

    def _collapsed(self, counts: Float64, rng: np.random.Generator) -> Float64:
        """The counts with some trainings that call every pixel a defect."""
        gone = rng.random(counts.shape[:3]) < self.collapse
        if self.alone:
            gone[:, :-1] = False
        true, false, missed, clean = np.moveaxis(counts, -1, 0)
        nothing = np.zeros_like(true)
        everything = np.stack([true + missed, false + clean, nothing, nothing], axis=-1)
        return np.where(gone[..., None, None], everything, counts)

    def areas(self, shape: tuple[int, ...], rng: np.random.Generator) -> Float64:
        """Areas of the defects of groups; 0 in groups without any."""
        area = rng.lognormal(0.0, self.tail, shape) if self.area == "lognormal" else 1 + rng.pareto(self.tail, shape)
        return np.asarray(area * (rng.random(shape) < self.defective))

    @property
    def mean_area(self) -> float:
        """Mean area of a defect."""
        return float(np.exp(self.tail**2 / 2)) if self.area == "lognormal" else self.tail / (self.tail - 1)

    @property
    def clean_area(self) -> float:
        """Clean pixels of a group."""
        return self.defective * self.mean_area * (1 / POSITIVE - 1)

    def truth(self, better: float = 0.0) -> float:
        """The mean over seeds of the pooled F1 on unlimited groups, by quadrature."""
        raised = 1 + self.storm_groups * (self.storm_factor - 1)
        standing = (1 - self.storm) * self.steady(better) + self.storm * self.steady(better, raised)
        return (1 - self.collapse) * standing + self.collapse * 2 * POSITIVE / (1 + POSITIVE)

    def steady(self, better: float = 0.0, raised: float = 1.0) -> float:
        """The same mean over the trainings that do not collapse and ``raised`` times as many false alarms."""
        of_seed = self.seed_sd * _NODES
        return float(_normal_mean(replace(self, false=self.false * raised).pooled_f1(of_seed + better, of_seed)))

    def balanced(self) -> World:
        """This world, with an advantage of the last level that makes its mean over all trainings that of the others."""
        from scipy.optimize import brentq

        advantage = float(brentq(lambda better: self.truth(better) - self.steady(), 0.0, 20.0))
        return replace(self, name=f"{self.name}, equal means over all trainings", advantage=advantage)

    def pooled_f1(self, shift: Float64, of_seed: Float64) -> Float64:
        """F1 on unlimited groups of trainings whose ease is shifted, ``float64[...]``."""
        spread = np.sqrt(self.group_sd**2 + self.both_sd**2 + self.level_sd**2) * _NODES
        recall = _normal_mean(1 / (1 + np.exp(-(self.centre + np.asarray(shift)[..., None] + spread))))
        false = self.false * np.exp(self.false_sd**2 / 2 + self.both_sd**2 / 8 - np.asarray(of_seed) / 2)
        return np.asarray(2 * self.defective * recall / (self.defective * (recall + 1) + false))


_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(NODES)


def _normal_mean(values: Float64) -> Float64:
    """The mean of values at the nodes, ``float64[..., NODES]``, over a standard normal variable."""
    return np.asarray(values @ _WEIGHTS / _WEIGHTS.sum())


WORLDS = (
    World("balanced"),
    World("seeds dominate", seed_sd=0.6, group_sd=0.6, both_sd=0.3),
    World("groups dominate", seed_sd=0.08, group_sd=1.5),
    World("Pareto areas, infinite variance", area="pareto", tail=1.5),
    World("a third of the groups defective", defective=0.3, false=0.075),
    World("nearly solved", centre=3.0, seed_sd=0.4, false=0.025),
)
"""Settings of the published tables. Log-normal areas of sigma 1.5 have the tail of MTD: 57 of its groups with defects
weigh as much as 14 equal ones, 57 groups of sigma 1.5 as much as 13."""

ADVERSE = (
    World("15 % of the trainings collapse", collapse=0.15),
    World("30 % of the trainings collapse", collapse=0.3),
    World("15 % storm", storm=0.15),
    World("90 % of the groups clean", defective=0.1, false=0.025),
)
"""Trainings that go wrong by chance, and defects that are rare."""

ALONE = (
    World("one level collapses, 15 %", centre=0.0, collapse=0.15, alone=True),
    World("one level collapses, 30 %", centre=0.0, collapse=0.3, alone=True),
)

BEYOND = World("sigma 2.2, a third defective", tail=2.2, defective=0.3, false=0.075)
"""Heavier than any data set at hand: 57 groups weigh as much as 6. Where the interval breaks."""
