"""The test images that pictures of a cell show, and their predictions, which the predict stage keeps.

A prediction is kept as a map ``uint8[H, W]`` around the threshold: below 128 where the pixel is negative, from 128 on
where it is positive, on each side in proportion to the probability. So the binary prediction is exact.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.arrays import read_arrays
from bench.data.index import IndexedImage
from bench.data.statistics import is_defective
from bench.pictures.overlay import codes
from bench.pictures.sheet import Pick, named, worst
from bench.score.evidence import Evidence
from bench.score.metrics import image_counts
from bench.types import Bool, Float32, Mask

Map = npt.NDArray[np.uint8]
"""``uint8[H, W]``: a prediction around the threshold."""

SHOWN = "shown.npz"
"""File of the predict stage with the maps of the images that may be shown."""
POSITIVE = 128
"""The smallest value of a positive pixel in a map."""


@dataclass(frozen=True, slots=True)
class Selection:
    """How many images: spread over the defective ones, and over those without; of lowest F1, of most false alarms."""

    defective: int
    sound: int
    worst: int
    loudest: int

    @property
    def most(self) -> int:
        """Images in all, if none is selected twice."""
        return self.defective + self.sound + self.worst + self.loudest

    def chosen(self, entries: Sequence[IndexedImage]) -> list[str]:
        """The images that are the same for every cell of a data set."""
        defective = [entry.id for entry in entries if is_defective(entry)]
        sound = [entry.id for entry in entries if not is_defective(entry)]
        return [*_spread(defective, self.defective), *_spread(sound, self.sound)]

    def picks(self, counted: Mapping[str, Any], chosen: Sequence[str]) -> list[Pick]:
        """All images of the selection, each once, of ``{"ids": [...], "counts": [[TP, FP, FN, TN], ...]}``."""
        found = [
            *named(counted, chosen),
            *worst(counted, "f1", self.worst),
            *worst(counted, "false positives", self.loudest),
        ]
        return list({pick.id: pick for pick in reversed(found)}.values())[::-1]


SHEET = Selection(defective=4, sound=0, worst=2, loudest=2)
"""The images of the overlays of a cell."""
KEPT = Selection(defective=16, sound=4, worst=4, loudest=4)
"""The images whose maps are kept besides."""
MOST = SHEET.most + KEPT.most
"""Images at most whose maps are kept."""
ROOM = 64
"""Maps in memory from which on those that can no longer be among the worst are dropped."""


def _spread(ids: Sequence[str], count: int) -> list[str]:
    places = np.linspace(0, len(ids) - 1, min(count, len(ids))).round().astype(int)
    return [ids[place] for place in places]


def picks(test: Evidence, entries: Sequence[IndexedImage], threshold: int, selection: Selection = SHEET) -> list[Pick]:
    """The images of a sheet; ``entries`` are all images of the test split."""
    counted = {"ids": test.ids, "counts": image_counts(test, threshold).tolist()}
    return selection.picks(counted, selection.chosen(entries))


@dataclass(frozen=True, slots=True)
class PackedMap:
    """A map in little memory, with counts of pixels: true positives, false positives, false negatives, the rest."""

    counts: tuple[int, int, int, int]
    content: bytes


@dataclass(slots=True)
class Shown:
    """Gathers the maps of the images that may be shown while a split is predicted at a known threshold."""

    entries: Sequence[IndexedImage]
    threshold: int
    _counts: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    _maps: dict[str, bytes] = field(default_factory=dict)

    def packed(self, probability: Float32, mask: Mask) -> PackedMap:
        """The map of an image; any thread may ask."""
        found = mapped(probability, self.threshold)
        rest, *wanted = np.bincount(codes(mask, positive(found)).reshape(-1), minlength=4).tolist()
        return PackedMap((*wanted, rest), zlib.compress(found.tobytes(), 1))

    def add(self, id: str, packed: PackedMap) -> None:
        """Take one image; of many, those that are neither chosen nor the worst so far are dropped."""
        self._counts[id] = packed.counts
        self._maps[id] = packed.content
        if len(self._maps) > ROOM:
            self._maps = {id: self._maps[id] for id in self._wanted()}

    def maps(self) -> dict[str, Map]:
        """Image id to map, of all that may be shown."""
        sides = {entry.id: (entry.height, entry.width) for entry in self.entries}
        return {id: _unpacked(self._maps[id], *sides[id]) for id in self._wanted()}

    def _wanted(self) -> list[str]:
        """Ids of the images of both selections, of those seen so far."""
        counted = {"ids": list(self._counts), "counts": list(self._counts.values())}
        wanted: dict[str, None] = {}
        for selection in (SHEET, KEPT):
            chosen = [id for id in selection.chosen(self.entries) if id in self._counts]
            wanted |= dict.fromkeys(pick.id for pick in selection.picks(counted, chosen))
        return list(wanted)


def mapped(probability: Float32, threshold: int) -> Map:
    """The map of ``float32[H, W]`` probabilities of a defect around the threshold k/1000."""
    at = np.float32(threshold / 1000)
    positive = probability >= at
    below = np.minimum(probability * (POSITIVE / at), POSITIVE - 1)
    above = POSITIVE + (probability - at) * (127 / max(float(1 - at), 1e-6))
    found: Map = np.where(positive, np.clip(above, POSITIVE, 255), below).astype(np.uint8)
    return found


def probability_of(value: int, threshold: int) -> float:
    """The probability that a value of a map stands for, to within a 127th of its side of the threshold."""
    at = threshold / 1000
    return value / POSITIVE * at if value < POSITIVE else at + (value - POSITIVE) / 127 * (1 - at)


def _unpacked(packed: bytes, height: int, width: int) -> Map:
    return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width)


def write_shown(path: Path, maps: Mapping[str, Map]) -> None:
    """Keep maps by image id."""
    arrays: dict[str, Any] = {f"map_{number}": found for number, found in enumerate(maps.values())}
    np.savez_compressed(path, allow_pickle=False, ids=np.array(list(maps), np.str_), **arrays)


def read_shown(path: Path) -> dict[str, Map]:
    """Image id to map; of predictions made before 2026-11-30, whose binary form alone was kept, 0 or 255."""
    stored = read_arrays(path)
    maps = {}
    for number, id in enumerate(stored["ids"]):
        name = f"map_{number}"
        maps[str(id)] = stored[name] if name in stored else stored[f"mask_{number}"].astype(np.uint8) * 255
    return maps


def positive(found: Map) -> Bool:
    """The binary prediction of a map."""
    return np.asarray(found >= POSITIVE)
