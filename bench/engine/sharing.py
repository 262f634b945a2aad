"""How many cells share a GPU: of the numbers that were measured, the one with which the run ends first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bench.engine.devices import devices_of, gpus_of
from bench.engine.forecast import Forecast, Foreseer, chains_of, forecast
from bench.engine.plan import Plan
from bench.engine.rates import Rates
from bench.gpus import CONTEXT_BYTES
from bench.machine import processors
from bench.store.home import Places
from bench.suite.schema import Runtime
from bench.train.delivery import RESIDENT_SHARE

GAIN = 0.95
"""More cells share a GPU where the run then takes at most this share of its time; less may be noise."""


def is_open(runtime: Runtime) -> bool:
    """Whether it is left to what was measured how many cells share a GPU."""
    return runtime.cells_per_device == "auto" and runtime.workers is None and bool(gpus_of(runtime))


def shared(plan: Plan, places: Places, rates: Rates) -> Plan:
    """The plan with the number of cells per GPU that is best of all measured ones; one where none was."""
    if not is_open(plan.suite.runtime):
        return plan
    best, soonest = 1, float("inf")
    for cells in _measured(plan, places, rates):
        cost = foreseen(plan, places, rates, cells)
        if cost.seconds is not None and cost.seconds < GAIN * soonest and fits(plan, cost, cells):
            best, soonest = cells, cost.seconds
    return with_cells(plan, best)


def to_measure(plan: Plan, places: Places, rates: Rates) -> Iterator[Plan]:
    """The plan with one cell per GPU, then with twice as many again, while the last doubling gained and the next fits.

    What is measured of one must be in ``rates`` before the next is asked for. Where the number is not open, the plan.
    """
    if not is_open(plan.suite.runtime):
        yield plan
        return
    cells, soonest = 1, float("inf")
    while True:
        yield with_cells(plan, cells)
        cost = foreseen(plan, places, rates, cells)
        if cost.seconds is None or cost.seconds > GAIN * soonest:
            return
        cells, soonest = 2 * cells, cost.seconds
        workers = cells * len(devices_of(plan.suite.runtime))
        if not fits(plan, cost, cells) or workers > min(processors(), len(cost.jobs)):
            return


def foreseen(plan: Plan, places: Places, rates: Rates, cells: int) -> Forecast:
    """What the run costs with so many cells on each GPU."""
    return forecast(plan, places, rates, cells * len(devices_of(plan.suite.runtime)))


def fits(plan: Plan, cost: Forecast, cells: int) -> bool:
    """Whether so many cells fit on every GPU beside the crops that each may keep there; one always may."""
    if cells == 1:
        return True
    least = min(gpu.memory for gpu in gpus_of(plan.suite.runtime))
    return cost.memory is not None and cells * (cost.memory + CONTEXT_BYTES) <= (1 - RESIDENT_SHARE) * least


def with_cells(plan: Plan, cells: int) -> Plan:
    """The plan with so many cells on each GPU."""
    runtime = plan.suite.runtime.model_copy(update={"cells_per_device": cells})
    return replace(plan, suite=replace(plan.suite, runtime=runtime))


def _measured(plan: Plan, places: Places, rates: Rates) -> list[int]:
    """Numbers of cells per GPU with which the training of every cell was measured."""
    devices = len(devices_of(plan.suite.runtime))
    foreseer = Foreseer(plan, places, rates, devices)
    known = [rates.workers("learn", foreseer.keys(chain)["learn"]) for chain in chains_of(plan, places)]
    common = set.intersection(*known) if known else set()
    return sorted(workers // devices for workers in common if workers % devices == 0)
