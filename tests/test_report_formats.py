"""Every format is a rendering of the same leaderboard, and well formed whatever the labels hold."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.audit.coverage import WORDS, coverage_document
from bench.canonical import printable
from bench.crops.coverage import SHARES, Coverage
from bench.render.data import board_csv, board_json, rows_csv, undefused
from bench.render.layout import cells as columns_of
from bench.report.measures import NOTHING
from bench.report.shape import Grid, Leaderboard
from documents import header_of, rows_of, to_latex, to_markdown, to_text
from report_samples import CROPS, MODELS, board_of, by_id, cell, failed, product_cells, record

nasty = st.text(alphabet=st.sampled_from(list("ab|&%$#_{}~^\\`*<>\"'[]é±漢\n\t\x1b")), min_size=1, max_size=12)


def table_1(seeds: int = 1, spread: float = 0.012, reason: str = "loss is not finite") -> Leaderboard:
    cells = product_cells(seeds)
    records = [
        record(one, 0.4 + 0.01 * n + spread * int(one.labels["seed"]), 0.3 + 0.01 * n, 275 + 5 * n, inert=n == 1)
        for n, one in enumerate(cells)
    ]
    records[3] = failed(cells[3], reason, "diverged")
    return board_of(cells, by_id(*records))


def named(crop: str, model: str, reason: str) -> Leaderboard:
    cells = [cell(crop, model), cell(crop + "'", model), cell(crop, model + "'")]
    return board_of(cells, by_id(record(cells[0], 0.5, 0.4), record(cells[1], 0.3, 0.2), failed(cells[2], reason)))


@pytest.mark.parametrize("seeds", [1, 3])
def test_table_1_fits_100_columns_in_one_block(seeds: int) -> None:
    lines = to_text(table_1(seeds), width=100).splitlines()
    assert max(map(len, lines)) <= 100
    header = next(line for line in lines if line.startswith("crop "))
    assert header.count("F1_V") == 3


@given(st.integers(40, 160), nasty, nasty, nasty)
@settings(max_examples=40, deadline=None)
def test_no_line_of_a_table_is_wider_than_the_terminal(width: int, crop: str, model: str, reason: str) -> None:
    text = to_text(named(crop, model, reason), width=width)
    assert all(columns_of(line) <= width for line in text.splitlines())
    assert "\x1b" not in text


def test_colour_adds_codes_and_takes_stars_but_changes_no_value() -> None:
    plain, colour = to_text(table_1(), colour=False), to_text(table_1(), colour=True)
    assert "\x1b[1m" in colour
    bare = re.sub(r"\x1b\[[0-9;]*m", "", colour)
    assert re.findall(r"\d+\.\d", bare) == re.findall(r"\d+\.\d", plain)
    assert "*" in plain
    assert "*" not in bare


def test_rows_of_a_block_end_in_the_same_column() -> None:
    cells = product_cells(1, CROPS[:3], MODELS[:1])
    board = board_of(cells, by_id(*(record(one, v, v, 10) for one, v in zip(cells, (0.0, 1.0, 0.5), strict=True))))
    table = to_text(board).partition("\nCost\n")[0]
    rows = [line for line in table.splitlines() if line.startswith(("Random", "Intensity"))]
    assert len({len(row) for row in rows}) == 1


@given(nasty, nasty, nasty)
@settings(max_examples=40, deadline=None)
def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_header(crop: str, model: str, reason: str) -> None:
    width = None
    for line in to_markdown(named(crop, model, reason)).splitlines():
        if not line.startswith("|"):
            width = None
            continue
        count = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))
        width = width or count
        assert count == width
    assert "<script" not in to_markdown(named("<script>", model, reason))


def tabulars(latex: str) -> list[tuple[int, list[str]]]:
    """Number of columns and body lines of every tabular."""
    found = re.findall(r"\\begin\{tabular\}\{([lr]+)\}\n(.*?)\n\\end\{tabular\}", latex, re.DOTALL)
    return [(len(spec), body.splitlines()) for spec, body in found]


def width_of(row: str) -> int:
    """Columns that a LaTeX row fills."""
    spans = [int(span) for span in re.findall(r"\\multicolumn\{(\d+)\}", row)]
    return len(re.findall(r"(?<!\\)(?:\\\\)*&", row)) + 1 + sum(span - 1 for span in spans)


@given(nasty, nasty, nasty)
@settings(max_examples=40, deadline=None)
def test_latex_is_balanced_and_every_row_fills_its_columns(crop: str, model: str, reason: str) -> None:
    latex = to_latex(named(crop, model, reason))
    assert sorted(re.findall(r"\\begin\{(\w+)\}", latex)) == sorted(re.findall(r"\\end\{(\w+)\}", latex))
    assert latex.count(r"\toprule") == latex.count(r"\midrule") == latex.count(r"\bottomrule")
    body = "\n".join(line for line in latex.splitlines() if not line.startswith("% "))
    bare = re.sub(r"\\[\\{}$%&#_]", "", body)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not set(bare) & set('%#~<>|"')
    for columns, lines in tabulars(latex):
        rows = [line for line in lines if line.endswith(r" \\")]
        assert len(rows) >= 2
        assert {width_of(row) for row in rows} == {columns}


def test_latex_has_the_headings_of_the_supplements_table() -> None:
    latex = to_latex(table_1())
    assert r" & \multicolumn{3}{c}{FCN} & \multicolumn{3}{c}{DLv3} & \multicolumn{3}{c}{U-Net} \\" in latex
    assert r"\cmidrule(lr){2-4} \cmidrule(lr){5-7} \cmidrule(lr){8-10}" in latex
    assert r"F1$_{V}$ [\%] & F1$_{T}$ [\%] & E" in latex
    assert r"\multicolumn{3}{c}{diverged$^{1}$}" in latex


def test_the_caption_of_a_latex_table_is_the_suites_own_with_its_columns_in_words() -> None:
    only = cell()
    board = board_of([only], by_id(record(only, 0.5, 0.4)), description="Crops & models.")
    latex = to_latex(board)
    assert (
        r"\caption{Crops \& models. Validation F1 score (F1$_{V}$), test F1 score (F1$_{T}$), training epochs" in latex
    )
    assert "Cropping mechanism & " in latex
    assert r"\label{tab:cropping}" in latex


def test_options_and_addresses_survive_latex() -> None:
    only = cell()
    latex = to_latex(board_of([only], by_id(failed(only, "https://a.b/c with --data x=y"))))
    assert "-{}-data x=y" in latex
    assert r"https:/\allowbreak{}/\allowbreak{}a.b/\allowbreak{}c" in latex


def test_a_spread_is_set_smaller_in_latex_and_bold_is_the_mean_alone() -> None:
    assert re.search(r"\\textbf\{\d+\.\d\}\{\\tiny\$\\pm\$\d+\.\d\}", to_latex(table_1(seeds=3)))


def test_all_formats_show_the_same_figures() -> None:
    board = table_1(seeds=3)
    shown = [figure.text for row in board.tables[0].entries for entry in row for figure in entry.figures]
    for render in (to_text, to_markdown, to_latex):
        text = render(board)
        assert all(value in text for value in shown)
    tables = json.loads(board_json(board))["tables"]
    values = [f["value"] for t in tables for r in t["entries"] for e in r for f in e["figures"]]
    assert values == [f.value for row in board.tables[0].entries for entry in row for f in entry.figures]


@given(nasty, nasty, nasty)
@settings(max_examples=30, deadline=None)
def test_csv_has_one_row_per_cell_and_gives_back_every_label_and_score(crop: str, model: str, reason: str) -> None:
    board = named(crop, model, reason)
    text = board_csv(board)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(text.splitlines()) == 1 + len(rows)
    assert [undefused(row["id"]) for row in rows] == [printable(one.id) for one in board.cells]
    assert undefused(rows[0]["crop"]) == printable(crop)
    assert float(rows[0]["scores.test.f1"]) == 0.4
    assert float(rows[0]["scores.test.f1_interval.low"]) == pytest.approx(0.35)
    assert undefused(rows[2]["reason"]) == printable(reason)
    assert rows[2]["scores.test.f1"] == ""


def test_csv_and_json_leave_counts_per_image_to_the_records() -> None:
    board = table_1()
    assert "image_counts" not in board_csv(board)
    assert "image_counts" not in board_json(board)


def test_json_has_a_schema_number_and_no_value_that_json_lacks() -> None:
    only = cell()
    strange = record(only, 0.5, 0.4)
    strange["scores"]["test"]["f2"] = float("nan")
    read = json.loads(board_json(board_of([only], by_id(strange))), parse_constant=lambda name: pytest.fail(name))
    assert read["schema"] == 1
    assert read["cells"][0]["record"]["scores"]["test"]["f2"] is None


def test_a_plain_table_reads_the_same_in_all_formats() -> None:
    grid = Grid("Title", ("name", "a", "b"), (("x", "1", "2"), ("y", "3", "4")))
    assert [line.split() for line in to_text(grid).splitlines()[3:]] == [["x", "1", "2"], ["y", "3", "4"]]
    assert "| x | 1 | 2 |" in to_markdown(grid)
    assert r"x & 1 & 2 \\" in to_latex(grid)


def coverage_row(crop: str, **more: Any) -> dict[str, Any]:
    labels = {"dataset": "metalpart", "preprocess": "none", "crop": crop, "crop_size": "128"}
    return {"images": 144, "empty_crops_share": 0.25, "inert": False, "smallest_defect": None, **more, **labels}


def test_coverage_has_strategies_as_columns_and_shares_in_percent() -> None:
    (table,) = coverage_document([coverage_row("uniform"), coverage_row("bias", extra=3)]).blocks
    rows = rows_of(table)
    assert header_of(table) == ("figure", "uniform", "bias")
    assert ("empty crops (no defect) [%]", "25.0", "25.0") in rows
    assert ("extra", "–", "3") in rows
    assert ("smallest defect [pixels]", "–", "–") in rows


def test_every_field_of_a_coverage_report_has_plain_words() -> None:
    fields = [SHARES.get(field.name, field.name) for field in dataclasses.fields(Coverage)]
    assert set(fields) == set(WORDS)
    (table,) = coverage_document([{**dict.fromkeys(fields, 0.5), "crop": "uniform"}]).blocks
    assert not any("_" in row[0] for row in rows_of(table))
    assert all("[%]" in WORDS[name] for name in SHARES.values())


def test_coverage_of_another_preprocessing_or_size_is_a_table_of_its_own() -> None:
    rows = [coverage_row("uniform"), {**coverage_row("uniform"), "preprocess": "stretch"}]
    rows.append({**coverage_row("uniform"), "crop_size": "64"})
    assert [table.title for table in coverage_document(rows).blocks] == [
        "Coverage, dataset metalpart, preprocess none, crop_size 128",
        "Coverage, dataset metalpart, preprocess stretch, crop_size 128",
        "Coverage, dataset metalpart, preprocess none, crop_size 64",
    ]


def test_rows_with_different_fields_share_one_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(rows_csv([{"a": 1, "b": {"c": 2}}, {"a": 3, "d": "x"}]))))
    assert rows == [{"a": "1", "b.c": "2", "d": ""}, {"a": "3", "b.c": "", "d": "x"}]


def test_show_names_axes_scores_keys_cost_and_provenance_of_a_cell() -> None:
    text = to_text(record(cell(), 0.5, 0.4, None, badges=["leaky"], inert=True))
    for part in ("[leaky]", "inert", CROPS[0], "E              > 30", cell().id, "31.2", "2.11.0", "97.0"):
        assert part in text
    assert re.search(r"f1 \[%\] +50\.0 +40\.0", text)
    assert max(map(len, text.splitlines())) <= 100


def test_show_prints_the_whole_reason_of_a_failure_without_terminal_codes() -> None:
    text = to_text(failed(cell(), "no memory\n  File x, line 3\n\x1b[31mboom"))
    assert "  no memory\n    File x, line 3\n  boom\n" in text


def test_show_takes_a_record_with_nothing_in_it() -> None:
    assert to_text({"id": "ab", "state": "done"}) == "ab: done\n"


def test_columns_of_text_are_set_left_and_columns_of_numbers_right() -> None:
    grid = Grid(
        "",
        ("row", "score", "interval", "ties", "front", "note", "seeds"),
        (
            ("one", "54.5±1.2", "[40.0, 51.2]", "a", "L T", "3 more", "2 of 3"),
            ("two", NOTHING, NOTHING, "ab", NOTHING, "none", "3"),
        ),
    )
    rule = to_markdown(grid).splitlines()[1]
    assert rule == "| --- | ---: | ---: | --- | --- | --- | ---: |"
    assert "{lrrlllr}" in to_latex(grid)


def test_a_column_without_a_value_is_set_like_numbers() -> None:
    assert to_markdown(Grid("", ("row", "score"), (("one", NOTHING),))).splitlines()[1] == "| --- | ---: |"
    assert to_markdown(Grid("", ("row", "score"), ())).splitlines()[1] == "| --- | ---: |"
