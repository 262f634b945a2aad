"""The simulated fleet: every cell is done, the clock holds what workers did, and cells that can start go together."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.commands import Silent
from bench.engine.scheduler import run_suite, unsettled
from bench.jobs import Job
from sampling import whole_run
from studies.scale.__main__ import seconds
from studies.scale.many import campaign
from studies.scale.simulation import Fleet, Simulated
from studies.scale.worlds import suite_of, templates, write_world

CELLS = 200


@whole_run
def test_a_campaign_does_every_cell_and_loses_no_time_of_its_workers(tmp_path: Path, home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_HOME", str(home))
        world = write_world(tmp_path)
        found = templates(world)
        submitted: list[int] = []

        class Counted(Simulated):
            def submit(self, jobs: Sequence[Job]) -> None:
                submitted.append(len(jobs))
                super().submit(jobs)

        suite = world.suite({**suite_of(CELLS), "name": "again"})
        fleet = Fleet(CELLS, slower=1000.0, spread=0.0, hours_to_loss=1e9, failing=0.0)
        launcher = Counted(fleet, world.places, found, random.Random(0))
        assert not unsettled(run_suite(suite, world.invocation(), Silent(), lambda _listener: launcher))
        assert len(submitted) <= 2 + len(found), "those whose pretraining ended at one time are one submission"

        told = campaign(world, CELLS, Fleet(20, slower=100.0, hours_to_loss=0.1, failing=0.2))
        assert told.commands > 1
        assert told.losses > 0
        assert len(list(world.places.records("many").glob("*.json"))) == CELLS
        assert 0 < told.idle < 1


@pytest.mark.parametrize(
    ("number", "said"), [(0.00312, "3.12 ms"), (2.41, "2.41 s"), (720, "12 min"), (3 * 3600, "3 h")]
)
def test_times_are_said_in_their_unit(number: float, said: str) -> None:
    assert seconds(number) == said
