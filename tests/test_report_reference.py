"""Published numbers: named by a suite, printed beside the measured ones, compared in order only."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from bench.catalog import Catalog
from bench.errors import SuiteError
from bench.render.data import board_csv, board_json
from bench.report.reference import rank_correlations
from bench.report.shape import Leaderboard, Section
from bench.suite.reading.load import Suite, load_suite, suite_from_json
from bench.suite.schema import Published
from documents import to_markdown, to_text
from report_samples import CROPS, MODELS, board_of, by_id, cell, product_cells, record

SUITE = """
name: cropping
axes:
  dataset: [metalpart]
  crop: [{use: uniform, label: Random}, {use: intensity-bias, settings: {threshold: 5}, label: Bias}]
  model: [{use: unet, label: U-Net}, {use: fcn, label: FCN}]
"""
NAMED = "reference: {table: table1_cropping, rows: {Random: uniform, Bias: intensity-5}, columns: {U-Net: unet}}\n"
OWN = """
source: A paper
tables:
  mine:
    title: Table 9
    about: other data
    values: [f1@test]
    rows:
      Random: {U-Net: [12.5], FCN: [null]}
"""


def loaded(folder: Path, catalog: Catalog, reference: str, numbers: str = OWN, **more: Any) -> Suite:
    (folder / "numbers.yaml").write_text(numbers)
    path = folder / "suite.yaml"
    path.write_text(SUITE + reference)
    return load_suite(path, catalog, **more)


def mistakes(folder: Path, catalog: Catalog, reference: str, numbers: str = OWN) -> str:
    with pytest.raises(SuiteError) as raised:
        loaded(folder, catalog, reference, numbers)
    return str(raised.value)


def published(numbers: dict[str, Any], values: tuple[str, ...] = ("f1@test",), **more: Any) -> Published:
    return Published(source="A paper", title="Table 9", about="other data", values=values, numbers=numbers, **more)


def section(board: Leaderboard) -> Section:
    return next(found for found in board.sections if "as published" in found.title)


def levels(scores: list[float], printed: list[float], seeds: int = 1) -> Leaderboard:
    crops = [f"level {n}" for n in range(len(scores))]
    cells = product_cells(seeds, crops, MODELS[:1])
    records = [record(one, 0.5, scores[crops.index(one.labels["crop"])]) for one in cells]
    numbers = {crop: {MODELS[0]: (value,)} for crop, value in zip(crops, printed, strict=True)}
    return board_of(cells, by_id(*records), published=published(numbers))


def test_a_suite_names_rows_and_columns_of_a_table_that_comes_with_the_package(
    tmp_path: Path, catalog: Catalog
) -> None:
    found = loaded(tmp_path, catalog, NAMED).reference
    assert found is not None
    assert found.values == ("f1@validation", "f1@test", "convergence_epoch")
    assert found.numbers == {"Random": {"U-Net": (46.2, 26.6, 365)}, "Bias": {"U-Net": (50.2, 27.1, 375)}}


def test_a_label_that_is_a_name_in_the_table_needs_no_entry(tmp_path: Path, catalog: Catalog) -> None:
    found = loaded(tmp_path, catalog, "reference: {table: mine, file: numbers.yaml}\n").reference
    assert found is not None
    assert found.numbers == {"Random": {"U-Net": (12.5,), "FCN": (None,)}}


def test_published_numbers_are_in_no_id_and_in_no_hash(tmp_path: Path, catalog: Catalog) -> None:
    plain, named = loaded(tmp_path, catalog, ""), loaded(tmp_path, catalog, NAMED)
    assert [cell.id for cell in plain.cells] == [cell.id for cell in named.cells]
    assert plain.hash == named.hash


def test_a_stored_suite_keeps_the_numbers_and_needs_no_file(tmp_path: Path, catalog: Catalog) -> None:
    suite = loaded(tmp_path, catalog, "reference: {table: mine, file: numbers.yaml, differs: Mine is better.}\n")
    (tmp_path / "numbers.yaml").unlink()
    assert suite_from_json(json.loads(json.dumps(suite.resolved()))).reference == suite.reference


def test_an_override_that_leaves_levels_out_is_no_mistake(tmp_path: Path, catalog: Catalog) -> None:
    suite = loaded(tmp_path, catalog, NAMED, overrides=["axes.crop=[{use: uniform, label: Random}]"])
    assert suite.reference is not None
    assert list(suite.reference.numbers) == ["Random"]


@pytest.mark.parametrize(
    ("wrong", "at", "sentence"),
    [
        (NAMED.replace("table1_cropping", "table1_croping"), "table1", "Did you mean 'table1_cropping'?"),
        (NAMED.replace("intensity-5", "intensity-6"), "intensity-6", "unknown name 'intensity-6'. Did you mean"),
        (NAMED.replace("Bias:", "Bais:"), "intensity-5", "unknown label 'Bais'. Did you mean 'Bias'?"),
        (NAMED.replace("U-Net: unet", "UNet: unet"), "unet", "unknown label 'UNet'. Did you mean 'U-Net'?"),
        (NAMED.replace("columns", "colums"), "colums", "Did you mean 'columns'?"),
        ("reference: {table: mine, file: gone.yaml}\n", "gone", "gone.yaml cannot be read"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_near(
    tmp_path: Path, catalog: Catalog, wrong: str, at: str, sentence: str
) -> None:
    told = mistakes(tmp_path, catalog, wrong)
    assert f"suite.yaml:{SUITE.count(chr(10)) + 1}:{wrong.index(at) + 1}: " in told
    assert sentence in told


@pytest.mark.parametrize(
    ("wrong", "place", "sentence"),
    [
        (OWN.replace("f1@test", "f11@test"), "7:14", "unknown score 'f11'. Did you mean 'f1'?"),
        (OWN.replace("[12.5]", "[12.5, 3]"), "9:23", "2 numbers for 1 value"),
        (OWN.replace("[12.5]", "[high]"), "9:24", 'got "high"'),
        (OWN.replace("source: A paper", ""), "3:1", "needs the key 'source'"),
    ],
)
def test_a_mistake_in_the_numbers_is_told_with_its_place_in_their_file(
    tmp_path: Path, catalog: Catalog, wrong: str, place: str, sentence: str
) -> None:
    told = mistakes(tmp_path, catalog, "reference: {table: mine, file: numbers.yaml}\n", wrong)
    assert f"numbers.yaml:{place}" in told
    assert sentence in told


def test_f1_of_the_packaged_source_table_is_that_of_its_precision_and_recall(tmp_path: Path, catalog: Catalog) -> None:
    """Harmonic means of printed figures agree with the printed F1 to their rounding, but for one cell."""
    reference = "reference: {table: table3_sources, columns: {U-Net: unet, FCN: fcn}}\n"
    suite = loaded(tmp_path, catalog, reference)
    assert suite.reference is not None
    from importlib.resources import files

    from bench.suite.reading.yaml import Mark, Mistakes, parse, plain

    text = (files("bench") / "reference" / "published.yaml").read_text(encoding="utf-8")
    root = parse(text, lambda line, column: Mark("published", line, column), Mistakes())
    assert root is not None
    cells = [c for row in plain(root)["tables"]["table3_sources"]["rows"].values() for c in row.values()]
    off = [f1 for p, r, f1 in cells if abs(2 * p * r / (p + r) - f1) > 0.11]
    assert len(cells) == 27
    assert len(off) <= 1


def test_the_tables_that_share_runs_agree(tmp_path: Path, catalog: Catalog) -> None:
    own = "{use: intensity-bias, settings: {threshold: 10}, label: intensity-10}"
    suite = SUITE.replace("crop: [", f"crop: [{own}, ").replace("U-Net", "unet").replace("FCN", "fcn")
    path = tmp_path / "suite.yaml"
    found = {}
    for table, rows, axis in (("table1_cropping", "crop", ""), ("table2_crop_size", "crop_size", "")):
        path.write_text(f"{suite}{axis}board: {{rows: {rows}}}\nreference: {{table: {table}}}\n")
        reference = load_suite(path, catalog).reference
        assert reference is not None
        found[table] = reference.numbers
    first, second = found["table1_cropping"]["intensity-10"], found["table2_crop_size"]["256"]
    assert {name: numbers[:2] for name, numbers in first.items()} == dict(second)


def test_published_and_measured_values_stand_side_by_side() -> None:
    board = levels([0.1, 0.2, 0.4], [20.0, 30.0, 10.0])
    grid = section(board).grids[0]
    assert grid.header == ("crop", "F1_T published", "F1_T here")
    assert grid.rows == (("level 0", "20.0", "10.0"), ("level 1", "30.0", "20.0"), ("level 2", "10.0", "40.0"))


def test_published_numbers_stand_there_before_anything_has_run() -> None:
    cells = product_cells(1, CROPS[:1], MODELS[:1])
    board = board_of(cells, {}, published=published({CROPS[0]: {MODELS[0]: (12.3,)}}))
    assert section(board).grids[0].rows == ((CROPS[0], "12.3", "–"),)
    assert "nothing measured yet" in to_text(board)


def test_a_line_says_what_differs() -> None:
    only = cell()
    asked = {"recipe": {"epochs": 30, "epoch_crops": 80}, "axes": {"model": {"settings": {"encoder": "resnet10t"}}}}
    numbers = published({CROPS[0]: {MODELS[0]: (12.3,)}}, differs="The split is ours.")
    board = board_of([only], by_id(record(only, 0.5, 0.4, cell=asked)), published=numbers)
    text = " ".join(section(board).sentences)
    for part in ("Table 9 of A paper: other data", "metalpart", "FCN resnet10t", "2,400 crops", "The split is ours."):
        assert part in text


def test_published_values_change_no_figure_and_are_never_best() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    records = by_id(record(cells[0], 0.5, 0.4), record(cells[1], 0.4, 0.3))
    without = board_of(cells, records)
    beside = board_of(cells, records, published=published({CROPS[1]: {MODELS[0]: (99.0,)}}))
    assert beside.tables == without.tables


def test_csv_and_json_hold_published_numbers_as_shares() -> None:
    board = levels([0.1, 0.2, 0.4], [20.0, 30.0, 10.0])
    rows = list(csv.DictReader(io.StringIO(board_csv(board))))
    assert [float(row["published.f1@test"]) for row in rows] == pytest.approx([0.2, 0.3, 0.1])
    values = json.loads(board_json(board))["sections"][0]["values"]
    assert values[0]["published"] == pytest.approx(0.2)


def test_an_impossible_published_share_raises_an_alarm_and_is_not_printed() -> None:
    board = levels([0.1, 0.2, 0.4], [20.0, 313.0, 10.0])
    assert [row[1] for row in section(board).grids[0].rows] == ["20.0", "10.0"]
    assert any("313, outside its possible range" in text for text in section(board).sentences)


def test_nothing_is_printed_where_no_position_has_a_published_number() -> None:
    only = cell()
    board = board_of([only], by_id(record(only, 0.5, 0.4)), published=published({"elsewhere": {"U": (1.0,)}}))
    assert not any("as published" in found.title for found in board.sections)


def test_two_levels_have_no_rank_correlation() -> None:
    assert len(section(levels([0.1, 0.2], [20.0, 30.0])).grids) == 1


def test_a_level_that_lacks_a_seed_takes_no_part_in_the_order() -> None:
    cells = product_cells(2, CROPS[:4], MODELS[:1])
    records = by_id(*(record(one, 0.5, 0.1 * n) for n, one in enumerate(cells[:-1], 1)))
    numbers = published({crop: {MODELS[0]: (10.0 * n,)} for n, crop in enumerate(CROPS[:4], 1)})
    ranks = section(board_of(cells, records, published=numbers)).grids[-1]
    assert [row[1] for row in ranks.rows] == ["3"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99)), min_size=3, max_size=8))
@settings(max_examples=40, deadline=None)
def test_the_rank_correlations_are_scipys_over_the_printed_positions(pairs: list[tuple[int, int]]) -> None:
    measured, printed = [a / 10 for a, _ in pairs], [float(b) for _, b in pairs]
    ranks = [v for v in section(levels(measured, printed)).values if "kendall" in v]
    assert len(ranks) == 1
    if len(set(measured)) == 1 or len(set(printed)) == 1:
        assert ranks[0]["kendall"] is None
    else:
        assert ranks[0]["kendall"] == pytest.approx(kendalltau(measured, printed).statistic)
        assert ranks[0]["spearman"] == pytest.approx(spearmanr(measured, printed).statistic)


def test_equal_orders_correlate_fully_and_reversed_ones_negatively() -> None:
    assert rank_correlations([1, 2, 3], [10, 20, 90]) == pytest.approx((1.0, 1.0))
    assert rank_correlations([1, 2, 3], [9, 5, 1]) == pytest.approx((-1.0, -1.0))


def test_the_source_is_cited_in_every_format_for_readers() -> None:
    board = levels([0.1, 0.2, 0.4], [20.0, 30.0, 10.0])
    for render in (to_text, to_markdown):
        assert "A paper" in render(board)
