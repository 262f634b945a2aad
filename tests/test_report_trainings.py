"""Rows that are the same trainings, tested in two ways, are compared training by training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.report.effects import effects
from bench.report.spread import Spread, block_of
from report_samples import CROPS, MODELS, FakeCell, board_of, product_cells, typed
from test_claims import verdict
from test_report_order import GROUPS, entries, scored

ROWS = CROPS[:2]
"""In place of two ways of testing: a row's labels do not say whose trainings it is of."""
CLAIM = f"\n  - {{better: {{crop: {ROWS[1]}}}, than: {{crop: {ROWS[0]}}}}}\n"


def gains(seeds: int) -> np.ndarray:
    """By how much the second way of testing a training is better: alike in all of them."""
    return np.linspace(0.018, 0.022, seeds)


def shown(cells: Sequence[FakeCell], *, shared: bool) -> dict[str, Any]:
    """Records of trainings that differ by much, with groups that are alike in all; a training's two rows by little."""
    seeds = len({one.labels["seed"] for one in cells})
    of_seeds = np.linspace(0.4, 0.6, seeds)
    records = {}
    for one in cells:
        seed = int(one.labels["seed"])
        found = scored(one, np.full(GROUPS, of_seeds[seed] + gains(seeds)[seed] * (one.labels["crop"] == ROWS[1])))
        key = f"training {seed}" if shared else one.id
        records[one.id] = {**found, "keys": {"train": key}}
    return records


def f1(records: Mapping[str, Any], cells: Sequence[FakeCell], row: str) -> list[float]:
    return [records[one.id]["scores"]["test"]["f1"] for one in cells if one.labels["crop"] == row]


@pytest.mark.parametrize("shared", [True, False])
def test_an_effect_is_that_of_a_paired_test_where_trainings_are_shared_and_of_welchs_where_not(shared: bool) -> None:
    cells = product_cells(5, ROWS, MODELS[:1])
    records = shown(cells, shared=shared)
    sides = f1(records, cells, ROWS[1]), f1(records, cells, ROWS[0])
    test = stats.ttest_rel(*sides) if shared else stats.ttest_ind(*sides, equal_var=False)
    _, line = effects(cells, typed(records), "crop", metric="f1@test", reference=None, suite_name="x").levels
    assert line.difference_interval == pytest.approx(tuple(test.confidence_interval()))
    assert line.p == pytest.approx(test.pvalue)
    assert (line.p < 0.001) == shared


def test_the_letters_of_a_board_and_its_power_follow_the_trainings() -> None:
    cells = product_cells(5, ROWS, MODELS[:1])
    boards = [board_of(cells, shown(cells, shared=shared)) for shared in (True, False)]
    ties = [[entry.figures[1].tie for entry in entries(board)] for board in boards]
    assert ties == [["b", "a"], ["a", "a"]]


def test_a_claim_on_the_same_trainings_is_decided_by_fewer_seeds(tmp_path: Path) -> None:
    cells = product_cells(5, ROWS, MODELS[:1])
    paired, alone = (
        verdict(tmp_path, CLAIM, cells=cells, records=shown(cells, shared=shared)) for shared in (True, False)
    )
    assert (paired.outcome, alone.outcome) == ("holds", "not decided")
    assert paired.seeds_wanted is not None
    assert paired.seeds_wanted <= 5
    assert alone.seeds_wanted is None or alone.seeds_wanted > 50


def of_trainings(*keys: str | None) -> list[Spread]:
    return [Spread(None, 0.5, np.zeros(3), training=key) for key in keys]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trainings", "expected"),
    [
        (["a", "b", "c", "d", "e", "f"], (0, 1, 2)),
        ([None] * 6, (0, 1, 2)),
        (["a", "b", "c", "d", "a", "b"], (0, 1, 0)),
        (["a", "b", "c", "b", "c", "d"], (0, 0, 0)),  # the first is tied to the last by the second
        (["a", "b", "b", "a", "c", "d"], (0, 1, 2)),  # in common, but in other seeds
    ],
)
def test_levels_are_tied_by_a_training_of_the_same_seed(trainings: list[str | None], expected: tuple[int, ...]) -> None:
    """Three levels with two seeds each."""
    assert block_of(of_trainings(*trainings), levels=3).trainings == expected


def test_levels_are_tied_by_a_training_of_any_context() -> None:
    """Two levels in two contexts with two seeds."""
    apart, tied = ["a", "b", "c", "d", "e", "f", "g", "h"], ["a", "b", "c", "d", "e", "f", "c", "h"]
    assert block_of(of_trainings(*apart), levels=2, contexts=2).trainings == (0, 1)
    assert block_of(of_trainings(*tied), levels=2, contexts=2).trainings == (0, 0)
