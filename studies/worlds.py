"""Worlds with a known truth, to see what an interval is worth: heavy-tailed defects, planted seed and group variances.

In a group g with defects of area ``D[g]`` a training with seed s finds the share ``logistic(m + a[s] + b[g] +
c[s, g])`` of the pixels, and calls ``E[D] * f * exp(e[g] + c'[s, g] / 2 - a[s] / 2)`` clean pixels defects, with normal
a, b, c, c' and e. All cells and seeds of a world have the same groups. The truth is the mean over seeds of the pooled
F1 on unlimited groups: what a user would read off with all parts of the factory and all seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.types import Float64

NODES = 61
"""Points of the Gauss-Hermite quadrature."""


@dataclass(frozen=True, slots=True)
class World:
    """One setting; ``seed_sd``, ``group_sd`` and ``both_sd`` are those of a, b and c.

    ``tail`` is sigma of the log-normal areas, or the exponent of the Pareto ones (below 2 the variance is infinite).
    ``defective`` is the share of groups with a defect; ``level_sd`` lets levels that are equal on the whole differ
    from group to group.
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
        ease[:, -1] += better
        found = area / (1 + np.exp(-ease))
        noise = self.false_sd * rng.normal(size=(worlds, 1, 1, groups))
        noise = noise + self.both_sd / 2 * rng.normal(size=(*shape, groups))
        false = self.mean_area * self.false * np.exp(noise - of_seed / 2)
        return np.stack([found, false, area - found, np.zeros_like(found)], axis=-1)

    def areas(self, shape: tuple[int, ...], rng: np.random.Generator) -> Float64:
        """Areas of the defects of groups; 0 in groups without any."""
        area = rng.lognormal(0.0, self.tail, shape) if self.area == "lognormal" else 1 + rng.pareto(self.tail, shape)
        return np.asarray(area * (rng.random(shape) < self.defective))

    @property
    def mean_area(self) -> float:
        """Mean area of a defect."""
        return float(np.exp(self.tail**2 / 2)) if self.area == "lognormal" else self.tail / (self.tail - 1)

    def truth(self, better: float = 0.0) -> float:
        """The mean over seeds of the pooled F1 on unlimited groups, by quadrature."""
        return float(_normal_mean(self.pooled_f1(self.seed_sd * _NODES + better, self.seed_sd * _NODES)))

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

BEYOND = World("sigma 2.2, a third defective", tail=2.2, defective=0.3, false=0.075)
"""Heavier than any data set at hand: 57 groups weigh as much as 6. Where the interval breaks."""
