"""Ids: what was asked is in them, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.canonical import digest
from bench.suite.cells import Cell, asked
from bench.suite.reading.load import Suite
from suite_worlds import SMALL, load

FULL = {
    "name": "full",
    "axes": {
        "dataset": {"use": "parts", "settings": {"objects": 3}},
        "preprocess": [["stretch", {"use": "expose", "settings": {"gain": 2.0}}]],
        "crop": {"use": "bias", "settings": {"threshold": 10.0, "statistic": "mean"}},
        "crop_size": 128,
        "model": {"use": "unet", "settings": {"encoder": "resnet34"}},
        "seed": 3,
    },
    "recipe": {
        "epochs": 7,
        "epoch_crops": 100,
        "bank": {"crops": 50},
        "batch": 4,
        "precision": "bf16",
        "optimiser": "adamw",
        "learning_rate": 0.001,
        "weight_decay": 0.01,
        "warmup_steps": 100,
        "schedule": "constant",
        "budget": "fixed",
        "validate_every": 5,
        "loss": {"use": "bce-dice", "settings": {"gain": 1.0}},
        "augment": ["flips", "rotations"],
    },
    "protocol": {
        "split": {"fold": 0, "folds": 5},
        "classes": "union",
        "tiles": {"size": None, "overlap": 0.25, "blend": "constant"},
        "threshold": "best-f1",
        "tolerance": 2,
        "found": 0.1,
    },
}

OTHER = {
    "axes.dataset": ["tiles", {"use": "parts", "settings": {"objects": 4}}],
    "axes.preprocess": [
        "none",
        "stretch",
        [["stretch", "expose"]],
        [[{"use": "expose", "settings": {"gain": 2.0}}, "stretch"]],
    ],
    "axes.crop": [
        "uniform",
        {"use": "bias", "settings": {"threshold": 11}},
        {"use": "bias", "settings": {"statistic": "centre"}},
    ],
    "axes.crop_size": [256],
    "axes.model": ["fcn", {"use": "unet", "settings": {"encoder": "x"}}],
    "axes.pretrain": ["parts", {"dataset": "tiles", "recipe": {"epochs": 1}}],
    "axes.seed": [0, 4],
    "recipe.epochs": [8],
    "recipe.epoch_crops": [101],
    "recipe.equal": ["pixels"],
    "recipe.standard_size": [128],
    "recipe.bank": [{"crops": None}],
    "recipe.bank.crops": [51, None],
    "recipe.batch": [5],
    "recipe.precision": ["float32"],
    "recipe.learning_rate": [0.002, 1],
    "recipe.weight_decay": [0],
    "recipe.warmup_steps": [0],
    "recipe.optimiser": ["sgd", {"use": "adamw", "settings": {"eps": 1e-6}}],
    "recipe.optimiser.settings.amsgrad": [True],
    "recipe.schedule": ["cosine"],
    "recipe.budget": ["until-convergence"],
    "recipe.validate_every": [1, "auto"],
    "recipe.loss": ["focal", {"use": "bce-dice", "settings": {"gain": 2}}],
    "recipe.loss.settings.gain": [3],
    "recipe.augment": [[], ["flips"], ["rotations", "flips"]],
    "protocol.split": ["grouped", {"fold": 1, "folds": 5}, {"fold": 0, "folds": 6}],
    "protocol.split.fold": [2],
    "recipe.threads": [2],
    "recipe.compile": ["inductor", "cudagraphs"],
    "protocol.threshold": ["source"],
    "protocol.classes": ["each"],
    "protocol.tiles.size": [64],
    "protocol.tiles.overlap": [0],
    "protocol.tolerance": [3],
    "protocol.found": [0.2],
}
"""Every field that decides a number, with other values."""

RUN_TIME = [
    "name=other", "description=words", "data.parts=/somewhere", "data.tiles=elsewhere", "board.rows=seed",
    "board={rows: model, columns: crop}", "board.values=[iou@test]", "runtime.workers=3", "runtime.device=cuda:1",
    "axes.crop={use: bias, label: Shown}", "axes.model={use: unet, label: Net}", "axes.dataset={use: parts, label: P}",
    "axes.preprocess=[[stretch, {use: expose, settings: {gain: 2}, label: E}]]", "recipe.loss.label=Loss",
    "recipe.optimiser={use: adamw, label: O}", "recipe.schedule={use: constant, label: S}",
    "recipe.augment=[{use: flips, label: F}, rotations]",
]  # fmt: skip
"""What may change without changing a number."""


def the_cell(suite: Suite) -> Cell:
    (cell,) = suite.cells
    return cell


def shuffled(value: object, order: st.DataObject) -> object:
    """The same JSON with the keys of every mapping in another order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], order) for key in order.draw(st.permutations(list(value)))}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("suites")


@pytest.fixture(scope="module")
def full(folder: Path) -> Suite:
    return load(folder, json.dumps(FULL))


def test_every_field_of_the_schema_has_another_value_in_these_tests(full: Suite) -> None:
    cell = the_cell(full)
    tried = {".".join(path.split(".")[:2]) for path in OTHER}
    fields = {f"axes.{axis}" for axis in asked(cell)["axes"]}
    fields |= {f"recipe.{name}" for name in type(cell.recipe).model_fields}
    fields |= {f"protocol.{name}" for name in type(cell.protocol).model_fields}
    assert fields == tried


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in OTHER.items() for value in values])
def test_changing_a_field_that_decides_a_number_changes_the_id(
    folder: Path, full: Suite, path: str, value: object
) -> None:
    assert the_cell(load(folder, json.dumps(FULL), f"{path}={json.dumps(value)}")).id != the_cell(full).id


def test_no_two_of_all_these_changes_give_the_same_id(folder: Path, full: Suite) -> None:
    pairs = [(path, value) for path, values in OTHER.items() for value in values]
    ids = {the_cell(load(folder, json.dumps(FULL), f"{path}={json.dumps(value)}")).id for path, value in pairs}
    same = 1  # recipe.bank and recipe.bank.crops both ask for null
    assert len(ids | {the_cell(full).id}) == len(pairs) + 1 - same


@pytest.mark.parametrize("override", RUN_TIME)
def test_labels_board_data_and_run_time_are_in_no_id(folder: Path, override: str) -> None:
    text = json.dumps({**FULL, "axes": {**FULL["axes"], "crop": "bias"}})
    assert the_cell(load(folder, text, override)).id == the_cell(load(folder, text)).id


@given(st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_order_of_keys_is_in_no_id(folder: Path, full: Suite, data: st.DataObject) -> None:
    other = load(folder, json.dumps(shuffled(FULL, data)))
    assert the_cell(other).id == the_cell(full).id
    assert other.hash == full.hash


def test_the_path_comments_and_layout_of_the_file_are_in_no_id(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    one = load(tmp_path, SMALL)
    other = load(
        tmp_path / "deeper", "# words\nname: renamed\naxes:\n  model:\n  - unet  # the net\n  dataset: [parts]\n"
    )
    assert the_cell(one).id == the_cell(other).id


def test_a_default_written_out_gives_the_same_id_as_a_default_left_out(tmp_path: Path) -> None:
    written = SMALL.replace(
        "unet", "{use: unet, settings: {encoder: resnet34}}, crop: uniform, crop_size: 256, seed: 0"
    )
    written += "recipe: {learning_rate: 0.001, loss: {use: bce-dice, settings: {gain: 1}}}\nprotocol: {found: 0.1}\n"
    assert the_cell(load(tmp_path, written)).id == the_cell(load(tmp_path, SMALL)).id


@pytest.mark.parametrize("other", ["1", "1.0", "1e0", "10e-1", "+1"])
def test_one_number_written_differently_is_one_id(tmp_path: Path, other: str) -> None:
    text = SMALL + "recipe: {learning_rate: ONE, loss: {use: focal, settings: {gain: ONE}}}\n"
    one = the_cell(load(tmp_path, text.replace("ONE", "1")))
    assert the_cell(load(tmp_path, text.replace("ONE", other))).id == one.id


def test_a_split_file_is_in_the_id_by_content_and_not_by_name(tmp_path: Path) -> None:
    for name, content in (("a.csv", "id,split\n"), ("b.csv", "id,split\n"), ("c.csv", "group,split\n")):
        (tmp_path / name).write_text(content)
    a, b, c = (the_cell(load(tmp_path, SMALL, f"protocol.split={{file: {n}.csv}}")) for n in "abc")
    assert a.id == b.id != c.id
    assert "csv" not in json.dumps(asked(a))


def test_the_id_is_the_digest_of_what_was_asked_for_every_cell(tmp_path: Path) -> None:
    suite = load(
        tmp_path, json.dumps(FULL), "axes.seed=[0,1]", "axes.recipe.loss=[focal, bce-dice]", "axes.crop=[uniform]"
    )
    assert len(suite.cells) == 4
    for cell in suite.cells:
        assert cell.id == digest(asked(cell))
        json.dumps(asked(cell))


def test_the_format_of_ids_is_locked(full: Suite) -> None:
    """A change of this value orphans every stored run: change it only on purpose, and say so in the changelog."""
    assert the_cell(full).id == "0582db6e4d06ebcf893204827e08039f"


def test_ten_thousand_cells_have_ten_thousand_ids_in_a_stable_order(tmp_path: Path) -> None:
    text = """
name: many
axes:
  dataset: [parts, tiles]
  preprocess: [none, stretch, [stretch, expose]]
  crop: [uniform, bias, {use: bias, settings: {threshold: 5}}]
  crop_size: [64, 128]
  model: [unet, fcn]
  recipe.batch: [4, 8]
  seed: SEEDS
""".replace("SEEDS", str(list(range(70))))
    suite = load(tmp_path, text)
    assert len(suite.cells) == 2 * 3 * 3 * 2 * 2 * 2 * 70 == 10_080
    assert len({cell.id for cell in suite.cells}) == len(suite.cells)
    assert [cell.id for cell in load(tmp_path, text).cells] == [cell.id for cell in suite.cells]
    order = [tuple(cell.labels.values()) for cell in suite.cells]
    assert order[:3] == [("parts", "none", "none", "uniform", "64", "unet", "4", str(seed)) for seed in range(3)]
    assert list(suite.cells[0].labels) == [
        "dataset",
        "pretrain",
        "preprocess",
        "crop",
        "crop_size",
        "model",
        "recipe.batch",
        "seed",
    ]
    assert len({id(cell.recipe) for cell in suite.cells}) == 2
