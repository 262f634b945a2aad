"""A suite on a Slurm of two nodes: the same results as here, whatever is cancelled, drained, interrupted or killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import CalledProcessError, Popen
from typing import Any

import pytest

from bench.catalog import load_catalog
from bench.testing import breaches
from clusters.worlds import CELLS, LIMIT_S, STEPS, SUITE, records_of, training, until
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


def started(folder: Path, cluster: Slurm, *others: str) -> Popen[bytes]:
    return shell.started(folder, [*ON_SLURM, *others], cluster.environment)


@contextmanager
def disk(folder: Path, options: str = "size=16m") -> Iterator[None]:
    """Have a folder be a small disk of its own."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all that is left of a disk."""
    path = folder / "filler"
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return path


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
    assert every - before < STEPS, "trainings went on from where they were"


def test_a_killed_command_is_repeated_and_what_ran_meanwhile_counts(
    folder: Path, cluster: Slurm, local: dict[str, Any]
) -> None:
    process = started(folder, cluster)
    until(lambda: training(folder), "a training")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    left = cluster.jobs()
    assert left, "the jobs of a killed command go on"
    jobs = folder / "runs" / "tiny" / "jobs"
    assert len(list(jobs.iterdir())) == 1
    check_whole(folder, cluster, local)
    assert "left in the queue when it was killed was stopped" in shell.said(folder)
    assert not jobs.exists()
    assert len(shell.steps(folder)) == STEPS, "trainings that were stopped went on where they were"


@pytest.mark.parametrize("place", ["home", "runs"])
def test_a_shared_disk_that_is_full_is_a_line_and_the_same_command_goes_on(
    place: str, folder: Path, cluster: Slurm, local: dict[str, Any]
) -> None:
    with disk(folder / place):
        process = started(folder, cluster)
        until(lambda: training(folder), "a training")
        filler = fill(folder / place)
        assert process.wait(LIMIT_S) in (2, 3), shell.said(folder)
        assert "No space left on device" in shell.said(folder)
        filler.unlink()
        check_whole(folder, cluster, local)


def test_the_full_disk_of_a_node_costs_nothing(folder: Path, cluster: Slurm, local: dict[str, Any]) -> None:
    own = folder / "own"
    with disk(own, "size=4k,nr_inodes=2"):
        fill(own)
        asked = f"runtime.launcher.settings.options=['export=ALL,TMPDIR={own}']"
        assert started(folder, cluster, "-x", asked).wait(LIMIT_S) == 0, shell.said(folder)
    assert records_of(folder) == local


def test_two_commands_on_one_cluster_share_the_work(folder: Path, cluster: Slurm, local: dict[str, Any]) -> None:
    processes = [started(folder, cluster) for _ in range(2)]
    assert [process.wait(LIMIT_S) for process in processes] == [0, 0], shell.said(folder)
    assert records_of(folder) == local
    assert len(shell.steps(folder)) == STEPS, "every training was done once"
    until(lambda: not cluster.jobs(), "the queue is empty")
    assert not (folder / "runs" / "tiny" / "jobs").exists()


def test_what_plan_prints_is_what_slurm_is_asked_for(folder: Path, cluster: Slurm) -> None:
    prepared = shell.started(folder, ["prepare", *SUITE[1:4]])
    assert prepared.wait(LIMIT_S) == 0, shell.said(folder)
    words = [word for word in ON_SLURM[1:] if word != "--plain"]
    planned = shell.started(folder, ["plan", *words], cluster.environment)
    assert planned.wait(LIMIT_S) == 0, shell.said(folder)
    (told,) = [line for line in shell.said(folder).splitlines() if "sbatch" in line]
    process = started(folder, cluster)
    scripts = folder / "runs" / "tiny" / "jobs"
    until(lambda: list(scripts.glob("*/slurm/*_submission.sh")), "a script is submitted")
    (script,) = scripts.glob("*/slurm/*_submission.sh")
    submitted = {
        line.removeprefix("#SBATCH ") for line in script.read_text().splitlines() if line.startswith("#SBATCH")
    }
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(LIMIT_S) == 130, shell.said(folder)
    assert set(told.split()[1:]) <= submitted
    others = {word.partition("=")[0] for word in submitted - set(told.split())}
    assert others <= {"--nodes", "--output", "--open-mode", "--wckey"}


def test_it_keeps_the_contract_of_launchers(cluster: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    component = load_catalog().find("launcher", "slurm").component
    assert breaches("launcher", component) == []
