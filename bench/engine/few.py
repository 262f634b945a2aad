"""A cell on a few of its images, in a store of its own: what pilots and measurements of a pipeline run.

Large images are cut down around a defect, but for one, which is judged whole: memory, and the time of what grows with
an image, are those of the largest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.index import DatasetIndex, build_index
from bench.data.statistics import is_defective
from bench.engine.work import tiles_of
from bench.stages.cell_run import CellRun
from bench.stages.graph import Stage
from bench.store.home import Places
from bench.types import SPLITS, Dataset, JsonValue, Record, Sample, Split

SIDE = 1024
"""Larger images are cut to this side, or to twice the crop, before they are trained and predicted on."""
MOST_VALIDATED = 16
"""Most validation images, where each has few tiles."""


@dataclass(frozen=True)
class Few:
    """Some images of a data set, cut to at most ``side`` but for ``uncut``; a data set itself."""

    whole: Dataset
    ids: Sequence[str]
    side: int
    uncut: str

    @property
    def classes(self) -> Sequence[str]:
        """Those of the whole data set."""
        return self.whole.classes

    def records(self) -> Sequence[Record]:
        """The records of these images; they name no files, because what is loaded is not what is in them."""
        return [replace(record, files=()) for record in self.whole.records() if record.id in set(self.ids)]

    def load(self, id: str) -> Sample:
        """Image and mask, cut around a defect pixel."""
        sample = self.whole.load(id)
        if id == self.uncut:
            return sample
        found = np.argwhere((sample.mask > 0) & (sample.mask < 255))
        centre = found[len(found) // 2] if len(found) else np.array(sample.mask.shape) // 2
        places = [_window(int(at), length, self.side) for at, length in zip(centre, sample.mask.shape, strict=True)]
        rows, columns = places
        return replace(sample, image=sample.image[rows, columns].copy(), mask=sample.mask[rows, columns].copy())


def _window(at: int, length: int, side: int) -> slice:
    start = max(0, min(at - side // 2, length - side))
    return slice(start, start + side)


@dataclass(frozen=True)
class FewRun(CellRun):
    """A cell on few images with few steps, in a store of its own."""

    whole: CellRun = field(kw_only=True)
    home: Path = field(kw_only=True)
    few: Mapping[Split, tuple[str, ...]] = field(kw_only=True)
    changed: Mapping[str, Mapping[str, JsonValue]] = field(kw_only=True)

    @cached_property
    def places(self) -> Places:
        """The store that is thrown away."""
        return Places(self.home, self.home, {})

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """The chain with some facts changed; nothing is read of a pretraining run."""
        chain = {}
        for kind, stage in self.whole.stages.items():
            needs = {name: key for name, key in stage.needs.items() if name != "pretrain"}
            chain[kind] = replace(stage, facts={**stage.facts, **self.changed.get(kind, {})}, needs=needs)
        return chain

    @cached_property
    def dataset(self) -> Dataset:
        """The few images."""
        ids = [id for split in SPLITS for id in self.few[split]]
        size = self.whole.stages["tiles"].facts["size"]
        assert isinstance(size, int)
        return Few(self.whole.dataset, ids, max(SIDE, 2 * size), _largest(self.whole))

    @cached_property
    def index(self) -> DatasetIndex:
        """An index of the few images."""
        return build_index(self.whole.index.dataset, self.dataset, workers=1)

    @cached_property
    def splits(self) -> Mapping[str, Split]:
        """As in the whole data set."""
        return {id: split for split in SPLITS for id in self.few[split]}

    def check_data(self) -> None:
        """Nothing is kept of what is read."""


def few_run(whole: CellRun, home: Path, changed: Mapping[str, Mapping[str, Any]]) -> FewRun:
    """A cell on few of its images in a store of its own; ``changed`` are facts of its stages, by kind."""
    return FewRun(
        whole.job, whole.catalog, whole.report, whole=whole, home=home, few=few_images(whole), changed=changed
    )


def _largest(whole: CellRun) -> str:
    """Id of the test image of most pixels, the first of equals."""
    return max(whole.images("test").entries, key=lambda entry: entry.height * entry.width).id


def few_images(whole: CellRun) -> dict[Split, tuple[str, ...]]:
    """Two images for training, enough for a batch of validation tiles, two for testing and the largest test image.

    Those with defects come first.
    """
    size, batch = whole.stages["tiles"].facts["size"], whole.stages["train"].facts["recipe"]["batch"]
    chosen: dict[Split, tuple[str, ...]] = {}
    for split in SPLITS:
        entries = sorted(whole.images(split).entries, key=lambda entry: not is_defective(entry))
        wanted = 2
        if split == "validation":
            side = max(SIDE, 2 * size)
            tiles = tiles_of(Counter({(min(entries[0].height, side), min(entries[0].width, side)): 1}), size, 0.0)
            wanted = min(MOST_VALIDATED, max(2, -(-batch // tiles)))
        chosen[split] = tuple(entry.id for entry in entries[:wanted])
    chosen["test"] = tuple(dict.fromkeys((*chosen["test"], _largest(whole))))
    return chosen
