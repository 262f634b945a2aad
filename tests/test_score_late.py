"""Metrics of plugins on a finished run: kept, completed, scored again from evidence, and all that may fail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.catalog import Catalog, Offer, Provider
from bench.component import Component
from bench.record import record_from
from bench.replicates import CellReplicates
from bench.runs.rescore import ScoreRequest, file_scores, rescored
from bench.score.evidence_file import write_evidence
from bench.score.rules import rule_from
from bench.score.thresholds import choose_threshold
from bench.stages.image_metrics import ImageRows, kept_rows
from bench.stages.scoring import Scoring, split_scores
from bench.store.home import Places
from bench.store.replicates import read_replicates
from bench.store.store import read_object, write_json
from sampling import whole_run
from score_worlds import defect_probability, observed, world
from tiny import bench, write_world

pytestmark = whole_run

METRICS = '''
import numpy as np

from bench.api import Component, hookimpl


class Specificity:
    range = (0.0, 1.0)

    def value(self, counts):
        return counts[..., 3] / np.maximum(counts[..., 1] + counts[..., 3], 1)


class Share:
    """Share of an image that is predicted."""

    range = (0.0, 1.0)

    def observe(self, image, threshold):
        return np.array([float((image.probability >= np.float32(threshold)).mean()), 1.0])

    def value(self, total):
        return total[..., 0] / np.maximum(total[..., 1], 1)


class Impossible:
    range = (0.0, 1.0)

    def value(self, counts):
        return 3.0 + 0 * counts[..., 0]


class Failing(Share):
    def observe(self, image, threshold):
        raise ValueError("this image is too round")


@hookimpl
def bench_metrics():
    yield Component("specificity", Specificity)
    yield Component("share", Share)
    yield Component("impossible", Impossible)
    yield Component("failing", Failing)
'''
LATER = METRICS.replace('"specificity"', '"later"').partition('    yield Component("share"')[0]
ONE = ("-x", "axes.crop=[uniform]")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one cell, predicted while a plugin offered four metrics."""
    folder = tmp_path_factory.mktemp("late")
    write_world(folder)
    (folder / "metrics.py").write_text(METRICS)
    (folder / "later.py").write_text(LATER)
    done = bench(folder, "run", "tiny.yaml", *ONE, "--plugin", "models.py", "--plugin", "metrics.py")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may change."""
    shutil.copytree(finished, tmp_path / "copy")
    return tmp_path / "copy"


def record_of(folder: Path) -> dict[str, Any]:
    (path,) = (folder / "runs" / "tiny" / "cells").glob("*.json")
    return read_object(path)


def test_metrics_of_pixels_and_of_images_stand_in_the_record(finished: Path) -> None:
    for split in ("validation", "test"):
        scores = record_of(finished)["scores"][split]
        assert 0 <= scores["specificity"] <= 1
        counts = np.array(scores["image_counts"]["counts"])
        assert scores["share"] == pytest.approx((counts[:, :2].sum(axis=1) / counts.sum(axis=1)).mean())


def test_a_metric_that_fails_or_leaves_its_range_is_an_alarm_and_costs_no_other_score(finished: Path) -> None:
    scores = record_of(finished)["scores"]["test"]
    assert not {"impossible", "failing"} & set(scores)
    assert 0 <= scores["f1"] <= 1
    alarms = [flag for flag in scores["flags"] if flag.startswith("alarm: ")]
    assert len(alarms) == 2
    assert any("'impossible' gave 3.0" in alarm for alarm in alarms)
    assert any("'failing' on image" in alarm and "too round" in alarm for alarm in alarms)


def test_scores_of_the_protocol_made_again_equal_those_of_the_record(finished: Path) -> None:
    before = record_of(finished)
    done = bench(finished, "score", "runs/tiny", "--plugin", "metrics.py", "--write")
    assert done.returncode == 0, done.stderr
    assert "wrote" not in done.stderr
    assert record_of(finished) == before


def test_a_new_metric_makes_no_finished_cell_stale(finished: Path) -> None:
    plan = bench(finished, "plan", "tiny.yaml", *ONE, "--plugin", "models.py", "--plugin", "later.py")
    assert "1 done" in plan.stdout


def test_a_new_metric_completes_the_record_and_changes_nothing_else(run: Path) -> None:
    before = record_of(run)
    done = bench(run, "score", "runs/tiny", "--plugin", "later.py", "--metric", "later", "--write")
    assert done.returncode == 0, done.stderr
    assert "later_T" in done.stdout
    after = record_of(run)
    for split in ("validation", "test"):
        assert after["scores"][split].pop("later") == after["scores"][split]["specificity"]
    assert after == before


def test_an_image_metric_that_is_new_says_why_it_has_no_score(run: Path) -> None:
    (run / "new.py").write_text(METRICS.replace('"share"', '"new"'))
    done = bench(run, "score", "runs/tiny", "--plugin", "new.py", "--metric", "new")
    assert "metric 'new' has no rows of this prediction" in done.stderr
    assert "Traceback" not in done.stderr


def replicates_of(folder: Path) -> CellReplicates:
    (path,) = (folder / "runs" / "tiny" / "replicates").glob("*.npz")
    found = read_replicates(path)
    assert found is not None
    return found


def test_a_run_leaves_replicates_of_its_scores_and_of_metrics_of_plugins(finished: Path) -> None:
    found, record = replicates_of(finished), record_of(finished)
    scores = record["scores"]["test"]
    assert found.predict == record["keys"]["predict"]
    assert found.groups == tuple(dict.fromkeys(scores["image_counts"]["groups"]))
    for name in ("f1", "ap", "object_recall", "specificity", "share"):
        assert found.scores[name].value == pytest.approx(scores[name])
        assert np.isfinite(found.scores[name].without).all()
    assert found.scores["specificity"].rechosen is not None


def test_replicates_that_are_lost_or_lack_a_new_metric_are_made_again_as_they_were(run: Path) -> None:
    before = replicates_of(run)
    done = bench(run, "score", "runs/tiny", "--plugin", "later.py", "--write")
    assert "replicates" in done.stderr
    again = replicates_of(run)
    assert again.scores.keys() == before.scores.keys() | {"later"}
    for name, one in before.scores.items():
        assert np.array_equal(one.without, again.scores[name].without, equal_nan=True)


def test_another_rule_is_printed_as_such_and_never_touches_the_record(run: Path) -> None:
    before = record_of(run)
    done = bench(run, "score", "runs/tiny", "--threshold", "recall>=0.9", "--found", "0.5", "--write")
    assert done.returncode == 0, done.stderr
    assert "threshold recall>=0.9 on validation, found from 50 %" in " ".join(done.stdout.split())
    assert record_of(run) == before
    (path,) = (run / "runs" / "tiny" / "late").glob("*.json")
    stored = json.loads(path.read_text())
    assert (stored["threshold"], stored["found"]) == ("recall>=0.9", 0.5)
    assert stored["cells"][before["id"]]["validation"]["recall"] >= 0.9


def test_a_cell_whose_evidence_is_gone_is_listed_with_what_to_do(run: Path) -> None:
    shutil.rmtree(run / "home" / "stages" / "predict")
    done = bench(run, "score", "runs/tiny")
    assert done.returncode == 3
    assert f"the evidence of cell {record_of(run)['id']} is no longer in the cache; remove its record" in done.stderr
    assert "blocked" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--threshold", "recall>="), "threshold rule 'recall>=' is unknown; write best-f1"),
        (("--metric", "f1o"), "unknown score 'f1o'"),
        (("--found", "0"), "--found"),
    ],
)
def test_a_mistaken_request_is_refused_in_one_line(finished: Path, arguments: tuple[str, ...], said: str) -> None:
    done = bench(finished, "score", "runs/tiny", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_scoring_again_loads_no_torch(finished: Path) -> None:
    import subprocess
    import sys

    from tiny import environment

    script = (
        "import sys\nsys.argv = ['bench', 'score', 'runs/tiny']\nfrom bench.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=finished,
        env=environment(finished),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "False"


class Share:
    range = (0.0, 1.0)

    def observe(self, image, threshold):
        return np.array([float((image.probability >= np.float32(threshold)).mean()), 1.0])

    def value(self, total):
        return total[..., 0] / max(total[..., 1], 1)


def offering(metric: Any, name: str = "share", package: str = "theirs", version: int = 1) -> Offer:
    return Offer("metric", Component(name, metric, version=version), Provider(package, "1", package, ""))


def predicted(folder: Path, catalog: Catalog) -> tuple[dict[str, Any], Scoring]:
    """A predict stage as the engine leaves it, on random images."""
    threshold = choose_threshold(observed(*world(1))).index
    rows = ImageRows(catalog, ("a", "b"))
    for split, seed in (("validation", 1), ("test", 2)):
        masks, predictions = world(seed)
        write_evidence(folder / f"{split}.npz", observed(masks, predictions))
        for number, (mask, prediction) in enumerate(zip(masks, predictions, strict=True)):
            rows.observe(split, f"image {number}", prediction, mask, threshold)  # type: ignore[arg-type]
    rows.write(folder / "image_metrics.json", threshold)
    return {"threshold": threshold}, Scoring(catalog, 0.1, each=False)


def test_rows_of_an_image_metric_are_its_mean_over_the_images_at_the_chosen_threshold(tmp_path: Path) -> None:
    note, how = predicted(tmp_path, Catalog((offering(Share),)))
    level = np.float32(note["threshold"] / 1000)
    expected = np.mean([(defect_probability(q) >= level).mean() for q in world(2)[1]])
    assert split_scores(tmp_path, note, how)["test"]["share"] == pytest.approx(expected)


def test_rows_belong_to_one_version_of_one_package(tmp_path: Path) -> None:
    note, how = predicted(tmp_path, Catalog((offering(Share),)))
    for other in (offering(Share, version=2), offering(Share, package="others")):
        scores = split_scores(tmp_path, note, Scoring(Catalog((other,)), how.found, how.each))
        assert "share" not in scores["test"]
        assert any("has no rows" in flag for flag in scores["test"]["flags"])


def test_rows_are_of_no_use_at_another_threshold(tmp_path: Path) -> None:
    note, how = predicted(tmp_path, Catalog((offering(Share),)))
    assert kept_rows(tmp_path, note["threshold"])
    assert not kept_rows(tmp_path, note["threshold"] + 1)
    scores = split_scores(tmp_path, note, how, rule_from("recall>=0.9"))
    assert "share" not in scores["test"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (np.array([np.nan]), "no finite float64"),
        (np.array([1, 2]), "no finite float64"),
        (0.5, "no finite float64"),
        (None, "no finite float64"),
    ],
)
def test_a_row_that_cannot_be_added_is_an_alarm(tmp_path: Path, row: object, said: str) -> None:
    wrong = type("Wrong", (Share,), {"observe": lambda self, image, threshold: row})
    note, how = predicted(tmp_path, Catalog((offering(wrong),)))
    scores = split_scores(tmp_path, note, how)["test"]
    assert any(said in flag for flag in scores["flags"])
    assert "share" not in scores


def test_a_metric_may_not_take_the_name_of_a_score_nor_of_another_metric(tmp_path: Path) -> None:
    offers = (offering(Share, name="f1"), offering(Share), offering(Share, package="others"))
    note, how = predicted(tmp_path, Catalog(offers))
    scores = split_scores(tmp_path, note, how)["test"]
    assert any("has the name of a score of bench" in flag for flag in scores["flags"])
    assert any("offered by more than one plugin" in flag for flag in scores["flags"])
    assert scores["f1"] == split_scores(tmp_path, note, Scoring(Catalog(()), 0.1, each=False))["test"]["f1"]


def filed(tmp_path: Path, **changes: Any) -> tuple[dict[str, Any], Places]:
    """A record over a stored predict stage, with some of its test scores changed."""
    places = Places(tmp_path / "home", tmp_path, {})
    folder = places.stage("predict", "abc")
    folder.mkdir(parents=True)
    note, how = predicted(folder, Catalog(()))
    (folder / "stage.json").write_text(json.dumps({"schema": 1, **note}))
    scores = split_scores(folder, note, Scoring(Catalog(()), how.found, how.each))
    record = {
        "schema": 1,
        "id": "c1",
        "state": "done",
        "keys": {"predict": "abc"},
        "cell": {"protocol": {"classes": "union", "found": 0.1}},
        "scores": {**scores, "test": {**scores["test"], **changes}},
    }
    return record, places


class CellOf:
    id = "c1"


def test_a_record_that_disagrees_with_its_evidence_is_told_and_left_alone(tmp_path: Path) -> None:
    record, places = filed(tmp_path, f1=0.123)
    del record["scores"]["test"]["region_overlap"]
    (late,) = rescored([CellOf], {"c1": record_from(record, "c1")}, ScoreRequest(), Catalog(()), places)  # type: ignore[list-item]
    assert late.differing[0].startswith("test.f1 (0.123 stored")
    assert file_scores(tmp_path, [late], ScoreRequest(), Catalog(())) == []


def test_what_a_record_lacks_is_added_at_any_depth(tmp_path: Path) -> None:
    record, places = filed(tmp_path)
    whole = json.loads(json.dumps(record))
    del record["scores"]["test"]["region_overlap"], record["scores"]["test"]["operating"]["recall_80"]
    write_json(tmp_path / "cells" / "c1.json", record)
    (late,) = rescored([CellOf], {"c1": record_from(record, "c1")}, ScoreRequest(), Catalog(()), places)  # type: ignore[list-item]
    (path,) = file_scores(tmp_path, [late], ScoreRequest(), Catalog(()))
    assert read_object(path) == whole


def test_a_record_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    record, places = filed(tmp_path)
    del record["scores"]["test"]["region_overlap"]
    write_json(tmp_path / "cells" / "c1.json", {**record, "badges": ["scored by another run"]})
    (late,) = rescored([CellOf], {"c1": record_from(record, "c1")}, ScoreRequest(), Catalog(()), places)  # type: ignore[list-item]
    assert file_scores(tmp_path, [late], ScoreRequest(), Catalog(())) == []


def test_unfinished_cells_are_not_scored(tmp_path: Path) -> None:
    record, places = filed(tmp_path)
    failed = {**record, "state": "failed"}
    assert rescored([CellOf], {"c1": record_from(failed, "c1")}, ScoreRequest(), Catalog(()), places) == []  # type: ignore[list-item]
