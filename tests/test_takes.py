"""What jobs take of a machine is told to launchers, and 'bench plan' says what Slurm would be asked for."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.api import Resources
from bench.catalog import Catalog, load_catalog
from bench.component import Component, previewed
from bench.engine.forecast import Foreseer, chains_of
from bench.engine.invocation import Invocation, make_plan
from bench.engine.plan import Plan
from bench.engine.rates import rates_of
from bench.engine.takes import Takes
from bench.jobs import DataRef, Job
from bench.launcher import Site
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from sampling import whole_run
from tiny import bench, write_world

GIGABYTE = 10**9


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indexed")
    write_world(folder)
    assert bench(folder, "prepare", "tiny.yaml", "--plugin", "models.py").returncode == 0
    return folder


def planned(folder: Path, *overrides: str) -> tuple[Plan, Places]:
    catalog: Catalog = load_catalog([folder / "models.py"])
    suite = load_suite(folder / "tiny.yaml", catalog, overrides=("runtime.launcher=slurm", *overrides))
    places = Places(folder / "home", folder / "runs", suite.data)
    return make_plan(suite, Invocation(catalog, places)), places


@cache
def slurm() -> Component[Any]:
    return load_catalog().find("launcher", "slurm").component


def preview(takes: list[Resources], **settings: Any) -> list[str]:
    site = Site("suite", Path(), lambda _progress: None, ())
    return list(previewed(slurm(), takes, site, settings=settings))


def test_what_a_job_takes_crosses_a_process_with_it() -> None:
    job = Job("key", DataRef("folder", {}, "/data", "/index"), "/home", takes=Resources(2, True, 7))
    assert Job.from_json(job.as_json()) == job


def test_a_training_needs_a_gpu_unless_the_suite_asks_for_the_processor(indexed: Path) -> None:
    for device, gpu in (("null", True), ("cuda", True), ("cpu", False)):
        plan, places = planned(indexed, f"runtime.device={device}", "recipe.threads=2")
        assert list(Takes(plan, places).all()) == [Resources(2, gpu)] * 2


def test_what_is_not_indexed_needs_no_gpu(tmp_path: Path) -> None:
    write_world(tmp_path)
    plan, places = planned(tmp_path)
    assert list(Takes(plan, places).all()) == [Resources()]


@whole_run
def test_a_cell_that_is_only_scored_anew_needs_no_gpu(tmp_path: Path) -> None:
    write_world(tmp_path)
    assert bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py", "--plain").returncode == 0
    for record in (tmp_path / "runs" / "tiny" / "cells").glob("*.json"):
        record.unlink()
    plan, places = planned(tmp_path)
    assert [takes.gpu for takes in Takes(plan, places).all()] == [False, False]


def test_memory_is_what_was_measured_of_a_processor(indexed: Path) -> None:
    plan, places = planned(indexed, "runtime.device=cpu")
    rates = rates_of(places.home, plan.suite.runtime)
    foreseer = Foreseer(plan, places, rates, 1)
    first, _ = chains_of(plan, places)
    key = foreseer.keys(first)["memory"]
    rates.learn("memory", key, 1, {"bytes": 3 * GIGABYTE, "base_bytes": 0.0, "batch": 4, "weights_bytes": 0.0})
    rates.write()
    assert next(Takes(plan, places).all()).memory == 3 * GIGABYTE
    plan, _ = planned(indexed)
    assert next(Takes(plan, places).all()).memory is None, "of a node with a GPU nothing was measured"


@given(
    st.lists(st.builds(Resources, st.integers(1, 9), st.booleans(), st.none() | st.integers(0, 99 * GIGABYTE))),
    st.integers(1, 8),
)
def test_every_job_is_in_one_array_that_gives_it_what_it_takes(takes: list[Resources], cpus: int) -> None:
    lines = preview(takes, cpus=cpus)
    jobs: Counter[bool] = Counter()
    for told, command in zip(lines[::2], lines[1::2], strict=True):
        options = dict(word.removeprefix("--").partition("=")[::2] for word in command.split()[1:])
        number = int(told.split()[0]) * (1 if "array" not in told else int(told.split(" of ")[1].split()[0]))
        jobs["gpus-per-node" in options] += number
        assert int(options["cpus-per-task"]) >= cpus
    assert jobs[True] == sum(one.gpu for one in takes)
    assert jobs.total() == len(takes)


def test_an_array_is_not_larger_than_slurm_takes() -> None:
    lines = preview([Resources(gpu=True)] * 2500, at_once=100)
    assert [line for line in lines if "sbatch" not in line] == [
        "2 arrays of 1000 jobs, 1 GPU each",
        "1 array of 500 jobs, 1 GPU each",
    ]
    assert "--array=0-999%100" in lines[1]


def test_memory_that_is_known_goes_before_what_is_set() -> None:
    (_, command) = preview([Resources(memory=3 * GIGABYTE)], memory_gb=64.0)
    assert "--mem=4096M" in command


def test_jobs_without_a_gpu_have_settings_of_their_own_and_others_not() -> None:
    takes = [Resources(gpu=True), Resources()]
    own = {"partition": "cpu", "minutes": 30, "options": ["qos=low"]}
    _, first, _, last = preview(takes, partition="gpu", options=["account=lab"], without_gpu=own)
    assert "--partition=gpu --time=1440" in first
    assert first.endswith("--requeue --account=lab")
    assert "--partition=cpu --time=30" in last
    assert last.endswith("--requeue --qos=low")
    assert "gpus" not in last


def test_plan_prints_the_arrays_and_needs_no_slurm(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = bench(indexed, "plan", "tiny.yaml", "--plugin", "models.py", "--launcher", "slurm")
    assert done.returncode == 0, done.stderr
    assert "launcher: slurm, which decides where and how many at once (2 jobs)" in done.stdout
    assert "    1 array of 2 jobs, 1 GPU each\n      sbatch --job-name=tiny --time=1440 " in done.stdout


def test_plan_says_one_line_of_a_launcher_that_does_not_tell_more(indexed: Path) -> None:
    done = bench(indexed, "plan", "tiny.yaml", "--plugin", "models.py", "--launcher", "ray")
    (line,) = [line for line in done.stdout.splitlines() if "launcher" in line]
    assert line == "  launcher: ray, which decides where and how many at once (2 jobs)"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("without_gpu={partitio: cpu}", "setting 'without_gpu' of 'slurm' has no part 'partitio'"),
        ("without_gpu={minutes: 0}", "setting 'without_gpu' of 'slurm': Input should be greater than 0, got 0"),
    ],
)
def test_a_mistake_in_the_settings_of_a_class_is_one_line(indexed: Path, setting: str, said: str) -> None:
    asked = ("--launcher", "slurm", "-x", f"runtime.launcher.settings.{setting}")
    done = bench(indexed, "plan", "tiny.yaml", "--plugin", "models.py", *asked)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr
