"""Ten thousand cells on a thousand workers: what the scheduler takes, what the workers wait, and the board."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.commands import Silent, board_files, board_of_plan
from bench.engine.scheduler import run_suite, unsettled
from bench.files import files_below
from bench.jobs import Listener
from bench.launcher import Launcher
from studies.scale.simulation import Fleet, Simulated
from studies.scale.worlds import World, suite_of, templates, write_world

REPEATS = 5
"""Times that the command is repeated at most until all cells are done."""


MEMORY = Path("/dev/shm")  # noqa: S108 - whose file system is in memory: thousands of tiny cells would measure a disk


@dataclass(slots=True)
class Told:
    """What one campaign took; ``took`` are seconds of a processor by what was done.

    ``first_s`` are simulated seconds of the first command, ``idle`` the share of its workers' time in which they had
    nothing to do; the other numbers are those of all commands.
    """

    fleet: Fleet
    cells: int
    took: dict[str, float] = field(default_factory=dict)
    commands: int = 0
    first_s: float = 0.0
    idle: float = 0.0
    clock_s: float = 0.0
    busy_s: float = 0.0
    lost_s: float = 0.0
    losses: int = 0
    files: int = 0
    stored: int = 0

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Add seconds of a processor."""
        started = time.process_time()
        yield
        self.took[what] = self.took.get(what, 0.0) + time.process_time() - started


def campaign(world: World, cells: int, fleet: Fleet, seed: int = 0) -> Told:
    """Run a suite until all of it is done, and make its board."""
    told = Told(fleet, cells)
    found = templates(world)
    with told.timed("read"):
        suite = world.suite(suite_of(cells))
    rng = random.Random(seed)
    for _ in range(REPEATS):
        launcher = Simulated(fleet, world.places, found, rng)

        def make(_listener: Listener, launcher: Launcher = launcher) -> Launcher:
            return launcher

        with told.timed("run"):
            plan = run_suite(suite, world.invocation(), Silent(), make)
        told.took["run"] -= launcher.own_s
        if not told.commands:
            told.first_s = launcher.now
            told.idle = 1 - (launcher.busy_s + launcher.lost_s) / (launcher.now * fleet.workers)
        told.commands += 1
        told.clock_s += launcher.now
        told.busy_s += launcher.busy_s
        told.lost_s += launcher.lost_s
        told.losses += launcher.losses
        if not unsettled(plan):
            break
    folder = world.places.run(suite.name)
    with told.timed("board"):
        board = board_of_plan(plan, "bench run", folder)
    with told.timed("write"):
        board_files(board)
    below = [path for place in (world.places.home, folder) for path in files_below(place)]
    told.files, told.stored = len(below), sum(path.stat().st_size for path in below)
    return told


def in_a_world_of_its_own(fleet: Fleet, cells: int) -> Told:
    """The same with a store that is left behind by nobody."""
    with TemporaryDirectory(prefix="bench-scale-", dir=MEMORY if MEMORY.is_dir() else None) as place:
        return campaign(write_world(Path(place)), cells, fleet)
