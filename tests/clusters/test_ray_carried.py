"""A suite on a Ray cluster whose nodes see none of this machine's files: the same results, whatever is lost."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from clusters.far_nodes import CPUS, FarCluster, far_cluster, why_not
from clusters.worlds import CELLS, LIMIT_S, SUITE, records_of, until
from studies.faults import shell

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarCluster]:
    pytest.importorskip("ray")
    with far_cluster(tmp_path_factory.getbasetemp()) as found:
        yield found


@pytest.fixture
def cluster(head: FarCluster) -> Iterator[FarCluster]:
    yield head
    head.clear()


def started(folder: Path, cluster: FarCluster, suite: tuple[str, ...] = SUITE) -> Popen[bytes]:
    settings = {"address": cluster.address, "files": "carried", "cpus": CPUS, "gpus": 0}
    options = [f"-xruntime.launcher.settings.{name}={value}" for name, value in settings.items()]
    return shell.started(folder, [*suite, "--launcher", "ray", *options])


def at_work() -> list[int]:
    """Processes that do a job on a node."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if b"bench.engine.elsewhere" in words:
            found.append(int(path.parent.name))
    return found


def finished(folder: Path) -> dict[Path, float]:
    """The trainings in the store of the driver, each with when it was filed."""
    notes = (folder / "home" / "stages" / "train").glob("[!.]*/stage.json")
    return {path: path.stat().st_ctime for path in notes}


def checkpoints(folder: Path) -> list[Path]:
    return list((folder / "home" / "stages" / "train").glob(".*.checkpoint"))


def check_whole(folder: Path, cluster: FarCluster, local: dict[str, Any]) -> None:
    """Repeat the command: all is as in the run on this machine, and nothing of it runs any more."""
    assert started(folder, cluster).wait(LIMIT_S) == 0, shell.said(folder)
    assert records_of(folder) == local
    until(lambda: not at_work(), "no job is at work")
    assert "Traceback" not in shell.said(folder)


def test_the_results_are_those_of_one_machine(folder: Path, cluster: FarCluster, local: dict[str, Any]) -> None:
    nodes = [cluster.add("n1"), cluster.add("n2")]
    check_whole(folder, cluster, local)
    assert len(local) == CELLS
    assert len(finished(folder)) == CELLS
    assert not (folder / "runs" / "tiny" / "jobs").exists()
    assert not (folder / "home" / "stages" / "crops").exists()
    for node in nodes:
        assert list((node.home / "stages" / "crops").iterdir())
        assert list((node.home / "carried").iterdir()) == []
