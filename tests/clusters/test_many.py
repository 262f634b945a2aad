"""Thirty cells on two nodes of Slurm and on three of Ray: the same board as on one machine, but for what was timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from clusters.test_ray import CPUS, Cluster
from clusters.worlds import LIMIT_S, MANY
from studies.faults import shell
from studies.slurm_cluster import slurm, why_not

Started = Callable[[Path, tuple[str, ...]], "Popen[bytes]"]
SMOKE = ("run", "smoke", "--plain")
SUITES = {"tiny": (MANY, 30), "smoke": (SMOKE, 3)}
"""Name of a suite to what runs it, and its cells."""


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What this machine says of each suite: each record, and the board."""
    folder = tmp_path_factory.mktemp("local")
    shell.write_world(folder)
    said = {}
    for name, (suite, _) in SUITES.items():
        assert shell.started(folder, suite).wait(LIMIT_S) == 0, shell.said(folder)
        said[name] = shell.measured(folder, name)
    return said


@pytest.fixture(params=["slurm", "ray"])
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """What starts the suite on a cluster."""
    if request.param == "slurm":
        if why_not() is not None:
            pytest.skip(str(why_not()))
        pytest.importorskip("submitit")
        with slurm(tmp_path_factory.mktemp("slurm")) as found:
            yield lambda folder, suite: shell.started(folder, [*suite, *_on("slurm", gpus=0)], found.environment)
    else:
        pytest.importorskip("ray")
        cluster = Cluster()
        settings = {"address": cluster.nodes.address, "cpus": CPUS, "gpus": 0}
        yield lambda folder, suite: shell.started(folder, [*suite, *_on("ray", **settings)])
        cluster.nodes.shutdown()


def _on(launcher: str, **settings: object) -> list[str]:
    options = [f"-xruntime.launcher.settings.{name}={value}" for name, value in settings.items()]
    return ["--launcher", launcher, *options]


@pytest.mark.parametrize("name", SUITES)
def test_the_board_is_that_of_one_machine(
    started: Started, folder: Path, local: dict[str, dict[str, Any]], name: str
) -> None:
    suite, cells = SUITES[name]
    assert started(folder, suite).wait(LIMIT_S) == 0, shell.said(folder)
    assert shell.measured(folder, name) == local[name]
    assert len(local[name]) == cells + 1
    assert not (folder / "runs" / name / "jobs").exists()
