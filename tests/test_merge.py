"""Runs of several machines put together: nothing is lost, nothing foreign comes in."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.cli.main import bench as command
from bench.commands import board_of_run, export, merge
from bench.errors import StoreError
from bench.record import State
from bench.store.store import read_object
from tiny import edited


@pytest.fixture
def halves(ran_world: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The run parted: each half has the record of one cell."""
    parts = tmp_path / "one", tmp_path / "two"
    for number, part in enumerate(parts):
        shutil.copytree(ran_world / "runs" / "tiny", part)
        sorted((part / "cells").glob("*.json"))[1 - number].unlink()
    return parts


def only(part: Path) -> Path:
    return next((part / "cells").glob("*.json"))


def first(run: Path) -> Path:
    return min((run / "cells").glob("*.json"))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_halves_give_the_board_of_the_whole(ran_world: Path, halves: tuple[Path, Path], tmp_path: Path) -> None:
    merged = merge(halves, to=tmp_path / "whole")
    assert (merged.records, merged.cells) == (2, 2)
    whole, original = board_of_run(tmp_path / "whole"), board_of_run(ran_world / "runs" / "tiny")
    assert whole.tables == original.tables
    assert (tmp_path / "whole" / "leaderboard.md").is_file()
    for path in (tmp_path / "whole" / "cells").glob("*.json"):
        assert all((path.parent / name).is_file() for name in json.loads(path.read_text())["pictures"])


def test_merging_into_one_of_the_runs_adds_what_it_lacks(halves: tuple[Path, Path]) -> None:
    merge(halves[1:], to=halves[0])
    assert all(cell.state == "done" for cell in board_of_run(halves[0]).cells)


def test_the_order_of_runs_changes_no_record(halves: tuple[Path, Path], tmp_path: Path) -> None:
    for name, runs in (("ab", halves), ("ba", halves[::-1])):
        merge(runs, to=tmp_path / name)
    assert content(tmp_path / "ab" / "cells") == content(tmp_path / "ba" / "cells")


def test_an_archive_merges_like_its_run(halves: tuple[Path, Path], tmp_path: Path) -> None:
    export(halves[0], to=tmp_path / "one.zip")
    assert merge([tmp_path / "one.zip", halves[1]], to=tmp_path / "whole").records == 2


def test_records_that_differ_in_costs_only_are_the_same(ran_world: Path, tmp_path: Path) -> None:
    twin = shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "twin")
    edited(only(twin), cost={"train_s": 1e6}, provenance={"device": "another"})
    assert merge([ran_world / "runs" / "tiny", twin], to=tmp_path / "whole").records == 2


def test_a_finished_record_wins_over_a_failed_one(halves: tuple[Path, Path], tmp_path: Path) -> None:
    good = only(halves[0])
    bad = halves[1] / "cells" / good.name
    bad.write_text(good.read_text())
    edited(bad, state="failed", reason="out of memory", scores=None)
    merge(halves[::-1], to=tmp_path / "whole")
    assert json.loads((tmp_path / "whole" / "cells" / good.name).read_text())["state"] == State.OK


def conflict(halves: tuple[Path, Path]) -> None:
    good = only(halves[0])
    other = halves[1] / "cells" / good.name
    other.write_text(good.read_text())
    scores = json.loads(good.read_text())["scores"]
    scores["test"]["f1"] /= 2
    edited(other, scores=scores)


def elsewhere(halves: tuple[Path, Path]) -> None:
    edited(only(halves[0]), pictures=["../../secret.png"])


def foreign(halves: tuple[Path, Path]) -> None:
    edited(only(halves[0]), schema=99)


def damaged(halves: tuple[Path, Path]) -> None:
    path = only(halves[0])
    path.write_text(path.read_text()[:100])


def renamed(halves: tuple[Path, Path]) -> None:
    path = only(halves[0])
    ids = {row["id"] for row in json.loads((halves[0] / "suite.json").read_text())["suite"]["cells"]} - {path.stem}
    path.rename(path.with_name(f"{ids.pop()}.json"))


def linked(halves: tuple[Path, Path]) -> None:
    path = only(halves[0])
    moved = path.rename(halves[0] / "moved.json")
    path.symlink_to(moved)


def another_suite(halves: tuple[Path, Path]) -> None:
    stored = json.loads((halves[0] / "suite.json").read_text())
    stored["suite"]["name"] = "other"
    edited(halves[0] / "suite.json", suite=stored["suite"])


def no_superset(halves: tuple[Path, Path]) -> None:
    for number, part in enumerate(halves):
        stored = json.loads((part / "suite.json").read_text())
        del stored["suite"]["cells"][number]
        edited(part / "suite.json", suite=stored["suite"])


def first_cell(part: Path, name: str, value: Any) -> None:
    stored = json.loads((part / "suite.json").read_text())
    stored["suite"]["cells"][0][name] = value
    edited(part / "suite.json", suite=stored["suite"])


def places_too_few(halves: tuple[Path, Path]) -> None:
    first_cell(halves[0], "at", [0])


def labels_in_a_list(halves: tuple[Path, Path]) -> None:
    first_cell(halves[0], "labels", [1])


def labels_that_no_file_holds(halves: tuple[Path, Path]) -> None:
    stored = json.loads((halves[0] / "suite.json").read_text())
    first_cell(halves[0], "labels", {**stored["suite"]["cells"][0]["labels"], "model": "\ud800"})


def no_suite(halves: tuple[Path, Path]) -> None:
    edited(halves[0] / "suite.json", suite=[])


def no_number(halves: tuple[Path, Path]) -> None:
    edited(only(halves[0]), last_step=float("nan"))


def no_pictures(halves: tuple[Path, Path]) -> None:
    edited(only(halves[0]), pictures=3)


WRONG = [
    conflict,
    places_too_few,
    labels_in_a_list,
    labels_that_no_file_holds,
    no_suite,
    no_number,
    no_pictures,
    elsewhere,
    foreign,
    damaged,
    renamed,
    linked,
    another_suite,
    no_superset,
]


@pytest.mark.parametrize("spoil", WRONG)
def test_what_cannot_be_merged_is_one_line_and_nothing_is_written(
    halves: tuple[Path, Path], tmp_path: Path, spoil: Any
) -> None:
    spoil(halves)
    before = content(tmp_path)
    with pytest.raises(StoreError) as caught:
        merge(halves, to=tmp_path / "whole")
    assert len(str(caught.value).splitlines()) == 1
    assert content(tmp_path) == before


def test_a_conflict_names_the_cell_and_both_runs(halves: tuple[Path, Path], tmp_path: Path) -> None:
    conflict(halves)
    with pytest.raises(StoreError) as caught:
        merge(halves, to=tmp_path / "whole")
    assert all(text in str(caught.value) for text in (only(halves[0]).stem, str(halves[0]), str(halves[1])))


def test_a_folder_with_something_else_in_it_is_not_overwritten(halves: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(StoreError, match="no run"):
        merge(halves, to=tmp_path / "mine")
    assert content(tmp_path / "mine") == {"notes.txt": b"keep"}


@pytest.mark.parametrize("place", ["../../precious/cells/", "{root}/precious/cells/"])
def test_an_archive_cannot_write_outside_the_folder_it_is_merged_into(
    halves: tuple[Path, Path], tmp_path: Path, place: str
) -> None:
    record = only(halves[0])
    keep = tmp_path / "precious" / "cells" / record.name
    keep.parent.mkdir(parents=True)
    keep.write_text("mine")
    export(halves[0], to=tmp_path / "good.zip")
    foreign_id = place.format(root=tmp_path) + record.stem
    with zipfile.ZipFile(tmp_path / "good.zip") as good, zipfile.ZipFile(tmp_path / "evil.zip", "w") as evil:
        stored = json.loads(good.read("tiny/suite.json"))
        stored["suite"]["cells"][0]["id"] = foreign_id
        del stored["digest"]
        evil.writestr("tiny/suite.json", json.dumps(stored))
        evil.writestr("precious/cells/" + record.name, json.dumps({**read_object(record), "id": foreign_id}))
    with pytest.raises(StoreError, match="id"):
        merge([tmp_path / "evil.zip"], to=tmp_path / "whole")
    assert keep.read_text() == "mine"
    assert not (tmp_path / "whole").exists()


def scored_later(ran_world: Path, folder: Path, *names: str) -> Path:
    """A copy of the run in which each split of one record has more scores."""
    run = shutil.copytree(ran_world / "runs" / "tiny", folder)
    scores = json.loads(first(run).read_text())["scores"]
    for split in scores.values():
        split |= dict.fromkeys(names, 0.5)
        split["flags"] = [*split["flags"], *(f"alarm: {name}" for name in names)]
    edited(first(run), scores=scores)
    return run


@pytest.mark.parametrize("order", [1, -1])
def test_a_run_scored_later_merges_with_its_own_copy_and_keeps_all_scores(
    ran_world: Path, tmp_path: Path, order: int
) -> None:
    runs = [scored_later(ran_world, tmp_path / "more", "mine"), ran_world / "runs" / "tiny"][::order]
    merge(runs, to=tmp_path / "whole")
    merged, more = (json.loads(first(tmp_path / name).read_text())["scores"] for name in ("whole", "more"))
    assert merged == more


def test_scores_that_either_run_added_are_all_kept(ran_world: Path, tmp_path: Path) -> None:
    runs = [scored_later(ran_world, tmp_path / name, name) for name in ("one", "two")]
    merge(runs[1:], to=runs[0])
    for split in json.loads(first(runs[0]).read_text())["scores"].values():
        assert (split["one"], split["two"]) == (0.5, 0.5)
        assert {"alarm: one", "alarm: two"} <= set(split["flags"])
        assert len(split["flags"]) == len(set(split["flags"]))


def test_runs_of_a_suite_with_other_labels_are_the_same(ran_world: Path, tmp_path: Path) -> None:
    twin = shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "twin")
    edited(only(twin), axes={"model": "another name"})
    assert merge([ran_world / "runs" / "tiny", twin], to=tmp_path / "whole").records == 2


def test_a_conflict_names_the_score_that_differs(ran_world: Path, tmp_path: Path) -> None:
    twin = shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "twin")
    scores = json.loads(only(twin).read_text())["scores"]
    scores["test"]["recall"] = 0.125
    edited(only(twin), scores=scores)
    with pytest.raises(StoreError, match=r"scores\.test\.recall \S+ and 0\.125"):
        merge([ran_world / "runs" / "tiny", twin], to=tmp_path / "whole")


def late(run: Path, name: str, value: float) -> None:
    (run / "late").mkdir(exist_ok=True)
    (run / "late" / name).write_text(json.dumps({"schema": 1, "cells": {"f1": value}}))


def test_late_scores_are_carried_where_the_runs_agree_and_else_said_to_be_left_out(
    halves: tuple[Path, Path], tmp_path: Path
) -> None:
    late(halves[0], "alone.json", 0.5)
    for part, value in zip(halves, (0.1, 0.2), strict=True):
        late(part, "agreed.json", 0.5)
        late(part, "apart.json", value)
    merged = merge(halves, to=tmp_path / "whole")
    assert sorted(path.name for path in (tmp_path / "whole" / "late").iterdir()) == ["agreed.json", "alone.json"]
    assert merged.left_out == ("apart.json",)
    done = CliRunner().invoke(command, ["merge", *map(str, halves), "--to", str(tmp_path / "whole")])
    assert "late/apart.json: left out, the runs differ in it" in done.output
