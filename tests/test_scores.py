"""A score is declared once: what is added to the rows is found wherever scores are listed, and no other list exists."""

from __future__ import annotations

import ast
import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import test_score_docs
from bench import scores
from bench.record import record_from
from bench.report.board import Leaderboard
from bench.report.compare import compare
from bench.report.measures import measure_of
from bench.report.undefined import shown
from bench.score.metrics import bench_metrics
from bench.score.operating import operating
from bench.score.ranges import believed
from bench.score.summary import Choices, Whole, choices_of, summarise
from bench.score.thresholds import choose_threshold
from bench.scores import Ratio, Score, rows_of
from bench.suite.reading.rules import value_mistake
from documents import board_in, to_text
from report_samples import board_of, by_id, cell, record, side_of
from score_worlds import observed, world

BENCH = Path(__file__).resolve().parent.parent / "bench"

LISTED_ELSEWHERE = {
    "cli/score.py": "the three that are shown where none is asked for",
    "pictures/curves.py": "the curves of one drawing, each with its colour",
    "testing/observers.py": "scores of a record that is made up",
    "score/thresholds.py": "what that drawing is made from",
}
"""Files that may name several scores in one list, and what list that is."""

SPECIFICITY = Score(
    "specificity",
    "pixels",
    "Pooled specificity: TN / (TN + FP)",
    symbol="TNR",
    words="specificity",
    metric=Ratio((0, 0, 0, 1), (0, 1, 0, 1)),
    needs_defect=False,
)
MISS_RATE = Score("miss_rate", "objects", "missed / all defects", better="lower", symbol="MR", words="defects missed")


def scored(seed: int) -> dict[str, Any]:
    masks, predictions = world(seed, images=6)
    evidence = observed(masks, predictions)
    threshold = choose_threshold(evidence)
    return summarise(evidence, threshold, found=0.1, also=choices_of(evidence, each=True))


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scores more: one that follows from pixel counts, and one that has a function of its own."""
    monkeypatch.setattr(scores, "SCORES", (*scores.SCORES, SPECIFICITY, MISS_RATE))
    monkeypatch.setattr(Whole, "miss_rate", property(lambda split: 1 - split.object_recall), raising=False)


@pytest.fixture
def filed(added: None) -> dict[str, Any]:
    """A record with the scores of made-up evidence."""
    return record(cell(), 0.5, 0.5, scores={"validation": scored(1), "test": scored(2)})


@pytest.fixture
def board(filed: dict[str, Any]) -> Leaderboard:
    return board_of([cell()], by_id(filed), values=("f1@validation", "specificity@test", "miss_rate@test"))


@pytest.mark.usefixtures("added")
def test_an_added_score_stands_in_the_summary_of_a_split() -> None:
    summary = scored(1)
    assert summary["miss_rate"] == 1 - summary["object_recall"]
    counts = np.sum(summary["image_counts"]["counts"], axis=0)
    assert summary["specificity"] == counts[3] / (counts[3] + counts[1])


@pytest.mark.usefixtures("added")
def test_an_added_score_may_be_asked_of_a_board_and_is_offered_where_a_name_is_mistaken() -> None:
    assert value_mistake("miss_rate@test", ()) is None
    assert "Did you mean 'miss_rate'?" in (value_mistake("mis_rate@test", ()) or "")


@pytest.mark.parametrize("form", ["text", "markdown", "latex"])
def test_an_added_score_heads_a_column_of_a_board_in_percent(board: Leaderboard, form: str) -> None:
    text = board_in(form, board).replace(r"$_{T}$", "_T").replace(r"\%", "%").replace(r"\_", "_")
    assert "TNR_T" in text
    assert "MR_T" in text
    assert f"{100 * scored(2)['miss_rate']:.1f}" in text
    assert form != "latex" or "test defects missed (MR_T)" in text


def test_an_added_score_stands_in_the_tables_for_programs(board: Leaderboard) -> None:
    rows = list(csv.DictReader(io.StringIO(board_in("csv", board))))
    assert any(float(value) == scored(2)["miss_rate"] for name, value in rows[0].items() if "miss_rate" in name)
    assert "miss_rate@test" in json.dumps(json.loads(board_in("json", board)))


def test_the_better_end_of_an_added_score_is_its_rows(board: Leaderboard) -> None:
    assert [measure.better for measure in board.measures] == ["higher", "higher", "lower"]


def test_an_added_score_is_among_all_that_is_known_of_a_cell(filed: dict[str, Any]) -> None:
    assert "miss rate [%]" in to_text(filed)
    assert "specificity [%]" in to_text(filed)


def test_two_runs_are_compared_by_an_added_score_with_an_interval_where_it_follows_from_counts(
    filed: dict[str, Any],
) -> None:
    other = {**filed, "scores": {"validation": scored(1), "test": {**scored(2), "miss_rate": 0.0}}}
    measures = [measure_of("specificity@test"), measure_of("miss_rate@test")]
    found = compare(side_of("a", by_id(filed)), side_of("b", by_id(other)), measures).cells[0].differences
    assert [one.value for one in found] == [0, -filed["scores"]["test"]["miss_rate"]]
    assert [one.interval is None for one in found] == [False, True]


@pytest.mark.usefixtures("added")
def test_an_added_score_that_cannot_be_is_an_alarm_and_no_number() -> None:
    checked, alarms = believed({"miss_rate": 1.5})
    assert checked == {"miss_rate": None}
    assert "miss_rate is 1.5" in alarms[0]


def test_an_added_score_that_needs_a_defect_is_absent_without_one(filed: dict[str, Any]) -> None:
    filed["scores"]["test"]["positive_share"] = 0.0
    test = shown(record_from(filed, "r")).of_split("test")
    assert test["miss_rate"] is None
    assert test["specificity"] is not None


@pytest.mark.usefixtures("added")
def test_an_added_score_of_pixel_counts_is_offered_as_a_metric() -> None:
    offered = {component.name: component for component in bench_metrics()}
    assert offered["specificity"].build() is SPECIFICITY.metric
    assert "miss_rate" not in offered


@pytest.mark.usefixtures("added")
def test_an_added_score_is_a_row_of_the_page() -> None:
    page = test_score_docs.PATH.read_text(encoding="utf-8")
    assert "| `miss_rate` | objects | 0..1 | lower | missed / all defects |" in test_score_docs.written(page)


def test_a_summary_has_the_rows_of_its_tables_in_their_order_and_nothing_else_but_flags_and_counts() -> None:
    summary = scored(1)
    assert list(summary) == [*(row.name for row in rows_of("split")), "flags", "image_counts"]
    assert list(summary["tolerance"]) == [row.name for row in rows_of("tolerance")]
    for of_type in summary["types"].values():
        assert list(of_type) == [row.name for row in rows_of("types")]
    for of_size in summary["sizes"].values():
        assert list(of_size) == [row.name for row in rows_of("sizes")]
    for point in summary["operating"].values():
        assert list(point) == ["rule", *(row.name for row in rows_of("operating"))]


def test_a_point_without_a_threshold_has_the_same_entries_as_one_with() -> None:
    masks, predictions = world(1)
    points = operating(observed(masks, predictions), {"recall_50": 500, "recall_80": None}, 0.1)
    assert list(points["recall_50"]) == list(points["recall_80"])


def test_under_union_the_scores_of_each_class_are_left_out() -> None:
    masks, predictions = world(1)
    evidence = observed(masks, predictions)
    summary = summarise(evidence, choose_threshold(evidence), found=0.1, also=Choices())
    assert not {row.name for row in rows_of("split") if row.each} & set(summary)


def listed(path: Path) -> list[str]:
    """Places of a file where one literal names two scores or more."""
    names = {row.name for row in scores.SCORES if row.unit == "share"} | {
        row.name for row in scores.SCORES if row.better
    }
    places = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        items: list[Any] = []
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            items = node.elts
        elif isinstance(node, ast.Dict):
            items = node.keys
        found = [item.value for item in items if isinstance(item, ast.Constant) and item.value in names]
        if len(found) > 1:
            places.append(f"{path.name}:{node.lineno} lists {', '.join(found)}: derive it from bench.scores")
    return places


def test_no_list_of_scores_stands_outside_their_rows() -> None:
    paths = {path.relative_to(BENCH).as_posix(): path for path in BENCH.rglob("*.py")}
    found = {name: listed(path) for name, path in paths.items() if name != "scores.py"}
    assert [place for name, places in found.items() for place in places if name not in LISTED_ELSEWHERE] == []
    assert all(found[name] for name in LISTED_ELSEWHERE)
