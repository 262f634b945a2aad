"""Whether a run fits on the disk and in memory, and which setting makes it fit where it does not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.engine.devices import CPU, devices_of, gpus_of
from bench.engine.forecast import Forecast, forecast
from bench.engine.here import is_here
from bench.engine.plan import Plan
from bench.engine.planner import Planner
from bench.engine.rates import Rates, rates_of
from bench.engine.workers import environments_of
from bench.errors import StoreError
from bench.gpus import CONTEXT_BYTES
from bench.machine import memory_bytes
from bench.store.home import Places
from bench.suite.cells import with_values
from bench.suite.resolved import Suite
from bench.words import size_text

LEAST_BATCH = 1


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes needed and bytes there are, of a disk or of a device's memory."""

    needed: int
    available: int
    of: str

    @property
    def fits(self) -> bool:
        """Whether there is enough."""
        return self.needed <= self.available


def disk_room(plan: Plan, places: Places, cost: Forecast) -> Room:
    """Bytes that the store will take, as far as they are known, and those that are free where it lies."""
    folder = places.home
    while not folder.exists():
        folder = folder.parent
    needed = plan.disk_bytes + (cost.disk("weights") or 0) + (cost.disk("evidence") or 0) + cost.checkpoints
    return Room(needed, shutil.disk_usage(folder).free, f"free at {shortened(places.home)}")


def memory_room(plan: Plan, cost: Forecast) -> Room | None:
    """Bytes that workers take at once of what they share; None where none was measured, or they are elsewhere."""
    if cost.memory is None or not is_here(plan.suite.runtime):
        return None
    devices = devices_of(plan.suite.runtime)
    busy = min(cost.workers, len(cost.jobs))
    if devices == [CPU]:
        return Room(cost.memory * busy, memory_bytes(), "memory of this machine")
    here = min((gpu.memory for gpu in gpus_of(plan.suite.runtime)), default=None)
    if here is None:
        return None
    sharing = -(-busy // len(devices))
    return Room((cost.memory + CONTEXT_BYTES) * sharing, here, "memory of a GPU")


def refuse_unfit(plan: Plan, places: Places) -> None:
    """Go on only with a plan that fits, by all that is measured.

    Raises:
        StoreError: what is too little, and the ``-x`` with which it fits.
    """
    rates = rates_of(places.home, plan.suite.runtime)
    why = why_unfit(plan, places, forecast(plan, places, rates, len(environments_of(plan.suite))))
    if why is not None:
        raise StoreError(why)


def why_unfit(plan: Plan, places: Places, cost: Forecast) -> str | None:
    """What a plan of this cost has too little of, and the ``-x`` with which it fits; None where it fits."""
    rooms = (disk_room(plan, places, cost), memory_room(plan, cost))
    lacks = next((room for room in rooms if room is not None and not room.fits), None)
    if lacks is None:
        return None
    what = f"this run needs {size_text(lacks.needed)} and there are {size_text(lacks.available)} {lacks.of}"
    rates = rates_of(places.home, plan.suite.runtime)
    for overrides, suite in _smaller(plan.suite, lacks):
        other = _planned(plan, suite, places)
        if _fits(other, places, rates, lacks):
            return f"{what}; it fits with {' '.join(f'-x {override}' for override in overrides)}"
    return f"{what}; no single setting makes it fit: {_elsewhere(lacks)}"


def _fits(plan: Plan, places: Places, rates: Rates, lacks: Room) -> bool:
    """Whether a changed plan is known to fit; what was too little must be known of it."""
    cost = forecast(plan, places, rates, len(environments_of(plan.suite)))
    memory = memory_room(plan, cost)
    if memory is None:
        return "free" in lacks.of and disk_room(plan, places, cost).fits
    return memory.fits and disk_room(plan, places, cost).fits


def _planned(plan: Plan, suite: Suite, places: Places) -> Plan:
    """The plan of a changed suite; planned anew only where what is made changes, and not who makes it."""
    if suite.cells is plan.suite.cells and suite.runtime.delivery == plan.suite.runtime.delivery:
        return replace(plan, suite=suite)
    made = frozenset(dataset.locator for dataset in plan.datasets if dataset.index is not None)
    return Planner(suite, plan.catalog, places, made).plan()


def _elsewhere(lacks: Room) -> str:
    if "free" in lacks.of:
        return "free space, or set BENCH_HOME to a folder on a larger disk"
    return "take smaller models, crops or batches"


def _smaller(suite: Suite, lacks: Room) -> Iterator[tuple[tuple[str, ...], Suite]]:
    """Overrides and what they make of the suite, those that change no number first."""
    runtime = suite.runtime
    if "memory" in lacks.of:
        for number in range(_at_once(suite) - 1, 0, -1):
            yield _fewer(suite, number)
        yield from _smaller_batches(suite)
        return
    for form in ("images", "crops"):
        if form != runtime.delivery:
            yield (f"runtime.delivery={form}",), replace(suite, runtime=runtime.model_copy(update={"delivery": form}))
    seeds = suite.axes.get("seed", ())
    if len(seeds) > 1:
        first = seeds[0].value
        cells = tuple(cell for cell in suite.cells if cell.seed == first)
        yield (f"axes.seed=[{first}]",), replace(suite, cells=cells)


def _at_once(suite: Suite) -> int:
    """Cells at once that share memory: on each GPU, or where their number was asked for, in all."""
    workers = len(environments_of(suite))
    return -(-workers // len(devices_of(suite.runtime))) if suite.runtime.workers is None else workers


def _fewer(suite: Suite, number: int) -> tuple[tuple[str], Suite]:
    """The override for so many at once, and what it makes of the suite."""
    on_gpus = devices_of(suite.runtime) != [CPU] and suite.runtime.workers is None
    name = "cells_per_device" if on_gpus else "workers"
    return (f"runtime.{name}={number}",), replace(suite, runtime=suite.runtime.model_copy(update={name: number}))


def _smaller_batches(suite: Suite) -> Iterator[tuple[tuple[str, ...], Suite]]:
    if any("recipe.batch" in cell.labels for cell in suite.cells):
        return
    (alone,), suite = _fewer(suite, 1)
    batch = suite.recipe.batch // 2
    while batch >= LEAST_BATCH:
        changed = {"recipe.batch": batch}
        cells = tuple(replace(cell, recipe=with_values(cell.recipe, changed)) for cell in suite.cells)
        yield (alone, f"recipe.batch={batch}"), replace(suite, cells=cells)
        batch //= 2


def shortened(path: Path) -> str:
    """A path with ``~`` for the user's own folder."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
