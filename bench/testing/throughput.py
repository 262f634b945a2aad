"""How fast a data set is read: decoding alone, and all the way into a crop bank."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.catalog import load_catalog
from bench.component import Component, build
from bench.crops.bank import build_bank
from bench.crops.prepare import Source
from bench.data.index import build_index
from bench.home import bench_home, resolved
from bench.store.home import Places
from bench.testing.trial_folder import only, sampled
from bench.threads import ordered
from bench.types import Dataset, JsonValue

MOST = 200
"""So many images are timed, in whole groups."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked of a data set in one round: ``decode`` loads every image once, ``fill_bank`` writes a bank of crops
    drawn from everywhere.
    """

    decode: Callable[[], object]
    fill_bank: Callable[[], object]
    images: int
    megapixels: float
    where: str


@contextmanager
def workload(
    name: str, data: Path | None, settings: dict[str, JsonValue], crop_size: int, crops: int, workers: int
) -> Iterator[Workload]:
    """A data set ready to be timed: from ``data``, from where the user keeps it, or from its example.

    Raises:
        DataError: it is absent and has no example, or cannot be read.
        PluginError: nobody offers it.
    """
    catalog = load_catalog()
    component = catalog.find("dataset", name).component
    with tempfile.TemporaryDirectory(prefix="bench-throughput-") as temporary:
        scratch = Path(temporary)
        root, where = _root(component, name, data, scratch / "data")
        reader: Dataset = build(component, root, settings=settings)
        chosen = only(sampled(tuple(reader.records()), MOST), reader)
        index = build_index(component.name, chosen, workers=workers)  # renders what must be rendered, unmeasured
        fill_bank = partial(
            build_bank,
            scratch / "bank.h5",
            key="throughput",
            index=index,
            source=Source(chosen),
            strategy=build(catalog.find("crop", "uniform").component, crop_size, settings={}),
            size=crop_size,
            crops=crops,
            seed=0,
            provenance={},
            workers=workers,
        )
        yield Workload(
            decode=lambda: deque(ordered(chosen.load, [entry.id for entry in index.entries], workers), maxlen=0),
            fill_bank=fill_bank,
            images=len(index.entries),
            megapixels=sum(entry.height * entry.width for entry in index.entries) / 1e6,
            where=where,
        )


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
