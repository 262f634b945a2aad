"""Two runs cell by cell: matching, differences with intervals, gates, and what is refused."""

from __future__ import annotations

import copy
import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bench.cli.main import bench as command
from bench.errors import SettingsError, StoreError
from bench.render.data import comparison_csv, comparison_json
from bench.report.compare import Comparison, compare, gates_met
from bench.report.comparison_document import comparison_document
from bench.report.gates import gate_from
from bench.report.measures import measure_of
from bench.report.sides import Side
from bench.runs.folder import read_side
from bench.scores import F1
from bench.store.store import read_object
from documents import to_markdown, to_text
from report_samples import side_of
from sampling import whole_run

MEASURES = [measure_of("f1@test")]


def record(id: str, counts: list[list[int]], crop: str = "uniform", **more: Any) -> dict[str, Any]:
    """A finished cell whose images are groups of their own."""
    table = np.array(counts, np.float64)
    names = [f"part{number}" for number in range(len(counts))]
    scores = {
        "images": len(counts),
        "groups": len(counts),
        "f1": float(F1.value(table.sum(axis=0))),
        "image_counts": {"ids": names, "groups": names, "counts": counts},
    }
    both = {"validation": scores, "test": scores}
    return {"id": id, "state": "done", "axes": {"crop": crop, "seed": "0"}, "scores": both, **more}


def side(name: str, *records: dict[str, Any]) -> Side:
    return side_of(name, {one["id"]: one for one in records})


GOOD = [[90, 5, 10, 895], [80, 9, 20, 891], [95, 1, 5, 899]]
WORSE = [[70, 5, 30, 895], [75, 9, 25, 891], [90, 1, 10, 899]]


def compared(first: dict[str, Any], second: dict[str, Any]) -> Comparison:
    return compare(side("A", first), side("B", second), MEASURES)


def test_a_difference_is_second_less_first_with_an_interval_around_it() -> None:
    (cell,) = compared(record("aa", GOOD), record("aa", WORSE)).cells
    (found,) = cell.differences
    expected = F1.value(np.sum(np.array(WORSE, np.float64), 0)) - F1.value(np.sum(np.array(GOOD, np.float64), 0))
    assert found.value == pytest.approx(expected)
    assert found.interval is not None
    assert found.interval[0] < expected < found.interval[1]


@given(st.permutations([0, 1, 2]))
def test_the_order_of_images_on_one_side_changes_nothing(order: list[int]) -> None:
    turned = record("aa", WORSE)
    counts = turned["scores"]["test"]["image_counts"]
    for key in ("ids", "groups", "counts"):
        counts[key] = [counts[key][place] for place in order]
    one, two = (compared(record("aa", GOOD), other).cells[0].differences[0] for other in (record("aa", WORSE), turned))
    assert one.interval == pytest.approx(two.interval)


def test_swapping_the_sides_mirrors_difference_and_interval() -> None:
    one = compared(record("aa", GOOD), record("aa", WORSE)).mean[0][0]
    two = compared(record("aa", WORSE), record("aa", GOOD)).mean[0][0]
    assert one.interval is not None
    assert two.interval is not None
    assert (one.value, *one.interval) == pytest.approx((-(two.value or 0), -two.interval[1], -two.interval[0]))


def in_splits(*names: str) -> Comparison:
    """The same pair of cells once in each of these splits, of images of its own in each."""
    sides = []
    for name, counts in (("A", GOOD), ("B", WORSE)):
        cells = []
        for split in names:
            made = record(f"cell of {split}", counts)
            made["axes"]["protocol.split"] = split
            for scores in made["scores"].values():
                scores["image_counts"] = {**scores["image_counts"], "ids": [f"{split} {n}" for n in range(3)]}
            cells.append(made)
        sides.append(side(name, *cells))
    return compare(*sides, MEASURES)


def test_a_mean_over_folds_has_no_interval_and_that_is_said() -> None:
    found = in_splits("fold 1", "fold 2")
    ((mean, count),) = found.mean
    assert (count, mean.interval) == (2, None)
    assert mean.value == pytest.approx(found.cells[0].differences[0].value)
    assert all(cell.differences[0].interval for cell in found.cells)
    assert "No interval of a mean over several splits" in to_text(comparison_document(found, []))
    ((alone, _),) = in_splits("fold 1").mean
    assert alone.interval is not None


def test_a_run_compared_with_itself_differs_nowhere() -> None:
    (difference, count), *_ = compared(record("aa", GOOD), record("aa", GOOD)).mean
    assert (difference.value, difference.interval, count) == (0.0, pytest.approx((0.0, 0.0)), 1)


def test_cells_of_other_ids_are_matched_by_equal_labels_and_said_to_be() -> None:
    found = compared(record("aa", GOOD), record("bb", WORSE))
    assert [cell.by_label for cell in found.cells] == [True]
    assert "0 cells matched by id, 1 by equal labels" in to_text(comparison_document(found, []))


def test_labels_that_two_cells_share_match_none() -> None:
    with pytest.raises(StoreError, match="share no cell"):
        compare(side("A", record("aa", GOOD), record("ab", GOOD)), side("B", record("bb", GOOD)), MEASURES)


def test_cells_on_one_side_only_are_listed() -> None:
    found = compare(side("A", record("aa", GOOD), record("ab", GOOD, "grid")), side("B", record("aa", GOOD)), MEASURES)
    assert [one.id for one in found.only_first] == ["ab"]
    assert "Only in A: 1 cell (ab)" in to_text(comparison_document(found, []))


def other_truth() -> dict[str, Any]:
    return record("aa", [[90, 5, 11, 894], *GOOD[1:]])


def test_scores_on_other_masks_are_refused() -> None:
    with pytest.raises(StoreError, match="NOT comparable"):
        compared(record("aa", GOOD), other_truth())


def test_one_cell_on_other_masks_is_labelled_and_gets_no_difference() -> None:
    same = record("ab", GOOD, "grid")
    found = compare(side("A", record("aa", GOOD), same), side("B", other_truth(), same), MEASURES)
    assert found.cells[0].differences == ()
    assert found.mean[0][1] == 1
    assert "NOT COMPARABLE: cell aa" in to_text(comparison_document(found, []))
    assert [met.how for met in gates_met(found, [gate_from("f1@test < -90")])] == ["not comparable"]


def test_a_gate_is_met_by_the_cells_that_fell_and_by_no_other() -> None:
    same = record("ab", GOOD, "grid")
    found = compare(side("A", record("aa", GOOD), same), side("B", record("aa", WORSE), same), MEASURES)
    assert [met.cell for met in gates_met(found, [gate_from("f1@test < -2")])] == ["aa"]
    assert gates_met(found, [gate_from("f1@test < -50")]) == []


def test_a_cell_that_is_no_longer_scored_meets_every_gate() -> None:
    lost = {**record("aa", GOOD), "state": "failed", "reason": "out of memory"}
    found = compared(record("aa", GOOD), lost)
    assert [met.how for met in gates_met(found, [gate_from("f1@test < -50")])] == ["done -> failed"]
    assert "done -> failed (out of memory)" in to_text(comparison_document(found, []))


def test_a_done_cell_that_the_second_run_does_not_have_meets_every_gate() -> None:
    same, lost, failed = record("aa", GOOD), record("ab", GOOD, "grid"), record("ac", GOOD, "bias")
    found = compare(side("A", same, lost, {**failed, "state": "failed"}), side("B", same), MEASURES)
    met = gates_met(found, [gate_from("f1@test < -50"), gate_from("f1@test > 50")])
    assert [(one.gate.bound, one.cell, one.how) for one in met] == [(-50, "ab", "not in B"), (50, "ab", "not in B")]
    assert "GATE f1@test < -50: met by cell ab grid: not in B." in to_text(comparison_document(found, met))
    assert json.loads(comparison_json(found, met))["gates_met"][0]["cell"] == "ab"


def test_a_cell_that_only_the_second_run_has_meets_no_gate() -> None:
    found = compare(side("A", record("aa", GOOD)), side("B", record("aa", GOOD), record("ab", GOOD, "grid")), MEASURES)
    assert gates_met(found, [gate_from("f1@test < -50")]) == []


@given(st.floats(0.001, 1), st.floats(0.001, 1), st.floats(0.1, 99))
def test_points_and_percent_are_what_they_are_called(first: float, second: float, bound: float) -> None:
    assert gate_from(f"f1@test > {bound}").holds(first, second) == (100 * (second - first) > bound)
    percent = 100 * (second - first) / first
    assert gate_from(f"cost.train_s < -{bound}%").holds(first, second) == (percent < -bound)


@pytest.mark.parametrize("text", ["", "f1@test", "f1@test < ", "f1@tst < 2", "f1@test = 2", "f1@test < 2; rm", "< 2"])
def test_a_gate_that_is_not_understood_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        gate_from(text)
    assert "\n" not in str(caught.value)


def test_a_measure_that_no_record_has_is_refused_with_a_hint() -> None:
    with pytest.raises(StoreError, match="did you mean 'f1@test'"):
        compare(side("A", record("aa", GOOD)), side("B", record("aa", GOOD)), [measure_of("f11@test")])


def test_other_versions_and_settings_are_named_leaf_by_leaf() -> None:
    first = record("aa", GOOD, provenance={"device": "cpu", "date": "1"}, cell={"recipe": {"learning_rate": 0.1}})
    second = record("bb", GOOD, provenance={"device": "gpu", "date": "2"}, cell={"recipe": {"learning_rate": 0.2}})
    assert compared(first, second).cells[0].changed == ("recipe.learning_rate: 0.1 -> 0.2", "device: cpu -> gpu")


@pytest.mark.parametrize("width", [80, 120])
def test_the_text_keeps_to_the_terminal(width: int) -> None:
    found = compared(record("aa" * 16, GOOD), record("bb" * 16, WORSE))
    document = comparison_document(found, gates_met(found, [gate_from("f1@test < 0")]))
    assert max(map(len, to_text(document, width).splitlines())) <= width


def test_csv_and_json_hold_the_values_unrounded() -> None:
    found = compared(record("aa", GOOD), record("aa", WORSE))
    value = found.cells[0].differences[0].value
    (row,) = csv.DictReader(io.StringIO(comparison_csv(found)))
    assert float(row["f1@test.difference"]) == value
    assert json.loads(comparison_json(found, []))["cells"][0]["f1@test"]["difference"] == value


def test_markdown_has_a_row_per_cell_and_measure() -> None:
    found = compared(record("aa", GOOD), record("aa", WORSE))
    assert sum(line.startswith("| aa") for line in to_markdown(comparison_document(found, [])).splitlines()) == 1


@whole_run
@pytest.mark.parametrize("form", ["leaderboard.csv", "leaderboard.json"])
def test_an_exported_table_compares_with_its_run(ran_world: Path, form: str) -> None:
    run = ran_world / "runs" / "tiny"
    done = CliRunner().invoke(command, ["compare", str(run), str(run / form)], standalone_mode=False)
    assert done.exception is None
    assert done.return_value == 0
    assert "2 cells matched by id" in done.output


def test_a_gate_that_is_met_ends_with_3_and_names_the_cell(ran_world: Path, tmp_path: Path) -> None:
    run = ran_world / "runs" / "tiny"
    rows = json.loads((run / "leaderboard.json").read_text())
    worse = copy.deepcopy(rows)
    worse["cells"][0]["record"]["scores"]["test"]["f1"] = 0.0
    (tmp_path / "worse.json").write_text(json.dumps(worse))
    arguments = ["compare", str(run), str(tmp_path / "worse.json"), "--fail-if", "f1@test < -1"]
    done = CliRunner().invoke(command, arguments, standalone_mode=False)
    assert done.return_value == 3
    assert f"met by cell {rows['cells'][0]['id'][:8]}" in done.output


def test_a_gate_over_a_table_that_lost_a_cell_ends_with_3(ran_world: Path, tmp_path: Path) -> None:
    run = ran_world / "runs" / "tiny"
    rows = json.loads((run / "leaderboard.json").read_text())
    lost = rows["cells"].pop(0)["id"]
    (tmp_path / "fewer.json").write_text(json.dumps(rows))
    arguments = ["compare", str(run), str(tmp_path / "fewer.json"), "--fail-if", "f1@test < -99"]
    done = CliRunner().invoke(command, arguments, standalone_mode=False)
    assert done.return_value == 3
    assert f"met by cell {lost[:8]}" in done.output
    assert "not in B" in done.output


@pytest.mark.parametrize("part", ["axes", "tuned", "scores", "cost", "provenance", "keys", "cell"])
@pytest.mark.parametrize("form", ["run", "table"])
def test_a_record_whose_parts_are_no_mappings_is_one_line(
    ran_world: Path, tmp_path: Path, part: str, form: str
) -> None:
    run = shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "run")
    path = sorted((run / "cells").glob("*.json"))[0] if form == "run" else run / "leaderboard.json"
    stored = read_object(path)
    row = stored if form == "run" else stored["cells"][0]["record"]
    row[part] = [1]
    if form == "table" and part in ("axes", "tuned"):
        stored["cells"][0]["labels" if part == "axes" else part] = [1]
    path.write_text(json.dumps(stored))
    if form == "run":
        said = str(read_side(run).cells[path.stem].reason)
    else:
        with pytest.raises(StoreError) as caught:
            read_side(path)
        said = str(caught.value)
    assert f"{part} is no mapping" in said
    assert "\n" not in said


@pytest.mark.parametrize("name", ["any.csv", "any.json", "any.zip"])
@given(content=st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_any_content_of_an_export_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    said = ""
    try:
        read_side(path)
    except StoreError as error:
        said = str(error)
    assert "\n" not in said


def test_a_damaged_record_is_a_failed_cell_and_not_one_that_never_ran(ran_world: Path, tmp_path: Path) -> None:
    run = shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "run")
    path = sorted((run / "cells").glob("*.json"))[0]
    path.write_text("{")
    found = read_side(run).cells[path.stem]
    assert (found.state, "damaged" in str(found.reason)) == ("failed", True)
