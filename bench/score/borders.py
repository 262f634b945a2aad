"""F1 had the annotators drawn every border a few pixels further out or in, and with the band between left out.

Where defects are so thin that no true pixel is left, there is none: None.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bench.score.evidence import Evidence
from bench.score.zones import CORE, EDGE, FAR, NEAR
from bench.scores import F1

Pixels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Borders:
    """A split at threshold ``k`` / 1000 with its borders moved; its scores are attributes of their names."""

    evidence: Evidence
    k: int

    @property
    def pixels(self) -> int:
        return self.evidence.tolerance

    @property
    def f1_truth_dilated(self) -> float | None:
        return self._f1([NEAR, EDGE, CORE], [FAR])

    @property
    def f1_truth_eroded(self) -> float | None:
        return self._f1([CORE], [FAR, NEAR, EDGE])

    @property
    def f1_band_left_out(self) -> float | None:
        return self._f1([CORE], [FAR])

    def _f1(self, true: list[int], false: list[int]) -> float | None:
        """F1 were some zones true and others false; None where no true pixel is left."""
        positive, negative = self._pixels
        found, missed = positive[true].sum(), negative[true].sum()
        if found + missed == 0:
            return None
        counts = [found, positive[false].sum(), missed, negative[false].sum()]
        return float(F1.value(np.array(counts, np.float64)))

    @cached_property
    def _pixels(self) -> tuple[Pixels, Pixels]:
        """Pixels of every zone that are called positive, and negative."""
        zones = self.evidence.zones[-1]
        return zones[:, self.k :].sum(axis=1), zones[:, : self.k].sum(axis=1)
