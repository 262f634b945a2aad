"""Reading all of a data set anew, and comparing what it holds with its release."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.catalog import Catalog
from bench.component import Component, complete, guarded
from bench.data.index import DatasetIndex, build_index
from bench.data.index_file import write_index
from bench.obtain.release_counts import Census, Verdict, census, compare
from bench.stages.indexing import THREADS, known_index, listed, locate, open_dataset
from bench.store.home import Places, check_writable, writing
from bench.suite.schema import Ref
from bench.threads import Progress
from bench.types import Dataset


@dataclass(frozen=True, slots=True)
class Verified:
    """A data set of which every image was decoded without complaint.

    ``outdated`` are images that the index of before knew otherwise, or did not know.
    """

    index: DatasetIndex
    census: Census
    verdict: Verdict
    outdated: tuple[str, ...] = ()


def verify_dataset(catalog: Catalog, ref: Ref, places: Places, progress: Progress) -> Verified:
    """Decode every image and mask, whatever an index says of them, and keep what was found as the index.

    Raises:
        DataError: the data are absent, or images cannot be used: up to 20 are named.
        PluginError: the reader fails.
    """
    data = locate(catalog, ref, places).data
    path = Path(data.index)
    check_writable(path.parent)
    before = known_index(path)
    verified = examine(catalog, ref, open_dataset(catalog, data), progress)
    with writing(path):
        write_index(path, verified.index, ())
    if before is None:
        return verified
    digests = {entry.id: entry.digest for entry in before.entries}
    outdated = (entry.id for entry in verified.index.entries if digests.get(entry.id) != entry.digest)
    return replace(verified, outdated=tuple(outdated))


def examine(catalog: Catalog, ref: Ref, dataset: Dataset, progress: Progress) -> Verified:
    """Decode every image of an open data set.

    Raises:
        DataError, PluginError: as in :func:`verify_dataset`.
    """
    component = catalog.find("dataset", ref.use).component
    listed(dataset, ref.use)
    index = guarded(
        f"reading data set {ref.use!r}",
        lambda: build_index(ref.use, dataset, workers=THREADS, progress=progress),
    )
    found = census(index)
    other = other_settings(component, ref)
    if other and component.release:
        return Verified(index, found, Verdict("unknown", f"not compared with the release, because of {other}"))
    return Verified(index, found, compare(found, component.release))


def other_settings(component: Component[Any], ref: Ref) -> str:
    """The settings that differ from the defaults, as text; empty if none does: released counts are of the defaults."""
    defaults, asked = complete(component, {}), complete(component, ref.settings)
    return ", ".join(f"{name}={value!r}" for name, value in asked.items() if value != defaults[name])
