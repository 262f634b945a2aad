"""A queue as a launcher: jobs become commands, answers come back as files, and what goes wrong on the way is told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from bench.engine import abandoned, queued
from bench.engine.queued import QueueLauncher
from bench.errors import PluginError, StoreError
from bench.jobs import DataRef, Ended, Job, Progress, Resources
from bench.launcher import Command, Site
from bench.states import State
from bench.store.owners import Owner, this_process
from sampling import whole_run
from test_hookspecs import PRELUDE, example
from tiny import bench, write_world


class Paper:
    """A queue on paper: commands are noted, nothing is started."""

    def __init__(self) -> None:
        self.commands: dict[str, Command] = {}
        self.living: set[str] = set()
        self.stopped: list[str] = []
        self.killed: list[str] = []

    def start(self, commands: Sequence[Command]) -> Sequence[str]:
        ids = [str(100 + len(self.commands) + number) for number in range(len(commands))]
        self.commands.update(zip(ids, commands, strict=True))
        self.living |= set(ids)
        return ids

    def alive(self, ids: Collection[str]) -> Collection[str]:
        return self.living & set(ids)

    def stop(self, ids: Collection[str]) -> None:
        self.stopped += ids
        self.living -= set(ids)

    def kill(self, ids: Collection[str]) -> None:
        self.killed += ids
        self.living -= set(ids)


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def heard() -> list[Progress]:
    return []


@pytest.fixture
def launcher(tmp_path: Path, paper: Paper, heard: list[Progress], monkeypatch: pytest.MonkeyPatch) -> QueueLauncher:
    monkeypatch.setattr(queued, "ASK_S", 0.0)
    monkeypatch.setattr(queued, "GRACE_S", 0.0)
    monkeypatch.setattr(queued, "LOOK_S", 0.01)
    (tmp_path / "jobs" / "one").mkdir(parents=True)
    return QueueLauncher(paper, Site("suite", tmp_path / "jobs" / "one", heard.append, (), "cpu"))


def job(key: str) -> Job:
    return Job(key=key, data=DataRef("folder", {}, "/data", f"/home/{key}.json"), home="/home")


def order_of(paper: Paper, id: str) -> Path:
    return Path(paper.commands[id].words[-1])


def test_an_order_says_all_that_a_job_needs_and_an_answer_ends_it(
    launcher: QueueLauncher, paper: Paper, heard: list[Progress]
) -> None:
    launcher.submit([job("first"), job("last")])
    order = order_of(paper, "100")
    asked = json.loads(order.read_text())
    assert (Job.from_json(asked["job"]), asked["device"]) == (job("first"), "cpu")
    assert [paper.commands[id].name for id in ("100", "101")] == ["suite-00001-first", "suite-00002-last"]
    progress = Progress("first", "train", 2, 4, "note")
    queued.beside(order, queued.PROGRESS).write_text(json.dumps(asdict(progress)))
    assert launcher.ended(0.0) == []
    assert launcher.ended(0.0) == []
    assert heard == [progress]
    ended = Ended("first", State.OOM, "no room", "a log", 2.5)
    queued.answer(order, ended)
    paper.living.clear()
    assert launcher.ended(5.0)[0] == ended
    left = {path.name for path in order.parent.iterdir()}
    assert left == {"00002-last.job.json", abandoned.OWNER, abandoned.STARTED}, "nothing is kept of a job that ended"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"state": "splendid"}', '{"key": 1, "state": "done", "x": 1}', "\0"]
)
def test_an_answer_that_cannot_be_read_ends_its_job_and_no_other(
    launcher: QueueLauncher, paper: Paper, content: str
) -> None:
    launcher.submit([job("first"), job("last")])
    queued.beside(order_of(paper, "100"), queued.ANSWER).write_text(content)
    queued.beside(order_of(paper, "101"), queued.PROGRESS).write_text(content)
    (ended,) = launcher.ended(1.0)
    assert (ended.key, ended.state) == ("first", State.KILLED)
    assert "cannot be read" in (ended.reason or "")
    assert launcher.ended(0.0) == []


def test_an_answer_speaks_for_its_own_job_alone(launcher: QueueLauncher, paper: Paper) -> None:
    launcher.submit([job("first"), job("last")])
    queued.answer(order_of(paper, "100"), Ended("last", State.OK))
    (ended,) = launcher.ended(1.0)
    assert ended.key == "first"


def test_a_job_that_ended_without_a_word_is_told_from_one_that_waits(launcher: QueueLauncher, paper: Paper) -> None:
    launcher.submit([job("first"), job("last")])
    paper.commands["100"].log.write_text("Bus error\n")
    paper.living.remove("100")
    (ended,) = launcher.ended(5.0)
    assert (ended.key, ended.state, ended.log) == ("first", State.KILLED, "Bus error\n")
    assert ended.reason == "job 100 of the queue ended without an answer"
    assert launcher.ended(0.1) == []


def test_a_late_answer_counts(launcher: QueueLauncher, paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queued, "GRACE_S", 60.0)
    launcher.submit([job("first")])
    paper.living.clear()
    assert launcher.ended(0.05) == []
    queued.answer(order_of(paper, "100"), Ended("first", State.OK))
    assert [ended.state for ended in launcher.ended(5.0)] == [State.OK]


def test_only_what_was_submitted_here_is_cancelled_stopped_and_killed(launcher: QueueLauncher, paper: Paper) -> None:
    paper.start([Command(("sleep", "9"), "of somebody else", Path("log"))])
    launcher.submit([job(key) for key in ("first", "second", "third")])
    launcher.cancel(["second"])
    assert paper.killed == ["102"]
    launcher.stop()
    assert sorted(paper.stopped) == ["101", "103"]
    launcher.close()
    assert set(paper.killed) == {"101", "102", "103"}
    assert paper.living == {"100"}
    assert not launcher.site.folder.parent.exists()


def test_what_a_queue_writes_after_an_answer_is_swept_too(
    launcher: QueueLauncher, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher.submit([job("first")])
    queued.answer(order_of(paper, "100"), Ended("first", State.OK))
    assert len(launcher.ended(5.0)) == 1

    def leaving(ids: Collection[str]) -> Collection[str]:
        (launcher.site.folder / "result").write_text("late")
        monkeypatch.setattr(paper, "alive", lambda _ids: ())
        return ids

    monkeypatch.setattr(paper, "alive", leaving)
    launcher.close()
    assert not launcher.site.folder.parent.exists()


def test_a_queue_that_fails_is_one_line(launcher: QueueLauncher, paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("sbatch: no such partition\nplease ask")

    monkeypatch.setattr(paper, "start", broken)
    with pytest.raises(PluginError, match=r"^start\(\) of the launcher fails: OSError: sbatch: no such partition"):
        launcher.submit([job("first")])


PLUGIN = PRELUDE.replace("import torch\nimport torch.nn.functional as F\n", "") + textwrap.dedent(
    example("bench_launchers")
)


@whole_run
def test_a_suite_gives_the_same_through_a_queue_and_leaves_nothing_there(tmp_path: Path) -> None:
    boards = []
    for launcher in ("local", "processes"):
        folder = tmp_path / launcher
        write_world(folder)
        (folder / "queue.py").write_text(PLUGIN)
        plugins = ("--plugin", "models.py", "--plugin", "queue.py")
        done = bench(folder, "run", "tiny.yaml", *plugins, "--launcher", launcher, "--plain")
        assert done.returncode == 0, done.stderr
        stored = [json.loads(path.read_text()) for path in sorted((folder / "runs" / "tiny" / "cells").glob("*.json"))]
        boards.append([(one["id"], one["state"], one["scores"], one["last_step"], one["keys"]) for one in stored])
        assert not (folder / "runs" / "tiny" / "jobs").exists()
    assert "launcher: processes, which decides where" in done.stderr
    assert boards[0] == boards[1]
    assert len(boards[0]) == 2


@whole_run
def test_a_cell_that_fails_elsewhere_says_what_it_would_say_here(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "queue.py").write_text(PLUGIN)
    plugins = ("--plugin", "models.py", "--plugin", "queue.py", "--launcher", "processes")
    models = ("-x", "axes.model=[failing, tiny]", "-x", "axes.crop=[uniform]")
    done = bench(tmp_path, "run", "tiny.yaml", *plugins, *models, "--plain")
    assert done.returncode == 3
    stored = [json.loads(path.read_text()) for path in (tmp_path / "runs" / "tiny" / "cells").glob("*.json")]
    states = {one["axes"]["model"]: one["state"] for one in stored}
    assert states == {"failing": "plugin-error", "tiny": "done"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("slurn", "no plugin offers a launcher called 'slurn'"),
        ("{use: local, settings: {partition: gpu}}", "'local' has no setting 'partition'"),
    ],
)
def test_a_launcher_or_setting_that_is_not_there_is_told_with_its_place(
    tmp_path: Path, written: str, said: str
) -> None:
    write_world(tmp_path)
    suite = tmp_path / "tiny.yaml"
    suite.write_text(suite.read_text().replace("runtime: {", f"runtime: {{launcher: {written}, "))
    done = bench(tmp_path, "validate", "tiny.yaml", "--plugin", "models.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("tiny.yaml:13:")
    assert said in done.stderr


@pytest.mark.skipif(find_spec("submitit") is not None, reason="the extra is installed")
def test_without_its_extra_a_launcher_says_what_to_install(tmp_path: Path) -> None:
    write_world(tmp_path)
    done = bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py", "--launcher", "slurm")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("the launcher 'slurm' needs submitit: pip install \"defectbench[slurm]\"")


@pytest.mark.parametrize(("gpu", "device"), [(True, "cuda"), (False, "cpu")])
def test_a_job_that_needs_no_gpu_takes_none(launcher: QueueLauncher, paper: Paper, gpu: bool, device: str) -> None:
    launcher.site = replace(launcher.site, device="cuda")
    takes = Resources(gpu=gpu)
    launcher.submit([replace(job("first"), takes=takes)])
    assert paper.commands["100"].takes == takes
    assert json.loads(order_of(paper, "100").read_text())["device"] == device


def ended_process() -> Owner:
    """A process of this machine that has ended."""
    process = Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(this_process(), pid=process.pid)


def abandon(launcher: QueueLauncher, owner: Owner) -> None:
    """Leave the folder of a launcher as if this process had been another, which was killed."""
    (launcher.site.folder / abandoned.OWNER).write_bytes(owner.as_bytes())


def test_what_a_killed_command_left_is_stopped_and_swept(launcher: QueueLauncher, paper: Paper) -> None:
    launcher.submit([job("first"), job("last")])
    jobs = launcher.site.folder.parent
    assert list(abandoned.clear_abandoned(jobs, paper)) == [], "its command is alive"
    owner = ended_process()
    abandon(launcher, owner)
    following = Paper()
    told = list(abandoned.clear_abandoned(jobs, following))
    assert told == [f"what {owner} left in the queue when it was killed was stopped"]
    assert following.stopped == ["100", "101"]
    assert not launcher.site.folder.exists()


def test_ids_mean_nothing_to_another_queue(launcher: QueueLauncher) -> None:
    class Other(Paper):
        pass

    launcher.submit([job("first")])
    abandon(launcher, ended_process())
    other = Other()
    (told,) = abandoned.clear_abandoned(launcher.site.folder.parent, other)
    assert told.endswith("left in the queue when it was killed is let go")
    assert other.stopped == []
    assert not launcher.site.folder.exists()


def test_a_command_of_another_machine_is_dead_when_it_was_silent_for_long(
    launcher: QueueLauncher, paper: Paper
) -> None:
    launcher.submit([job("first")])
    abandon(launcher, replace(this_process(), host="elsewhere"))
    assert list(abandoned.clear_abandoned(launcher.site.folder.parent, paper)) == []
    long_ago = time.time() - abandoned.SILENT_S - 1
    os.utime(launcher.site.folder / abandoned.OWNER, (long_ago, long_ago))
    assert len(list(abandoned.clear_abandoned(launcher.site.folder.parent, paper))) == 1


def test_a_job_without_its_order_does_nothing(tmp_path: Path) -> None:
    order = tmp_path / "jobs" / f"00001-first{queued.ORDER}"
    done = subprocess.run([sys.executable, "-P", "-m", queued.MODULE, order], capture_output=True, text=True)
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")
    queued.answer(order, Ended("first", State.OK))
    assert not order.parent.exists(), "an answer that nobody waits for leaves nothing behind"


def test_a_folder_that_is_gone_is_one_line(launcher: QueueLauncher) -> None:
    launcher.submit([job("first")])
    shutil.rmtree(launcher.site.folder)
    with pytest.raises(StoreError, match=r"cannot be read .*; repeat the command"):
        launcher.ended(0.1)
