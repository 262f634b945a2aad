"""Axes that advance together name one row, so that a table in the shape of the supplement's Table 3 stays one table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.catalog import Catalog
from bench.render.layout import cells as columns_of
from bench.report.board import leaderboard
from bench.suite.joint import joint_axes, joint_label
from bench.suite.reading.load import load_suite
from documents import to_latex, to_text
from report_samples import MODELS, FakeCell, board_of, by_id, cell, record

PAIR = ("dataset", "preprocess")
VALUES = ("precision@validation", "recall@validation", "f1@validation")


def sources() -> list[FakeCell]:
    pairs = [
        ("RealClutch", "none"),
        ("SynthClutch", "none"),
        ("RealClutch", "(EX)"),
        ("SynthClutch", "exposure + (EX)"),
    ]
    return [
        cell(model=model, axes={"dataset": dataset, "preprocess": preprocess})
        for dataset, preprocess in pairs
        for model in MODELS
    ]


def records_of(cells: list[FakeCell]) -> dict[str, dict[str, object]]:
    return by_id(*(record(one, 0.3 + 0.01 * n, 0.2) for n, one in enumerate(cells)))


def test_paired_axes_are_one_row_axis_and_one_table() -> None:
    cells = sources()
    board = board_of(cells, records_of(cells), rows="dataset", values=VALUES, paired=[PAIR])
    assert board.rows_axis == "dataset, preprocess"
    assert len(board.tables) == 1
    assert board.tables[0].rows == ("RealClutch", "SynthClutch", "RealClutch (EX)", "SynthClutch, exposure + (EX)")
    assert all(entry.state == "done" for row in board.tables[0].entries for entry in row)


def test_the_row_axis_may_be_the_second_of_the_pair() -> None:
    cells = sources()
    board = board_of(cells, records_of(cells), rows="preprocess", values=VALUES, paired=[PAIR])
    assert board.rows_axis == "preprocess, dataset"
    assert board.tables[0].rows[0] == "none, RealClutch"


def test_no_data_set_is_best_where_a_joint_row_names_it() -> None:
    cells = sources()
    board = board_of(cells, records_of(cells), rows="preprocess", paired=[PAIR])
    assert not any(f.best for row in board.tables[0].entries for e in row for f in e.figures)


def test_the_standing_of_a_data_set_still_goes_by_its_own_name() -> None:
    cells = sources()
    board = board_of(cells, records_of(cells), rows="dataset", paired=[PAIR])
    assert [standing.dataset for standing in board.standings] == ["RealClutch", "SynthClutch"]
    assert all(standing.best for standing in board.standings)


def test_a_paired_axis_of_one_level_is_said_once_above_the_table() -> None:
    cells = [cell(axes={"dataset": name, "preprocess": "stretch"}) for name in ("mtd", "dagm")]
    board = board_of(cells, records_of(cells), rows="dataset", paired=[PAIR])
    assert board.rows_axis == "dataset"
    assert ("preprocess", "stretch") in board.fixed


def test_a_pair_of_rows_and_columns_stays_two_axes() -> None:
    cells = [cell(model=model, axes={"dataset": name}) for name, model in (("mtd", "FCN"), ("dagm", "U-Net"))]
    board = board_of(cells, records_of(cells), rows="dataset", paired=[("dataset", "model")])
    assert (board.rows_axis, board.columns_axis) == ("dataset", "model")


def test_paired_columns_are_joined_too() -> None:
    pairs = (("FCN", "128"), ("FCN", "256"), ("U-Net", "256"))
    cells = [cell(model=model, axes={"crop_size": size}) for model, size in pairs]
    board = board_of(cells, records_of(cells), paired=[("model", "crop_size")])
    assert board.tables[0].columns == ("FCN, 128", "FCN, 256", "U-Net, 256")


def test_a_suite_and_its_leaderboard_call_a_joint_row_the_same(tmp_path: Path, catalog: Catalog) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(
        """
name: sources
axes: {model: [unet]}
paired: [{dataset: [metalpart, metalpart, mtd], crop_size: [64, 64, 64], preprocess: [none, stretch, stretch]}]
board: {rows: dataset}
reference: {table: table3_sources, rows: {"metalpart, stretch": realclutch}}
"""
    )
    suite = load_suite(path, catalog)
    named = {"suite_name": "s", "suite_hash": "h", "command": "c", "profile": ""}
    board = leaderboard(suite.cells, {}, suite.board, paired=suite.paired, published=suite.reference, **named)
    assert board.tables[0].rows == ("metalpart", "metalpart, stretch", "mtd, stretch")
    assert suite.reference is not None
    assert set(suite.reference.numbers) <= set(board.tables[0].rows)


def test_axes_that_tell_no_rows_apart_are_not_named() -> None:
    cells = [cell(axes={"dataset": name, "preprocess": step}) for name, step in (("mtd", "stretch"), ("dagm", "none"))]
    board = board_of(cells, records_of(cells), rows="dataset", paired=[PAIR])
    assert board.tables[0].rows == ("mtd", "dagm")
    assert len(board.tables) == 1


def test_axes_that_are_crossed_are_not_joined() -> None:
    cells = [cell(axes={"dataset": d, "preprocess": p}) for d in ("mtd", "dagm") for p in ("none", "stretch")]
    board = board_of(cells, records_of(cells), rows="dataset")
    assert [dict(table.title) for table in board.tables] == [{"preprocess": "none"}, {"preprocess": "stretch"}]


def test_an_empty_chain_is_named_only_where_something_follows() -> None:
    labels = {"dataset": "mtd", "preprocess": "none", "pretrain": "dagm"}
    assert joint_label(labels, ("dataset", "preprocess")) == "mtd"
    assert joint_label(labels, ("dataset", "preprocess", "pretrain")) == "mtd, none, dagm"
    assert joint_axes("dataset", [("preprocess", "dataset")]) == ("dataset", "preprocess")
    assert joint_axes("crop", [("preprocess", "dataset")]) == ("crop",)


def test_latex_has_the_headings_of_the_supplements_table_3() -> None:
    cells = sources()
    latex = to_latex(board_of(cells, records_of(cells), rows="dataset", values=VALUES, paired=[PAIR]))
    assert r"P$_{V}$ [\%] & R$_{V}$ [\%] & F1$_{V}$ [\%]" in latex
    assert latex.count(r"\multicolumn{3}{c}") == len(MODELS)
    assert "Data set, Preprocessing & " in latex


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_long_labels_of_pretraining_are_wrapped_and_rows_stay_aligned(width: int) -> None:
    labels = [
        "none",
        "metalpart (render) with exposure -1, then fine-tuned on all layers at a tenth of the rate",
        "mtd",
    ]
    cells = [cell(model=model, axes={"pretrain": label}) for label in labels for model in MODELS]
    text = to_text(board_of(cells, records_of(cells), rows="pretrain", values=VALUES), width=width)
    assert all(columns_of(line) <= width for line in text.splitlines())
    block = text.split("\n\n")[1].splitlines()
    ends = {len(line) for line in block if re.search(r"\d\.\d\*?$", line)}
    assert len(ends) <= 2  # with or without the star of the best


def test_a_paired_suite_gives_one_table_of_one_row_per_pair(tmp_path: Path, catalog: Catalog) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(
        """
name: sources
axes: {model: [unet, fcn]}
paired:
  - dataset: [{use: metalpart, label: part}, {use: metalpart, label: part}, mtd]
    preprocess: [none, {use: stretch, label: (EX)}, none]
board: {rows: dataset, columns: model, values: [precision@validation, f1@validation]}
reference: {table: table3_sources, rows: {part (EX): realclutch-exposures}}
"""
    )
    suite = load_suite(path, catalog)
    assert suite.paired == (("dataset", "preprocess"),)
    assert suite.reference is not None
    assert list(suite.reference.numbers) == ["mtd", "part (EX)"]
    board = leaderboard(
        suite.cells, {}, suite.board, suite_name="s", suite_hash="h", command="c", profile="", paired=suite.paired
    )
    assert [table.rows for table in board.tables] == [("part", "part (EX)", "mtd")]


def test_a_data_set_that_varies_is_always_said_so_that_its_rows_are_not_compared() -> None:
    cells = [
        cell(model=model, axes={"dataset": dataset, "preprocess": preprocess})
        for dataset, preprocess in (("RealClutch", "none"), ("SynthClutch", "stretch"))
        for model in MODELS
    ]
    board = board_of(cells, records_of(cells), rows="preprocess", paired=[PAIR])
    assert board.rows_axis == "preprocess, dataset"
    assert not any(f.best for row in board.tables[0].entries for e in row for f in e.figures)
