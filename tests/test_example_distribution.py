"""The distribution in ``examples/`` is what a stranger's would be: installed, listed, checked, tested and run."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.record import State
from sampling import whole_run
from stranger import ROOT, Stranger, arrive

EXAMPLE = ROOT / "examples" / "weldseam"
NEVER_COPIED = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".*_cache", "data", "runs")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """An environment in which a copy of the example is installed."""
    somebody = arrive(tmp_path_factory.mktemp("stranger"))
    shutil.copytree(EXAMPLE, somebody.folder / "weldseam", ignore=NEVER_COPIED)
    done(somebody, "python -m pip install ./weldseam")
    return somebody


def done(somebody: Stranger, command: str) -> subprocess.CompletedProcess[str]:
    """Run what must go well."""
    ended = somebody.sh(command)
    assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    return ended


def test_its_components_are_listed_with_their_package(stranger: Stranger) -> None:
    for kind, name in (("datasets", "weldseam"), ("crops", "grey-strata")):
        lines = done(stranger, f"bench list {kind}").stdout.splitlines()
        (line,) = [line for line in lines if line.split()[0] == name]
        assert "defectbench-weldseam" in line


def test_it_keeps_its_contracts(stranger: Stranger) -> None:
    told = done(stranger, "bench plugins check defectbench-weldseam").stdout.splitlines()
    assert sorted(told) == ["crop grey-strata: ok", "dataset weldseam: ok"]


@whole_run
def test_its_own_tests_pass_and_time_its_data(stranger: Stranger) -> None:
    told = done(stranger, "cd weldseam && python -m pytest --bench-contracts defectbench-weldseam").stdout
    assert "weldseam:" in told
    assert "images/s" in told
    assert "crops/s" in told


@whole_run
def test_its_suite_runs_to_a_leaderboard(stranger: Stranger) -> None:
    done(stranger, "cd weldseam && python -m defectbench_weldseam data && bench run weldseam.yaml -x recipe.epochs=1")
    run = stranger.folder / "weldseam" / "runs" / "weldseam"
    with (run / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"uniform", "grey-strata", "grey-strata (8)"} <= {row["crop"] for row in rows}
    records = [json.loads(path.read_text()) for path in (run / "cells").glob("*.json")]
    assert {record["state"] for record in records} == {State.OK}


def test_it_writes_over_nothing(stranger: Stranger, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    ended = stranger.sh(f"python -m defectbench_weldseam {tmp_path}")
    assert ended.returncode == 1
    assert "exists already" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_ruff_has_nothing_to_say_by_its_own_settings(stranger: Stranger) -> None:
    done(stranger, "cd weldseam && python -m ruff check . && python -m ruff format --check .")
