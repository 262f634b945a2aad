"""What the stages of a cell will leave on disk, by what needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bench.crops.bank import bank_bytes
from bench.crops.images import image_bytes
from bench.crops.prepare import Format
from bench.crops.tiles import grid
from bench.stages.graph import IndexedData, bank_crops, stores_bank
from bench.store.finished import Finished
from bench.suite.cells import Cell

What: TypeAlias = Literal["images", "draws", "banks"]

CROP_BYTES, TILE_BYTES = 13, 21
"""Bytes of a position: image, corner, part; of a tile also what earlier tiles cover."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a stage of a kind leaves: bytes, and the form that they are in."""

    what: What
    kind: str
    bytes: int


@dataclass(slots=True)
class DiskNeeds:
    """Needs of stages that are not finished, each stage once."""

    finished: Finished
    _needs: dict[str, Need | None] = field(default_factory=dict)

    def add(self, need: Need, key: str) -> None:
        """Count a stage that is not finished, by its key."""
        if key not in self._needs:
            self._needs[key] = need if self.finished.note(need.kind, key) is None else None

    def by_what(self) -> dict[str, int]:
        """Bytes in all, by form; what needs none is left out."""
        found = Counter[str]()
        for need in self._needs.values():
            if need is not None:
                found[need.what] += need.bytes
        return {what: count for what, count in found.items() if count}


def storage_of(cell: Cell, data: IndexedData, delivery: str, formats: tuple[Format, Format | None]) -> Iterator[Need]:
    """What the images, tiles and crops of a cell take on disk; ``formats`` are those of images and their guides."""
    format = formats[0]
    if delivery != "crops":
        yield Need("images", "images", image_bytes(_pixels(data), *formats))
    laid, drawn = _tiles(cell, data), bank_crops(cell)
    if delivery == "crops":
        yield Need("banks", "tiles", bank_bytes(laid, cell.crop_size, format))
    else:
        yield Need("draws", "tiles", laid * TILE_BYTES)
    stored = bank_bytes(drawn, cell.crop_size, format)
    if stores_bank(delivery, stored):
        yield Need("banks", "crops", stored)
    else:
        yield Need("draws", "crops", drawn * CROP_BYTES)


def _pixels(data: IndexedData) -> int:
    """Pixels of all images."""
    return sum(_area(sizes) for sizes in data.sizes.values())


def _area(sizes: Mapping[tuple[int, int], int]) -> int:
    return sum(height * width * count for (height, width), count in sizes.items())


def _tiles(cell: Cell, data: IndexedData) -> int:
    """Validation tiles."""
    laid = 0
    for (height, width), count in data.sizes.get("validation", {}).items():
        laid += count * len(grid(height, width, cell.crop_size, 0.0))
    return laid
