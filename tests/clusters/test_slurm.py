"""A suite on a Slurm of two nodes: the same results as here, whatever is cancelled, drained, interrupted or killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import CalledProcessError, Popen
from typing import Any

import pytest

from bench.catalog import load_catalog
from bench.testing import breaches
from clusters.worlds import CELLS, LIMIT_S, SUITE, records_of, training, until
from studies.faults import shell
from studies.slurm_cluster import NODES, Slurm, slurm, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

SETTINGS = {"cpus": 4, "memory_gb": 16, "gpus": 0}
"""Two jobs on each node, which have more cores and memory than this machine."""
ON_SLURM = [*SUITE, "--launcher", "slurm", *(f"-xruntime.launcher.settings.{name}={n}" for name, n in SETTINGS.items())]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    pytest.importorskip("submitit")
    with slurm(tmp_path_factory.mktemp("slurm")) as found:
        yield found


def started(folder: Path, cluster: Slurm) -> Popen[bytes]:
    return shell.started(folder, ON_SLURM, cluster.environment)


def running(cluster: Slurm) -> list[str]:
    return cluster.run("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%i").split()


def resume(cluster: Slurm, node: str) -> None:
    """Have a node take jobs again; one that was down may have come back by itself."""
    with suppress(CalledProcessError):
        cluster.run("scontrol", "update", f"NodeName={node}", "State=RESUME")
    ready = ("sinfo", "--noheader", "--Node", "--states=idle,mixed,allocated", "--format=%N")
    until(lambda: node in cluster.run(*ready).split(), f"{node} is back")


def check_whole(folder: Path, cluster: Slurm, local: dict[str, Any]) -> None:
    """Repeat the command: all is as in the run on this machine, and nothing is queued or running any more."""
    assert started(folder, cluster).wait(LIMIT_S) == 0, shell.said(folder)
    assert records_of(folder) == local
    until(lambda: not cluster.jobs(), "the queue is empty")
    assert "Traceback" not in shell.said(folder)


def test_the_results_are_those_of_one_machine(folder: Path, cluster: Slurm, local: dict[str, Any]) -> None:
    assert started(folder, cluster).wait(LIMIT_S) == 0, shell.said(folder)
    assert records_of(folder) == local
    assert len(local) == CELLS
    assert not (folder / "runs" / "tiny" / "jobs").exists()
    until(lambda: not cluster.jobs(), "the queue is empty")


def test_a_job_that_somebody_cancels_costs_its_own_cell(folder: Path, cluster: Slurm, local: dict[str, Any]) -> None:
    process = started(folder, cluster)
    until(lambda: training(folder), "a training")
    cluster.run("scancel", running(cluster)[0])
    assert process.wait(LIMIT_S) == 3, shell.said(folder)
    assert "of the queue ended without an answer" in shell.said(folder)
    states = [record["state"] for record in records_of(folder).values()]
    assert sorted(states) == ["done"] * (CELLS - 1) + ["killed"]
    check_whole(folder, cluster, local)


def test_a_node_that_goes_down_gives_its_jobs_to_the_other(folder: Path, cluster: Slurm, local: dict[str, Any]) -> None:
    process = started(folder, cluster)
    until(lambda: training(folder), "a training")
    try:
        lost = running(cluster)
        cluster.run("scontrol", "update", f"NodeName={NODES[0]}", "State=DOWN", "Reason=test")
        for id in set(lost) - set(running(cluster)):
            cluster.run("scontrol", "update", f"JobId={id}", "StartTime=now")  # Slurm would wait for two minutes
        assert process.wait(LIMIT_S) == 0, shell.said(folder)
    finally:
        resume(cluster, NODES[0])
    assert records_of(folder) == local


def test_a_drained_node_takes_no_more_and_loses_nothing(folder: Path, cluster: Slurm, local: dict[str, Any]) -> None:
    process = started(folder, cluster)
    until(lambda: training(folder), "a training")
    try:
        cluster.run("scontrol", "update", f"NodeName={NODES[1]}", "State=DRAIN", "Reason=test")
        assert process.wait(LIMIT_S) == 0, shell.said(folder)
    finally:
        resume(cluster, NODES[1])
    assert records_of(folder) == local


def test_ctrl_c_takes_out_of_the_queue_what_this_command_put_in(
    folder: Path, cluster: Slurm, local: dict[str, Any]
) -> None:
    script = folder / "other.sh"
    script.write_text("#!/bin/sh\nsleep 600\n")
    other = cluster.run("sbatch", "--parsable", "--hold", f"--output={folder}/other.txt", str(script)).strip()
    try:
        process = started(folder, cluster)
        until(lambda: training(folder), "a training")
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(LIMIT_S) == 130, shell.said(folder)
        until(lambda: cluster.jobs() == [other], "only the other's job is left")
    finally:
        cluster.run("scancel", other)
    before = len(shell.steps(folder))
    check_whole(folder, cluster, local)
    every = len(shell.steps(folder))
    assert every - before < CELLS * 160, "trainings went on from where they were"


def test_a_killed_command_is_repeated_and_what_ran_meanwhile_counts(
    folder: Path, cluster: Slurm, local: dict[str, Any]
) -> None:
    process = started(folder, cluster)
    until(lambda: training(folder), "a training")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert cluster.jobs(), "the jobs of a killed command go on"
    check_whole(folder, cluster, local)
    assert len(shell.steps(folder)) == CELLS * 160


def test_it_keeps_the_contract_of_launchers(cluster: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    component = load_catalog().find("launcher", "slurm").component
    assert breaches("launcher", component) == []
