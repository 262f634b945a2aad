"""The verdict of a page: what is the best, what is no worse and cheaper, and what forbids to deploy it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bench.page.deploy import to_deploy
from bench.page.run import PageRun
from bench.report import above
from bench.report.shape import Baseline, Leaderboard, Section
from bench.suite.resolved import Suite
from report_samples import FakeCell, board_of, by_id, cell, record, typed

ROWS = ("plain", "bias", "wide")
SEEDS = (0, 1, 2)


def cells_of(seeds: tuple[int, ...] = SEEDS) -> list[FakeCell]:
    return [cell(crop=row, model="U-Net", seed=seed) for row in ROWS for seed in seeds]


def said(
    seeds: tuple[int, ...] = SEEDS,
    *,
    ties: Mapping[str, str] | None = None,
    is_above: bool = True,
    more: Mapping[str, Any] | None = None,
    parameters: Mapping[str, int] | None = None,
    badges: tuple[str, ...] = (),
    epoch: int | None = 20,
) -> list[str]:
    """The verdict on a board of three rows, of which the second is best on validation."""
    scores = dict(zip(ROWS, ((0.40, 0.41), (0.60, 0.58), (0.55, 0.59)), strict=True))
    cells = cells_of(seeds)
    made = {}
    for one in cells:
        row = one.labels["crop"]
        stored = record(one, *scores[row], epoch=epoch, parameters=(parameters or {}).get(row, 1_000_000))
        stored["scores"]["test"] |= more or {}
        made[one.id] = {**stored, "badges": list(badges)}
    board = board_of(cells, by_id(*made.values()))
    board = with_baseline(with_ties(board, ties or {}), is_above=is_above)
    run = PageRun("made", Path("made"), cast(Suite, None), typed(made), board, {})
    return [told.text for told in to_deploy(run)]


def with_ties(board: Leaderboard, ties: Mapping[str, str]) -> Leaderboard:
    """The board with letters by F1 on test."""
    number = [one.name for one in board.measures].index("f1@test")
    tables = tuple(
        table.changed(
            lambda entry: entry.with_figure(number, replace(entry.figures[number], tie=ties.get(entry.row, "")))
        )
        for table in board.tables
    )
    return replace(board, tables=tables)


def with_baseline(board: Leaderboard, *, is_above: bool) -> Leaderboard:
    """The board with a model that has nothing to fit, above which all positions lie, or none."""
    line = Baseline("otsu", "done", None, 0.2, 0.2, (0.1, 0.3))
    standings = tuple(replace(one, baselines=(line,)) for one in board.standings)
    values = tuple(
        {"table": {}, "column": entry.column, "row": entry.row, "low": 0.3, "above": is_above}
        for table in board.tables
        for row in table.entries
        for entry in row
    )
    section = Section(above.TITLE, (), (), values, "real")
    return replace(board, standings=standings, sections=(*board.sections, section) if is_above else board.sections)


def test_the_best_by_validation_is_named_whatever_test_says() -> None:
    first = said()[0]
    assert first.startswith("Deploy bias / U-Net: F1 60.0 % on validation, 58.0 % on test.")


def test_a_data_set_without_baselines_is_not_held_against_its_best_position() -> None:
    cells = cells_of()
    made = by_id(*(record(one, 0.5, 0.5) for one in cells))
    run = PageRun("made", Path("made"), cast(Suite, None), typed(made), board_of(cells, made), {})
    first, *others = [told.text for told in to_deploy(run)]
    assert first.startswith("Deploy plain / U-Net")
    assert not any("nothing to fit" in text for text in others)


def test_what_it_does_to_parts_follows() -> None:
    told = said(more={"clean_images_with_alarm": 0.1})
    assert any("finds 70.0 % of the defects" in text and "10.0 % of such images have one" in text for text in told)
    assert any("0.410, 0.410, 0.410" in text for text in told)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"is_above": False}, "not shown to be better than a model with nothing to fit"),
        ({"badges": ("leaky",)}, "the badge [leaky]"),
        ({"more": {"clean_images_with_alarm": 0.6}}, "more images without a defect raise an alarm than pass"),
    ],
)
def test_nothing_is_recommended_that_a_careful_engineer_would_not_deploy(changed: dict[str, Any], reason: str) -> None:
    told = said(**changed)
    assert told[0].startswith("Deploy nothing yet. Best so far is bias / U-Net")
    assert any(text.startswith("What speaks against it: ") and reason in text for text in told)


def test_a_row_that_shares_its_letter_and_is_smaller_is_named() -> None:
    told = said(ties={"plain": "b", "bias": "a", "wide": "a"}, parameters={"wide": 500_000, "plain": 100_000})
    (cheaper,) = [text for text in told if "is cheaper" in text]
    assert cheaper.startswith("wide / U-Net cannot be told apart from it and is cheaper: 0.5 against 1 million")


def test_a_row_that_is_smaller_and_worse_is_not_named() -> None:
    assert not any("is cheaper" in text for text in said(ties={"plain": "b", "bias": "a", "wide": "c"}))


def test_rows_that_cannot_be_told_apart_few_seeds_and_early_ends_speak_against_it() -> None:
    assert any("no other row of U-Net can be told apart" in text for text in said(ties=dict.fromkeys(ROWS, "a")))
    assert any("1 training cannot tell how much another one would differ" in text for text in said((0,)))
    assert any("3 of 3 trainings had not converged" in text for text in said(epoch=None))
    assert not any("What speaks against it" in text for text in said())
