"""Axes, pairs, exclusions, inclusions, tuning: which cells there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.suite.reading.load import Suite
from suite_worlds import SMALL, begins, load, mistakes


def shown(suite: Suite, *axes: str) -> list[tuple[str, ...]]:
    return [tuple(cell.labels[axis] for axis in axes) for cell in suite.cells]


def test_axes_that_the_suite_does_not_name_have_one_value(tmp_path: Path) -> None:
    (cell,) = load(tmp_path, SMALL).cells
    assert (cell.preprocess, cell.crop.use, cell.crop_size, cell.seed) == ((), "uniform", 256, 0)
    assert (cell.excluded, cell.skipped, cell.included, dict(cell.tuned)) == (None, None, False, {})


def test_settings_are_filled_in_and_recipe_components_too(tmp_path: Path) -> None:
    (cell,) = load(tmp_path, SMALL, "axes.crop={use: bias, settings: {threshold: 5}}", "recipe.loss=focal").cells
    assert cell.crop.settings == {"threshold": 5.0, "statistic": "mean"}
    assert cell.model.settings == {"encoder": "resnet34"}
    assert cell.recipe.loss.settings == {"gain": 1.0}
    assert [step.settings for step in cell.recipe.augment] == [{"gain": 1.0}, {"gain": 1.0}]


def test_settings_named_like_keywords_are_settings(tmp_path: Path) -> None:
    settings = "{grid: 3, copy: true, json: text, model_config: 2}"
    (cell,) = load(tmp_path, SMALL, f"axes.model={{use: keywords, settings: {settings}}}").cells
    assert cell.model.settings == {"grid": 3, "copy": True, "json": "text", "model_config": 2}


@pytest.mark.parametrize(
    ("written", "chains"),
    [
        ("none", [()]),
        ("stretch", [("stretch",)]),
        ("[none, stretch]", [(), ("stretch",)]),
        ("[[stretch, expose], none]", [("stretch", "expose"), ()]),
        ("{use: stretch}", [("stretch",)]),
        ("[[{use: expose, settings: {gain: 2}}]]", [("expose",)]),
    ],
)
def test_preprocessing_is_none_a_step_or_a_chain(tmp_path: Path, written: str, chains: list[tuple[str, ...]]) -> None:
    suite = load(tmp_path, SMALL, f"axes.preprocess={written}")
    assert [tuple(step.use for step in cell.preprocess) for cell in suite.cells] == chains


def test_labels_say_what_was_written_unless_a_label_is_given(tmp_path: Path) -> None:
    crops = "[uniform, bias, {use: bias, settings: {threshold: 5}}, {use: bias, settings: {threshold: 6}, label: Six}]"
    suite = load(
        tmp_path, SMALL, f"axes.crop={crops}", "axes.preprocess=[[stretch, {use: expose, settings: {gain: 2}}]]"
    )
    assert [crop for (crop,) in shown(suite, "crop")] == ["uniform", "bias", "bias (threshold=5)", "Six"]
    assert shown(suite, "preprocess")[0] == ("stretch + expose (gain=2)",)


def test_dotted_axes_vary_recipe_and_protocol(tmp_path: Path) -> None:
    axes = {
        "recipe.learning_rate": "[1e-3, 1]",
        "recipe.loss": "[bce-dice, {use: focal, settings: {gain: 2}, label: F}]",
        "protocol.tiles.size": "[null, 64]",
        "protocol.split": "[{fold: 0}, {fold: 1}]",
    }
    suite = load(tmp_path, SMALL, *(f"axes.{axis}={values}" for axis, values in axes.items()))
    assert len(suite.cells) == 16
    assert len({cell.id for cell in suite.cells}) == 16
    last = suite.cells[-1]
    assert (last.recipe.learning_rate, last.recipe.loss.settings, last.protocol.tiles.size) == (1.0, {"gain": 2.0}, 64)
    assert last.labels["recipe.loss"] == "F"
    assert last.labels["protocol.split"] == "fold=1"
    assert suite.recipe.loss.use == "bce-dice"


def test_a_trial_is_the_ordinary_cell_of_its_recipe(tmp_path: Path) -> None:
    tuned = load(tmp_path, SMALL + "tune: {recipe.learning_rate: [1e-3, 3e-4]}\n")
    assert [dict(cell.tuned) for cell in tuned.cells] == [
        {"recipe.learning_rate": 0.001},
        {"recipe.learning_rate": 0.0003},
    ]
    assert tuned.tune == {"recipe.learning_rate": (0.001, 0.0003)}
    assert "recipe.learning_rate" not in tuned.axes
    plain = [load(tmp_path, SMALL, f"recipe.learning_rate={value}").cells[0].id for value in ("1e-3", "3e-4")]
    assert [cell.id for cell in tuned.cells] == plain


def test_paired_axes_advance_together_and_replace_the_axes(tmp_path: Path) -> None:
    text = """
name: paired
axes: {dataset: [parts], model: [unet, fcn], crop_size: [64]}
paired:
  - {dataset: [parts, tiles, tiles], preprocess: [none, stretch, none]}
  - {crop_size: [32, 64], recipe.batch: [8, 4]}
"""
    suite = load(tmp_path, text)
    pairs = list(dict.fromkeys(shown(suite, "dataset", "preprocess")))
    assert pairs == [("parts", "none"), ("tiles", "stretch"), ("tiles", "none")]
    assert list(dict.fromkeys(shown(suite, "crop_size", "recipe.batch"))) == [("32", "8"), ("64", "4")]
    assert len(suite.cells) == 3 * 2 * 2
    assert [value.label for value in suite.axes["dataset"]] == ["parts", "tiles"]


@pytest.mark.parametrize(
    ("paired", "mistake"),
    [
        (
            "[{dataset: [parts, tiles], preprocess: [none]}]",
            "suite.yaml:3:10: paired axes advance together and need equally many values: "
            "dataset has 2, preprocess has 1.",
        ),
        ("[{crop_size: [1, 2]}, {crop_size: [3, 4]}]", "suite.yaml:3:32: the axis 'crop_size' is paired twice."),
        ("[{crop_size: [1, 2, 1], seed: [0, 0, 0]}]", "suite.yaml:3:29: these paired values stand twice: 1, 0."),
        (
            "[3]",
            "suite.yaml:3:10: paired.0: a mapping of axes to lists of equal length, or a list of mappings, one a row.",
        ),
    ],
)
def test_pairs_that_cannot_advance_together_are_refused(tmp_path: Path, paired: str, mistake: str) -> None:
    assert mistakes(tmp_path, SMALL + f"paired: {paired}\n") == [mistake]


GRID = """
name: grid
axes: {dataset: parts, model: [unet, fcn, deep], crop: [uniform, {use: bias, label: Bright}], crop_size: [64, 128]}
"""


@pytest.mark.parametrize(
    ("when", "excluded"),
    [
        ("{model: unet}", 4),
        ("{model: [unet, fcn]}", 8),
        ("{crop: bias}", 6),
        ("{crop: Bright, crop_size: 64}", 3),
        ("{crop_size: [64, 128], model: deep}", 4),
        ("{preprocess: none}", 12),
        ("{seed: 0, crop_size: 128}", 6),
    ],
)
def test_excludes_match_by_component_label_or_number(tmp_path: Path, when: str, excluded: int) -> None:
    suite = load(tmp_path, GRID + f"exclude: [{{when: {when}, reason: too deep}}]\n")
    assert [cell.excluded for cell in suite.cells if cell.excluded] == ["too deep"] * excluded
    assert len(suite.cells) == 12
    assert all(cell.runs == (cell.excluded is None) for cell in suite.cells)


def test_excludes_match_dotted_and_tuned_values(tmp_path: Path) -> None:
    one = "{when: {recipe.batch: 8, recipe.learning_rate: 1}, reason: a}"
    other = "{when: {model: deep, recipe.batch: 4}, reason: b}"
    suite = load(
        tmp_path,
        GRID + f"exclude: [{one}, {other}]\n",
        "axes.recipe.batch=[4, 8]",
        "tune.recipe.learning_rate=[1e-3, 1]",
    )
    assert sum(cell.excluded == "a" for cell in suite.cells) == 12
    assert sum(cell.excluded == "b" for cell in suite.cells) == 8


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        (
            "{when: {model: unte}, reason: x}",
            "4:26: the axis 'model' has no \"unte\", so this excludes nothing."
            " Did you mean 'unet'? It has: unet, fcn, deep.",
        ),
        (
            "{when: {model: [unet, fnc]}, reason: x}",
            "4:33: the axis 'model' has no \"fnc\", so this excludes nothing."
            " Did you mean 'fcn'? It has: unet, fcn, deep.",
        ),
        (
            "{when: {crop_size: 256}, reason: x}",
            "4:30: the axis 'crop_size' has no 256, so this excludes nothing. It has: 64, 128.",
        ),
        (
            "{when: {seed: false}, reason: x}",
            "4:25: the axis 'seed' has no false, so this excludes nothing. It has: 0.",
        ),
        (
            "{when: {recipe.batch: 8}, reason: x}",
            "4:33: the axis 'recipe.batch' has no 8, so this excludes nothing. It has: no values.",
        ),
        (
            "{when: {modle: unet}, reason: x}",
            "4:19: unknown axis 'modle'. Did you mean 'model'? Axes: dataset, pretrain, preprocess, crop, crop_size, "
            "model, seed, and paths such as recipe.learning_rate.",
        ),
        ("{when: {model: unet}}", "4:11: exclude.0 needs the key 'reason': why; it stands in the leaderboard."),
        ("{when: {model: unet}, reason: ' '}", "4:41: exclude.0.reason: say why, in words."),
        ("{when: {}, reason: x}", "4:18: exclude.0.when needs at least one entry, got {}."),
        (
            "{when: {model: unet}, raeson: x, reason: y}",
            "4:33: unknown key of exclude.0: 'raeson'. Did you mean 'reason'? Known: when, reason.",
        ),
        (
            "{when: {model: {use: unet}}, reason: x}",
            "4:26: an exclude names a component, a label or a number; give the value a label and name that.",
        ),
    ],
)
def test_an_exclude_that_does_nothing_is_a_mistake(tmp_path: Path, rule: str, mistake: str) -> None:
    assert mistakes(tmp_path, GRID + f"exclude: [{rule}]\n") == [f"suite.yaml:{mistake}"]


def test_an_exclude_whose_parts_match_but_never_together_is_a_mistake(tmp_path: Path) -> None:
    text = "name: x\naxes: {model: unet}\npaired: [{dataset: [parts, tiles], preprocess: [none, stretch]}]\n"
    rule = "exclude: [{when: {dataset: parts, preprocess: stretch}, reason: x}]\n"
    assert mistakes(tmp_path, text + rule) == ["suite.yaml:4:11: this exclude matches no cell."]


def test_an_exclude_may_wait_for_another_profile_or_an_override(tmp_path: Path) -> None:
    rule = "exclude: [{when: {crop_size: 32}, reason: small}]\n"
    profiles = "profiles: {cpu: {axes: {crop_size: 32}}, other: {axes: {crop_size: 16}}}\n"
    for profile in ("cpu", "other", "none"):
        load(tmp_path, SMALL + rule + profiles, profile=profile)
    assert len(mistakes(tmp_path, SMALL + rule)) == 1


def test_included_cells_come_last_and_no_exclude_touches_them(tmp_path: Path) -> None:
    text = (
        GRID
        + """
exclude: [{when: {crop_size: 64}, reason: small}]
include: [{model: keywords, crop: bias, crop_size: 64}, {model: unet, crop: Bright, crop_size: 512, seed: 9}]
"""
    )
    one, other = load(tmp_path, text).cells[-2:]
    assert (one.model.use, one.crop.use, one.crop_size, one.seed, one.included) == ("keywords", "bias", 64, 0, True)
    assert one.excluded is None
    assert one.labels["crop"] == "Bright"  # equal values share the label of the axis
    assert (other.crop.use, other.seed) == ("bias", 9)


def test_an_included_cell_takes_the_recipe_and_not_the_trials(tmp_path: Path) -> None:
    text = (
        SMALL + "tune: {recipe.learning_rate: [1e-2, 1e-1]}\ninclude: [{model: fcn}, {model: fcn, recipe.epochs: 3}]\n"
    )
    one, other = load(tmp_path, text).cells[-2:]
    assert (one.recipe.learning_rate, dict(one.tuned)) == (0.001, {})
    assert other.recipe.epochs == 3
    assert other.labels["recipe.epochs"] == "3"


def test_an_included_cell_must_name_the_axes_that_have_several_values(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GRID + "include: [{model: unet, crop_size: 64}]\n") == [
        "suite.yaml:4:11: this cell must name the axis 'crop', which has 2 values: uniform, Bright."
    ]


def test_the_same_cell_included_twice_is_a_mistake(tmp_path: Path) -> None:
    text = SMALL + "include: [{model: fcn}, {model: {use: fcn, settings: {encoder: resnet34}}, seed: 0}]\n"
    assert mistakes(tmp_path, text) == ["suite.yaml:3:25: this cell is included twice; first at suite.yaml:3:11."]


def test_an_included_cell_of_the_cross_product_runs_once_and_is_noted(tmp_path: Path) -> None:
    text = (
        GRID + "exclude: [{when: {model: unet}, reason: x}]\ninclude: [{model: unet, crop: uniform, crop_size: 64}]\n"
    )
    suite = load(tmp_path, text)
    assert len(suite.cells) == 12
    assert [cell.included for cell in suite.cells].count(True) == 1
    assert suite.cells[0].included
    assert suite.cells[0].excluded is None
    (note,) = suite.notes
    assert "suite.yaml:5:11: this cell is in the cross product too" in note


def test_a_component_that_cannot_do_a_cell_makes_it_skipped_with_the_reason(tmp_path: Path) -> None:
    suite = load(
        tmp_path, SMALL, "axes.crop=[uniform, {use: bias, settings: {threshold: 3}}]", "axes.crop_size=[256, 512]"
    )
    reasons = [cell.skipped for cell in suite.cells]
    assert reasons == [None, None, None, "crop bias: crops of 512 leave nothing above 3.0"]
    assert not suite.cells[-1].runs


def test_a_component_whose_own_check_fails_is_named(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, SMALL, "axes.crop=unsure")
    assert "'supports' of 'unsure' fails: RuntimeError: no idea" in line


@pytest.mark.parametrize(
    ("override", "mistake"),
    [
        ("axes.seed=[0, 1, 0]", "'0' stands twice in the axis 'seed'"),
        (
            "axes.crop=[bias, {use: bias, settings: {threshold: 10}, label: Ten}]",
            "'Ten' stands twice in the axis 'crop'",
        ),
        ("axes.recipe.learning_rate=[1, 1.0]", "'1.0' stands twice in the axis 'recipe.learning_rate'"),
        (
            "axes.crop=[{use: uniform, label: X}, {use: bias, label: X}]",
            "two values of the axis 'crop' have the label 'X'",
        ),
        ("axes.seed=[]", "the axis 'seed' needs at least one value."),
        ("axes.preprocess=[[none, stretch]]", "preprocess.0: 'none' is the empty chain and cannot stand inside one."),
        ("axes.crop_size=0", "crop_size: <theirs>, got 0."),
        ("axes.crop_size=1e2", "crop_size: <theirs>, got 100.0."),
        ("axes.seed=true", "seed: <theirs>, got true."),
        ("axes.seed=-1", "seed: <theirs>, got -1."),
        ("axes.recipe.bank.crop=[1]", "unknown axis 'recipe.bank.crop'. Did you mean 'recipe.bank.crops'?"),
        ("axes.recipe.loss.settings.gian=[1]", "'bce-dice' has no setting 'gian'. Did you mean 'gain'?"),
        ("axes.protocol.found=[0.1, 2]", "protocol.found: <theirs>, got 2."),
        ("tune.protocol.found=[0.1]", "unknown recipe path 'protocol.found'."),
        ("tune.recipe.batch=[4, x]", 'recipe.batch: <theirs>, got "x".'),
    ],
)
def test_axis_values_that_cannot_be_are_refused(tmp_path: Path, override: str, mistake: str) -> None:
    (line,) = mistakes(tmp_path, SMALL, override)
    assert begins(line, f"-x argument 1: {mistake}")


def test_two_axes_cannot_set_one_thing(tmp_path: Path) -> None:
    assert mistakes(tmp_path, SMALL, "axes.recipe.bank=[{crops: 1}]", "tune.recipe.bank.crops=[2]") == [
        "-x argument 2: 'recipe.bank' and 'recipe.bank.crops' set the same thing; keep one of them."
    ]
    assert mistakes(tmp_path, SMALL, "axes.recipe.batch=[1]", "tune.recipe.batch=[2]") == [
        "-x argument 2: 'recipe.batch' is both an axis and tuned; keep one of them."
    ]
