"""Small data sets in memory, and strategies that misbehave, for the tests of the crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.crops.prepare import Source
from bench.data.index import DatasetIndex, build_index
from bench.types import Image, Mask, Record, Sample


@dataclass(frozen=True)
class World:
    """A data set whose images are arrays; image ``i`` is its own group unless ``groups`` says otherwise."""

    images: Sequence[Image]
    masks: Sequence[Mask]
    groups: Mapping[int, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ("scratch",)

    def records(self) -> list[Record]:
        return [Record(f"image {n}", self.groups.get(n, f"part {n}")) for n in range(len(self.images))]

    def load(self, id: str, /) -> Sample:
        number = int(id.split()[1])
        return Sample(id, self.images[number], self.masks[number])

    def index(self) -> DatasetIndex:
        return build_index("world", self, workers=1)

    def source(self, *chain: Any) -> Source:
        return Source(self, chain)


def world(
    seed: int = 0, shapes: Sequence[tuple[int, int]] = ((40, 50), (33, 64), (48, 31)), channels: int = 1
) -> World:
    """Noise that brightens to the right, with one 5 x 5 defect in the corner of every image but the last."""
    generator = np.random.default_rng(seed)
    images, masks = [], []
    for number, (height, width) in enumerate(shapes):
        ramp = np.linspace(0, 120, width)[None, :, None]
        images.append((ramp + generator.integers(0, 60, (height, width, channels))).astype(np.uint8))
        masks.append(np.zeros((height, width), np.uint8))
        if number < len(shapes) - 1:
            masks[-1][:5, :5] = 1
    return World(images, masks)


@dataclass(frozen=True)
class Given:
    """A strategy of one part whose answers are written down."""

    corners: Any
    weights: Any = None
    share: float = 1.0

    def parts(self) -> list[Given]:
        return [self]

    def images(self, index: Any, /) -> Any:
        return np.ones(len(index.entries)) if self.weights is None else self.weights

    def positions(self, image: Image, mask: Mask, /) -> Any:
        return self.corners(image, mask) if callable(self.corners) else self.corners


@dataclass(frozen=True)
class Mixture:
    """A strategy of several given parts."""

    given: Sequence[Any]

    def parts(self) -> Sequence[Any]:
        return self.given
