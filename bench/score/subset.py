"""Evidence of some images of a split, for scoring it many times: sums are the whole's, less those of the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np

from bench.score.evidence import Evidence
from bench.score.objects import Defects, Int64
from bench.types import Bool


@dataclass(frozen=True)
class Subset(Evidence):
    """The images of ``whole`` that are ``kept``, ``bool[N]``; ``counts`` and ``predicted`` stay in the whole."""

    whole: Evidence
    kept: Bool

    @cached_property
    def zones(self) -> Int64:
        others: Int64 = self.whole.counts[~self.kept].sum(axis=0, dtype=np.int64)
        return self.whole.zones - others

    @cached_property
    def positive(self) -> Int64:
        return self.whole.positive[self.kept]

    @cached_property
    def defective(self) -> Bool:
        return self.whole.defective[self.kept]


def subset(whole: Evidence, kept: Bool) -> Subset:
    """Evidence of the images that are ``kept``, ``bool[N]``, for scoring alone."""
    return Subset(
        ids=tuple(compress(whole.ids, kept)),
        groups=tuple(compress(whole.groups, kept)),
        classes=whole.classes,
        tolerance=whole.tolerance,
        threshold=whole.threshold,
        counts=whole.counts[:0],
        defects=_defects(whole.defects, kept),
        predicted=whole.predicted,
        alarms=whole.alarms[kept],
        whole=whole,
        kept=kept,
    )


def _defects(whole: Defects, kept: Bool) -> Defects:
    """The defects of the images that are kept, images and owners numbered anew."""
    own = kept[whole.image]
    overlaps = own[whole.owner]
    numbered = np.cumsum(own, dtype=np.int32) - 1
    images = np.cumsum(kept, dtype=np.int32) - 1
    return Defects(
        image=images[whole.image[own]],
        kind=whole.kind[own],
        area=whole.area[own],
        box=whole.box[own],
        owner=numbered[whole.owner[overlaps]],
        bin=whole.bin[overlaps],
        pixels=whole.pixels[overlaps],
    )
