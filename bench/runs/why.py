"""Why a cell is what it is: the first stage that is asked otherwise than it was done, and every leaf that differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.canonical import digest
from bench.data.index import DatasetIndex
from bench.data.index_file import read_index
from bench.data.splits import assign
from bench.engine.invocation import Invocation, make_plan
from bench.engine.plan import Planned
from bench.errors import StoreError
from bench.jobs import Job
from bench.record import look
from bench.report.changes import Change, changes
from bench.stages.graph import VERSIONS, Stage
from bench.stages.indexing import make_index
from bench.store.home import Places
from bench.store.records import read_record
from bench.store.store import read_note
from bench.suite.cells import Cell, asked
from bench.suite.resolved import Suite

NAMED = 8
"""Images that are named."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StageReason:
    """One stage of a cell: unchanged, or what is asked otherwise; ``run`` is set for the pretraining run's."""

    kind: str
    changed: bool
    details: tuple[str, ...] = ()
    run: str = ""

    @property
    def name(self) -> str:
        """``train``, or ``train of the pretraining run``."""
        return f"{self.kind} of {self.run}" if self.run else self.kind


@dataclass(frozen=True, slots=True)
class Why:
    """A cell's state, why it has it, and its stages in order; stages that only need a changed one have no details."""

    cell: str
    state: str
    reason: str
    stages: tuple[StageReason, ...] = ()
    remarks: tuple[str, ...] = ()


def why(cell: Cell, suite: Suite, invocation: Invocation, say: Say = lambda _: None) -> Why:
    """Plan one cell as the store is now and explain its state; data sets that changed are indexed now.

    Raises:
        BenchError: a data set cannot be read.
    """
    one = replace(suite, cells=(cell,))
    planned = make_plan(one, invocation).cells[0]
    images: list[str] = []
    if planned.state == "unindexed":
        images, made = _indexed(planned, invocation, say)
        planned = make_plan(one, invocation, made).cells[0]
    record = planned.record
    stages = tuple(_stages(planned, invocation.places)) if record and planned.stages else ()
    return Why(cell.id, planned.state, _reason(planned), stages, tuple(_remarks(planned, suite, invocation, images)))


def _reason(planned: Planned) -> str:
    """The state in a sentence."""
    stored = planned.record.reason if planned.record else None
    return {
        "done": "every stage was done with what the plan asks now; the stored record stands",
        "stale": "it was scored, and a stage is asked otherwise now; it will run again from that stage on",
        "failed": f"it failed before and will be tried again: {stored}",
        "diverged": f"it ended without a usable model, which is final: {stored}",
        "pending": "it has not been run yet",
        "unindexed": "its data set changes while it is read; repeat the command",
    }.get(planned.state, planned.reason or stored or "no reason is known")


def _indexed(planned: Planned, invocation: Invocation, say: Say) -> tuple[list[str], set[str]]:
    """Index what the cell waits for; say which images are not what the old index has."""
    datasets = [planned.dataset, planned.pretraining.dataset if planned.pretraining else None]
    said: list[str] = []
    for dataset in datasets:
        if dataset is None or dataset.locator not in planned.waits_for:
            continue
        path = Path(dataset.data.index)
        old = _old(path)
        say(f"reading the images of {dataset.data.use}")
        job = Job(key=dataset.locator, data=dataset.data, home=str(invocation.places.home))
        make_index(job, invocation.catalog, lambda *_: None)
        said += _image_changes(dataset.data.use, old, read_index(path)) if old else []
    return said, set(planned.waits_for)


def _old(path: Path) -> DatasetIndex | None:
    try:
        return read_index(path) if path.is_file() else None
    except StoreError:
        return None


def _image_changes(name: str, old: DatasetIndex, new: DatasetIndex) -> Iterator[str]:
    """Images that came, went, or have other pixels, masks, groups or metadata."""
    before = {entry.id: entry for entry in old.entries}
    now = {entry.id: entry for entry in new.entries}
    both = [id for id in now if id in before]
    sets = {
        "new": [id for id in now if id not in before],
        "gone": [id for id in before if id not in now],
        "other pixels or mask": [id for id in both if now[id].digest != before[id].digest],
        "other group or official split": [
            id for id in both if (now[id].group, now[id].official) != (before[id].group, before[id].official)
        ],
    }
    yield from (f"data set {name}: {what}: {_some(ids)}" for what, ids in sets.items() if ids)
    if old.classes != new.classes:
        yield f"data set {name}: classes {', '.join(old.classes)} -> {', '.join(new.classes)}"


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more


def _stages(planned: Planned, places: Places) -> Iterator[StageReason]:
    """Every stage, those of the pretraining run first."""
    assert planned.record is not None
    stored = dict(planned.record.keys)
    if planned.pretraining is not None and stored:
        train = _note(places, "train", stored.get("train", ""))
        source = look(train, ("needs", "pretrain"))
        keys = dict(look(_note(places, "train", source or ""), ("needs",)) or {})
        if source:
            keys["train"] = source
        run = f"the pretraining run on {planned.pretraining.cell.dataset.use}"
        yield from _chain(planned.pretraining.stages, keys, places, run)
    if stored:
        yield from _chain(planned.stages, stored, places, "")


def _chain(stages: Sequence[Stage], stored: Mapping[str, str], places: Places, run: str) -> Iterator[StageReason]:
    for now in stages:
        key = stored.get(now.kind)
        if key == now.key:
            yield StageReason(now.kind, False, run=run)
        elif key is not None or not run:
            yield StageReason(now.kind, True, tuple(_otherwise(now, key, stored, places)), run)


def _otherwise(now: Stage, key: str | None, stored: Mapping[str, str], places: Places) -> Iterator[str]:
    """What is asked otherwise of a stage that has another key, or none."""
    if key is None:
        yield "the record has no key of this stage"
    elif now.kind != "score":
        yield from _differing(now, key, _note(places, now.kind, key))
    elif all(stored.get(kind) == needed for kind, needed in now.needs.items()):
        yield _version_of(now)  # it leaves no note: its result is the record, its one setting is in the cell's id


def _version_of(now: Stage) -> str:
    return f"core stage version: the code of {now.kind} itself changed; it is version {VERSIONS[now.kind]} now"


def _differing(now: Stage, key: str, note: Mapping[str, Any] | None) -> Iterator[str]:
    """Facts that differ; a stage that needs a changed stage and is else the same gives nothing."""
    if note is None:
        yield f"what it was made from is no longer in the store (stages/{now.kind}/{key}); its fields cannot be told"
        return
    yield from map(_told, changes(note["facts"], now.facts))
    then = {"stage": now.kind, "version": VERSIONS[now.kind], "facts": note["facts"], "needs": note["needs"]}
    if digest(then) != key:
        yield _version_of(now)
    added = sorted(set(note["needs"]) ^ set(now.needs))
    if added:
        yield f"needs other stages: {', '.join(added)}"


TOLD = {"data": "data fingerprint", "split": "split (which image is in which part)"}


def _told(change: Change) -> str:
    if change.name in TOLD:
        change = replace(change, name=TOLD[change.name])
    elif change.name.endswith("source"):
        change = replace(change, name=f"{change.name} (content of the plugin file)")
    return change.text


def _note(places: Places, kind: str, key: str) -> Mapping[str, Any] | None:
    """The note of a stage, also where its files are gone."""
    return read_note(places.stage(kind, key)) if key else None


def _remarks(planned: Planned, suite: Suite, invocation: Invocation, images: Sequence[str]) -> Iterator[str]:
    yield from images
    record = planned.record
    if planned.state in ("stale", "done") and not images:
        yield from _moved(planned)
    sources = {f"{o.kind} {o.component.name}": o.provider for o in invocation.catalog.all}
    for name, provider in record.providers.items() if record else ():
        if name in sources and sources[name].source_hash != provider.source and sources[name].local is None:
            yield f"the code of {name} changed and its version did not: a badge, but no reason to run again"
    if planned.state == "pending" and record is None:
        yield from _nearest(planned.cell, suite, invocation.places)
    yield from (f"badge: {badge}" for badge in planned.badges)


def _moved(planned: Planned) -> Iterator[str]:
    """Images that entered or left validation and test since the record was made."""
    if planned.dataset is None or planned.dataset.index is None or planned.record is None:
        return
    now = assign(planned.dataset.index, planned.cell.protocol.split)
    for split in ("validation", "test"):
        counts = planned.record.of_split(split).image_counts
        if counts:
            then, here = set(counts.ids), {id for id, part in now.items() if part == split}
            if here - then:
                yield f"now in {split}, then not: {_some(sorted(here - then))}"
            if then - here:
                yield f"then in {split}, now not: {_some(sorted(then - here))}"


def _nearest(cell: Cell, suite: Suite, places: Places) -> Iterator[str]:
    """The record of this run that was asked most nearly the same, and in what it differs."""
    wanted = asked(cell)
    records = [read_record(path) for path in sorted((places.run(suite.name) / "cells").glob("*.json"))]
    asked_before = {record.id: record.cell.plain() for record in records if record and record.cell}
    differing = {id: changes(then, wanted) for id, then in asked_before.items()}
    if differing:
        id, differences = min(differing.items(), key=lambda item: (len(item[1]), item[0]))
        yield f"the nearest cell with a record is {id}: " + "; ".join(change.text for change in differences[:NAMED])
