"""What the first look at some images tells: sizes, and the defects that their masks mark."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from bench.data.index import loaded
from bench.threads import ordered
from bench.types import IGNORED, Dataset, Sample

MOST_SAMPLED, LEAST_SAMPLED = 200, 20
"""Images looked at first: so many at most, and so many even where decoding is slow."""
SECONDS = 4.0
"""Time that the first look may take."""

Item = TypeVar("Item")
Int64: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Facts:
    """One image: its size, and area and longest side in pixels of each of its defects (8-connected, any class)."""

    id: str
    height: int
    width: int
    areas: Int64
    sides: Int64

    @property
    def share(self) -> float:
        """Marked share of the image."""
        return float(self.areas.sum()) / (self.height * self.width)


@dataclass(frozen=True, slots=True)
class Look:
    """The first look: facts of some images, and seconds that one took on one thread."""

    facts: tuple[Facts, ...]
    seconds_each: float


def sampled(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many, evenly spread over the order."""
    if len(items) <= most:
        return list(items)
    places = np.linspace(0, len(items) - 1, most).round().astype(int)
    return [items[place] for place in places]


def first_look(name: str, dataset: Dataset, ids: Sequence[str]) -> Look:
    """Decode up to 200 images, fewer where that would take long.

    Raises:
        DataError: an image cannot be read; what the reader said.
        PluginError: the reader fails.
    """

    def look(id: str) -> Facts:
        return facts_of(loaded(name, dataset, id))

    chosen = sampled(ids, MOST_SAMPLED)
    trial = sampled(chosen, 4)
    look(trial[0])  # the first reading imports decoders
    start = time.perf_counter()
    for id in trial:
        look(id)
    each = (time.perf_counter() - start) / len(trial)
    affordable = max(LEAST_SAMPLED, int(SECONDS / max(each, 1e-4)))
    return Look(tuple(ordered(look, sampled(chosen, affordable), 2)), each)


def facts_of(sample: Sample) -> Facts:
    """The facts of one image."""
    import cv2

    height, width = sample.mask.shape
    marked = ((sample.mask > 0) & (sample.mask != IGNORED)).view(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(marked, connectivity=8)
    boxes = np.asarray(stats[1:], np.int64)
    sides = np.maximum(boxes[:, cv2.CC_STAT_WIDTH], boxes[:, cv2.CC_STAT_HEIGHT])
    return Facts(sample.id, height, width, boxes[:, cv2.CC_STAT_AREA], sides)
