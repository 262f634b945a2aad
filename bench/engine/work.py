"""How much there is to do for a cell: images, tiles, steps. No seconds yet, and nothing of this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

from bench.crops.tiles import grid
from bench.data.index import DatasetIndex
from bench.stages.graph import Stage, bank_crops, spent
from bench.suite.cells import Cell
from bench.train.interval import validations_of
from bench.train.loop import batches
from bench.types import SPLITS, Split

Sides = Counter[tuple[int, int]]
"""Images by height and width."""


def sides_of(index: DatasetIndex, split: Mapping[str, Split]) -> dict[Split, Sides]:
    """Heights and widths of the images of every split."""
    sides: dict[Split, Sides] = {name: Counter() for name in SPLITS}
    for entry in index.entries:
        sides[split[entry.id]][entry.height, entry.width] += 1
    return sides


@dataclass(frozen=True, slots=True)
class Work:
    """What the stages of one cell have to do; megapixels and images by split.

    ``predicted_tiles`` and ``predicted`` (megapixels) count images as often as they are predicted: those of the last
    step's weights too where these are not likely the best ones. ``scored`` megapixels are counted into evidence.
    """

    images: Mapping[Split, int]
    megapixels: Mapping[Split, float]
    validation_tiles: int
    predicted_tiles: float
    predicted: float
    scored: float
    crops: int
    steps: int
    validations: int

    @property
    def all_megapixels(self) -> float:
        """Of all splits."""
        return sum(self.megapixels.values())


def work_of(cell: Cell, sides: Mapping[Split, Sides], *, learns: bool) -> Work:
    """The work of a cell on images of these sides.

    A model that has nothing to fit takes no step, and sees the validation tiles once: to choose a setting, if it can.
    """
    recipe = spent(cell)
    epochs = recipe.epochs if learns else 0
    validation_tiles = tiles_of(sides["validation"], cell.crop_size, 0.0)
    validations = validations_of(recipe, validation_tiles, epochs) if learns else min(1, recipe.epochs)
    tiles = cell.protocol.tiles
    size = tiles.size or cell.crop_size
    megapixels = {split: megapixels_of(found) for split, found in sides.items()}
    images = {split: found.total() for split, found in sides.items()}
    scored = megapixels["validation"] + megapixels["test"]
    passes = passes_of(validations)
    tiles_of_both = tiles_of(sides["validation"] + sides["test"], size, tiles.overlap)
    return Work(
        images=images,
        megapixels=megapixels,
        validation_tiles=validation_tiles,
        predicted_tiles=passes * tiles_of_both,
        predicted=passes * scored,
        scored=scored,
        crops=bank_crops(cell) if epochs else 0,
        steps=epochs * batches(recipe),
        validations=validations,
    )


def passes_of(validations: int) -> float:
    """How often both splits are predicted, on average: once, and again where the last weights are not the best.

    The last of n validations is taken to be the best with a chance of one in the root of n: scores still rise.
    """
    return 2 - 1 / sqrt(validations) if validations else 1.0


def tiles_of(sides: Sides, size: int, overlap: float) -> int:
    """Tiles of all images."""
    return sum(number * _tiles(height, width, size, overlap) for (height, width), number in sides.items())


@lru_cache(maxsize=4096)
def _tiles(height: int, width: int, size: int, overlap: float) -> int:
    return len(grid(height, width, size, overlap))


def megapixels_of(sides: Sides) -> float:
    """Megapixels of all images."""
    return sum(number * height * width / 1e6 for (height, width), number in sides.items())


Shape = Mapping[str, object]
"""What a rate depends on, as plain JSON: cells of equal shapes take equally long for a unit of work."""


def shapes_of(cell: Cell, stages: Mapping[str, Stage], dtype: str, classes: int) -> dict[str, Shape]:
    """Kind of work to its shape, of a chain of stages; ``dtype`` is that of images after preprocessing.

    ``classes`` are those of the data set, each of which is counted.
    """
    tiles, train = stages["tiles"].facts, stages["train"].facts
    recipe = spent(cell)
    data = {"data": tiles["data"], "preprocess": tiles["preprocess"]}
    model = {
        "model": train["model"],
        "batch": recipe.batch,
        "precision": recipe.precision,
        "threads": recipe.threads,
        **({} if recipe.compile == "none" else {"compile": recipe.compile}),
        "task": train["task"],
        "dtype": dtype,
    }
    optimiser = {"use": recipe.optimiser.use, "settings": dict(recipe.optimiser.settings)}
    shapes: dict[str, Shape] = {
        "data": data,
        "crops": {**data, "crop": stages["crops"].facts["crop"], "size": cell.crop_size},
        "learn": {
            **model,
            "size": cell.crop_size,
            "loss": train["loss"],
            "augment": train["augment"],
            "optimiser": optimiser,
        },
    }
    shapes["memory"] = {name: value for name, value in shapes["learn"].items() if name != "batch"}
    if "predict" in stages:
        size = cell.protocol.tiles.size or cell.crop_size
        shapes["predict"] = {**model, "tiles": size, "classes": classes}
    return shapes
