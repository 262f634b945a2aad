"""How large everything is: as the bars ask on a GPU, and as small as can be for the dry form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LIGHT: Mapping[str, Any] = {"encoder": "resnet10t", "depth": 3, "decoder": [32, 16, 8]}


@dataclass(frozen=True)
class Sizes:
    """Images, crops, steps and models of all parts."""

    images: int
    side: int
    crop: int
    batch: int
    steps: int
    rounds: int
    precision: str
    unet: Mapping[str, Any]
    small: Mapping[str, Any]
    cells: int
    cell_epochs: int
    cropping: tuple[str, ...]


FULL = Sizes(
    images=32,
    side=2048,
    crop=256,
    batch=32,
    steps=100,
    rounds=5,
    precision="bf16",
    unet={"encoder": "resnet34"},
    small={"encoder": "resnet10t", "depth": 4, "decoder": "light"},
    cells=16,
    cell_epochs=10,
    cropping=(),
)
DRY = Sizes(
    images=4,
    side=128,
    crop=64,
    batch=4,
    steps=2,
    rounds=1,
    precision="float32",
    unet=LIGHT,
    small=LIGHT,
    cells=2,
    cell_epochs=1,
    cropping=(
        "axes.dataset=[{use: metalpart, settings: {objects: 12, views: 1, size: 128}}]",
        "axes.seed=[0]",
        "axes.crop_size=[64]",
        "axes.model=[{use: unet, settings: {encoder: resnet10t, depth: 3, decoder: [32, 16, 8]}}]",
        "recipe.epochs=1",
        "recipe.epoch_crops=8",
        "recipe.batch=4",
        "recipe.precision=float32",
    ),
)
