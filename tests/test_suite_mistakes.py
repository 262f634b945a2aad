"""All mistakes of a suite at once, each with its place and what was probably meant."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import SuiteError
from bench.suite.reading.load import load_suite
from suite_worlds import CATALOG, SMALL, begins, load, mistakes

WRONG = """\
name: two words
descriptoin: x
data: {prats: a, tiles: 3}
axes:
  dataset: [parst]
  crop: [bias, {use: bias, settings: {treshold: 1}}, {use: bias, settings: {threshold: no}}]
  modle: [unet]
  model: [unet, {use: fcn, setings: {}}, 7]
  crop_size: [128, on]
exclude:
  - {when: {crop_size: 64}}
include:
  - {cop: uniform}
tune:
  recipe.learning_rat: [1]
recipe:
  epochs: 10:30
  bank: {crop: 3}
  loss: {use: focl}
  augment: [flips, {use: rotations, settings: {gain: x}}]
protocol: {split: {fold: 5}, tiles: {overlap: 1}, classes: unoin}
profiles:
  cpu: {recipe: {batch: 0}, axis: {}}
board: {rows: crp, values: [f1@tset, f9@test, f1]}
runtime: {launcher: slurm}
"""

EXPECTED = """\
1:7: name must be letters, digits, '.', '_' and '-', got "two words".
2:1: unknown key 'descriptoin'. Did you mean 'description'?
3:8: unknown data set 'prats'. Did you mean 'parts'?
3:25: data.tiles must be text, got 3.
5:13: no plugin offers a dataset called 'parst'. Did you mean 'parts'?
6:39: 'bias' has no setting 'treshold'. Did you mean 'threshold'?
6:88: setting 'threshold' of 'bias': <theirs>, got 'no'.
7:3: unknown axis 'modle'. Did you mean 'model'?
8:28: unknown key of model: 'setings'. Did you mean 'settings'?
8:42: model is a name or a mapping {use, settings, label}, got 7.
9:20: crop_size: <theirs>, got "on".
11:5: exclude.0 needs the key 'reason': why;
13:6: unknown axis 'cop'. Did you mean 'crop'?
15:3: unknown recipe path 'recipe.learning_rat'. Did you mean 'recipe.learning_rate'?
17:11: recipe.epochs: <theirs>, got "10:30".
18:10: unknown key of recipe.bank: 'crop'. Did you mean 'crops'?
19:15: no plugin offers a loss called 'focl'. Did you mean 'focal'?
20:54: setting 'gain' of 'rotations': <theirs>, got 'x'.
21:19: protocol.split: fold 5 of 5 does not exist; folds count from 0.
21:47: protocol.tiles.overlap: <theirs>, got 1.
21:60: protocol.classes: <theirs>, got "unoin". Did you mean 'union'?
23:25: recipe.batch: <theirs>, got 0. (in the profile 'cpu')
23:29: unknown key of the profile 'cpu': 'axis'. Did you mean 'axes'?
24:15: unknown axis 'crp'. Did you mean 'crop'?
24:29: unknown split 'tset'. Did you mean 'test'?
24:38: unknown score 'f9'.
24:47: unknown value 'f1'. Known: convergence_epoch,
25:21: no plugin offers a launcher called 'slurm'.
-x argument 1: unknown key of recipe: 'epohcs'. Did you mean 'epochs'?
-x argument 2: unknown key 'resipe'. Did you mean 'recipe'?
-x argument 3: 'recipe.epochs' is not KEY=VALUE;
-x argument 4: not YAML:
-x argument 5: no plugin offers a preprocess called 'stretsh'. Did you mean 'stretch'?
"""


def test_every_mistake_of_a_suite_is_reported_at_once_in_order_with_its_place(tmp_path: Path) -> None:
    overrides = ("recipe.epohcs=3", "resipe.epochs=3", "recipe.epochs", "recipe.batch=[", "axes.preprocess=stretsh")
    found = mistakes(tmp_path, WRONG, *overrides, profile="none")
    expected = [line if line.startswith("-x") else f"suite.yaml:{line}" for line in EXPECTED.splitlines()]
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert begins(line, start), line


def test_each_mistake_is_one_line(tmp_path: Path) -> None:
    assert all("\n" not in line for line in mistakes(tmp_path, WRONG, profile="none"))


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "suite.yaml:1:1: a suite is a mapping that starts with 'name: ...'."),
        ("- name: x", "suite.yaml:1:1: a suite is a mapping that starts with 'name: ...'."),
        (
            "axes: {dataset: parts, model: unet}",
            "suite.yaml:1:1: the file needs the key 'name': names the folder of the results",
        ),
        (
            "name: a:b\naxes: {dataset: parts, model: unet}",
            "suite.yaml:1:7: name must be letters, digits, '.', '_' and '-', got \"a:b\".",
        ),
        (
            "name: ../up\naxes: {dataset: parts, model: unet}",
            "suite.yaml:1:7: name must be letters, digits, '.', '_' and '-', got \"../up\".",
        ),
        (
            "name: x\naxes: {model: unet}",
            "suite.yaml:2:7: the axis 'dataset' has no value; name at least one under 'axes'.",
        ),
        (
            "name: x\naxes: [unet]\npaired: [{dataset: [parts], model: [unet]}]",
            'suite.yaml:2:7: axes must be a mapping, got ["unet"].',
        ),
        (SMALL + "recipe: 3", "suite.yaml:3:9: recipe must be a mapping, got 3."),
        (SMALL + "protocol: {tiles: [1]}", "suite.yaml:3:19: protocol.tiles must be a mapping, got [1]."),
        (
            SMALL + "protocol: {split: {fold: 0, flods: 3}}",
            "suite.yaml:3:29: unknown key of protocol.split: 'flods'. Did you mean 'folds'? "
            "Known: digest, file, fold, folds.",
        ),
        (
            SMALL + "protocol: {split: {file: none.csv}}",
            "suite.yaml:3:26: the split file none.csv is missing; it was sought at ",
        ),
        (SMALL + "recipe: {loss: {settings: {}}}", "suite.yaml:3:16: recipe.loss needs the key 'use': the name;"),
        (
            SMALL + "recipe: {augment: flips}",
            'suite.yaml:3:19: recipe.augment: <theirs>, got "flips".',
        ),
        (SMALL + "board: {rows: model}", "suite.yaml:3:8: rows and columns both show 'model'; they must differ."),
        (SMALL + "tune: [1]", "suite.yaml:3:7: tune must be a mapping, got [1]."),
        (SMALL + "profiles: [1]", "suite.yaml:3:11: profiles must be a mapping, got [1]."),
        (
            SMALL + "profiles: {none: {}}",
            "suite.yaml:3:12: 'none' cannot name a profile: it stands for the suite as written.",
        ),
        (SMALL + "include: [5]", "suite.yaml:3:11: include.0 must be a mapping, got 5."),
        (SMALL + "description: [x]", 'suite.yaml:3:14: description must be text, got ["x"].'),
        (SMALL + "name: y", "suite.yaml:3:1: the key 'name' stands twice; the first is at suite.yaml:1:1."),
    ],
)
def test_what_is_no_suite_is_refused_with_one_line(tmp_path: Path, text: str, mistake: str) -> None:
    (line,) = mistakes(tmp_path, text)
    assert begins(line, mistake)


def test_a_misspelt_axis_is_told_once(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, "name: x\naxes: {dataset: parts, modle: unet}")
    assert line.startswith("suite.yaml:2:24: unknown axis 'modle'. Did you mean 'model'?")


VALID: dict[str, object] = {
    "name": "valid",
    "data": {"parts": "a"},
    "axes": {"dataset": ["parts"], "model": [{"use": "unet", "settings": {"encoder": "x"}, "label": "U"}],
             "seed": [0, 1], "preprocess": ["none", ["stretch"]],
             "recipe.batch": [1, 2], "protocol.split": [{"fold": 0}, "grouped"]},
    "paired": [{"crop": ["uniform", "bias"], "crop_size": [64, 128]}],
    "exclude": [{"when": {"crop": ["bias"], "seed": 1}, "reason": "why"}],
    "include": [{"model": "fcn", "crop": "bias", "crop_size": 64, "seed": 0, "preprocess": "none",
                 "recipe.batch": 1, "protocol.split": "grouped"}],
    "tune": {"recipe.learning_rate": [0.1, 0.2]},
    "recipe": {"epochs": 2, "loss": {"use": "focal", "settings": {"gain": 2}}, "augment": ["flips"]},
    "protocol": {"tiles": {"overlap": 0.5}},
    "profiles": {"cpu": {"recipe": {"epochs": 1}, "axes": {"seed": [1]}}},
    "board": {"rows": "crop", "values": ["f1@test"]},
    "runtime": {"workers": 1},
}  # fmt: skip

ODD = (
    None,
    True,
    0,
    -1,
    0.5,
    "",
    "x",
    "none",
    [],
    {},
    [[]],
    ["x", "x"],
    {"use": 1},
    {"use": "x"},
    {"settings": 3},
    [None],
    [{}],
)


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value and of every mapping's keys."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def spoiled(path: tuple[str | int, ...], odd: object, *, rename: bool) -> dict[str, object]:
    """The valid suite with one value, or one key, replaced."""
    suite = copy.deepcopy(VALID)
    inner: Any = suite
    for step in path[:-1]:
        inner = inner[step]
    if rename and isinstance(inner, dict):
        inner["odd" + str(path[-1])] = inner.pop(path[-1])
    else:
        inner[path[-1]] = odd
    return suite


def test_the_suite_that_is_spoiled_below_is_valid(tmp_path: Path) -> None:
    assert load(tmp_path, json.dumps(VALID), profile="none").cells


@given(st.sampled_from(places(VALID)[1:]), st.sampled_from(ODD), st.booleans(), st.sampled_from(["none", "cpu"]))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_spoiled_the_answer_is_a_suite_or_located_mistakes(
    tmp_path: Path, path: tuple[str | int, ...], odd: object, rename: bool, profile: str
) -> None:
    lines: tuple[str, ...] = ()
    try:
        load(tmp_path, json.dumps(spoiled(path, odd, rename=rename), indent=1), profile=profile)
    except SuiteError as error:
        lines = error.mistakes or ("refused without a mistake",)
    for line in lines:
        assert re.match(rf"{tmp_path}/suite\.yaml:\d+:\d+: |--profile: ", line)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"absent\.yaml: the suite cannot be read: "):
        load_suite(tmp_path / "absent.yaml", CATALOG)
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(SuiteError, match=r"latin\.yaml: byte 10 is not UTF-8"):
        load_suite(tmp_path / "latin.yaml", CATALOG)


def test_a_byte_order_mark_and_windows_line_ends_are_taken(tmp_path: Path) -> None:
    (tmp_path / "windows.yaml").write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load_suite(tmp_path / "windows.yaml", CATALOG).name == "small"


def test_the_board_may_show_scores_metrics_facts_and_types(tmp_path: Path) -> None:
    values = ["f1@validation", "specificity@test", "types.crack.recall@test", "parameters", "cost.train_s"]
    suite = load(tmp_path, SMALL + "board: {values: [" + ", ".join(values) + "]}\n")
    assert list(suite.board.values) == values
