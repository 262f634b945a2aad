"""``suite.json``: what a run stores of its suite, and reads again without any plugin."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import StoreError
from bench.suite.schema import SuiteFile, suite_schema
from bench.suite.suite import Suite, suite_from_json
from suite_worlds import SMALL, load

RICH = """
name: rich
description: Everything once
data: {parts: somewhere}
axes:
  model: [unet, {use: fcn, label: FCN}]
  crop: [uniform, bias]
  crop_size: [256, 512]
  recipe.loss: [bce-dice, {use: focal, settings: {gain: 2}}]
  protocol.split: [grouped, {file: split.csv}]
paired: [{dataset: [parts, tiles], preprocess: [none, [stretch, expose]]}]
exclude: [{when: {model: FCN, crop: bias}, reason: not wanted}]
include:
  - {dataset: parts, preprocess: none, model: keywords, crop: bias, crop_size: 64,
     recipe.loss: focal, protocol.split: grouped}
  - {dataset: parts, preprocess: none, model: FCN, crop: bias, crop_size: 256,
     recipe.loss: bce-dice, protocol.split: grouped}
tune: {recipe.learning_rate: [1e-3, 1e-2]}
board: {rows: model, columns: crop}
runtime: {workers: 1}
"""


@pytest.fixture
def rich(tmp_path: Path) -> Suite:
    (tmp_path / "split.csv").write_text("id,split\n")
    return load(tmp_path, RICH)


def test_a_stored_suite_reads_back_as_itself(rich: Suite) -> None:
    assert suite_from_json(json.loads(json.dumps(rich.resolved()))) == rich


def test_cells_share_recipes_after_reading_back_as_before(rich: Suite) -> None:
    again = suite_from_json(json.loads(json.dumps(rich.resolved())))
    recipes = [{id(cell.recipe) for cell in suite.cells} for suite in (rich, again)]
    assert len(recipes[0]) == len(recipes[1])


def test_a_stored_suite_is_read_without_catalog_plugins_or_heavy_packages(rich: Suite, tmp_path: Path) -> None:
    (tmp_path / "suite.json").write_text(json.dumps(rich.resolved()))
    code = (
        "import json, sys; from bench.suite.suite import suite_from_json; "
        "suite = suite_from_json(json.load(open('suite.json'))); "
        "heavy = {'torch', 'scipy', 'h5py', 'pandas', 'pluggy', 'bench_plugins', 'cv2', 'numba'} & set(sys.modules); "
        "print(len(suite.cells), suite.hash, sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=2) == [str(len(rich.cells)), rich.hash, "[]\n"]


@pytest.mark.parametrize("spoil", ["schema", "cells", "tables", "recipe", "hash"])
def test_a_damaged_or_foreign_file_is_refused(rich: Suite, spoil: str) -> None:
    stored = rich.resolved()
    del stored[spoil]
    with pytest.raises(StoreError, match="the stored suite"):
        suite_from_json(stored)


def test_a_suite_stored_by_another_schema_is_refused(rich: Suite) -> None:
    with pytest.raises(StoreError, match="the stored suite has schema 2, this version reads 1"):
        suite_from_json({**rich.resolved(), "schema": 2})


def test_the_hash_sees_cells_and_board_and_nothing_else(tmp_path: Path) -> None:
    text = SMALL + "board: {rows: crop, columns: model}\n"
    base = load(tmp_path, text).hash
    for same in ("name=other", "data.parts=x", "runtime.workers=2", "axes.model={use: unet, label: U}"):
        assert load(tmp_path, text, same).hash == base
    for other in ("axes.seed=[0,1]", "recipe.epochs=3", "board.rows=seed", "board.values=[iou@test]"):
        assert load(tmp_path, text, other).hash != base


def test_an_excluded_cell_changes_the_hash(tmp_path: Path) -> None:
    text = SMALL.replace("unet", "[unet, fcn]")
    rule = "exclude: [{when: {model: fcn}, reason: x}]\n"
    assert load(tmp_path, text + rule).hash == load(tmp_path, SMALL).hash != load(tmp_path, text).hash


def test_the_json_schema_names_every_key_and_is_json() -> None:
    schema = json.loads(json.dumps(suite_schema()))
    assert set(schema["properties"]) == set(SuiteFile.model_fields)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name"]
    assert "learning_rate" in schema["$defs"]["Recipe"]["properties"]


def test_the_loader_and_the_json_schema_know_the_same_keys() -> None:
    from bench.suite.layers import KEYS

    assert set(KEYS) == set(SuiteFile.model_fields)
