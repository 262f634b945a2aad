"""Whole runs on devices that fail: what fails on one is done on another, a broken one is closed, no cell is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import fake_driver
from bench.catalog import load_catalog
from bench.commands import Silent
from bench.engine.invocation import Invocation
from bench.engine.launchers import LocalLauncher
from bench.engine.plan import Plan
from bench.engine.scheduler import run_suite
from bench.engine.slots import Slots
from bench.engine.workers import worker_environments
from bench.jobs import Ended
from bench.record import State
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from sampling import whole_run
from tiny import environment, write_world

GOOD = {"BENCH_DEVICE": "cpu", "BENCH_DEVICE_NAME": "cuda:0", "CUDA_VISIBLE_DEVICES": ""}
"""A worker on the processor that takes it for a GPU: it passes the proof."""
BROKEN = {**GOOD, "BENCH_DEVICE": "cuda:0", "BENCH_DEVICE_NAME": "cuda:1"}
"""A worker on a GPU that torch cannot use: there is none."""
FAILING = {**GOOD, "BENCH_DEVICE_NAME": "cuda:2", "BENCH_FAILING": "1"}
"""A worker on a GPU that passes the proof and fails at work."""
SHARED = {**GOOD, "BENCH_CELLS_PER_DEVICE": "2"}
"""A worker beside another on one GPU."""

MODELS = '''
"""A model that fails as CUDA does: on a failing GPU, or for want of memory where it is not alone."""

import os

from bench.api import Component, hookimpl


def failing(task, /):
    import torch

    if os.environ.get("BENCH_FAILING"):
        raise RuntimeError("CUDA error: unspecified launch failure")
    return torch.nn.Conv2d(task.channels, 1 + task.classes, 5, padding=2)


def large(task, /):
    import torch

    if os.environ["BENCH_CELLS_PER_DEVICE"] != "1":
        raise torch.OutOfMemoryError("CUDA out of memory")
    return torch.nn.Conv2d(task.channels, 1 + task.classes, 5, padding=2)


@hookimpl
def bench_models():
    yield Component("failing", failing)
    yield Component("large", large)
'''


@dataclass
class Told(Silent):
    """A watcher that keeps what it is told of devices."""

    remarks: list[str] = field(default_factory=list)

    def remark(self, text: str) -> None:
        self.remarks.append(text)


def run(folder: Path, model: str, environments: Sequence[Mapping[str, str]], seeds: int = 2) -> tuple[Plan, list[str]]:
    """Run two cells of a model for each seed; return the plan and the remarks."""
    suite = write_world(folder)
    (folder / "models.py").write_text(MODELS)
    catalog = load_catalog([folder / "models.py"])
    overrides = [
        f"axes.model=[{model}]",
        f"axes.seed={list(range(seeds))}",
        "runtime.device=cpu",
        f"data.folder={folder / 'parts'}",
    ]
    loaded = load_suite(suite, catalog, overrides=overrides)
    places = Places(folder / "home", folder / "runs", loaded.data)
    told = Told()
    (usual,) = worker_environments(loaded.runtime, 1)
    make = partial(LocalLauncher, [{**environment(folder), **usual, **one} for one in environments])
    plan = run_suite(loaded, Invocation(catalog, places), told, make)
    return plan, told.remarks


@whole_run
def test_with_one_good_device_every_cell_is_done_and_each_bad_one_is_closed_with_a_sentence(tmp_path: Path) -> None:
    plan, remarks = run(tmp_path, "failing", [BROKEN, FAILING, GOOD])
    assert plan.counts() == {"done": 4}
    closed = sorted(text for text in remarks if "is closed" in text)
    assert [text.partition(" is closed")[0] for text in closed] == ["cuda:1", "cuda:2"]
    assert closed[1].endswith("CUDA error: unspecified launch failure")
    assert sum("failed on cuda:2 and is tried once more" in text for text in remarks) == 2
    assert len(remarks) == 4


@whole_run
def test_what_runs_out_of_memory_beside_others_is_tried_once_more_alone(tmp_path: Path) -> None:
    plan, remarks = run(tmp_path, "large", [SHARED, SHARED], seeds=1)
    assert plan.counts() == {"done": 2}
    assert {text[9:] for text in remarks} == {"ran out of memory beside others on cuda:0; it is tried again alone"}
    assert len(remarks) == 2


@whole_run
def test_when_no_device_is_left_every_cell_says_so_and_the_next_run_does_them(tmp_path: Path) -> None:
    write_world(tmp_path)
    libraries = fake_driver.built(tmp_path)
    first = command(tmp_path, fake_driver.described(libraries, 2), "runtime.workers=null")
    assert first.returncode == 3
    said = [line for line in first.stderr.splitlines() if line.startswith("remark: cuda:")]
    assert sorted(line.partition(", ")[0] for line in said) == ["remark: cuda:0 is closed", "remark: cuda:1 is closed"]
    states = [json.loads(path.read_text())["state"] for path in (tmp_path / "runs/tiny/cells").glob("*.json")]
    assert states == ["device-error"] * 2

    full = fake_driver.described(libraries, 2, free_mb=10)
    second = command(tmp_path, full)
    assert second.returncode == 0, second.stderr
    (line,) = [line for line in second.stderr.splitlines() if line.startswith("remark: ")]
    assert "cuda:1 (Fake H100) has 10.0 MB of 80.0 GB free" in line
    asked = command(tmp_path, full, "runtime.device=cuda")
    assert asked.returncode == 2
    assert asked.stderr.startswith("runtime.device: cuda: cuda:0 (Fake H100) has 10.0 MB of 80.0 GB free;")


def command(folder: Path, described: Mapping[str, str], *overrides: str) -> subprocess.CompletedProcess[str]:
    """Run the suite as a command of its own with the GPUs that are described."""
    arguments = ["run", "tiny.yaml", "--plugin", "models.py", *(part for one in overrides for part in ("-x", one))]
    env = fake_driver.environment({**environment(folder), "BENCH_PROFILE": "none", **described})
    started = [sys.executable, "-P", "-m", "bench", *arguments]
    return subprocess.run(started, cwd=folder, env=env, capture_output=True, text=True, check=False)


def failed(key: str) -> Ended:
    return Ended(key, State.DEVICE_ERROR, "CUDA error: unspecified launch failure")


def test_a_job_that_failed_on_a_device_is_kept_from_it_while_another_is_open() -> None:
    slots = Slots(["cuda:0", "cuda:1"])
    assert slots.again("a", 0, failed("a"))
    assert (slots.may("a", 0), slots.may("a", 1), slots.may("b", 0)) == (False, True, True)
    slots.close("cuda:1", "broken")
    assert (slots.may("a", 0), slots.may("a", 1)) == (True, False)


def test_a_job_has_two_tries_and_a_device_two_failures_in_a_row() -> None:
    slots = Slots(["cuda:0"])
    assert slots.again("a", 0, failed("a"))
    assert not slots.again("a", 0, failed("a"))
    assert slots.open == ["cuda:0"]
    assert not slots.again("b", 0, Ended("b", State.OK))
    assert slots.again("c", 0, failed("c"))
    assert slots.open == ["cuda:0"]
    assert slots.again("d", 0, failed("d"))
    assert slots.open == []
    ended = slots.hopeless("d")
    assert ended.state is State.DEVICE_ERROR
    assert ended.reason == "no device is left, closed: cuda:0"
    assert ended.log is not None
    assert "first try, on cuda:0: CUDA error" in ended.log


def test_memory_that_ran_out_for_a_job_alone_is_its_end() -> None:
    out = Ended("a", State.OOM, "CUDA out of memory")
    assert not Slots(["cuda:0", "cuda:1"]).again("a", 0, out)
    slots = Slots(["cuda:0", "cuda:0"])
    assert slots.again("a", 0, out)
    assert not slots.again("a", 0, out)
    assert slots.told(out).log == "first try, on cuda:0: CUDA out of memory"
