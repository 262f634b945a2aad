"""The axis ``pretrain``: which runs weights come from, and pairings written as rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.suite.cells import asked, source_of
from bench.suite.resolved import suite_from_json
from suite_worlds import load, mistakes

HEAD = "name: transfer\naxes: {dataset: parts, model: unet, crop: bias}\nrecipe: {epochs: 7, batch: 3}\n"


def suite_of(folder: Path, pretrain: str, *overrides: str) -> object:
    return load(folder, f"{HEAD}paired: [{{pretrain: [{pretrain}]}}]\n", *overrides)


def cells_of(folder: Path, pretrain: str, *overrides: str):
    return suite_of(folder, pretrain, *overrides).cells


def test_without_the_axis_a_cell_has_no_source(tmp_path):
    (cell,) = load(tmp_path, HEAD).cells
    assert cell.pretrain is None
    assert source_of(cell) is None
    assert cell.labels["pretrain"] == "none"


def test_a_source_has_the_model_the_seed_and_the_recipe_of_the_suite(tmp_path):
    (cell,) = cells_of(tmp_path, "tiles")
    source = source_of(cell)
    assert source.dataset.use == "tiles"
    assert (source.model, source.seed, source.crop_size, source.crop) == (
        cell.model,
        cell.seed,
        cell.crop_size,
        cell.crop,
    )
    assert source.recipe == cell.recipe
    assert source.pretrain is None


def test_a_source_takes_what_is_said_of_it(tmp_path):
    (cell,) = cells_of(
        tmp_path,
        "{dataset: {use: tiles, settings: {objects: 5}}, preprocess: [expose, stretch], crop: uniform, "
        "recipe: {epochs: 2, bank: {crops: 4}}, split: {fold: 1}, label: from tiles}",
    )
    source = source_of(cell)
    assert source.dataset.settings["objects"] == 5
    assert [step.use for step in source.preprocess] == ["expose", "stretch"]
    assert source.crop.use == "uniform"
    assert (source.recipe.epochs, source.recipe.bank.crops, source.recipe.batch) == (2, 4, 3)
    assert source.protocol.split.fold == 1
    assert cell.labels["pretrain"] == "from tiles"
    assert cell.preprocess == ()
    assert cell.recipe.epochs == 7


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("tiles", "tiles"),
        ("{dataset: tiles, preprocess: [expose]}", "tiles (expose)"),
        ("{dataset: none}", "none"),
        ("{dataset: none, label: from scratch}", "from scratch"),
    ],
)
def test_a_source_without_a_label_is_named_by_what_it_is(tmp_path, written, label):
    (cell,) = cells_of(tmp_path, written)
    assert cell.labels["pretrain"] == label


@pytest.mark.parametrize(
    "other",
    [
        "none",
        "parts",
        "{dataset: tiles, preprocess: expose}",
        "{dataset: tiles, crop: uniform}",
        "{dataset: tiles, recipe: {epochs: 8}}",
        "{dataset: tiles, split: {fold: 0}}",
    ],
)
def test_everything_that_is_said_of_a_source_is_in_the_id(tmp_path, other):
    (one,), (two,) = cells_of(tmp_path, "tiles"), cells_of(tmp_path, other)
    assert one.id != two.id


def test_a_label_is_in_no_id_and_neither_is_what_is_said_twice(tmp_path):
    (plain,) = cells_of(tmp_path, "tiles")
    (labelled,) = cells_of(tmp_path, "{dataset: tiles, label: x, recipe: {epochs: 7}}")
    assert plain.id == labelled.id
    assert asked(plain)["axes"]["pretrain"]["recipe"]["epochs"] == 7


def test_a_change_of_the_suites_recipe_changes_the_source_too(tmp_path):
    (before,), (after,) = cells_of(tmp_path, "tiles"), cells_of(tmp_path, "tiles", "recipe.batch=4")
    assert source_of(after).recipe.batch == 4
    assert before.id != after.id


def test_a_path_that_is_an_axis_changes_the_cell_and_not_its_source(tmp_path):
    cells = cells_of(tmp_path, "tiles", "axes.recipe.epochs=[1, 0]")
    assert [cell.recipe.epochs for cell in cells] == [1, 0]
    assert {source_of(cell).recipe.epochs for cell in cells} == {7}


def test_a_resolved_suite_comes_back_with_its_sources(tmp_path):
    suite = suite_of(tmp_path, "none, {dataset: tiles, preprocess: [expose], recipe: {epochs: 2}, label: x}")
    again = suite_from_json(suite.resolved())
    assert again.cells == suite.cells
    assert [source_of(cell) for cell in again.cells] == [source_of(cell) for cell in suite.cells]


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        ("nobody", "'nobody'"),
        ("{preprocess: expose}", "pretrain needs the key 'dataset': the source"),
        ("{}", "pretrain needs the key 'dataset': the source"),
        ("{dataset: tiles, model: fcn}", "unknown key of pretrain: 'model'"),
        (
            "{dataset: none, recipe: {epochs: 1}}",
            "'recipe' says something of a pretraining run, but its dataset is none",
        ),
        ("{dataset: tiles, recipe: {epoch: 1}}", "unknown key of recipe: 'epoch'. Did you mean 'epochs'?"),
        ("{dataset: tiles, recipe: 3}", "pretrain.recipe must be a mapping, got 3"),
        ("{dataset: tiles, preprocess: blur}", "'blur'"),
        ("{dataset: tiles, crop: {use: bias, settings: {level: 1}}}", "'bias' has no setting 'level'"),
        ("{dataset: tiles, split: {fold: 9}}", "fold 9 of 5 does not exist"),
        ("{dataset: tiles, split: {file: gone.csv}}", "the split file gone.csv is missing"),
        ("{dataset: tiles, label: [a]}", "pretrain.label must be text"),
        ("3", "pretrain.dataset is a name or a mapping"),
    ],
)
def test_a_mistake_of_a_source_is_said_with_its_place(tmp_path, written, mistake):
    found = mistakes(tmp_path, f"{HEAD}paired: [{{pretrain: [{written}]}}]\n")
    assert any(mistake in line for line in found), found
    assert all(line.startswith("suite.yaml:4:") for line in found)


def test_mistakes_of_shape_and_of_names_in_one_source_are_told_together(tmp_path):
    written = "{dataset: tile, preprocess: [none, blur], recipe: {epoch: 1, batch: x, loss: focl}}"
    found = mistakes(tmp_path, f"{HEAD}paired: [{{pretrain: [{written}]}}]\n")
    parts = ["'tile'", "'none' is the empty chain", "'blur'", "'epoch'", "recipe.batch", "'focl'"]
    assert len(found) == len(parts)
    for line, part in zip(found, parts, strict=True):
        assert part in line


@pytest.mark.parametrize(
    ("pretrain", "override", "reason"),
    [
        ("none", "recipe.epochs=0", "0 epochs train nothing, and no pretraining run gives the weights"),
        ("none", "protocol.threshold=source", "the threshold 'source' is that of a pretraining run"),
        ("{dataset: tiles, recipe: {epochs: 0}}", "recipe.epochs=0", "pretraining on tiles: 0 epochs train nothing"),
        ("tiles", "axes.crop_size=512", "pretraining on tiles: crop bias: crops of 512 leave nothing"),
    ],
)
def test_a_cell_whose_weights_come_from_nowhere_is_skipped_with_the_reason(tmp_path, pretrain, override, reason):
    (cell,) = cells_of(tmp_path, pretrain, override)
    assert reason in cell.skipped


def test_weights_may_be_left_as_they_came(tmp_path):
    (cell,) = cells_of(
        tmp_path, "{dataset: tiles, recipe: {epochs: 3}}", "recipe.epochs=0", "protocol.threshold=source"
    )
    assert cell.skipped is None


def test_an_exclude_names_a_source_by_data_set_or_label(tmp_path):
    text = f"{HEAD}paired: [{{pretrain: [none, tiles, {{dataset: parts, label: own}}]}}]\n"
    for word, left in (("tiles", ["none", "own"]), ("own", ["none", "tiles"]), ("parts", ["none", "tiles"])):
        suite = load(tmp_path, f"{text}exclude: [{{when: {{pretrain: {word}}}, reason: x}}]\n")
        assert [cell.labels["pretrain"] for cell in suite.cells if cell.runs] == left


def test_rows_are_columns_written_otherwise(tmp_path):
    columns = "paired: [{pretrain: [none, tiles], recipe.epochs: [7, 0], protocol.threshold: [best-f1, source]}]\n"
    rows = "paired: [[{pretrain: none}, {pretrain: tiles, recipe.epochs: 0, protocol.threshold: source}]]\n"
    by_column, by_row = load(tmp_path, HEAD + columns), load(tmp_path, HEAD + rows)
    assert [cell.id for cell in by_row.cells] == [cell.id for cell in by_column.cells]


def test_a_row_has_the_suites_own_value_of_what_it_does_not_name(tmp_path):
    text = (
        "name: rows\naxes: {dataset: parts, model: unet, crop: bias, crop_size: 64, seed: 7, preprocess: stretch}\n"
        "paired: [[{crop: uniform, seed: 1}, {crop_size: 32}, {preprocess: none, pretrain: tiles}, {}]]\n"
    )
    found = [
        (cell.crop.use, cell.crop_size, cell.seed, len(cell.preprocess), cell.pretrain is not None)
        for cell in load(tmp_path, text).cells
    ]
    assert sorted(found) == sorted(
        [("uniform", 64, 1, 1, False), ("bias", 32, 7, 1, False), ("bias", 64, 7, 0, True), ("bias", 64, 7, 1, False)]
    )


@pytest.mark.parametrize(
    ("axes", "rows", "mistake"),
    [
        ("dataset: parts", "{model: unet}, {crop: uniform}", "4:26: this row must name the axis 'model'"),
        (
            "dataset: parts, model: unet, crop: [uniform, bias]",
            "{crop: uniform}, {seed: 1}",
            "4:28: this row must name the axis 'crop', which has 2 values under 'axes'",
        ),
        (
            "dataset: parts, model: unet",
            "{recipe.loss.settings.gamma: 2.0}, {crop: uniform}",
            "this row must name 'recipe.loss.settings.gamma'",
        ),
    ],
)
def test_a_row_that_leaves_out_what_the_suite_does_not_say_is_a_mistake(tmp_path, axes, rows, mistake):
    text = f"name: rows\nrecipe: {{loss: bce-dice}}\naxes: {{{axes}}}\npaired: [[{rows}]]\n"
    found = mistakes(tmp_path, text)
    assert any(mistake in line for line in found), found


def test_a_misspelt_axis_of_a_row_is_said_with_its_place(tmp_path):
    found = mistakes(tmp_path, f"{HEAD}paired: [[{{pretrian: none}}, {{pretrain: tiles}}]]\n")
    assert found[0].startswith("suite.yaml:4:12: unknown axis 'pretrian'. Did you mean 'pretrain'?")
