"""``bench status`` tells from another process what a run does, and its journal holds every event on a line."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from bench.commands import Silent
from bench.jobs import Progress
from bench.runs.journal import JOURNAL, Journal, events
from bench.runs.status import SILENT_S, read_commands, status_of
from sampling import whole_run
from test_resume import LONG, start, wait_for_checkpoint
from tiny import bench, write_world

RUN = Path("runs") / "tiny"


def looked(folder: Path) -> dict[str, Any]:
    told = bench(folder, "status", str(RUN), "--json")
    assert told.returncode == 0, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@whole_run
def test_a_run_is_told_truly_while_it_works_when_it_is_killed_and_when_it_is_done(tmp_path: Path) -> None:
    write_world(tmp_path)
    process = start(tmp_path, LONG)
    wait_for_checkpoint(process, tmp_path)
    deadline = time.monotonic() + 60
    while not (looks := looked(tmp_path))["commands"][0]["tasks"]:
        assert time.monotonic() < deadline
    (at_work,) = looks["commands"]
    (task,) = at_work["tasks"]
    assert (at_work["pid"], at_work["host"]) == (process.pid, socket.gethostname())
    assert looks["cells"] == {"running": 1, "pending": 1}
    assert task["stage"] == "train"
    assert 0 <= task["done"] <= task["total"] == 400
    assert "uniform" in task["name"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    looks = looked(tmp_path)
    assert looks["commands"] == []
    assert looks["cells"] == {"pending": 2}
    assert "was killed" in bench(tmp_path, "status", str(RUN)).stdout
    assert bench(tmp_path, *LONG).returncode == 0
    looks = looked(tmp_path)
    assert (looks["cells"], looks["last"]["how"], looks["last"]["ended"]) == ({"done": 2}, "done", 2)


def test_failures_are_told_with_their_reason(tmp_path: Path) -> None:
    write_world(tmp_path)
    arguments = ("run", "tiny.yaml", "--plugin", "models.py", "-x", "axes.model=[failing]")
    assert bench(tmp_path, *arguments).returncode == 3
    looks = looked(tmp_path)
    assert looks["cells"] == {"failed": 2}
    assert [failure["state"] for failure in looks["failures"]] == ["plugin-error"] * 2
    assert all("this model cannot be built" in failure["reason"] for failure in looks["failures"])
    lines = bench(tmp_path, "status", str(RUN)).stdout.splitlines()
    assert all(len(text) <= 80 for text in lines)


def test_a_folder_without_a_run_is_told_in_a_line(tmp_path: Path) -> None:
    told = bench(tmp_path, "status", str(tmp_path))
    assert told.returncode == 2
    assert told.stderr.count("\n") == 1
    assert "no run here" in told.stderr


def test_lines_that_are_cut_short_or_of_another_version_are_passed_over(tmp_path: Path) -> None:
    began = {"at": 1.0, "run": "a", "event": "began", "command": "bench run x", "host": "elsewhere", "pid": 1}
    other = {"at": 2.0, "run": "a", "event": "at", "key": "k"}
    lines = [json.dumps(began), json.dumps(other), "[" * 100_000, "\x00", '{"at": 3.0, "run": "a", "event": "ali']
    (tmp_path / JOURNAL).write_text("\n".join(lines))
    assert list(events(tmp_path)) == [began, other]
    (command,) = read_commands(events(tmp_path), {})
    assert (command.host, command.last, command.tasks) == ("elsewhere", 2.0, {})


@pytest.mark.parametrize(("silent", "alive"), [(SILENT_S / 2, True), (SILENT_S * 2, False)])
def test_a_command_on_another_machine_is_alive_for_as_long_as_it_speaks(silent: float, alive: bool) -> None:
    began = {"at": 100.0, "run": "a", "event": "began", "command": "", "host": "elsewhere", "pid": os.getpid()}
    (command,) = read_commands([began], {})
    assert command.is_alive(100.0 + silent) is alive


def test_time_left_is_that_of_the_pace_so_far() -> None:
    told = [
        {"at": 100.0, "run": "a", "event": "planned", "cells": {"pending": 8, "failed": 2, "done": 5}},
        *({"at": 100.0 + 10 * n, "run": "a", "event": "ended", "key": str(n)} for n in (1, 2)),
    ]
    (command,) = read_commands(told, {})
    assert command.left(120.0) == pytest.approx(8 * 10.0)


def test_time_left_is_what_the_command_foresaw_where_it_told() -> None:
    told = [
        {"at": 100.0, "run": "a", "event": "planned", "cells": {"pending": 8}},
        {"at": 110.0, "run": "a", "event": "ended", "key": "1", "left_s": 300.0},
        {"at": 120.0, "run": "a", "event": "alive", "left_s": 250.0},
        {"at": 130.0, "run": "a", "event": "alive"},
    ]
    (command,) = read_commands(told, {})
    assert command.left(130.0) == pytest.approx(240.0)
    assert command.left(1000.0) == 0.0


class Reckoning(Silent):
    """A watcher that knows."""

    def seconds_left(self) -> float | None:
        return 42.0


@pytest.mark.parametrize(("watcher", "left"), [(Silent(), None), (Reckoning(), 42.0)])
def test_a_watcher_that_reckons_is_told_to_readers_of_the_journal(
    tmp_path: Path, watcher: Silent, left: float | None
) -> None:
    journal = Journal(tmp_path / JOURNAL, watcher)
    journal.progress(Progress("key", "train", 1, 4, ""))
    (event,) = events(tmp_path)
    assert event.get("left_s") == left


def test_a_journal_that_cannot_be_written_stops_no_run(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / RUN / JOURNAL).mkdir(parents=True)
    assert bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py").returncode == 0
    assert status_of(tmp_path / RUN).cells == {"done": 2}
