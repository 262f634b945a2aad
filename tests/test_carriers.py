"""A carrier as a launcher: jobs go as bytes, what comes back is filed, and nodes that cannot do a job are passed by."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench.catalog import load_catalog
from bench.engine import carriers
from bench.engine.carried import packed_stage
from bench.engine.carriers import CarrierLauncher, launcher_from
from bench.engine.pieces import packed_bytes
from bench.jobs import DataRef, Ended, Job, Progress
from bench.launcher import Arrived, Parcel, Site
from bench.states import State
from bench.store.home import Places
from bench.store.store import checkpoint_path, finish_stage, stage_note
from sampling import whole_run
from test_hookspecs import PRELUDE
from tiny import bench, write_world

NODES = ("n1", "n2")
INDEX = "99" * 16


class Paper:
    """A carrier on paper: parcels are noted, and a test says what comes."""

    retries = 1

    def __init__(self) -> None:
        self.parcels: dict[str, Parcel] = {}
        self.living: set[str] = set()
        self.held: list[Arrived] = []
        self.words: dict[str, str | None] = {}
        self.stopped: list[str] = []
        self.killed: list[str] = []

    def start(self, parcels: Sequence[Parcel]) -> Sequence[str]:
        ids = []
        for parcel in parcels:
            assert b"".join(parcel.content)
            ids.append(str(len(self.parcels) + 1))
            self.parcels[ids[-1]] = parcel
        self.living |= set(ids)
        return ids

    def arrived(self) -> Sequence[Arrived]:
        taken, self.held = self.held, []
        return taken

    def nodes(self) -> Collection[str]:
        return NODES

    def alive(self, ids: Collection[str]) -> Collection[str]:
        return self.living & set(ids)

    def last_words(self, id: str) -> str | None:
        return self.words[id]

    def stop(self, ids: Collection[str]) -> None:
        self.stopped += ids
        self.living -= set(ids)

    def kill(self, ids: Collection[str]) -> None:
        self.killed += ids
        self.living -= set(ids)

    def says(self, id: str, name: str, value: object, node: str = "n1") -> None:
        self.held.append(Arrived(id, node, packed_bytes(name, json.dumps(value).encode())))

    def answers(self, id: str, ended: Ended, node: str = "n1") -> None:
        self.says(id, "ended.json", asdict(ended), node)

    def loses(self, id: str) -> None:
        self.living.discard(id)
        self.words[id] = None


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def heard() -> list[Progress]:
    return []


@pytest.fixture
def launcher(tmp_path: Path, paper: Paper, heard: list[Progress], monkeypatch: pytest.MonkeyPatch) -> CarrierLauncher:
    monkeypatch.setattr(carriers, "ASK_S", 0.0)
    monkeypatch.setattr(carriers, "LOOK_S", 0.001)
    made = launcher_from(paper, Site("suite", tmp_path / "jobs" / "one", heard.append, (), "cpu"))
    assert isinstance(made, CarrierLauncher)
    return made


def looked(launcher: CarrierLauncher) -> list[Ended]:
    """What has ended after a few looks: what came is taken in one, and what follows is sent in the next."""
    return [ended for _ in range(3) for ended in launcher.ended(0.0)]


def job(home: Path, key: str, train: str = "") -> Job:
    """A cell; without ``train`` its training is its own."""
    stages = (
        {"kind": "tiles", "key": "t", "facts": {"data": INDEX}, "needs": {}},
        {"kind": "train", "key": train or f"train-{key}", "facts": {}, "needs": {}},
        {"kind": "predict", "key": f"predict-{key}", "facts": {}, "needs": {}},
    )
    record = Places(home, home / "runs", {}).record("suite", key)
    return Job(key, DataRef("folder", {}, "/data", "/index.json"), str(home), stages=stages, record=str(record))


def test_progress_and_the_answer_come_back_and_nothing_is_left(
    launcher: CarrierLauncher, paper: Paper, heard: list[Progress], tmp_path: Path
) -> None:
    launcher.submit([job(tmp_path, "first")])
    assert looked(launcher) == []
    progress = Progress("first", "train", 2, 4, "note")
    paper.says("1", "progress.json", asdict(progress))
    assert looked(launcher) == []
    assert heard == [progress]
    paper.answers("1", Ended("first", State.OOM, "no room", "a log", 2.5))
    assert launcher.ended(5.0) == [Ended("first", State.OOM, "no room (on node n1)", "a log", 2.5)]
    launcher.close()
    assert not (tmp_path / "jobs").exists()


def test_jobs_with_a_training_in_common_wait_until_it_is_there(
    launcher: CarrierLauncher, paper: Paper, tmp_path: Path
) -> None:
    launcher.submit([job(tmp_path, "first", "t"), job(tmp_path, "second", "t"), job(tmp_path, "other")])
    looked(launcher)
    assert [parcel.name for parcel in paper.parcels.values()] == ["suite-00001-first", "suite-00002-other"]
    node = Places(tmp_path / "node", tmp_path, {})
    finish_stage(node.stage("train", "t"), lambda folder: written(folder, {"kind": "train", "key": "t"}))
    for content in packed_stage(node, "train", "t"):
        paper.held.append(Arrived("1", "n1", content))
    looked(launcher)
    assert looked(launcher) == []
    assert [parcel.name for parcel in paper.parcels.values()][2:] == ["suite-00003-second"]
    here = Places(tmp_path, tmp_path, {}).stage("train", "t")
    assert stage_note(here) == stage_note(node.stage("train", "t"))


def written(folder: Path, note: dict[str, str]) -> dict[str, str]:
    (folder / "best").write_bytes(b"weights")
    return note


def test_a_lost_node_has_its_job_begun_again_with_the_last_checkpoint(
    launcher: CarrierLauncher, paper: Paper, tmp_path: Path
) -> None:
    launcher.submit([job(tmp_path, "first")])
    looked(launcher)
    paper.held.append(Arrived("1", "n1", packed_bytes("checkpoint", b"step 9")))
    paper.loses("1")
    assert looked(launcher) == []
    assert checkpoint_path(Places(tmp_path, tmp_path, {}).stage("train", "train-first")).read_bytes() == b"step 9"
    assert launcher.remarks() == ["node n1 was lost; its job is begun again from its last checkpoint"]
    assert list(paper.parcels) == ["1", "2"]
    paper.loses("2")
    (ended,) = launcher.ended(1.0)
    assert (ended.state, ended.reason) == (
        State.KILLED,
        "its node was lost, 2 times; the launcher's 'retries' says how often",
    )


def test_a_node_that_cannot_do_a_job_is_passed_and_said_once(
    launcher: CarrierLauncher, paper: Paper, tmp_path: Path
) -> None:
    launcher.submit([job(tmp_path, "first"), job(tmp_path, "second")])
    looked(launcher)
    for id in ("1", "2"):
        paper.says(id, "unfit.json", {"reason": "not here", "data": True})
    looked(launcher)
    assert launcher.remarks() == ["node n1 is left out for data set 'folder': not here"]
    assert [paper.parcels[id].avoid for id in ("3", "4")] == [{"n1"}, {"n1"}]
    paper.says("3", "unfit.json", {"reason": "the disk is full", "data": False}, "n2")
    (ended,) = launcher.ended(1.0)
    assert (ended.key, ended.state) == ("first", State.BLOCKED)
    assert ended.reason == "no node can do it; n2 (and 1 other likewise): the disk is full"


@pytest.mark.parametrize("name", ["run/suite.json", "../up", "stages/train/other/best"])
def test_a_node_that_sends_what_nobody_asked_for_ends_its_job_and_no_other(
    launcher: CarrierLauncher, paper: Paper, tmp_path: Path, name: str
) -> None:
    launcher.submit([job(tmp_path, "first"), job(tmp_path, "second")])
    looked(launcher)
    head = len(name).to_bytes(2, "big") + (1).to_bytes(8, "big") + name.encode()
    paper.held.append(Arrived("1", "n1", head + b"x" + bytes(16)))
    (ended,) = launcher.ended(1.0)
    assert (ended.key, ended.state) == ("first", State.FAILED)
    assert "a file came that nobody expects" in (ended.reason or "")
    assert paper.killed == ["1"]
    assert not (tmp_path / "up").exists()
    paper.answers("2", Ended("second", State.NAN))
    assert [one.key for one in launcher.ended(1.0)] == ["second"]


def test_a_command_that_ended_without_an_answer_is_told_with_its_last_words(
    launcher: CarrierLauncher, paper: Paper, tmp_path: Path
) -> None:
    launcher.submit([job(tmp_path, "first")])
    looked(launcher)
    paper.living.clear()
    paper.words["1"] = "Bus error\n"
    (ended,) = launcher.ended(1.0)
    assert (ended.state, ended.reason, ended.log) == (
        State.KILLED,
        "job 1 ended without an answer",
        "Bus error\n",
    )


def test_only_jobs_of_this_launcher_are_cancelled_and_stopped_and_what_stops_sends_where_it_is(
    launcher: CarrierLauncher, paper: Paper, tmp_path: Path
) -> None:
    launcher.submit([job(tmp_path, key) for key in ("first", "second")])
    looked(launcher)
    launcher.cancel(["second"])
    assert paper.killed == ["2"]
    paper.held.append(Arrived("1", "n1", packed_bytes("checkpoint", b"step 9")))
    launcher.stop()
    assert paper.stopped == ["1"]
    assert checkpoint_path(Places(tmp_path, tmp_path, {}).stage("train", "train-first")).read_bytes() == b"step 9"


def test_jobs_wait_where_there_is_no_node_at_all(
    launcher: CarrierLauncher, paper: Paper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher.submit([job(tmp_path, "first")])
    looked(launcher)
    monkeypatch.setattr(paper, "nodes", tuple)
    paper.says("1", "unfit.json", {"reason": "not here", "data": True})
    assert looked(launcher) == []
    assert list(paper.parcels) == ["1", "2"]


def test_where_files_are_carried_no_variable_with_a_place_of_this_machine_travels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in list(os.environ):
        if name.startswith(("BENCH_", "HF_", "CUDA_", "OMP_", "TORCH_")):
            monkeypatch.delenv(name)
    told = {"BENCH_HOME": "/mine", "HF_HOME": "~/hf", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "3", "OURS": "/x"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    build: Any = load_catalog().find("launcher", "ray").component.build
    passed = build.__globals__["passed"]
    assert passed("carried", ()) == {"HF_HUB_OFFLINE": "1"}
    assert passed("carried", ("OURS",)) == {"HF_HUB_OFFLINE": "1", "OURS": "/x"}
    assert passed("shared", ()) == {"BENCH_HOME": "/mine", "HF_HOME": "~/hf", "HF_HUB_OFFLINE": "1"}


CARRIER = PRELUDE.replace("import torch\nimport torch.nn.functional as F\n", "") + textwrap.dedent(
    '''
    """Two nodes that are processes of this machine, each with a home of its own; the first has no data."""

    import os
    import subprocess
    import sys
    from pathlib import Path
    from threading import Thread

    from bench.api import Arrived, Carrier, Component, Site, hookimpl


    class Nodes:
        retries = 0

        def __init__(self):
            self.started, self.held = {}, []

        def nodes(self):
            return ["n1", "n2"]

        def start(self, parcels):
            ids = []
            for parcel in parcels:
                node = next(name for name in self.nodes() if name not in parcel.avoid)
                process = subprocess.Popen(
                    [sys.executable, *parcel.words],
                    env={**os.environ, "BENCH_HOME": str(Path("nodes", node).absolute())},
                    cwd="/",
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
                with process.stdin as file:
                    file.writelines(parcel.content)
                ids.append(str(process.pid))
                reading = Thread(target=self.read, args=(ids[-1], node, process))
                reading.start()
                self.started[ids[-1]] = process, reading
            return ids

        def read(self, id, node, process):
            while content := os.read(process.stdout.fileno(), 1 << 16):
                self.held.append(Arrived(id, node, content))

        def arrived(self):
            taken, self.held = self.held, []
            return taken

        def alive(self, ids):
            return [id for id in ids if self.started[id][1].is_alive()]

        def last_words(self, id):
            return ""

        def stop(self, ids):
            for id in ids:
                self.started[id][0].terminate()

        def kill(self, ids):
            for id in ids:
                self.started[id][0].kill()
                self.started[id][0].wait()


    def build(site: Site, /) -> Carrier:
        return Nodes()


    @hookimpl
    def bench_launchers():
        yield Component("nodes", build)
    '''
)


@whole_run
def test_a_suite_gives_the_same_on_nodes_that_see_none_of_its_files(tmp_path: Path) -> None:
    boards = []
    for launcher in ("local", "nodes"):
        folder = tmp_path / launcher
        write_world(folder)
        write_world(folder / "nodes" / "n2" / "data")
        (folder / "nodes" / "n2" / "data" / "parts").rename(folder / "nodes" / "n2" / "data" / "folder")
        (folder / "carrier.py").write_text(CARRIER)
        plugins = ("--plugin", "models.py", "--plugin", "carrier.py")
        done = bench(folder, "run", "tiny.yaml", *plugins, "--launcher", launcher, "--plain")
        assert done.returncode == 0, done.stderr
        stored = [json.loads(path.read_text()) for path in sorted((folder / "runs" / "tiny" / "cells").glob("*.json"))]
        boards.append([(one["id"], one["state"], one["scores"], one["last_step"], one["keys"]) for one in stored])
        assert bench(folder, "cache", "verify").returncode == 0
        assert not (folder / "runs" / "tiny" / "jobs").exists()
    assert "node n1 is left out for data set 'folder': not here" in done.stdout + done.stderr
    assert boards[0] == boards[1]
    assert len(boards[0]) == 2
