"""``bench.results``: the numbers of a run in Python are those of its exported board, whole, selected or as a frame."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import bench as package
from bench.errors import PluginError, SettingsError
from bench.leaves import numbers_in
from bench.runs.results import Results
from bench.scores import facts, named, rows_of
from bench.testing.offering import without
from tiny import bench


@pytest.fixture(scope="module")
def run(ran_world: Path) -> Path:
    return ran_world / "runs" / "tiny"


@pytest.fixture(scope="module")
def found(run: Path) -> Results:
    return package.results(run)


@pytest.fixture(scope="module")
def exported(run: Path) -> dict[str, Any]:
    """Cells of ``leaderboard.json`` by id."""
    return {cell["id"]: cell for cell in json.loads((run / "leaderboard.json").read_text())["cells"]}


def test_every_cell_of_the_board_is_there_in_its_order(found: Results, exported: dict[str, Any]) -> None:
    assert [cell.id for cell in found] == list(exported)
    for cell in found:
        assert cell.axes == exported[cell.id]["labels"]
        assert cell.state == exported[cell.id]["state"]


def test_scores_and_costs_are_those_of_the_exported_board(found: Results, exported: dict[str, Any]) -> None:
    for cell in found:
        record = exported[cell.id]["record"]
        for split in ("validation", "test"):
            scores = {f"{name}@{split}": value for name, value in numbers_in(record["scores"][split])}
            assert {name: value for name, value in cell.values.items() if name.endswith(f"@{split}")} == scores
            assert cell.interval(split) == tuple(record["scores"][split]["f1_interval"])
        assert cell.value("cost.train_s") == record["cost"]["train_s"]
        assert cell.value("convergence_epoch") == record["convergence"]["epoch"]


def test_every_score_there_is_goes_by_its_name_and_lies_in_its_range(found: Results, exported: dict[str, Any]) -> None:
    stored = exported[found[0].id]["record"]["scores"]["test"]
    values = {row.name: found[0].value(f"{row.name}@test") for row in rows_of("split") if row.unit != "entry"}
    assert values == {name: stored.get(name) for name in values}
    assert {name for name, value in values.items() if value is not None} > {"f1", "recall", "region_overlap", "ap"}
    for name, value in values.items():
        row = named(name)
        assert row is not None
        assert value is None or row.range[0] <= value <= row.range[1]
    costs = {name for name in facts() if name.startswith("cost.")}
    assert costs <= found[0].values.keys()


def test_a_frame_has_a_row_for_each_cell_with_the_same_numbers(found: Results) -> None:
    frame = found.frame()
    assert list(frame["id"]) == [cell.id for cell in found]
    for cell, (_, row) in zip(found, frame.iterrows(), strict=True):
        assert {name: row[name] for name in cell.values} == cell.values
        assert {axis: row[axis] for axis in cell.axes} == cell.axes
        assert (row["f1_interval.low@test"], row["f1_interval.high@test"]) == cell.interval()
    assert frame["f1@test"].dtype == "float64"


def test_cells_are_selected_by_one_label_or_several(found: Results) -> None:
    crops = list(dict.fromkeys(cell.axes["crop"] for cell in found))
    assert len(crops) > 1
    for crop in crops:
        assert {cell.axes["crop"] for cell in found.select(crop=crop)} == {crop}
    assert list(found.select({"crop": crops}, seed=0, state="done")) == list(found)
    assert found.select(crop=crops[0]).values("f1@test") == [
        cell.value("f1@test") for cell in found if cell.axes["crop"] == crops[0]
    ]
    assert len(found[:1]) == 1


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda found: found.select(modle="tiny"), "unknown axis 'modle'. Did you mean 'model'?"),
        (lambda found: found.select(crop=["uniform", "unifrom"]), "unknown label of crop: 'unifrom'. Did you mean"),
        (lambda found: found.values("f1"), "Did you mean 'f1@test'?"),
        (lambda found: found.values("f1@train"), "unknown split 'train'. Known: validation, test."),
        (lambda found: found.values("recal@test"), "unknown score 'recal'. Did you mean 'recall'?"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_those_that_do(found: Results, ask: Any, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ask(found)
    assert said in str(caught.value)


def test_an_archive_has_the_same_numbers_and_no_pictures(ran_world: Path, found: Results, tmp_path: Path) -> None:
    archive = tmp_path / "tiny.zip"
    done = bench(ran_world, "export", "tiny", "--to", str(archive))
    assert done.returncode == 0, done.stderr
    read = package.results(archive)
    assert [cell.values for cell in read] == [cell.values for cell in found]
    assert all(path.is_file() for cell in found for path in cell.pictures)
    assert all(found[0].pictures)
    assert {cell.pictures for cell in read} == {()}


def test_a_cell_without_a_record_is_pending_and_has_no_numbers(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    first = package.results(run)[0]
    (tmp_path / "run" / "cells" / f"{first.id}.json").unlink()
    cell = package.results(tmp_path / "run")[0]
    assert (cell.state, cell.record, cell.values, cell.interval()) == ("pending", None, {}, None)
    assert package.results(tmp_path / "run").frame()["f1@test"].isna().sum() == 1


def test_without_pandas_a_frame_says_what_to_install(found: Results) -> None:
    with without(["pandas"]), pytest.raises(PluginError, match=r'^a frame needs pandas: pip install "defectbench\['):
        found.frame()
