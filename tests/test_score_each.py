"""A data set of two classes through the whole job, as one kind of defect (``union``) and as several (``each``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.images import write_png
from bench.record import State
from bench.score.evidence_file import read_evidence
from sampling import whole_run
from tiny import bench, write_world

pytestmark = whole_run

SUITE_CHANGES = (
    *("-x", "axes.dataset=[{use: folder, settings: {masks_are: classes, classes: [bright, grey]}}]"),
    *("-x", "axes.crop=[uniform]", "-x", "axes={protocol.classes: [union, each]}", "-x", "recipe.epochs=10"),
    *("-x", "board.rows=protocol.classes"),
    *("-x", "board.values=[types.grey.recall@test, types.grey.f1@test, macro_f1@test, sizes.q1.recall@test]"),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of both targets on squares of two brightnesses."""
    folder = tmp_path_factory.mktemp("each")
    write_world(folder, images=1)
    for number in range(12):
        rng = np.random.default_rng(number)
        image, mask = rng.integers(20, 60, (48, 48), dtype=np.uint8), np.zeros((48, 48), np.uint8)
        for kind, light, left in ((1, 120, 4), (2, 60, 28)):
            row, column = rng.integers(2, 38), left + rng.integers(0, 8)
            mask[row : row + 7, column : column + 7] = kind
            image[mask == kind] += light
        write_png(folder / "parts" / "images" / f"part{number:02d}.png", image)
        write_png(folder / "parts" / "masks" / f"part{number:02d}.png", mask)
    done = bench(folder, "run", "tiny.yaml", "--plugin", "models.py", *SUITE_CHANGES)
    assert done.returncode == 0, done.stderr + done.stdout
    return folder


def records(folder: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in (folder / "runs" / "tiny" / "cells").glob("*.json")]
    return {record["axes"]["protocol.classes"]: record for record in found}


def test_both_targets_train_predict_and_score(finished: Path) -> None:
    assert {name: record["state"] for name, record in records(finished).items()} == {
        "union": State.OK,
        "each": State.OK,
    }


def test_recall_per_type_comes_from_either_target_and_precision_from_each_alone(finished: Path) -> None:
    union, each = (records(finished)[name]["scores"]["test"]["types"] for name in ("union", "each"))
    assert set(union) == set(each) == {"bright", "grey"}
    assert {"recall", "object_recall", "overlap"} <= set(union["grey"]) & set(each["grey"])
    assert {"precision", "f1", "iou", "ap", "f1_own"} <= set(each["grey"]) - set(union["grey"])


def test_means_over_classes_are_those_of_the_types(finished: Path) -> None:
    scores = records(finished)["each"]["scores"]["test"]
    for name in ("precision", "recall", "f1", "iou", "ap", "f1_own"):
        assert scores[f"macro_{name}"] == pytest.approx(np.mean([row[name] for row in scores["types"].values()]))
    assert scores["macro_classes"] == 2
    assert not any(name.startswith("macro_") for name in records(finished)["union"]["scores"]["test"])


def test_evidence_of_each_holds_the_probability_of_every_class(finished: Path) -> None:
    folders = {name: record["keys"]["predict"] for name, record in records(finished).items()}
    counts = {}
    for name, key in folders.items():
        counts[name] = read_evidence(finished / "home" / "stages" / "predict" / key / "test.npz").counts.sum(
            axis=(0, 2)
        )
    assert (counts["union"][0] == counts["union"][-1]).all()  # one probability, three truths
    assert (counts["each"][0] != counts["each"][-1]).any()
    assert len({row.sum() for rows in counts.values() for row in rows}) == 1  # every pixel is in every row


def test_the_leaderboard_shows_scores_of_a_type_and_a_dash_where_a_target_has_none(finished: Path) -> None:
    (table,) = json.loads((finished / "runs" / "tiny" / "leaderboard.json").read_text())["tables"]
    shown = {entry["row"]: [figure["value"] for figure in entry["figures"]] for (entry,) in table["entries"]}
    recall, f1, macro, smallest = shown["union"]
    assert (f1, macro) == (None, None)
    assert 0 <= recall <= 1
    assert 0 <= smallest <= 1
    assert None not in shown["each"]


def test_late_scores_keep_the_classes_of_the_protocol(finished: Path) -> None:
    done = bench(finished, "score", "runs/tiny", "--metric", "macro_f1", "--threshold", "0.5", "--write")
    assert done.returncode == 0, done.stderr
    (path,) = (finished / "runs" / "tiny" / "late").glob("*.json")
    cells = json.loads(path.read_text())["cells"]
    found = {name: "macro_f1" in cells[record["id"]]["test"] for name, record in records(finished).items()}
    assert found == {"union": False, "each": True}
