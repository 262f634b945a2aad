"""Killing a run at any moment loses at most the stage in progress; the same command gives the same board."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sampling import whole_run
from tiny import bench, environment, write_world

KILLS = 5
ARGUMENTS = ("run", "tiny.yaml", "--plugin", "models.py", "-x", "recipe.epochs=12")
SMOKE = ("run", "smoke")
COSTS = {"cost", "provenance", "digest"}


def measured(folder: Path, suite: str = "tiny") -> dict[str, Any]:
    """All records without what was only timed."""
    found = {}
    for path in (folder / "runs" / suite / "cells").glob("*.json"):
        record = json.loads(path.read_text())
        found[path.stem] = {key: value for key, value in record.items() if key not in COSTS}
    return found


def board(folder: Path, suite: str = "tiny") -> dict[str, Any]:
    """The leaderboard's JSON without what was only timed."""
    found = json.loads((folder / "runs" / suite / "leaderboard.json").read_text())
    for cell in found["cells"]:
        cell["record"] = {key: value for key, value in cell["record"].items() if key not in COSTS}
    found["sections"] = [section for section in found["sections"] if section["title"] != "Cost"]
    return {key: value for key, value in found.items() if key not in ("footer", "costs")}


def start(folder: Path, arguments: Sequence[str] = ARGUMENTS) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "bench", *arguments],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # ignored in the background of a shell
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    write_world(folder)
    started = time.monotonic()
    assert bench(folder, *ARGUMENTS).returncode == 0
    return folder, time.monotonic() - started


@whole_run
def test_the_smoke_suite_killed_at_random_moments_ends_with_the_same_board(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    started = time.monotonic()
    assert bench(whole, *SMOKE).returncode == 0
    seconds = time.monotonic() - started
    moments = random.Random(7)
    for _ in range(KILLS):
        process = start(broken, SMOKE)
        time.sleep(moments.uniform(0.1, 0.6) * seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert bench(broken, *SMOKE).returncode == 0
    assert measured(broken, "smoke") == measured(whole, "smoke")
    assert board(broken, "smoke") == board(whole, "smoke")


@pytest.mark.skipif(sys.platform != "linux", reason="its workers are found by what Linux alone tells of processes")
def test_a_killed_scheduler_takes_its_worker_with_it(tmp_path: Path) -> None:
    write_world(tmp_path)
    process = start(tmp_path)
    workers: list[int] = []
    while not workers and process.poll() is None:
        time.sleep(0.05)
        workers = workers_of(process)
    assert workers
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(alive(pid) for pid in workers):
        time.sleep(0.1)
    assert not any(alive(pid) for pid in workers)


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Workers are children of their keepers."""
    return [worker for keeper in children_of(process.pid) for worker in children_of(keeper)]


def children_of(pid: int) -> list[int]:
    children = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True)
    return [int(child) for child in children.stdout.split()]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_interrupt_exits_with_130_and_the_run_goes_on(uninterrupted: tuple[Path, float], tmp_path: Path) -> None:
    whole, _ = uninterrupted
    write_world(tmp_path)
    process = start(tmp_path)
    while not list((tmp_path / "home" / "stages").glob("*/*")):  # a stage is at work, so no cell has ended
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert bench(tmp_path, *ARGUMENTS).returncode == 0
    assert measured(tmp_path) == measured(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_that_was_asked_to_stop_goes_on_where_it_was(tmp_path: Path, number: signal.Signals) -> None:
    whole, broken = write_worlds(tmp_path)
    process = start(broken, LONG)
    kept = wait_for_checkpoint(process, broken)
    before = kept.read_bytes()
    process.send_signal(number)
    assert process.wait() == 130
    assert kept.read_bytes() != before
    assert_continued(whole, broken)


@pytest.mark.skipif(sys.platform != "linux", reason="its workers are found by what Linux alone tells of processes")
def test_a_second_interrupt_ends_at_once_what_does_not_heed_the_first(tmp_path: Path) -> None:
    write_world(tmp_path)
    process = start(tmp_path, LONG)
    wait_for_checkpoint(process, tmp_path)
    workers = workers_of(process)
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert workers
    assert not any(alive(pid) for pid in workers)


def test_a_training_that_was_killed_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    whole, broken = write_worlds(tmp_path)
    process = start(broken, LONG)
    wait_for_checkpoint(process, broken)
    process.kill()
    process.wait()
    assert_continued(whole, broken)


LONG = ("run", "tiny.yaml", "--plugin", "models.py", "-x", "recipe.epochs=400", "-x", "runtime.checkpoint.every=1s")
"""Seconds of training for each cell, on the fastest machine too: it must be interrupted after its first checkpoint."""


def write_worlds(folder: Path) -> tuple[Path, Path]:
    for name in ("whole", "broken"):
        (folder / name).mkdir()
        write_world(folder / name)
    return folder / "whole", folder / "broken"


def wait_for_checkpoint(process: subprocess.Popen[bytes], folder: Path) -> Path:
    while True:
        for kept in (folder / "home" / "stages").glob("train/.*.checkpoint"):
            return kept
        assert process.poll() is None
        time.sleep(0.01)


def assert_continued(whole: Path, broken: Path) -> None:
    """The rest of the run gives what one without an end gives; one training went on, and nothing is left of it."""
    assert bench(whole, *LONG).returncode == 0
    assert bench(broken, *LONG).returncode == 0
    assert measured(broken) == measured(whole)
    records = [json.loads(path.read_text()) for path in (broken / "runs" / "tiny" / "cells").glob("*.json")]
    assert sorted(record["cost"].get("continued", 0) for record in records) == [0, 1]
    assert not list((broken / "home" / "stages").glob("train/.*.checkpoint"))


def test_a_truncated_record_is_made_again(uninterrupted: tuple[Path, float]) -> None:
    whole, _ = uninterrupted
    before = measured(whole)
    path = next((whole / "runs" / "tiny" / "cells").glob("*.json"))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert bench(whole, *ARGUMENTS).returncode == 0
    assert measured(whole) == before
