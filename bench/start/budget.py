"""Crop size, grid and training that fit this machine, by a stated rule: rates measured once, no trial run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.start.facts import Facts
from bench.suite.schema import Tiles

SIZES = (32, 64, 96, 128, 192, 256, 384, 512)
"""Crop sizes that are proposed; all models take multiples of 32."""
LARGEST_ON_PROCESSORS = 128
"""A crop of 256 costs four of these."""
AROUND = 2
"""A crop is this many times as long as three quarters of the defects: a defect and what surrounds it."""
BATCH = 8


@dataclass(frozen=True, slots=True)
class Rate:
    """Megapixels a second on one thread in float32: learned, and predicted."""

    train: float
    predict: float


MODELS: Mapping[str, Rate] = {"U-Net": Rate(0.13, 0.5), "FCN": Rate(0.2, 0.5)}
"""The two small models of the suites' cpu profiles (encoder resnet10t, four stages), crops of 64 to 256, batch 8.

Measured on an AMD EPYC that was busy with other work (docs/performance.md); a free core does about twice as much.
"""
TARGET_S = 300.0
"""Seconds that a first run may take by these rates: on a busy machine twice as long is still under ten minutes."""
START_S, CELL_S, IMAGE_S = 15.0, 6.0, 0.1
"""Seconds until workers are there, for each cell, and for each image and cell (decoding, counting, pictures)."""
LEAST_CROPS, ENOUGH_CROPS, MOST_CROPS = 240, 720, 4800
"""Crops that a cell learns from: fewer teach nothing, enough for a grid, and more can wait for a second run."""
SEEN_TWICE = (1 - Tiles().overlap) ** -2
"""How often a pixel is predicted in the end, on average: in every tile that overlaps there."""
EPOCHS = 6


@dataclass(frozen=True, slots=True)
class Amount:
    """Images and pixels of the splits on which a cell is measured."""

    images: int
    validation_pixels: int
    test_pixels: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What is run: every crop strategy with every model once, each trained on ``crops`` crops.

    ``validation_tiles`` of the crop's size cover the validation images, about.
    """

    strategies: tuple[str, ...]
    models: tuple[str, ...]
    crop_size: int
    epoch_crops: int
    validate_every: int
    validation_tiles: int
    seconds: float
    workers: int

    @property
    def cells(self) -> int:
        """Cells that train."""
        return len(self.strategies) * len(self.models)


def sides_of(facts: Sequence[Facts]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The longest side of every defect, ascending."""
    return np.sort(np.concatenate([fact.sides for fact in facts]))


def crop_sizes(facts: Sequence[Facts]) -> tuple[int, int]:
    """The crop size for a processor, and the one that defects ask for: at most the shorter edge of most images."""
    sides = sides_of(facts)
    edge = float(np.median([min(fact.height, fact.width) for fact in facts]))
    wanted = AROUND * float(np.percentile(sides, 75)) if sides.size else LARGEST_ON_PROCESSORS
    fitting = [size for size in SIZES if size <= edge] or [SIZES[0]]
    asked = next((size for size in fitting if size >= wanted), fitting[-1])
    asked = max(asked, min(fitting[-1], SIZES[1]))  # below 64 pixels there is little to see around anything
    return min(asked, LARGEST_ON_PROCESSORS), asked


def budget(crop_size: int, amount: Amount, processors: int) -> Budget:
    """The largest grid whose cells learn from enough crops in the time there is; else that of the most crops a cell.

    With more processors cells run side by side, four at most.
    """
    workers = min(processors, 4)
    grids = list(product((("uniform", "defect-centred"), ("defect-centred",)), (("U-Net", "FCN"), ("U-Net",))))
    plans = [_filled(strategies, models, crop_size, amount, workers) for strategies, models in grids]
    enough = [plan for plan in plans if EPOCHS * plan.epoch_crops >= ENOUGH_CROPS and plan.seconds <= TARGET_S]
    return enough[0] if enough else max(plans, key=lambda plan: (plan.epoch_crops, plan.cells))


def _filled(
    strategies: tuple[str, ...], models: tuple[str, ...], crop_size: int, amount: Amount, workers: int
) -> Budget:
    """As many crops as the time leaves; the epochs that are validated cost at most as much as the training does."""
    rounds = -(-len(strategies) * len(models) // workers)
    each = (TARGET_S - START_S) / rounds - CELL_S - IMAGE_S * amount.images
    rate = MODELS[models[0]]  # the slowest of them stands first
    final = SEEN_TWICE * (amount.validation_pixels + amount.test_pixels) / (1e6 * rate.predict)
    validation = amount.validation_pixels / (1e6 * rate.predict)
    validations = max(1, min(EPOCHS, int((each - final) / 2 / max(validation, 1e-9))))
    validate_every = -(-EPOCHS // validations)
    measuring = final + EPOCHS // validate_every * validation
    learned = 1e6 * rate.train / crop_size**2
    crops = min(MOST_CROPS, max(LEAST_CROPS, int((each - measuring) * learned)))
    epoch_crops = max(BATCH, crops // EPOCHS // BATCH * BATCH)
    seconds = START_S + rounds * (CELL_S + IMAGE_S * amount.images + measuring + EPOCHS * epoch_crops / learned)
    tiles = -(-amount.validation_pixels // crop_size**2)
    return Budget(strategies, models, crop_size, epoch_crops, validate_every, tiles, seconds, workers)
