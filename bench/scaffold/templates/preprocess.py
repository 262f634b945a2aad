"""A preprocessing step: a gamma curve; the place for your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import Field

from bench.api import About, Component, Image, hookimpl

NAME = "my-plugin"
Preprocess: TypeAlias = Callable[[Image], Image]


def build(*, gamma: Annotated[float, Field(gt=0)] = 0.5) -> Preprocess:
    """``top * (x / top) ** gamma``, rounded, on the image's own scale; the same for training and testing."""

    def curve(image: Image) -> Image:
        top = np.iinfo(image.dtype).max
        table = np.rint(top * (np.arange(top + 1) / top) ** gamma)
        return table.astype(np.uint8)[image] if image.dtype == np.uint8 else table.astype(np.uint16)[image]

    return curve


@hookimpl
def bench_preprocess() -> Iterable[Component[Any]]:
    """Offer the preprocessing step."""
    yield Component(NAME, build, about=About("gamma curve on the image's own scale"))
