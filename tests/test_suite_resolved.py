"""``suite.json``: what a run stores of its suite, and reads again without any plugin."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.errors import StoreError
from bench.suite.cells import AXES
from bench.suite.reading.load import Suite, suite_from_json
from bench.suite.written import SuiteFile, suite_schema
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
    again = suite_from_json(json.loads(json.dumps(rich.resolved())))
    assert again == rich
    assert list(again.axes) == list(rich.axes)


def test_cells_share_recipes_after_reading_back_as_before(rich: Suite) -> None:
    again = suite_from_json(json.loads(json.dumps(rich.resolved())))
    recipes = [{id(cell.recipe) for cell in suite.cells} for suite in (rich, again)]
    assert len(recipes[0]) == len(recipes[1])


def test_a_stored_suite_is_read_without_catalog_plugins_or_heavy_packages(rich: Suite, tmp_path: Path) -> None:
    (tmp_path / "suite.json").write_text(json.dumps(rich.resolved()))
    code = (
        "import json, sys; from bench.suite.reading.load import suite_from_json; "
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


def spoiled(stored: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The stored suite with one part replaced."""
    copied = json.loads(json.dumps(stored))
    inner = copied
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return copied


ID = "0" * 32
FOREIGN_NAMES = [
    "../../precious/cells/" + ID,
    "/" + ID,
    ID[:-1],
    ID + "0",
    "A" * 32,
    ID + "\n",
    ID[:-1] + ".",
    "",
    3,
    None,
]


@pytest.mark.parametrize("id", FOREIGN_NAMES)
def test_an_id_that_is_no_digest_is_refused_because_files_are_called_by_it(rich: Suite, id: Any) -> None:
    with pytest.raises(StoreError, match=r"the stored suite is damaged: cells\.0\.id") as caught:
        suite_from_json(spoiled(rich.resolved(), ("cells", 0, "id"), id))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../../nm", "..", ".hidden", "a/b", "a\\b", "/a", "", "a\n", 3, None])
def test_a_suite_name_that_no_suite_file_may_have_is_refused(rich: Suite, name: Any) -> None:
    with pytest.raises(StoreError, match="the stored suite is damaged: name") as caught:
        suite_from_json(spoiled(rich.resolved(), ("name",), name))
    assert "\n" not in str(caught.value)


DAMAGE = [
    (("cells", 0, "at"), [0]),
    (("cells", 0, "at", 0), -1),
    (("cells", 0, "labels"), [1]),
    (("cells", 0, "labels", "model"), 3),
    (("cells", 0, "tuned"), 3),
    (("cells", 0, "skipped"), {}),
    (("cells", 0), []),
    (("axes",), []),
    (("axes", "model", 0, "asked"), 3),
    (("axes", "model", 0, "label"), 3),
    (("axes", "seed", 0, "value"), "x"),
    (("tables",), []),
    (("tables", "recipe", 0), 3),
    (("tables", "seed", 0), "x"),
    (("tables", "crop_size", 0), None),
    (("protocol", "found"), float("nan")),
    (("paired",), [3]),
    (("reference",), 3),
    (("notes",), 3),
    (("path",), 3),
]


@pytest.mark.parametrize(("path", "value"), DAMAGE, ids=str)
def test_any_part_of_the_wrong_type_is_one_line(rich: Suite, path: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(StoreError, match="the stored suite is damaged") as caught:
        suite_from_json(spoiled(rich.resolved(), path, value))
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize("stored", [[], None, 3, "suite"])
def test_what_is_no_mapping_is_no_suite(stored: Any) -> None:
    with pytest.raises(StoreError, match="the stored suite has schema None"):
        suite_from_json(stored)


def test_a_key_of_a_later_version_is_left(rich: Suite) -> None:
    assert suite_from_json(spoiled(rich.resolved(), ("cells", 0, "later"), 1)) == rich


def test_a_suite_stored_by_another_schema_is_refused(rich: Suite) -> None:
    with pytest.raises(StoreError, match="the stored suite has schema 3, this version reads 2"):
        suite_from_json({**rich.resolved(), "schema": 3})


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
    assert set(schema["$defs"]["Axes"]["properties"]) == set(AXES)
    assert "recipe" in schema["$defs"]["Layer"]["properties"]
