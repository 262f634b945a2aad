"""A data set that is not here is a row of the leaderboard; the suite runs on what is present."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.catalog import load_catalog
from bench.commands import board_of_plan
from bench.engine.invocation import Invocation, make_plan
from bench.engine.plan import Plan
from bench.engine.scheduler import unsettled
from bench.record import State
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from sampling import whole_run
from tiny import bench, write_world

pytestmark = whole_run


def two_sets(folder: Path) -> Path:
    """The tiny suite with a second data set, of which there is nothing here."""
    path = write_world(folder)
    text = path.read_text().replace("[folder]", "[folder, ksdd2]").replace("[uniform, defect-centred]", "[uniform]")
    path.write_text(text + "board: {rows: dataset, columns: model}\n")
    return path


def planned(folder: Path, data: dict[str, str] | None = None, axes: str = "[folder, ksdd2]") -> Plan:
    path = two_sets(folder)
    catalog = load_catalog((folder / "models.py",))
    suite = load_suite(path, catalog, overrides=[f"axes.dataset={axes}"])
    places = Places(folder / "home", folder / "runs", {**suite.data, **(data or {})})
    return make_plan(suite, Invocation(catalog, places))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("missing")
    two_sets(folder)
    done = bench(folder, "run", "tiny.yaml", "--plugin", "models.py")
    assert done.returncode == 0, done.stderr
    assert "not here: ksdd2: " in done.stderr
    return folder


def records(folder: Path) -> dict[str, dict[str, object]]:
    found = [json.loads(path.read_text()) for path in (folder / "runs" / "tiny" / "cells").glob("*.json")]
    return {record["axes"]["dataset"]: record for record in found}


def test_a_run_of_what_is_present_succeeds_and_the_rest_is_a_row(finished: Path) -> None:
    rows = (finished / "runs" / "tiny" / "leaderboard.md").read_text().splitlines()
    assert any(row.startswith("| ksdd2 | not here<sup>") for row in rows)
    assert any(row.startswith("| folder | ") and "not here" not in row for row in rows)
    assert any("bench data fetch ksdd2" in row for row in rows)


def test_an_absent_data_set_is_filed_as_blocked(finished: Path) -> None:
    assert {name: record["state"] for name, record in records(finished).items()} == {
        "folder": State.OK,
        "ksdd2": "blocked",
    }


def test_a_finished_cell_has_its_memory_and_its_crops_per_second(finished: Path) -> None:
    cost = records(finished)["folder"]["cost"]
    assert isinstance(cost, dict)
    assert cost["crops_per_s"] > 0
    assert cost["peak_memory_bytes"] > 1e7
    assert "process" in cost["peak_memory_of"] or "GPU" in cost["peak_memory_of"]


def test_where_nothing_is_present_nothing_is_settled(tmp_path: Path) -> None:
    plan = planned(tmp_path, axes="[ksdd2]")
    assert [p.data_absent for p in plan.cells] == [True]
    assert len(unsettled(plan)) == 1


def test_a_folder_that_was_given_and_is_absent_is_a_failure(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"ksdd2": str(tmp_path / "nowhere")})
    (blocked,) = [p for p in plan.cells if p.state == "blocked"]
    assert not blocked.data_absent
    assert "nowhere" in (blocked.reason or "")
    assert blocked in unsettled(plan)


def test_what_lies_in_the_place_of_a_data_set_and_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    place = tmp_path / "home" / "data" / "ksdd2"
    place.mkdir(parents=True)
    (place / "stray.txt").write_text("no images")
    (blocked,) = [p for p in planned(tmp_path).cells if p.state == "blocked"]
    assert not blocked.data_absent


def test_a_suite_that_has_not_run_says_what_is_not_here(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    board = board_of_plan(plan, "bench leaderboard tiny.yaml", tmp_path)
    states = {row[0].row: row[0].state for row in board.tables[0].entries}
    assert states == {"folder": "pending", "ksdd2": "blocked"}
    assert any(note.startswith("not here: ksdd2: ") for note in board.notes)
