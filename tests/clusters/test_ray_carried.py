"""A suite on a Ray cluster whose nodes see none of this machine's files: the same results, whatever is lost or full."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from bench.files import files_below
from clusters.far_nodes import CPUS, FarCluster, Node, autoscaled, far_cluster, why_not
from clusters.worlds import LIMIT_S, MANY, records_of, until
from studies.faults import shell

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

SUITE = (*shell.RUN, "-x", "axes.seed=[0, 1]", "-x", "recipe.epochs=400")
"""Four cells, each with time for checkpoints between the first and the last of its steps."""
SMOKE = ("run", "smoke", "--plain")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the records of a run on this machine say."""
    folder = tmp_path_factory.mktemp("here")
    shell.write_world(folder)
    assert shell.started(folder, SUITE).wait(LIMIT_S) == 0, shell.said(folder)
    return records_of(folder)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarCluster]:
    pytest.importorskip("ray")
    with far_cluster(tmp_path_factory.getbasetemp()) as found:
        yield found


@pytest.fixture
def cluster(running: FarCluster) -> FarCluster:
    """Two nodes that have the data set and have done nothing yet."""
    while len(running.nodes) < 2:
        running.add()
    for node in running.nodes:
        for made in ("stages", "index"):
            shutil.rmtree(node.home / made, ignore_errors=True)
    return running


def started(folder: Path, address: str, suite: tuple[str, ...] = SUITE) -> Popen[bytes]:
    settings = {"address": address, "files": "carried", "cpus": CPUS, "gpus": 0}
    options = [f"-xruntime.launcher.settings.{name}={value}" for name, value in settings.items()]
    return shell.started(folder, [*suite, "--launcher", "ray", *options])


def at_work(place: Path = Path()) -> list[int]:
    """Processes that do a job on a node, one whose home is in ``place``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words, told = path.read_bytes(), path.with_name("environ").read_bytes()
        except OSError:
            continue
        if b"bench.engine.elsewhere" in words and f"BENCH_HOME={place}".removesuffix(".").encode() in told:
            found.append(int(path.parent.name))
    return found


def trainings(home: Path) -> dict[str, dict[str, Any]]:
    """The notes of the trainings in a store, by key."""
    notes = (home / "stages" / "train").glob("[!.]*/stage.json")
    return {path.parent.name: json.loads(path.read_text()) for path in notes}


def checkpoints(home: Path) -> set[str]:
    """Names of the checkpoints in a store."""
    return {path.name for path in (home / "stages" / "train").glob(".*.checkpoint")}


def check_whole(folder: Path, address: str, here: dict[str, Any]) -> None:
    """Repeat the command: all is as in the run on this machine, and nothing of it runs any more."""
    assert started(folder, address).wait(LIMIT_S) == 0, shell.said(folder)
    check_records(folder, here)


def check_records(folder: Path, here: dict[str, Any]) -> None:
    assert records_of(folder) == here
    until(lambda: not at_work(), "no job is at work")
    assert "Traceback" not in shell.said(folder)


def test_smoke_gives_the_same_leaderboard_as_on_one_machine(tmp_path: Path, cluster: FarCluster) -> None:
    boards = []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        process = shell.started(folder, SMOKE) if name == "here" else started(folder, cluster.address, SMOKE)
        assert process.wait(LIMIT_S) == 0, shell.said(folder)
        boards.append(shell.measured(folder, "smoke"))
    assert boards[0] == boards[1]
    assert {record["state"] for id, record in boards[1].items() if id != "board"} == {"done"}
    assert any((node.home / "data" / "metalpart").is_dir() for node in cluster.nodes)
    assert trainings(tmp_path / "there" / "home")
    assert not (tmp_path / "there" / "home" / "stages" / "crops").exists()


def test_thirty_cells_give_the_same_leaderboard_as_on_one_machine(folder: Path, cluster: FarCluster) -> None:
    here = folder.with_name("thirty")
    here.mkdir()
    shell.write_world(here)
    assert shell.started(here, MANY).wait(LIMIT_S) == 0, shell.said(here)
    assert started(folder, cluster.address, MANY).wait(LIMIT_S) == 0, shell.said(folder)
    boards = [shell.measured(place) for place in (here, folder)]
    assert len(boards[0]) == 31
    assert boards[0] == boards[1]


def test_no_node_can_open_a_path_of_the_driver_or_is_told_one(
    folder: Path, cluster: FarCluster, here: dict[str, Any]
) -> None:
    assert set(cluster.listed(folder)) == {None}
    process = started(folder, cluster.address)
    orders: set[Path] = set()

    def ordered() -> set[Path]:
        orders.update(orders_of(cluster.nodes))
        return orders

    until(ordered, "a job at work")
    for order in orders:
        assert str(folder).encode() not in order.read_bytes()
    assert process.wait(LIMIT_S) == 0, shell.said(folder)
    check_records(folder, here)
    for node in cluster.nodes:
        for path in files_below(node.home):
            assert str(folder).encode() not in path.read_bytes(), path
        assert list((node.home / "carried").iterdir()) == []


def orders_of(nodes: list[Node]) -> list[Path]:
    return [path for node in nodes for path in (node.home / "carried").glob("*/job.json")]


def test_a_lost_node_costs_what_was_done_since_its_last_checkpoint(
    folder: Path, cluster: FarCluster, here: dict[str, Any]
) -> None:
    process = started(folder, cluster.address)
    home = folder / "home"
    until(lambda: trainings(home) and checkpoints(home), "a training is done and another at work")
    done = trainings(home)
    lost = next(node for node in cluster.nodes if checkpoints(node.home) & checkpoints(home))
    cluster.lose(lost)
    assert process.wait(LIMIT_S) == 0, shell.said(folder)
    assert "was lost; its job is begun again from its last checkpoint" in shell.said(folder)
    check_records(folder, here)
    assert not (folder / "runs" / "tiny" / "jobs").exists()
    after = trainings(home)
    assert {key: after[key] for key in done} == done
    assert any(note["continued"] for note in after.values())


def test_ctrl_c_brings_checkpoints_back_and_leaves_nothing_running(
    folder: Path, cluster: FarCluster, here: dict[str, Any]
) -> None:
    process = started(folder, cluster.address)
    until(lambda: checkpoints(folder / "home"), "a training is at work")
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(LIMIT_S) == 130, shell.said(folder)
    assert not at_work(cluster.place)
    until(cluster.is_idle, "all cores are free")
    assert checkpoints(folder / "home")
    check_whole(folder, cluster.address, here)
    assert any(note["continued"] for note in trainings(folder / "home").values())


def test_a_killed_command_takes_its_tasks_along_and_is_repeated(
    folder: Path, cluster: FarCluster, here: dict[str, Any]
) -> None:
    process = started(folder, cluster.address)
    until(lambda: checkpoints(folder / "home"), "a training is at work")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not at_work(), "no job is at work")
    check_whole(folder, cluster.address, here)


def test_a_node_without_the_data_set_is_left_out_and_said(
    folder: Path, cluster: FarCluster, here: dict[str, Any]
) -> None:
    without = cluster.add(data=False)
    try:
        check_whole(folder, cluster.address, here)
        assert shell.said(folder).count("is left out for data set 'folder': not here: folder: ") == 1
        assert not trainings(without.home)
    finally:
        cluster.lose(without)


def test_a_node_with_a_full_disk_is_left_out_and_the_others_go_on(
    folder: Path, cluster: FarCluster, here: dict[str, Any]
) -> None:
    full = cluster.add(room="256k")
    try:
        check_whole(folder, cluster.address, here)
        (line,) = [line for line in shell.said(folder).splitlines() if "is left out for this run" in line]
        assert "its disk has" in line or "No space left on device" in line
    finally:
        cluster.lose(full)


def test_where_every_node_is_full_the_cells_say_so_and_the_repeated_command_does_them(
    folder: Path, cluster: FarCluster, here: dict[str, Any]
) -> None:
    for node in list(cluster.nodes):
        cluster.lose(node)
    full = cluster.add(room="256k")
    assert started(folder, cluster.address).wait(LIMIT_S) == 3, shell.said(folder)
    for record in records_of(folder).values():
        assert record["reason"].startswith("no node can do it; ")
        assert "its disk has" in record["reason"] or "No space left on device" in record["reason"]
    cluster.lose(full)
    cluster.add()
    check_whole(folder, cluster.address, here)


def test_tasks_wait_for_a_node_that_is_still_to_come(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, here: dict[str, Any]
) -> None:
    pytest.importorskip("ray")
    with autoscaled(tmp_path_factory.getbasetemp()) as address:
        check_whole(folder, address, here)
        assert "was lost" not in shell.said(folder)
