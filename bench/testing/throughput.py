"""How fast a data set is read: decoding alone, and all the way into a crop bank."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.catalog import load_catalog
from bench.component import Component, build
from bench.crops.bank import build_bank
from bench.crops.prepare import Source
from bench.data.index import DatasetIndex, build_index
from bench.store.home import Places, bench_home, resolved
from bench.testing.trial_folder import Chosen, sampled
from bench.testing.worlds import Everywhere
from bench.threads import ordered
from bench.types import Dataset, JsonValue

MOST = 200
"""So many images are timed, in whole groups."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A data set with its index, and what is asked of it in one round."""

    dataset: Dataset
    index: DatasetIndex
    where: str
    scratch: Path
    crop_size: int
    crops: int
    workers: int

    @property
    def images(self) -> int:
        """Images decoded in one round."""
        return len(self.index.entries)

    @property
    def megapixels(self) -> float:
        """Pixels decoded in one round, in millions."""
        return sum(entry.height * entry.width for entry in self.index.entries) / 1e6

    def decode(self) -> None:
        """Load every image once."""
        for _ in ordered(self.dataset.load, [entry.id for entry in self.index.entries], self.workers):
            pass

    def fill_bank(self) -> None:
        """Draw crops from everywhere and write them to a bank."""
        build_bank(
            self.scratch / "bank.h5",
            key="throughput",
            index=self.index,
            source=Source(self.dataset),
            strategy=Everywhere(self.crop_size),
            size=self.crop_size,
            crops=self.crops,
            seed=0,
            provenance={},
            workers=self.workers,
        )


@contextmanager
def workload(
    name: str, data: Path | None, settings: dict[str, JsonValue], crop_size: int, crops: int, workers: int
) -> Iterator[Workload]:
    """A data set ready to be timed: from ``data``, from where the user keeps it, or from its example.

    Raises:
        DataError: it is absent and has no example, or cannot be read.
        PluginError: nobody offers it.
    """
    component = load_catalog().find("dataset", name).component
    with tempfile.TemporaryDirectory(prefix="bench-throughput-") as temporary:
        scratch = Path(temporary)
        root, where = _root(component, name, data, scratch / "data")
        reader: Dataset = build(component, root, settings=settings)
        chosen = Chosen(reader, sampled(tuple(reader.records()), MOST))
        index = build_index(component.name, chosen, workers=workers)  # renders what must be rendered, unmeasured
        yield Workload(chosen, index, where, scratch, crop_size, crops, workers)


def _root(component: Component[Any], name: str, data: Path | None, scratch: Path) -> tuple[Path, str]:
    """The folder to read, and what to call it."""
    if data is not None:
        return resolved(data), "the data given"
    kept = Places(bench_home(), Path(), {}).root(name, component.folder)
    if kept.is_dir():
        return kept, "the data in the bench home"
    scratch.mkdir()
    if component.example is None:
        return scratch, "data it rendered"
    component.example(scratch)
    return scratch, "its example"
