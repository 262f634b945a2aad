"""What a run will cost, in words."""

from __future__ import annotations

from collections.abc import Iterator

from bench.engine.devices import CPU, devices_of, gpus_of
from bench.engine.forecast import CellCost, Forecast, forecast
from bench.engine.here import is_here
from bench.engine.plan import Plan
from bench.engine.rates import rates_of
from bench.engine.workers import environments_of
from bench.machine import memory_bytes
from bench.store.home import Places
from bench.words import duration, plural, size_text

UNMEASURED = "not measured: run 'bench plan --pilot' with this suite"
KEPT = {"weights": "weights", "evidence": "evidence", "results": "records and pictures"}
"""What cells keep, and its name."""


def foreseen(plan: Plan, places: Places) -> Forecast:
    """The forecast of a plan from what this machine has measured."""
    return forecast(plan, places, rates_of(places.home, plan.suite.runtime), workers_at_once(plan))


def workers_at_once(plan: Plan) -> int:
    """Workers that the run of a plan starts."""
    return len(environments_of(plan.suite))


def cost_lines(plan: Plan, cost: Forecast) -> Iterator[str]:
    """Time, memory and what is kept on disk beside the crops, of all cells together."""
    if any(planned.state == "unindexed" for planned in plan.cells):
        yield "  time: known after indexing, which 'bench plan --pilot' does before it measures"
    if not cost.jobs:
        return
    if is_here(plan.suite.runtime):
        yield f"  time: {_time(cost)}"
        yield f"  memory: {_memory(plan, cost)}"
    if any(one.weights is not None for one in cost.jobs.values()):
        yield f"  kept: {', '.join(_kept(cost))}"
        yield f"  while it runs: at most {size_text(cost.checkpoints)} of checkpoints"


def _kept(cost: Forecast) -> Iterator[str]:
    for what, name in KEPT.items():
        size = cost.disk(what)
        yield f"{name} not measured" if size is None else f"{size_text(size)} of {name}"


def _time(cost: Forecast) -> str:
    measured = len(cost.jobs) - len(cost.unmeasured)
    if cost.seconds is not None:
        return f"about {duration(cost.seconds)}, by what this machine has measured"
    if not measured:
        return UNMEASURED
    return f"{plural(len(cost.unmeasured), 'cell')} of {len(cost.jobs)} {UNMEASURED}"


def _memory(plan: Plan, cost: Forecast) -> str:
    if cost.memory is None:
        return UNMEASURED
    devices = devices_of(plan.suite.runtime)
    busy = min(cost.workers, len(cost.jobs))
    if devices == [CPU]:
        of = f"{size_text(cost.memory)} at most in a worker, {size_text(cost.memory * busy)} in {busy}"
        return f"{of}, of {size_text(memory_bytes())}"
    whole = min((gpu.memory for gpu in gpus_of(plan.suite.runtime)), default=0)
    cells = -(-busy // len(devices))
    beside = f", {size_text(cost.memory * cells)} for {cells}" if cells > 1 else ""
    return f"{size_text(cost.memory)} at most of a GPU for one worker{beside}, of {size_text(whole)}"


def cell_lines(plan: Plan, cost: Forecast) -> Iterator[str]:
    """Each cell that is to be run, with its time, memory and disk; what an earlier one makes is in the earlier one."""
    yield "  cells to be run: time, memory, weights, evidence"
    names = {planned.cell.id: planned.cell.labels for planned in plan.cells}
    for key, one in cost.jobs.items():
        labels = names.get(key)
        name = " / ".join(labels.values()) if labels else "pretraining"
        yield f"    {key[:8]} {_cell(one)}  {name}"


def _cell(one: CellCost) -> str:
    time = "?" if one.seconds is None else duration(one.seconds)
    sizes = ["?" if size is None else size_text(size) for size in (one.memory, one.weights, one.evidence)]
    return " ".join(f"{text:>9s}" for text in (time, *sizes))
