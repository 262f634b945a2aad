"""A cell run again from its stored record, in a store of its own, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from pathlib import Path
from statistics import stdev
from typing import Any, Literal

import numpy as np

from bench.catalog import Catalog
from bench.engine.devices import settled
from bench.engine.invocation import Invocation, Watcher
from bench.engine.launchers import LocalLauncher
from bench.engine.scheduler import MakeLauncher, run_suite
from bench.engine.workers import worker_environments
from bench.errors import DataError, StoreError, TrainingError
from bench.machine import why_no_device
from bench.record import Asked, Record, State
from bench.report.changes import Change, changes, origin_changes
from bench.report.undefined import shown
from bench.runs.folder import SUITE, read_run
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.statistics.estimates import Estimate
from bench.store.home import Places
from bench.store.records import read_record
from bench.suite.cells import AXES, Cell, source_of
from bench.suite.resolved import Suite, problem, typed_value
from bench.suite.schema import Board, Pretrain, Protocol, Runtime, SplitFile
from bench.words import plural

SCORED = {"scores", "last_step", "ceiling", "convergence", "parameters", "choice"}
"""Fields of a record that must come out equal; costs, dates and pictures are not among them."""

ROUNDING = 0.001
"""F1 that arithmetic alone may move."""

RULE = (
    "within noise: on both splits F1 moves by no more than two seeds of this cell differ in 95 of 100 pairs (Student's "
    f"t); fewer than {FEWEST_SEEDS} seeds do not tell their noise, and only {100 * ROUNDING:g} points pass for it"
)

Verdict = Literal["identical", "within noise", "different"]


@dataclass(frozen=True, slots=True)
class Repeated:
    """What a rerun gave; ``changed`` are scores, ``missing`` stored scores that a run does not make by itself."""

    cell: str
    verdict: Verdict
    record: Record
    changed: tuple[Change, ...]
    missing: tuple[str, ...]
    origin: tuple[str, ...]
    notes: tuple[str, ...]


def repeat(
    path: Path, record: Record, invocation: Invocation, place: Path, watcher: Watcher, device: str | None
) -> Repeated:
    """Run the cell of a record again, with its store and results below the empty folder ``place``.

    Data are looked for where ``invocation`` has them; nothing else of its store is used.

    Raises:
        StoreError: the cell did not finish, or its record is of another version.
        DataError: its data or a component are not here, with the reason.
        TrainingError: ``device`` is none that bench computes on.
    """
    if record.state is not State.OK:
        raise StoreError(f"cell {record.id} is {record.state.word}; only a finished cell can be repeated")
    why = why_no_device(device) if device is not None else None
    if why:
        raise TrainingError(f"device: {why}")
    suite = suite_of(path, record, device)
    fresh = replace(invocation, places=_fresh(suite, invocation.places, invocation.catalog, place))
    plan = run_suite(suite, fresh, watcher, _launcher(record, suite.runtime))
    planned = plan.cells[0]
    if planned.state in ("blocked", "skipped", "unindexed"):
        raise DataError(f"cell {record.id} cannot be run again: {planned.reason or planned.state}")
    made = read_record(fresh.places.record(suite.name, suite.cells[0].id))
    if made is None:
        raise StoreError(f"cell {record.id} left no record when it was run again; repeat the command")
    return judged(record, made, _siblings(path, record))


def suite_of(path: Path, record: Record, device: str | None = None) -> Suite:
    """A suite of the one cell of a record; ``suite.json`` beside it says where the data lay.

    Raises:
        StoreError: the record does not say what was asked in words that this version knows.
    """
    run = path.parent.parent
    data, cell = {}, None
    if (run / SUITE).is_file():
        stored, _ = read_run(run)
        data = dict(stored.data)
        cell = next((cell for cell in stored.cells if cell.id == record.id), None)
    cell = _cell(path, record, cell)
    return Suite(
        name="repro",
        path=path,
        description=None,
        data=data,
        axes={},
        recipe=cell.recipe,
        protocol=cell.protocol,
        board=Board(),
        runtime=Runtime(device=device, workers=1),
        tune={},
        cells=(cell,),
        hash="",
    )


def _cell(path: Path, record: Record, resolved: Cell | None) -> Cell:
    """The cell as its record asks for it; only the files of splits are taken from the resolved suite."""
    if record.cell is None:
        raise StoreError(f"{path}: the record does not say what was asked; run its suite again")
    try:
        asked = record.cell.plain()
        _name_file(path, asked["protocol"], resolved.protocol if resolved else None)
        if asked["axes"].get("pretrain"):
            _name_file(path, asked["axes"]["pretrain"], resolved.pretrain if resolved else None)
        axes = {axis: typed_value(axis, asked["axes"].get(axis)) for axis in AXES}
        return Cell(
            id=record.id,
            **axes,
            recipe=typed_value("recipe", asked["recipe"]),
            protocol=typed_value("protocol", asked["protocol"]),
            labels=dict(record.axes),
            tuned=dict(record.tuned),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"{path}: the record does not say what was asked as this version knows it "
            f"({problem(error)}); run its suite again"
        ) from None


def _name_file(path: Path, asked: dict[str, Any], resolved: Protocol | Pretrain | None) -> None:
    """Add the file of a split to what asks for it by digest: of a protocol, or of a pretraining run.

    Raises:
        StoreError: the resolved suite does not say which file it was.
    """
    split = asked["split"]
    if not isinstance(split, dict) or "digest" not in split or "file" in split:
        return
    if resolved is None or not isinstance(resolved.split, SplitFile):
        raise StoreError(
            f"{path}: its split came from a file, and no {SUITE} beside the record says which; "
            "repeat it from the whole run folder"
        )
    asked["split"] = {**split, "file": resolved.split.file}


def _fresh(suite: Suite, places: Places, catalog: Catalog, place: Path) -> Places:
    """An empty store; data sets that lie in the user's are read from there."""
    data = {**suite.data, **places.data}
    cell = suite.cells[0]
    source = source_of(cell)
    for ref in (cell.dataset, *([source.dataset] if source else [])):
        known = [o for o in catalog.offers("dataset") if o.component.name == ref.use.rpartition(":")[2]]
        shared = known[0].component.folder if known else None
        own = Places(places.home, places.out, data)
        if own.given(ref.use, shared) is None and (root := own.root(ref.use, shared)).is_dir():
            data[ref.use] = str(root)
    return Places(place / "home", place / "runs", data)


def _launcher(record: Record, runtime: Runtime) -> MakeLauncher:
    """One worker with as many threads of an operation as the record's had, which once were not its recipe's."""
    environment = worker_environments(settled(runtime), 1)[0]
    threads = record.provenance.threads if record.provenance else None
    if threads:
        environment["BENCH_OPERATION_THREADS"] = str(threads)
    return partial(LocalLauncher, [environment])


def _siblings(path: Path, record: Record) -> list[Record]:
    """Finished records of the same cell with any seed, itself among them."""
    records = [read_record(one) for one in sorted(path.parent.glob("*.json"))]
    wanted = _without_seed(record)
    return [one for one in records if one and one.state is State.OK and _without_seed(one) == wanted]


def _without_seed(record: Record) -> Asked | None:
    if record.cell is None:
        return None
    return record.cell.model_copy(update={"axes": {**record.cell.axes, "seed": None}})


def judged(stored: Record, made: Record, seeds: Sequence[Record]) -> Repeated:
    """Compare a rerun with its record; ``seeds`` are finished records of the same cell with any seed."""
    found = changes(_scored(stored), _scored(made))
    changed = tuple(change for change in found if change.absent != "second")
    missing = tuple(change.name for change in found if change.absent == "second")
    verdict: Verdict = "identical"
    notes: tuple[str, ...] = ()
    if made.state is not State.OK:
        verdict, notes = "different", (f"it ended {made.state.word}: {made.reason}",)
    elif changed:
        within, notes = zip(*_noise(shown(stored), shown(made), [shown(one) for one in seeds]), strict=True)
        verdict = "within noise" if all(within) else "different"
    origin = tuple(origin_changes(stored, made))
    return Repeated(stored.id, verdict, made, changed, missing, origin, notes)


def _scored(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json", include=SCORED, exclude_none=True)


def _noise(stored: Record, made: Record, seeds: Sequence[Record]) -> Iterator[tuple[bool, str]]:
    """Per split: whether the new F1 is within noise, and in words.

    The groups of the split are the same in both runs, so that how much they scatter is no noise here.
    """
    for split in ("validation", "test"):
        old, new = (record.of_split(split).number("f1") for record in (stored, made))
        if old is None or new is None:
            yield old == new, f"F1 {split}: no value to compare"
            continue
        others = [one.of_split(split).number("f1") for one in seeds if one.id != stored.id]
        allowed, why = _allowed(old, new, [value for value in others if value is not None])
        yield abs(new - old) <= allowed, f"F1 {split}: {100 * old:.2f} -> {100 * new:.2f}, {why}"


def _allowed(old: float, new: float, others: Sequence[float]) -> tuple[float, str]:
    """By how much F1 may move, and why.

    Seeds scatter as the ``others`` do with the stored F1 among them or with the new one, whichever is less: a run that
    is not this cell's must not widen what it is measured by.
    """
    seeds = len(others) + 1
    if seeds < FEWEST_SEEDS:
        return ROUNDING, f"{plural(seeds, 'seed')}, so its noise is not known"
    spread = min(stdev([*others, value]) for value in (old, new))
    pair = Estimate(np.array(0.0), np.array(sqrt(2) * spread), np.array(seeds - 1.0))
    allowed = max(ROUNDING, float(pair.interval()[1]))
    return allowed, f"{100 * spread:.2f} over {seeds} seeds, so up to {100 * allowed:.2f} is noise"
