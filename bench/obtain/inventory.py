"""What data sets are on offer and what lies here of each, without opening an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from bench.catalog import Catalog, Offer
from bench.component import Component, complete
from bench.errors import BenchError
from bench.files import files_below
from bench.jobs import DataRef
from bench.obtain.get import inbox_of, on_demand
from bench.stages.indexing import current_index, listed, locate, open_dataset
from bench.store.home import Places
from bench.store.place import occupied
from bench.suite.schema import Ref
from bench.types import Record

State = Literal["absent", "begun", "on demand", "present", "indexed", "damaged"]
"""``begun``: a fetch that was interrupted; ``on demand``: made by the first use; ``indexed``: read, unchanged since."""


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """One data set on offer; ``images`` and ``size`` (bytes) of what lies here, ``released`` images of the release.

    ``note`` says how to get it, or what is wrong.
    """

    name: str
    state: State
    root: Path
    licence: str = ""
    images: int | None = None
    released: int | None = None
    size: int | None = None
    note: str = ""


def inventory(catalog: Catalog, places: Places) -> list[InventoryRow]:
    """Every data set on offer, by name, as its default settings see it; one that fails is a line like the others."""
    offers = catalog.offers("dataset")
    names = [offer.component.name for offer in offers]
    return [_row_of(catalog, offer, names.count(offer.component.name) > 1, places) for offer in offers]


def _row_of(catalog: Catalog, offer: Offer, doubled: bool, places: Places) -> InventoryRow:
    component = offer.component
    name = f"{offer.provider.package}:{component.name}" if doubled else component.name
    root = places.home / "data" / name.replace(":", "_")
    followed = False
    try:
        root = places.root(name, component.folder)
        followed = True
        ref = Ref(use=name, settings=complete(component, {}))
        data = locate(catalog, ref, places).data
        records = listed(open_dataset(catalog, data), name)
    except BenchError as error:
        problem, *_ = str(error).split("\n")
        return _without_records(component, name, root, problem, followed=followed, given=name in places.data)
    return _with_records(catalog, places, offer, data, records)


def _without_records(
    component: Component[object], name: str, root: Path, problem: str, *, followed: bool, given: bool
) -> InventoryRow:
    """A data set that cannot be listed; ``followed`` unless the folder ``given`` for it leads nowhere."""
    licence = component.about.licence if component.about else ""
    if occupied(root) or not followed:
        return InventoryRow(name, "damaged", root, licence, note=problem)
    if given:
        return InventoryRow(name, "absent", root, licence, note=f"{root}: there is no such folder")
    arrived = sum(path.stat().st_size for path in files_below(inbox_of(root)) if path.suffix != ".json")
    state: State = "begun" if arrived else "absent"
    return InventoryRow(name, state, root, licence, size=arrived or None, note=_how(component, name))


def _how(component: Component[object], name: str) -> str:
    """The command that gets a data set."""
    if component.release and component.release.downloads:
        return f"bench data fetch {name}"
    return f"bench data import {name} PATH ('bench info {name}' says where to get it)"


def _with_records(
    catalog: Catalog, places: Places, offer: Offer, data: DataRef, records: Sequence[Record]
) -> InventoryRow:
    component = offer.component
    size = 0
    missing = []
    for path in dict.fromkeys(chain.from_iterable(record.files for record in records)):
        try:
            size += path.stat().st_size
        except OSError:
            missing.append(path)
    state, note = _state(catalog, places, data, records, missing)
    licence = component.about.licence if component.about else ""
    released = component.release.images if component.release else None
    return InventoryRow(data.use, state, Path(data.root), licence, len(records), released, size, note)


def _state(
    catalog: Catalog, places: Places, data: DataRef, records: Sequence[Record], missing: Sequence[Path]
) -> tuple[State, str]:
    """The state of a data set that can be listed, and what there is to say of it."""
    if not missing:
        return ("indexed" if current_index(Path(data.index), records) else "present"), ""
    if on_demand(catalog, Ref(use=data.use, settings=data.settings), places):
        return "on demand", "made by the first use, without a download"
    return "damaged", f"{missing[0]}: the file is missing ({len(missing)} such)"
