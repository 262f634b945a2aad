"""Boards of scores that pixels do not tell, and intervals that include the choice of the threshold, by replicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.record import Record, record_from
from bench.replicates import CellReplicates, Replicates
from bench.report.effects import effects
from bench.report.intervals_section import TITLE as OTHERS
from bench.report.measures import measure_of
from bench.report.order_section import TITLE
from bench.report.ranks import plain_order
from bench.report.retuned import retuned
from bench.report.shape import Leaderboard, Section
from bench.report.spread import Choice, Spread, spread_of
from bench.statistics.choices import choice_part, estimate_rechosen
from bench.statistics.estimates import Block, Estimate, estimate
from documents import to_text
from report_samples import CROPS, MODELS, FakeCell, board_of, cell, product_cells
from test_report_order import GROUPS, a_run

NAMES = tuple(f"part {number}" for number in range(GROUPS))
DRAWS = 50
HITS = 5
"""Defects of a group."""


def recall(found: np.ndarray) -> float:
    return float(found.sum() / (HITS * len(found)))


def replicated(
    cells: Sequence[FakeCell], *, better: Mapping[str, float], choice: float | None = None, draws: str = "same"
) -> dict[str, Record]:
    """Records that come with replicates of object recall and of false alarms; ``choice`` scatters with the draws."""
    rng = np.random.default_rng(1)
    records, ease, shared = {}, rng.uniform(0.3, 0.6, GROUPS), rng.normal(size=DRAWS)
    for id, stored in a_run(cells).items():
        crop = stored["axes"]["crop"]
        found = rng.binomial(HITS, np.clip(ease + better.get(crop, 0.0), 0, 1))
        alarms = rng.poisson(4 * (1 - ease - better.get(crop, 0.0)))
        scores = stored["scores"]["test"]
        scores |= {"object_recall": recall(found), "false_alarms": int(alarms.sum())}
        rechosen = {
            name: None if choice is None else scores[name] + choice * shared for name in ("object_recall", "f1")
        }
        counts = np.array(scores["image_counts"]["counts"], float)
        kept = {
            "object_recall": Replicates(recall(found), without(found, recall), rechosen["object_recall"]),
            "false_alarms": Replicates(float(alarms.sum()), without(alarms, np.sum)),
            "f1": Replicates(scores["f1"], without(counts, f1), rechosen["f1"]),
        }
        validation = None if choice is None else np.full(DRAWS, 0.5)
        record = record_from(stored, id)
        records[id] = record.with_replicates(CellReplicates("key", NAMES, kept, validation, draws))
    return records


def without(groups: np.ndarray, score: Any) -> np.ndarray:
    return np.array([score(np.delete(groups, number, axis=0)) for number in range(len(groups))], float)


def f1(counts: np.ndarray) -> float:
    tp, fp, fn, _ = counts.sum(axis=0)
    return float(2 * tp / (2 * tp + fp + fn))


def section(board: Leaderboard, title: str = TITLE) -> Section:
    return next(one for one in board.sections if one.title.startswith(title))


def rows(board: Leaderboard, title: str = TITLE) -> dict[str, Mapping[str, Any]]:
    return {value["row"]: value for value in section(board, title).values}


CELLS = product_cells(4, CROPS[:3], MODELS[:1])
BETTER = {CROPS[2]: 0.3}
OBJECTS = ("f1@validation", "object_recall@test", "f1@test")


def test_a_board_orders_by_object_recall_where_it_comes_first_with_letters_and_paired_differences() -> None:
    records = replicated(CELLS, better=BETTER)
    board = board_of(CELLS, records, values=OBJECTS)
    found = rows(board)
    assert section(board).title == f"{TITLE} by OR_T"
    assert {row: found[row]["tie"] for row in CROPS[:3]} == {CROPS[0]: "b", CROPS[1]: "b", CROPS[2]: "a"}
    kept = [[records[cell(crop, MODELS[0], seed).id].replicates for seed in range(4)] for crop in CROPS[:3]]
    scores = [[one.scores["object_recall"] for one in row if one] for row in kept]
    values = np.array([[one.value for one in row] for row in scores])
    jackknife = np.array([[one.without for one in row] for row in scores]).mean(axis=1)
    block = Block(values[:, None], jackknife[:, None])
    expected = estimate([block], [np.array([[-1.0], [0.0], [1.0]])])
    assert found[CROPS[2]]["difference"] == pytest.approx(expected.value)
    assert found[CROPS[2]]["difference_interval"] == pytest.approx(expected.interval())
    one = estimate([block], [np.array([[0.0], [1.0], [0.0]])])
    assert found[CROPS[1]]["interval"] == pytest.approx(one.share_interval())


def test_fewer_false_alarms_are_better_and_are_printed_as_amounts() -> None:
    board = board_of(CELLS, replicated(CELLS, better=BETTER), values=("false_alarms@test",))
    found = rows(board)
    assert found[CROPS[2]]["tie"] == "a"
    assert found[CROPS[0]]["tie"] == "b"
    assert found[CROPS[2]]["difference"] < 0
    assert 0 <= found[CROPS[2]]["interval"][0] <= found[CROPS[2]]["value"] <= found[CROPS[2]]["interval"][1]
    line = next(line for line in section(board).grids[0].rows if line[0] == CROPS[2])
    assert float(line[2].replace(",", "")) == pytest.approx(found[CROPS[2]]["value"], abs=0.5)
    assert "in points" not in " ".join(section(board).sentences)
    ranks = plain_order(board).sections[0].grids[0]
    assert [row[1].partition(" ")[0] for row in ranks.rows][2] == "1"


def test_without_replicates_the_order_is_by_the_next_value_and_says_so() -> None:
    stored = a_run(CELLS)
    board = board_of(CELLS, stored, values=OBJECTS)
    assert section(board).title == f"{TITLE} by F1_T"
    assert "Not ordered by OR_T: the records come without its replicates" in " ".join(section(board).sentences)
    assert not any(one.title == OTHERS for one in board.sections)


def test_replicates_of_another_value_or_of_other_groups_are_not_those_of_the_record() -> None:
    measure = measure_of("object_recall@test")
    record = next(iter(replicated(CELLS, better={}).values()))
    kept = record.replicates
    assert kept is not None
    assert spread_of(record, measure) is not None
    scores = {**record.plain_scores}
    scores["test"] = {**scores["test"], "object_recall": 0.123}
    assert spread_of(record.changed(scores=scores), measure) is None
    other = CellReplicates("key", NAMES[::-1], kept.scores)
    assert spread_of(record.with_replicates(other), measure) is None
    lost = {"object_recall": Replicates(kept.scores["object_recall"].value, np.full(GROUPS, np.nan))}
    assert spread_of(record.with_replicates(CellReplicates("key", NAMES, lost)), measure) is None


def test_the_other_test_values_have_intervals_in_a_section_of_their_own() -> None:
    records = replicated(CELLS, better=BETTER)
    board = board_of(CELLS, records, values=("f1@test", "object_recall@test", "false_alarms@test", "ap@test"))
    named = {(one["row"], one["measure"]): one for one in section(board, OTHERS).values}
    assert {measure for _, measure in named} == {"object_recall@test", "false_alarms@test"}
    first = board_of(CELLS, records, values=("object_recall@test",))
    for crop in CROPS[:3]:
        assert named[crop, "object_recall@test"]["interval"] == pytest.approx(rows(first)[crop]["interval"])
    assert "threshold" in " ".join(section(board, OTHERS).sentences)


def test_the_interval_with_the_choice_adds_the_variance_over_draws_and_stands_beside_the_other() -> None:
    held = rows(board_of(CELLS, replicated(CELLS, better=BETTER)))
    board = board_of(CELLS, replicated(CELLS, better=BETTER, choice=0.02))
    found = rows(board)
    for crop in CROPS[:3]:
        assert found[crop]["interval"] == pytest.approx(held[crop]["interval"])
        assert found[crop]["rechosen"][0] < found[crop]["interval"][0]
        assert found[crop]["rechosen"][1] > found[crop]["interval"][1]
        assert "rechosen" not in held[crop]
    assert found[CROPS[2]]["difference_rechosen"] == pytest.approx(found[CROPS[2]]["difference_interval"])
    assert section(board).grids[0].header[3:5] == ("interval", "threshold chosen anew")
    assert "Threshold chosen anew" in to_text(board)


def test_few_validation_groups_with_defects_are_told() -> None:
    stored = replicated(CELLS, better=BETTER, choice=0.02)
    assert "unreliable" not in " ".join(section(board_of(CELLS, stored)).sentences)
    for id, one in stored.items():
        scores = one.plain_scores
        kept = scores["validation"]["image_counts"]
        bare = [[0, 100, 0, 9900] if number > 2 else counts for number, counts in enumerate(kept["counts"])]
        changed = {**scores, "validation": {**scores["validation"], "image_counts": {**kept, "counts": bare}}}
        stored[id] = one.changed(scores=changed)
    told = " ".join(section(board_of(CELLS, stored)).sentences)
    assert "Threshold chosen anew: unreliable (3 validation groups with defects)." in told


def test_draws_of_other_validation_groups_are_not_paired() -> None:
    one = replicated(CELLS, better=BETTER, choice=0.02)
    two = replicated(CELLS, better=BETTER, choice=0.02, draws="others")
    mixed = {id: two[id] if CROPS[2] in id else record for id, record in one.items()}
    found = rows(board_of(CELLS, mixed))
    assert found[CROPS[2]]["rechosen"]
    assert "difference_rechosen" not in found[CROPS[2]]


def test_the_effect_of_an_axis_on_object_recall() -> None:
    cells = product_cells(4, CROPS[:3])
    records = replicated(cells, better=BETTER)
    found = effects(cells, records, "crop", metric="object_recall@test", reference=None, suite_name="x")
    assert {one.level: one.difference for one in found.levels}[CROPS[2]] == pytest.approx(0.3, abs=0.05)


def spread(value: float, validation: np.ndarray, rechosen: np.ndarray, draws: str = "same") -> Spread:
    return Spread(None, value, np.zeros(3), Choice(draws, rechosen, validation, 9))  # type: ignore[arg-type]


@given(seed=st.integers(0, 1000), trials=st.integers(1, 4), seeds=st.integers(1, 3))
def test_a_tuned_position_takes_the_trial_of_best_mean_validation_on_every_draw(
    seed: int, trials: int, seeds: int
) -> None:
    rng = np.random.default_rng(seed)
    validation, rechosen = rng.random((trials, seeds, 20)), rng.random((trials, seeds, 20))
    pairs = zip(validation, rechosen, strict=True)
    rows = [{str(s): spread(0.5, one[s], two[s]) for s in range(seeds)} for one, two in pairs]
    found = retuned(rows[0], rows[1:])
    assert found is not None
    for draw in range(20):
        best = max(range(trials), key=lambda trial: validation[trial, :, draw].mean())
        for s in range(seeds):
            choice = found[str(s)].choice
            assert choice is not None
            assert choice.rechosen[draw] == rechosen[best, s, draw]


def test_a_trial_of_which_nothing_is_known_leaves_the_choice_of_the_trial_out() -> None:
    known = {"0": spread(0.5, np.zeros(3), np.zeros(3))}
    unknown = {"0": Spread(None, 0.5, np.zeros(3))}  # type: ignore[arg-type]
    assert retuned(known, [unknown]) is None
    assert retuned(known, [{"0": spread(0.5, np.zeros(3), np.zeros(3), "others")}]) is None
    assert retuned(known, [{}]) is not None


@given(value=st.floats(0.01, 1e4), error=st.floats(0, 1e3), freedom=st.floats(1, 300))
def test_the_interval_of_an_amount_is_that_of_its_logarithm(value: float, error: float, freedom: float) -> None:
    low, high = Estimate(np.array(value), np.array(error), np.array(freedom)).amount_interval()
    assert 0 <= low <= value <= high
    half = stats.t.ppf(0.975, freedom) * error / value
    if half < 500:
        assert (low, high) == pytest.approx((value * np.exp(-half), value * np.exp(half)), rel=1e-6)


def test_an_amount_of_nothing_has_an_interval_of_nothing() -> None:
    assert Estimate(np.array(0.0), np.array(0.0), np.array(3.0)).amount_interval().tolist() == [0, 0]


def test_the_part_of_the_choice_is_the_variance_over_draws_and_cancels_where_both_sides_move_alike() -> None:
    rng = np.random.default_rng(0)
    rechosen = rng.random((2, 1, 200))
    block = Block(rng.random((2, 1, 3)), rng.random((2, 1, 9)), rechosen)
    weight = np.array([[1.0], [-1.0]])
    held, whole = estimate([block], [weight]), estimate_rechosen([block], [weight])
    assert whole is not None
    assert whole.error**2 - held.error**2 == pytest.approx((rechosen[0, 0] - rechosen[1, 0]).var(ddof=1))
    alike = Block(block.values, block.without, np.repeat(rechosen[:1], 2, axis=0))
    same = estimate_rechosen([alike], [weight])
    assert same is not None
    assert same.error == pytest.approx(held.error)
    assert choice_part(rechosen).variance.shape == (2, 1)
    assert estimate_rechosen([Block(block.values, block.without)], [weight]) is None
