"""A crop strategy: windows near the middle of the image; the place for your own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from bench.api import About, Bool, Component, CropStrategy, Float64, Image, Index, Mask, Part, hookimpl

NAME = "my-plugin"


@dataclass(frozen=True)
class Middle:
    """Corners of the middle ``extent`` of the rows and columns of corners, all equally likely."""

    size: int
    extent: float
    share: float = 1.0

    def parts(self) -> Sequence[Part]:
        """One part: no mixture."""
        return [self]

    def images(self, index: Index, /) -> Float64:
        """Every image as often as any other."""
        return np.ones(len(index.entries))

    def positions(self, image: Image, mask: Mask, /) -> Bool:  # noqa: ARG002 - the protocol's signature
        """``bool[H-h+1, W-w+1]`` over top-left corners; there is always at least one."""
        rows, columns = (self._near_middle(side - self.size + 1) for side in mask.shape)
        return rows[:, None] & columns[None, :]

    def _near_middle(self, corners: int) -> Bool:
        distance = np.abs(np.arange(corners) - (corners - 1) / 2)
        return np.asarray(distance <= max(0.5, self.extent * corners / 2))


def build(size: int, /, *, extent: Annotated[float, Field(gt=0, le=1)] = 0.5) -> CropStrategy:
    """Windows whose corner lies in the middle ``extent`` of its range."""
    return Middle(size, extent)


@hookimpl
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """Offer the crop strategy."""
    yield Component(NAME, build, about=About("windows near the middle of the image"))
