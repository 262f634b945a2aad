"""The scheduler: index what is not indexed, run what is not done, file how each cell ended.

It trusts the store, not the messages: a cell is done when its record is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from uuid import uuid4

from bench.component import build
from bench.engine.abandoned import clear_abandoned
from bench.engine.carriers import launcher_from
from bench.engine.devices import device_remarks, refuse_graphs, settled
from bench.engine.fits import refuse_unfit
from bench.engine.here import is_here
from bench.engine.indices import Indices, endings
from bench.engine.invocation import Invocation, Watcher, make_plan
from bench.engine.learned import Learner
from bench.engine.needs import Needs
from bench.engine.only import Only
from bench.engine.orders import Orders, filing
from bench.engine.plan import RUNNABLE, Plan, Planned
from bench.engine.rates import rates_of
from bench.engine.sharing import is_open, shared
from bench.engine.workers import environments_of
from bench.errors import StoreError
from bench.jobs import Ended, Listener
from bench.launcher import Launcher, Site
from bench.record import State, record_of
from bench.stages.graph import images_stage
from bench.store.home import Places
from bench.store.records import write_record
from bench.store.running import at_work
from bench.store.store import touch_stage
from bench.suite.reading.load import Suite

STOPPING = "stopping: trainings finish their step and keep where they are; interrupt again to stop at once"

JOBS = "jobs"
"""The folder of a run in which each command at work has one for its launcher."""

MakeLauncher = Callable[[Listener], Launcher]


def run_suite(
    suite: Suite,
    invocation: Invocation,
    watcher: Watcher,
    make: MakeLauncher | None = None,
    only: Only | None = None,
) -> Plan:
    """Run every cell that is not done, or of these ``only`` some; return the plan as it stands at the end.

    Raises:
        SuiteError: the device that was asked for cannot be used.
        StoreError: by what was measured, it does not fit on the disk or in memory; nothing was trained.
        KeyboardInterrupt: passed on after the workers have kept where their trainings are; a second one at once.
    """
    suite = _settled(suite, invocation, watcher)
    launcher = (make or launcher_of(suite, invocation))(watcher.progress)
    indices = Indices(invocation, launcher, watcher)
    with at_work(invocation.places.home, f"bench run {suite.name}") as running:
        try:
            plan = indices.completed(only.first(suite) if only else suite)
            if only:
                asked = only.of(plan)
                plan = indices.plan(replace(suite, cells=tuple(cell for cell in suite.cells if cell.id in asked)))
            running.keep(key for _, key in _stages_of(plan.cells))
            refuse_unfit(plan, invocation.places)
            watcher.planned(plan)
            _file_reasons(plan, invocation)
            _run_cells(plan, invocation, launcher, watcher)
        except KeyboardInterrupt:
            watcher.remark(STOPPING)
            launcher.stop()
            raise
        finally:
            launcher.close()
        asked = frozenset(planned.cell.id for planned in plan.cells)
        plan = replace(indices.plan(suite), asked=asked)
        _mark_used(plan, invocation.places)
    return plan


def _settled(suite: Suite, invocation: Invocation, watcher: Watcher) -> Suite:
    """The suite with a device of this machine and as many cells on it at once as were found to fit."""
    if not is_here(suite.runtime):
        return suite
    for text in device_remarks(suite.runtime):
        watcher.remark(text)
    suite = replace(suite, runtime=settled(suite.runtime))
    refuse_graphs(suite)
    if not is_open(suite.runtime):
        return suite
    rates = rates_of(invocation.places.home, suite.runtime)
    return shared(make_plan(suite, invocation), invocation.places, rates).suite


def index_plan(suite: Suite, invocation: Invocation, watcher: Watcher) -> Plan:
    """Index what is not indexed and return the plan; nothing is trained."""
    launcher = launcher_of(suite, invocation)(watcher.progress)
    try:
        return Indices(invocation, launcher, watcher).completed(suite)
    finally:
        launcher.close()


def _mark_used(plan: Plan, places: Places) -> None:
    """Say to ``bench cache gc`` that the stages of finished cells were of use just now."""
    for kind, key in _stages_of(planned for planned in plan.cells if planned.state == "done"):
        touch_stage(places.stage(kind, key))


def _stages_of(cells: Iterable[Planned]) -> set[tuple[str, str]]:
    """Kind and key of every stage that cells stand on."""
    stages = set()
    for planned in cells:
        stages |= set(planned.keys.items())
        if planned.pretraining:
            stages |= {(stage.kind, stage.key) for stage in planned.pretraining.stages}
        first = [chain[0] for chain in (planned.stages, planned.pretraining and planned.pretraining.stages) if chain]
        stages |= {("images", images_stage(tiles).key) for tiles in first}
    return stages


def launcher_of(suite: Suite, invocation: Invocation) -> MakeLauncher:
    """What makes the launcher that a suite names."""
    ref = suite.runtime.launcher
    component = invocation.catalog.find("launcher", ref.use).component

    def make(listener: Listener) -> Launcher:
        site = site_of(suite, invocation.places, listener)
        built = build(component, site, settings=ref.settings)
        return launcher_from(built, site, list(clear_abandoned(site.folder.parent, built)))

    return make


def site_of(suite: Suite, places: Places, listener: Listener) -> Site:
    """What the launcher of one command is given."""
    folder = places.run(suite.name).absolute() / JOBS / uuid4().hex[:8]
    return Site(suite.name, folder, listener, environments_of(suite), suite.runtime.device)


def _run_cells(plan: Plan, invocation: Invocation, launcher: Launcher, watcher: Watcher) -> None:
    runnable = [planned for planned in plan.cells if planned.state in RUNNABLE]
    needs = Needs.of(runnable, invocation.places)
    waiting = {planned.cell.id: planned for planned in runnable}
    places = invocation.places
    learner = Learner(plan, places, rates_of(places.home, plan.suite.runtime), len(environments_of(plan.suite)))
    orders = Orders(plan, places)
    launcher.submit([*map(orders.source, needs.missing.values()), *map(orders.cell, needs.ready)])
    while waiting:
        can_start: list[Planned] = []
        for ended in endings(launcher, watcher):
            if ended.key in waiting:
                planned = waiting.pop(ended.key)
                settled = _filed(plan.suite, planned, ended, invocation)
                if settled.state is State.OK and is_here(plan.suite.runtime):
                    learner.ended(planned, ended.seconds)
                watcher.ended(planned, settled)
            ready, lost = needs.after(ended)
            can_start += ready
            for planned, why in lost:
                del waiting[planned.cell.id]
                watcher.ended(planned, _filed(plan.suite, planned, why, invocation))
        if can_start:  # all at once: to submit is what takes long on a cluster
            launcher.submit([*map(orders.cell, can_start)])
    learner.close()


def _file_reasons(plan: Plan, invocation: Invocation) -> None:
    """File cells that cannot run, so that the board can say why; what a cell once reached is never overwritten."""
    for planned in plan.cells:
        if planned.cannot_run:
            record = record_of(**{**filing(planned, invocation.catalog), **planned.settled.plain()})
            write_record(invocation.places.record(plan.suite.name, planned.cell.id), record)


def _filed(suite: Suite, planned: Planned, ended: Ended, invocation: Invocation) -> Ended:
    """Make sure that the store says how a cell ended; a cell without its record is not done."""
    path = invocation.places.record(suite.name, planned.cell.id)
    record = invocation.records.read(path)
    if record is not None and record.state is State.OK and record.keys == planned.keys:
        return replace(ended, state=State.OK, reason=None)  # another run may have finished it
    if ended.state is State.OK:
        ended = replace(ended, state=State.FAILED, reason="the worker reported success but left no record")
    told = filing(planned, invocation.catalog)
    try:
        write_record(path, record_of(**told, state=ended.state, reason=ended.reason, log=ended.log))
    except StoreError as error:  # the results have no room: the other cells go on, and their stages are kept
        return replace(ended, reason=f"{ended.reason}; {error}")
    return ended


def unsettled(plan: Plan) -> Sequence[Planned]:
    """Cells that did not end well: exit code 3 when there are any.

    A data set that is not here does not count as long as another cell is done: a suite is of use on what is present.
    It counts where a folder was given for it, and where nothing else is done.
    """
    asked = [p for p in plan.cells if plan.asked is None or p.cell.id in plan.asked]
    left = [p for p in asked if p.state not in ("done", "skipped", "excluded")]
    here = [p for p in left if not p.data_absent]
    return here if any(p.state == "done" for p in asked) else left
