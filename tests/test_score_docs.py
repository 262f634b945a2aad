"""Names of scores: what a board may show, and that the page on scores explains each as its row does.

``python tests/test_score_docs.py`` writes the tables of the page anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.scores import POINTS, SCORES, Score, Table, named, rows_of
from bench.suite.reading.rules import value_mistake

PATH = Path(__file__).resolve().parent.parent / "docs" / "scores.md"
TABLES: list[Table] = ["split", "tolerance", "types", "sizes", "operating"]
UNITS = {"share": "0..1", "threshold": "0..1", "count": "count", "number": "0.."}


def line(row: Score) -> str:
    """One row of a table of the page."""
    under = "; under `classes: each` only" if row.each else ""
    of = f"`{row.mean_of}` of types" if row.mean_of else row.of
    better = row.better or ""
    name = f"{row.table}.{row.name}" if row.table == "tolerance" else row.name
    return f"| `{name}` | {of} | {UNITS[row.unit]} | {better} | {row.meaning}{under} |"


def table_of(table: Table) -> str:
    """The rows of a table, as they stand between its two marks on the page."""
    head = ["| name | of | range | better | meaning |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *(line(row) for row in rows_of(table) if row.unit != "entry")])


def written(page: str) -> str:
    """The page with its tables as the rows say."""
    for table in TABLES:
        between = f"<!-- {table} -->\n{table_of(table)}\n<!-- end -->"
        page = re.sub(rf"<!-- {table} -->\n.*?<!-- end -->", lambda _, text=between: text, page, flags=re.DOTALL)
    return page


def test_the_tables_of_the_page_are_the_rows_of_the_scores() -> None:
    page = PATH.read_text(encoding="utf-8")
    assert all(f"<!-- {table} -->" in page for table in TABLES)
    assert page == written(page), "run: python tests/test_score_docs.py"


@pytest.mark.parametrize("name", [*POINTS, *(row.name for row in rows_of("cell"))])
def test_what_else_a_board_may_show_is_explained(name: str) -> None:
    assert f"`{name}`" in PATH.read_text(encoding="utf-8")


def test_scores_of_one_name_have_one_unit_and_one_better_end_so_that_a_name_tells_how_to_print_them() -> None:
    for row in SCORES:
        first = named(row.name)
        assert first is not None
        assert (first.unit, first.better, first.needs_defect) == (row.unit, row.better, row.needs_defect), row.name


@pytest.mark.parametrize(
    "value",
    ["sizes.q1.recall@test", "types.a.b.f1_own@test", "operating.recall_80.precision@validation", "macro_f1@test"],
)
def test_a_board_may_show_scores_of_a_part_of_the_defects(value: str) -> None:
    assert value_mistake(value, ()) is None


@pytest.mark.parametrize(
    "value",
    ["sizes.q5.recall@test", "types.recall@test", "operating.recall_77.f1@test", "sizes.q1.groups@test", "sizes@test"],
)
def test_a_part_that_is_not_scored_is_a_mistake(value: str) -> None:
    assert "unknown score" in (value_mistake(value, ()) or "")


if __name__ == "__main__":
    PATH.write_text(written(PATH.read_text(encoding="utf-8")), encoding="utf-8")
