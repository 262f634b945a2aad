"""Images with defects that are made up, on disk, and the crops of them as a run has them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.images import read_image, read_mask, write_png
from bench.types import Record, Sample
from studies.gpu.sizes import Sizes


@dataclass(frozen=True)
class Pairs:
    """PNG pairs in a folder."""

    root: Path
    classes = ("scratch",)

    def records(self) -> list[Record]:
        """One for each image."""
        paths = sorted((self.root / "images").glob("*.png"))
        return [Record(path.stem, path.stem, files=(path,)) for path in paths]

    def load(self, id: str, /) -> Sample:
        """Image and mask, 0 or 1."""
        image, mask = (self.root / kind / f"{id}.png" for kind in ("images", "masks"))
        return Sample(id, read_image(image), (read_mask(mask) > 0).astype(np.uint8))


def write_pairs(root: Path, sizes: Sizes) -> Pairs:
    """Write noise with bright rectangles, which are the defects."""
    for number in range(sizes.images):
        rng = np.random.default_rng(number)
        image = rng.integers(20, 90, (sizes.side, sizes.side), dtype=np.uint8)
        mask = np.zeros(image.shape, np.uint8)
        for _ in range(8):
            row, column = rng.integers(0, sizes.side - 24, 2)
            mask[row : row + 16, column : column + 20] = 255
        image[mask > 0] += 90
        write_png(root / "images" / f"part{number:03d}.png", image)
        write_png(root / "masks" / f"part{number:03d}.png", mask)
    return Pairs(root)


def stored_crops(pairs: Pairs, folder: Path, sizes: Sizes, crops: int) -> tuple[Any, Any]:
    """A uniform draw of crops from every other image, beside the store of all, and a grid of tiles of the others."""
    from bench.catalog import load_catalog
    from bench.component import build
    from bench.crops.cuts import build_draw, build_tile_positions, open_cuts
    from bench.crops.images import build_images, open_images
    from bench.crops.prepare import Source
    from bench.data.index import build_index

    index = build_index("pairs", pairs, workers=2)
    training, validation = (replace(index, entries=index.entries[half::2]) for half in (0, 1))
    build_images(folder / "images.h5", key="i", index=index, source=Source(pairs), provenance={})
    images = open_images(folder / "images.h5")
    strategy = build(load_catalog().find("crop", "uniform").component, sizes.crop, settings={})
    build_draw(
        folder / "draw.h5", key="c", index=training, source=images, strategy=strategy, size=sizes.crop, crops=crops,
        seed=0, provenance={},
    )  # fmt: skip
    build_tile_positions(
        folder / "tiles.h5", key="t", training=training, validation=validation, source=images, size=sizes.crop,
        provenance={},
    )  # fmt: skip
    return open_cuts(folder / "draw.h5", images), open_cuts(folder / "tiles.h5", images)
