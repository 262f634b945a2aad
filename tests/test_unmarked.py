"""A data set that marks nothing to learn from is refused before anything is trained, and the others run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.catalog import load_catalog
from bench.commands import board_of_run
from bench.engine.invocation import Invocation, make_plan
from bench.engine.plan import Plan
from bench.engine.scheduler import unsettled
from bench.images import write_png
from bench.record import State
from bench.report.data_remarks import TITLE
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from bench.types import SPLITS
from sampling import whole_run
from tiny import bench, write_world

pytestmark = whole_run


def blank(folder: Path) -> None:
    """Let every mask below a folder mark nothing."""
    for path in sorted(folder.rglob("*.png")):
        write_png(path, np.zeros((48, 48), np.uint8))


def in_splits(folder: Path, without: str) -> None:
    """Deal the tiny world's images into folders of splits; the masks of split ``without`` mark nothing."""
    write_world(folder, images=12)
    parts = folder / "parts"
    for number, path in enumerate(sorted((parts / "images").glob("*.png"))):
        for kind in ("images", "masks"):
            target = parts / kind / SPLITS[number % 3] / path.name
            target.parent.mkdir(exist_ok=True)
            (parts / kind / path.name).rename(target)
    if without:
        blank(parts / "masks" / without)


def planned(folder: Path, *overrides: str) -> Plan:
    """The plan of the tiny suite once its images have been read."""
    catalog = load_catalog((folder / "models.py",))
    suite = load_suite(folder / "tiny.yaml", catalog, overrides=overrides)
    places = Places(folder / "home", folder / "runs", {name: str(folder / at) for name, at in suite.data.items()})
    invocation = Invocation(catalog, places)
    plan = make_plan(suite, invocation)
    for dataset in plan.datasets:
        from bench.jobs import Job
        from bench.stages.indexing import make_index

        make_index(Job(key=dataset.locator, data=dataset.data, home=str(places.home)), catalog, lambda *_: None)
    return make_plan(suite, invocation)


def states(plan: Plan) -> dict[str, str]:
    return {f"{p.cell.labels['dataset']} {p.cell.labels['model']}": p.state for p in plan.cells}


ONE = ("axes.crop=[uniform]", "axes.model=[tiny, constant]")


def test_a_model_is_not_trained_on_a_split_without_defects_but_a_baseline_runs(tmp_path: Path) -> None:
    in_splits(tmp_path, "train")
    plan = planned(tmp_path, *ONE)
    assert states(plan) == {"folder tiny": "blocked", "folder constant": "pending"}
    reason = next(p.reason for p in plan.cells if p.state == "blocked")
    assert reason is not None
    assert "train 0 of 4, validation 4 of 4, test 4 of 4" in reason
    assert f"bench data verify folder --data folder={tmp_path / 'parts'}" in reason
    assert "\n" not in reason


def test_a_data_set_without_a_defect_is_refused_to_baselines_too(tmp_path: Path) -> None:
    write_world(tmp_path)
    blank(tmp_path / "parts" / "masks")
    plan = planned(tmp_path, *ONE)
    assert states(plan) == {"folder tiny": "blocked", "folder constant": "blocked"}
    assert len(unsettled(plan)) == 2


@pytest.mark.parametrize("split", ["validation", "test"])
def test_validation_and_test_without_defects_are_remarked_and_run(tmp_path: Path, split: str) -> None:
    in_splits(tmp_path, split)
    plan = planned(tmp_path, *ONE)
    assert set(states(plan).values()) == {"pending"}
    assert [text for text in plan.remarks() if f"folder: The {split} split has no defect pixel" in text]


def pretrained(folder: Path, *overrides: str, recipe: str = "{}") -> str | None:
    """Why the tiny model is not trained, if so, after a pretraining run on a second world."""
    other = "{use: folder, settings: {images: ../other/parts/images, masks: ../other/parts/masks}}"
    pretrain = f"axes.pretrain=[{{dataset: {other}, recipe: {recipe}}}]"
    (cell,) = planned(folder, "axes.crop=[uniform]", pretrain, *overrides).cells
    return cell.reason


def test_without_epochs_nothing_has_to_be_learned_from_the_training_split(tmp_path: Path) -> None:
    in_splits(tmp_path, "train")
    write_world(tmp_path / "other")
    assert "no defect pixel" in (pretrained(tmp_path) or "")
    assert pretrained(tmp_path, "recipe.epochs=0", recipe="{epochs: 4}") is None


def test_a_pretraining_run_must_have_something_to_learn_too(tmp_path: Path) -> None:
    write_world(tmp_path)
    write_world(tmp_path / "other")
    blank(tmp_path / "other" / "parts" / "masks")
    assert (pretrained(tmp_path) or "").startswith("pretraining on folder: none of the 10 images of 'folder'")


def test_settings_that_were_given_stand_in_the_command_that_looks_at_the_masks(tmp_path: Path) -> None:
    write_world(tmp_path)
    blank(tmp_path / "parts" / "masks")
    plan = planned(tmp_path, "axes.dataset=[{use: folder, settings: {mask_threshold: 7}}]")
    assert '{"use": "folder", "settings": {"mask_threshold": 7}}' in (plan.cells[0].reason or "")


def test_remarks_on_a_split_name_the_fold_and_those_on_images_stand_once(tmp_path: Path) -> None:
    write_world(tmp_path)
    blank(tmp_path / "parts" / "masks")
    write_world(tmp_path, images=2)
    folds = "axes.protocol.split=[{fold: 0, folds: 5}, {fold: 1, folds: 5}]"
    plan = planned(tmp_path, "axes.crop=[uniform]", folds)
    assert len([text for text in plan.remarks() if "groups only" in text]) == 1
    assert any(text.startswith("folder, fold 1 of 5: ") for text in plan.remarks())


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite over a sound data set and one whose masks are empty, run once."""
    folder = tmp_path_factory.mktemp("mixed")
    suite = write_world(folder)
    other = folder / "other"
    write_world(other)
    blank(other / "parts" / "masks")
    bare = "{use: folder, settings: {images: ../other/parts/images, masks: ../other/parts/masks}, label: bare}"
    text = suite.read_text().replace("[folder]", f"[{{use: folder, label: sound}}, {bare}]")
    text = text.replace("[uniform, defect-centred]", "[uniform]")
    suite.write_text(text + "board: {rows: dataset, columns: model}\n")
    done = bench(folder, "run", "tiny.yaml", "--plugin", "models.py", "--plain")
    (folder / "first.txt").write_text(f"{done.returncode}\n{done.stderr}")
    return folder


def records(folder: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in (folder / "runs" / "tiny" / "cells").glob("*.json")]
    return {record["axes"]["dataset"]: record for record in found}


def test_the_sound_data_set_is_scored_and_the_other_is_a_row_with_the_reason(mixed: Path) -> None:
    code, _, told = (mixed / "first.txt").read_text().partition("\n")
    assert code == "3"
    assert {name: record["state"] for name, record in records(mixed).items()} == {"sound": State.OK, "bare": "blocked"}
    assert told.index("remark: bare: None of the 10 images has a defect pixel") < told.index("done     sound")
    rows = (mixed / "runs" / "tiny" / "leaderboard.md").read_text().splitlines()
    assert any(row.startswith("| bare | blocked<sup>") for row in rows)
    assert any(row.startswith("| sound | ") and "blocked" not in row for row in rows)


def test_the_leaderboard_of_the_run_folder_has_the_remarks_of_both(mixed: Path) -> None:
    (section,) = [one for one in board_of_run(mixed / "runs" / "tiny").sections if one.title == TITLE]
    assert section.sentences == (
        "sound: Defects are in 10 groups only, fewer than 30: report over folds.",
        *(text for text in section.sentences if text.startswith("bare: None of the 10 images has a defect pixel")),
    )
    assert len(section.sentences) == 2


def test_the_same_command_again_says_the_same_and_trains_nothing(mixed: Path) -> None:
    before = records(mixed)
    stages = sorted(str(path) for path in (mixed / "home" / "stages").rglob("stage.json"))
    again = bench(mixed, "run", "tiny.yaml", "--plugin", "models.py", "--plain")
    assert again.returncode == 3
    assert "remark: bare: None of the 10 images has a defect pixel" in again.stderr
    assert records(mixed) == before
    assert sorted(str(path) for path in (mixed / "home" / "stages").rglob("stage.json")) == stages
