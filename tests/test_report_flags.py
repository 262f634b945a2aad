"""Rows of which a board claims no order: trainings that collapse, seeds that fall apart, a group that decides alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from bench.report.shape import Leaderboard, Section
from bench.scores import F1
from bench.statistics.collapse import Share
from bench.statistics.estimates import mean_estimate
from documents import to_text
from report_samples import CROPS, MODELS, board_of, cell, product_cells
from test_report_order import BEST, GROUPS, a_run, effect, order_of, scored, sentences, values

SEEDS = 5
CELLS = product_cells(SEEDS, CROPS[:4], MODELS[:1])


def the_section(board: Leaderboard) -> Section:
    section = order_of(board)
    assert section is not None
    return section


def with_counts(records: Mapping[str, Any], crop: str, seed: int, counts: np.ndarray) -> dict[str, Any]:
    """The records, of which one training has other counts ``int[groups, 4]``."""
    of = cell(crop, MODELS[0], seed)
    changed = scored(of, np.full(len(counts), 0.5))
    f1 = float(F1.value(counts.sum(axis=0).astype(float)))
    for split in changed["scores"].values():
        split["image_counts"]["counts"] = counts.tolist()
        split["f1"] = f1
    return {**records, of.id: changed}


def counts_in(records: Mapping[str, Any], crop: str, seed: int) -> np.ndarray:
    return np.array(records[cell(crop, MODELS[0], seed).id]["scores"]["test"]["image_counts"]["counts"])


def with_collapsed(records: Mapping[str, Any], crop: str, seeds: Sequence[int]) -> dict[str, Any]:
    """The records, of which some trainings call every pixel a defect."""
    changed = dict(records)
    for seed in seeds:
        true, false, missed, clean = counts_in(records, crop, seed).T
        everything = np.stack([true + missed, false + clean, 0 * true, 0 * true], axis=1)
        changed = with_counts(changed, crop, seed, everything)
    return changed


def test_where_nothing_is_wrong_no_flag_is_up_and_nothing_is_said_of_collapse() -> None:
    board = board_of(CELLS, a_run(CELLS))
    assert not any("flag" in value or "collapsed" in value for value in values(board).values())
    assert len(the_section(board).grids) == 1
    assert "no order claimed" not in sentences(board)
    assert "Where none of 5 did, up to 52.2 % of all may" in sentences(board)


def test_a_row_with_a_collapsed_training_has_no_letter_and_no_p_and_the_others_keep_theirs() -> None:
    records = a_run(CELLS)
    before, board = (values(board_of(CELLS, some)) for some in (records, with_collapsed(records, CROPS[1], [2])))
    assert (board[CROPS[1]]["tie"], board[CROPS[1]]["p"]) == ("", None)
    for row in (CROPS[0], BEST, CROPS[3]):
        assert board[row]["tie"] == before[row]["tie"] != ""
    assert (board[BEST]["difference"], board[BEST]["p"] < 0.05) == (before[BEST]["difference"], True)


def test_the_collapsed_are_counted_and_the_figures_are_of_the_others() -> None:
    records = with_collapsed(a_run(CELLS), CROPS[1], [2, 4])
    board = board_of(CELLS, records)
    row = values(board)[CROPS[1]]
    rest = mean_estimate(np.stack([counts_in(records, CROPS[1], seed) for seed in (0, 1, 3)]).astype(float), F1)
    assert (row["seeds"], row["trainings"], row["collapsed"]) == (3, 5, 2)
    assert row["value"] == pytest.approx(float(rest.value))
    assert row["interval"] == pytest.approx(tuple(rest.share_interval()))
    assert row["collapsed_interval"] == pytest.approx(Share(2, 5).interval())
    said = f"no order claimed for {CROPS[1]}: 2 of 5 trainings collapsed (seeds 2, 4), a share of 40.0 % [5.3, 85.3]"
    assert said in sentences(board)
    assert the_section(board).grids[1].rows[1] == (CROPS[1], "5", "2", "40.0", "[5.3, 85.3]", "1.000")
    assert said in " ".join(to_text(board).split())
    assert "(its figures here are of the others)" in sentences(board)


def test_no_difference_to_a_flagged_reference_has_a_p_but_every_one_has_an_interval() -> None:
    records = with_collapsed(a_run(CELLS), CROPS[0], [0])
    rows = values(board_of(CELLS, records))
    rest = np.mean([F1.value(counts_in(records, CROPS[0], seed).sum(axis=0).astype(float)) for seed in (1, 2, 3, 4)])
    assert all(rows[row]["p"] is None for row in rows)
    assert rows[BEST]["difference"] == pytest.approx(rows[BEST]["value"] - rest)
    assert rows[BEST]["difference_interval"][0] > 0
    assert (rows[CROPS[0]]["tie"], rows[BEST]["tie"]) == ("", "a")


def test_a_training_that_stands_alone_has_no_interval() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:1])
    board = board_of(cells, with_collapsed(a_run(cells), CROPS[1], [0, 2]))
    row = values(board)[CROPS[1]]
    assert (row["seeds"], row["interval"], row["difference_interval"]) == (1, None, None)
    assert row["difference"] == pytest.approx(row["value"] - values(board)[CROPS[0]]["value"])
    assert "(its figure here is of the other one)" in sentences(board)


def test_a_row_whose_trainings_all_collapse_keeps_its_figures_and_differs_in_its_share() -> None:
    cells = product_cells(8, CROPS[:3], MODELS[:1])
    board = board_of(cells, with_collapsed(a_run(cells), CROPS[1], range(8)))
    row = values(board)[CROPS[1]]
    assert (row["seeds"], row["tie"], row["collapsed"]) == (8, "", 8)
    assert (row["value"] < 0.2, row["interval"], row["difference_interval"]) == (True, None, None)
    assert row["collapsed_p"] < 0.05
    assert values(board)[BEST]["tie"] == "a"


def test_seeds_that_fall_apart_are_flagged_and_their_scores_named() -> None:
    records = a_run(CELLS)
    for seed in (1, 3):
        counts = counts_in(records, CROPS[1], seed)
        lost = counts[:, 0] // 2
        records = with_counts(records, CROPS[1], seed, counts + np.outer(lost, [-1, 0, 1, 0]))
    board = board_of(CELLS, records)
    row = values(board)[CROPS[1]]
    assert (row["tie"], row["p"], row["seeds"]) == ("", None, SEEDS)
    assert "seeds fall apart" in row["flag"]
    assert row["difference"] == pytest.approx(row["value"] - values(board)[CROPS[0]]["value"])
    assert f"no order claimed for {CROPS[1]}: its seeds fall apart (F1 " in sentences(board)


def test_a_group_that_decides_alone_is_flagged_and_named() -> None:
    records = a_run(CELLS)
    for seed in range(SEEDS):
        counts = counts_in(records, CROPS[1], seed)
        counts[7] = [0, 30_000, 0, 0]
        records = with_counts(records, CROPS[1], seed, counts)
    board = board_of(CELLS, records)
    assert values(board)[CROPS[1]]["tie"] == ""
    assert "group 'part 7' alone carries" in values(board)[CROPS[1]]["flag"]


def test_rows_that_are_data_sets_are_looked_at_one_by_one() -> None:
    cells = [cell(seed=seed, axes={"dataset": name}) for name in ("mtd", "dagm") for seed in range(SEEDS)]
    records = a_run(cells)
    low = np.random.default_rng(0).uniform(0.13, 0.15, (SEEDS, GROUPS))
    records |= {one.id: scored(one, hits) for one, hits in zip(cells[SEEDS:], low, strict=True)}
    rows = values(board_of(cells, records, rows="dataset"))
    assert rows["dagm"]["value"] < 0.3 < rows["mtd"]["value"]
    assert not any("flag" in row for row in rows.values())


def test_a_row_of_two_seeds_carries_no_flag() -> None:
    cells = product_cells(2, CROPS[:3], MODELS[:1])
    board = board_of(cells, with_collapsed(a_run(cells), CROPS[1], [0]))
    assert not any("flag" in value or "collapsed" in value for value in values(board).values())


def test_ties_and_p_of_a_column_never_disagree() -> None:
    cells = product_cells(3, CROPS, MODELS[:1])
    for shift in np.linspace(0.01, 0.08, 8):
        rows = values(board_of(cells, a_run(cells, better={BEST: float(shift)})))
        for name, row in rows.items():
            if row["p"] is not None:
                assert (row["p"] < 0.05) == (not set(row["tie"]) & set(rows[CROPS[0]]["tie"])), name


def test_a_level_is_flagged_where_a_training_collapses_in_any_combination() -> None:
    cells = product_cells(SEEDS, CROPS[:4], MODELS[:2])
    records = a_run(cells)
    before, after = (effect(cells, some) for some in (records, with_collapsed(records, CROPS[1], [2])))
    clean, marked = ({line.level: line for line in found.levels} for found in (before, after))
    assert clean[CROPS[1]].tie == "b"
    assert (marked[CROPS[1]].tie, marked[CROPS[1]].p) == ("", None)
    assert marked[BEST] == clean[BEST]
    assert [line.p is None for line in after.interactions] == [line.level == CROPS[1] for line in after.interactions]
    assert any(f"No order claimed for {CROPS[1]}: 1 of 5 trainings collapsed" in told for told in after.remarks)


def test_no_order_is_claimed_of_a_mean_over_folds_whose_training_sets_overlap() -> None:
    cells = [
        cell(crop, MODELS[0], seed, axes={"protocol.split": f"fold {fold}"})
        for crop, fold, seed in product(CROPS[:3], range(3), range(SEEDS))
    ]
    records = a_run(cells)
    for one in cells:
        counts = records[one.id]["scores"]["test"]["image_counts"]
        counts["ids"] = counts["groups"] = [f"{one.labels['protocol.split']} {id}" for id in counts["ids"]]
    found = effect(cells, records)
    assert found.combinations == 3
    assert all(line.p is None and line.tie == "" for line in found.levels)
    assert all(line.p is None for line in found.interactions)
    assert any("3 splits, whose training sets overlap" in told for told in found.remarks)
    alone = [one for one in cells if one.labels["protocol.split"] == "fold 1"]
    assert any(line.tie for line in effect(alone, records).levels)
    of_one_seed = effect([one for one in cells if one.labels["seed"] == "0"], records)
    assert all((line.interval, line.difference_interval) == (None, None) for line in of_one_seed.levels)


def test_the_best_of_a_fold_stands_beside_the_floor_and_the_baselines_of_its_own_images() -> None:
    folds = [f"fold {number}" for number in range(2)]
    cells = [cell(CROPS[0], MODELS[0], 0, axes={"protocol.split": fold}) for fold in folds]
    otsu = [cell(model="otsu", included=True, axes={"protocol.split": fold}) for fold in folds]
    hits = {cells[0].id: 0.3, cells[1].id: 0.6, otsu[0].id: 0.05, otsu[1].id: 0.4}
    records = {}
    for one in (*cells, *otsu):
        records[one.id] = {**scored(one, np.full(GROUPS, hits[one.id])), **({"parameters": 0} if one in otsu else {})}
        test = records[one.id]["scores"]["test"]
        test["f1_interval"] = [test["f1"] - 0.05, test["f1"] + 0.05]
    board = board_of([*cells, *otsu], records)
    assert [standing.dataset for standing in board.standings] == ["metalpart, fold 0", "metalpart, fold 1"]
    for standing, low in zip(board.standings, otsu, strict=True):
        (line,) = standing.baselines
        assert line.f1_test == records[low.id]["scores"]["test"]["f1"]
        assert any("lies above those of all baselines" in text for text in standing.sentences)
    (above,) = (section for section in board.sections if section.title == "Above the baselines")
    assert [value["above"] for value in above.values] == [True, True]


def test_folds_are_tables_of_their_own_and_as_rows_they_have_no_order() -> None:
    cells = [
        cell(CROPS[0], MODELS[0], seed, axes={"protocol.split": f"fold {fold}"})
        for fold, seed in product(range(3), range(SEEDS))
    ]
    records = a_run(cells)
    for one in cells:
        counts = records[one.id]["scores"]["test"]["image_counts"]
        counts["ids"] = [f"{one.labels['protocol.split']} {id}" for id in counts["ids"]]
    assert len(board_of(cells, records).tables) == 3
    board = board_of(cells, records, rows="protocol.split")
    assert "not scored on the same images" in sentences(board)
    assert not any(value["tie"] for value in values(board).values())


def with_baseline(records: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The cells of the column and a model with nothing to fit, far below them."""
    otsu = cell(model="otsu", included=True)
    made = {**scored(otsu, np.full(GROUPS, 0.05)), "parameters": 0}
    made["scores"]["test"]["f1_interval"] = [0.01, 0.05]
    return [*CELLS, otsu], {**records, otsu.id: made}


def test_the_best_position_has_the_figures_of_its_trainings_that_did_not_collapse() -> None:
    records = with_collapsed(a_run(CELLS, better={BEST: 0.5}), BEST, [2])
    best = board_of(*with_baseline(records)).standings[0].best
    rest = np.stack([counts_in(records, BEST, seed) for seed in (0, 1, 3, 4)]).astype(float)
    assert best is not None
    assert "mean of the 4 of 5 seeds that did not collapse" in best.name
    assert best.interval == pytest.approx(tuple(mean_estimate(rest, F1).share_interval()))
    assert best.f1_test == pytest.approx(float(mean_estimate(rest, F1).value))
    assert best.interval_note == f"over 4 seeds and {GROUPS} groups"


def test_a_position_is_the_best_by_all_of_its_trainings() -> None:
    gone = with_collapsed(a_run(CELLS), BEST, [0, 1, 2])
    best = board_of(*with_baseline(gone)).standings[0].best
    assert best is not None
    assert BEST not in best.name


def test_a_position_lies_above_the_baselines_by_its_trainings_that_did_not_collapse() -> None:
    whole, less = a_run(CELLS), with_collapsed(a_run(CELLS), CROPS[1], [2])
    lows = []
    for records in (whole, less):
        board = board_of(*with_baseline(records))
        (found,) = (one for one in board.sections if one.title == "Above the baselines")
        lows.append({value["row"]: value["low"] for value in found.values})
    rest = np.stack([counts_in(less, CROPS[1], seed) for seed in (0, 1, 3, 4)]).astype(float)
    assert lows[1][CROPS[1]] == pytest.approx(mean_estimate(rest, F1).share_interval()[0])
    assert lows[0] | {CROPS[1]: lows[1][CROPS[1]]} == lows[1]


def test_a_mean_over_trainings_one_of_which_collapsed_has_no_interval_in_an_effect() -> None:
    cells = product_cells(SEEDS, CROPS[:4], MODELS[:2])
    found = effect(cells, with_collapsed(a_run(cells), CROPS[1], [2]))
    assert [line.interval is None for line in found.levels] == [line.level == CROPS[1] for line in found.levels]
    for line in found.interactions:
        assert (line.difference_interval is None) == (line.deviation_interval is None) == (line.level == CROPS[1])
    to_it = effect(cells, with_collapsed(a_run(cells), CROPS[1], [2]), reference=CROPS[1])
    assert all(line.difference_interval is None for line in to_it.levels)
    assert any("the error of the mean over all is not known" in told for told in found.remarks)
    assert "–" in to_text(found)
