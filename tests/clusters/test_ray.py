"""A suite on a Ray cluster of three nodes on this machine: the same results, whatever is lost or interrupted."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from bench.catalog import load_catalog
from bench.testing import breaches
from clusters.worlds import CELLS, LIMIT_S, SUITE, records_of, training, until
from studies.faults import shell

NODES = 3
CPUS = 4
"""Cores of a task by default, and of a node."""
MEMORY = 100 * 10**6
"""Bytes of each node's object store."""


class Cluster:
    """Nodes that say they have room for one task each; the first has none, so that no task is lost with the cluster."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster as Nodes

        self.nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": MEMORY})
        self.workers = [self.add() for _ in range(NODES - 1)]
        self.nodes.wait_for_nodes()

    def add(self) -> Any:
        return self.nodes.add_node(num_cpus=CPUS, object_store_memory=MEMORY)

    def lose(self) -> None:
        """One node ends at once, and another comes in its place."""
        self.nodes.remove_node(self.workers.pop(), allow_graceful=False)
        self.workers.append(self.add())


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("ray")
    found = Cluster()
    yield found
    found.nodes.shutdown()


def started(folder: Path, cluster: Cluster) -> Popen[bytes]:
    settings = {"address": cluster.nodes.address, "cpus": CPUS, "gpus": 0, "variables": f"[{shell.STEPS}]"}
    options = [f"-xruntime.launcher.settings.{name}={value}" for name, value in settings.items()]
    return shell.started(folder, [*SUITE, "--launcher", "ray", *options])


def at_work(folder: Path) -> list[int]:
    """Processes that do a job of a run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if b"bench.engine.remote" in words and str(folder).encode() in words:
            found.append(int(path.parent.name))
    return found


def check_whole(folder: Path, cluster: Cluster, local: dict[str, Any]) -> None:
    """Repeat the command: all is as in the run on this machine, and nothing of it runs any more."""
    assert started(folder, cluster).wait(LIMIT_S) == 0, shell.said(folder)
    assert records_of(folder) == local
    until(lambda: not at_work(folder), "no job is at work")
    assert "Traceback" not in shell.said(folder)


def test_the_results_are_those_of_one_machine(folder: Path, cluster: Cluster, local: dict[str, Any]) -> None:
    check_whole(folder, cluster, local)
    assert len(local) == CELLS
    assert not (folder / "runs" / "tiny" / "jobs").exists()


def test_a_lost_node_costs_nothing_but_time(folder: Path, cluster: Cluster, local: dict[str, Any]) -> None:
    process = started(folder, cluster)
    until(lambda: training(folder), "a training")
    cluster.lose()
    assert process.wait(LIMIT_S) == 0, shell.said(folder)
    assert records_of(folder) == local


def test_ctrl_c_ends_the_jobs_of_this_command(folder: Path, cluster: Cluster, local: dict[str, Any]) -> None:
    process = started(folder, cluster)
    until(lambda: training(folder), "a training")
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(LIMIT_S) == 130, shell.said(folder)
    until(lambda: not at_work(folder), "no job is at work")
    check_whole(folder, cluster, local)


def test_a_killed_command_takes_its_tasks_along_and_is_repeated(
    folder: Path, cluster: Cluster, local: dict[str, Any]
) -> None:
    process = started(folder, cluster)
    until(lambda: training(folder), "a training")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)
    check_whole(folder, cluster, local)


def test_it_keeps_the_contract_of_launchers(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", cluster.nodes.address)
    component = load_catalog().find("launcher", "ray").component
    try:
        assert breaches("launcher", component) == []
    finally:
        sys.modules["ray"].shutdown()
