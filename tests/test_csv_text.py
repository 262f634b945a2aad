"""Text in CSV: one line to a row, no formulas for a spreadsheet, and the same text when it is read again."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.canonical import printable
from bench.render.data import defused, rows_csv, undefused
from bench.runs.folder import read_side

NASTY = st.text(st.sampled_from("'=+-@\t\r\n\x1b\x00,\";a1 \u2028"), max_size=8)


@given(NASTY | st.text(max_size=8))
def test_text_comes_back_with_what_cannot_be_printed_as_escapes(text: str) -> None:
    told = defused(text)
    assert isinstance(told, str)
    assert undefused(told) == printable(text)


@given(NASTY)
def test_no_cell_begins_as_a_formula_does_unless_it_is_a_number(text: str) -> None:
    told = str(defused(text))
    if told[:1] in set("=+-@\t\r") - {""}:
        float(told)


@given(st.lists(st.dictionaries(NASTY, NASTY | st.floats() | st.none(), min_size=1), min_size=1, max_size=5))
def test_every_row_is_one_line(rows: list[dict[str, str | float | None]]) -> None:
    text = rows_csv(rows)
    assert len(text.splitlines()) == len(rows) + 1
    assert len(list(csv.reader(io.StringIO(text, newline="")))) == len(rows) + 1


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("-0.5", "-0.5"),
        (-0.5, -0.5),
        ("a\rb", "a\\rb"),
        ("'tis", "'tis"),
    ],
)
def test_formulas_begin_with_an_apostrophe_and_numbers_do_not(value: str | float, told: str | float) -> None:
    assert defused(value) == told


def test_a_leaderboard_in_csv_is_read_with_the_labels_that_were_written(tmp_path: Path) -> None:
    row = {"id": "a", "crop": "=cmd", "model": "'=x", "-odd": "-1", "state": "failed", "reason": "@home"}
    path = tmp_path / "leaderboard.csv"
    path.write_text(rows_csv([row]))
    (cell,) = read_side(path).cells.values()
    assert cell.labels == {"crop": "=cmd", "model": "'=x", "-odd": "-1"}
