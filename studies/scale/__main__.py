"""``python -m studies.scale``: both studies, printed or written between the markers of ``docs/scale.md``.

``--part`` runs one of them, ``--cells`` is the size of the simulated suite.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.machine import processors
from bench.words import plural, size_text
from studies.scale.many import Told, in_a_world_of_its_own
from studies.scale.overhead import costs
from studies.scale.simulation import HOUR, Fleet
from studies.scale.worlds import write_world
from studies.tables import table_of, tell

CELLS, WORKERS = 10_000, 1000
FLEETS = (
    Fleet(WORKERS, slower=60.0),
    Fleet(WORKERS, slower=3600.0),
    Fleet(WORKERS, slower=3600.0, hours_to_loss=50.0, failing=0.05),
)
"""Cells that take so many times what the tiny ones took here, the last with many failures."""
OVERHEAD = ("what does it", "first", "each later one")
TIMES = ("work of a cell", "lost, failing", "first command", "idle in it", "commands", "all done after", "done twice")
TAKES = ("what", "seconds", "for each cell")
WHAT = {
    "read": "reading the suite",
    "run": "planning, ordering, filing what ended",
    "board": "ranking: the board of all records",
    "write": "writing the board in every format",
}


def overhead(_cells: int) -> Sequence[tuple[str, str]]:
    """The table of launchers."""
    with TemporaryDirectory(prefix="bench-scale-") as place:
        lines = [(name, seconds(cost.first), seconds(cost.later)) for name, cost in costs(write_world(Path(place)))]
    return [("overhead", table_of(OVERHEAD, lines))]


def many(cells: int) -> Sequence[tuple[str, str]]:
    """The tables of the simulated suite, each fleet in a process of its own."""
    with ProcessPoolExecutor(len(FLEETS), mp_context=get_context("spawn")) as pool:
        told = list(pool.map(in_a_world_of_its_own, FLEETS, [cells] * len(FLEETS)))
    return [
        ("simulated", table_of(TIMES, [_simulated(one) for one in told])),
        ("scheduler", table_of(TAKES, [*_took(told[0]), _store(told[0])])),
    ]


PARTS: dict[str, Callable[[int], Sequence[tuple[str, str]]]] = {"overhead": overhead, "many": many}


def _simulated(told: Told) -> tuple[str, ...]:
    fleet = told.fleet
    each = told.busy_s / told.cells
    twice = told.lost_s / (told.busy_s + told.lost_s)
    wrong = f"one in {fleet.hours_to_loss:g} h, {fleet.failing:.0%}"
    first = seconds(told.first_s), f"{told.idle:.0%}"
    return seconds(each), wrong, *first, str(told.commands), seconds(told.clock_s), f"{twice:.1%}"


def _took(told: Told) -> list[tuple[str, ...]]:
    return [(WHAT[name], f"{took:.1f}", f"{1000 * took / told.cells:.1f} ms") for name, took in told.took.items()]


def _store(told: Told) -> tuple[str, ...]:
    return (f"files: {told.files:,} of {size_text(told.stored)}", "", size_text(told.stored // told.cells))


def seconds(number: float) -> str:
    """``3.1 ms``, ``2.4 s``, ``12 min`` or ``3.5 h``."""
    for unit, size, below in (("ms", 0.001, 1.0), ("s", 1.0, 100.0), ("min", 60.0, 2 * HOUR)):
        if number < below:
            return f"{number / size:.3g} {unit}"
    return f"{number / HOUR:.3g} h"


def measured(loads: Sequence[float]) -> str:
    """When and where, and what else ran."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    beside = f"on average {sum(loads) / len(loads):.0f} processes wanted them" if loads else ""
    return f"Measured {day} on {plural(processors(), 'core')}; {beside}."


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(prog="studies.scale", description=__doc__)
    parser.add_argument("--part", action="append", choices=tuple(PARTS))
    parser.add_argument("--cells", type=int, default=CELLS)
    parser.add_argument("--into", type=Path, help="a file with the markers of the tables")
    asked = parser.parse_args()
    for part in asked.part or PARTS:
        loads = [os.getloadavg()[0]]
        tables = PARTS[part](asked.cells)
        loads.append(os.getloadavg()[0])
        for name, table in tables:
            tell(name, f"{table}\n\n{measured(loads)}", asked.into)


if __name__ == "__main__":
    main()
