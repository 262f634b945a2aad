"""Names of scores: what a board may show, and that the page on scores explains each."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.suite import schema
from bench.suite.reading.sections import value_mistake

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "scores.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", sorted({*schema.SCORES, *schema.OF_A_TYPE, *schema.OF_A_SIZE, *schema.OF_A_POINT, *schema.POINTS})
)
def test_a_score_that_a_board_may_show_is_explained(name: str) -> None:
    assert f"`{name}`" in PAGE


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
