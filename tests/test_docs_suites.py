"""The page on suite files names every key with its default, its suites load, and what it says of commands holds."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bench.cli.main import bench as command_line
from bench.errors import SuiteError
from bench.suite.reading.grid import DEFAULTS
from bench.suite.reading.layers import KEYS
from bench.suite.reading.load import load_suite
from bench.suite.reading.values import PRETRAIN_KEYS
from bench.suite.schema import (
    Axes,
    BankBudget,
    Board,
    ExcludeRule,
    Fold,
    Pretrain,
    Protocol,
    Recipe,
    Ref,
    Reference,
    Runtime,
    SplitFile,
    SuiteFile,
    Tiles,
)
from bench.suite.shipped import shipped_suites
from tiny import bench

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "suites.md").read_text(encoding="utf-8")
SECTIONS = {title.strip("`"): text for title, text in re.findall(r"^##+ (.+?)\n(.*?)(?=^##+ |\Z)", PAGE, re.M | re.S)}
SUITES = [text for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S) if text.startswith("name:")]

MODELS = [
    ("Top-level keys", SuiteFile), ("Components and labels", Ref), ("recipe", Recipe), ("protocol", Protocol),
    ("protocol", Fold), ("protocol", SplitFile), ("pretrain", Pretrain), ("exclude` and `include", ExcludeRule),
    ("board", Board), ("reference", Reference), ("runtime", Runtime),
]  # fmt: skip


def described(section: str) -> dict[str, str]:
    """Field to default, as the tables of a section have them."""
    rows = re.findall(r"^\| `([\w.]+)` \|[^|]*\| ?([^|]*?) ?\|", SECTIONS[section], re.M)
    assert len({name for name, _ in rows}) == len(rows)
    return dict(rows)


def defaults_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Field to default in the words of the page; a nested part by its dotted paths."""
    for name, field in model.model_fields.items():
        if field.annotation in (Tiles, BankBudget):
            yield from defaults_of(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, "required" if field.is_required() else in_words(default_of(field))


def default_of(field: FieldInfo) -> object:
    return field.get_default(call_default_factory=True)


def in_words(default: object) -> str:
    if isinstance(default, Recipe):
        return "as `recipe`"
    if isinstance(default, Ref):
        assert not default.settings
        return default.use
    if isinstance(default, tuple):
        return f"[{', '.join(in_words(part) for part in default)}]"
    return default if isinstance(default, str) else json.dumps(default)


@pytest.mark.parametrize(("section", "model"), MODELS)
def test_every_field_stands_in_its_table_with_the_default_of_the_schema(section, model):
    found = described(section)
    expected = dict(defaults_of(model))
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize("section", sorted({section for section, _ in MODELS}))
def test_a_table_names_no_field_that_is_not_there(section):
    known = {name for other, model in MODELS if other == section for name, _ in defaults_of(model)}
    assert set(described(section)) <= known | (set(PRETRAIN_KEYS) if section == "pretrain" else set())


def test_every_key_of_a_suite_and_of_a_pretraining_run_is_named():
    assert set(described("Top-level keys")) == set(KEYS)
    assert set(described("pretrain")) == set(PRETRAIN_KEYS)


def test_every_axis_stands_in_its_table_with_its_default():
    assert described("axes") == {axis: str(DEFAULTS.get(axis, "required")) for axis in Axes.model_fields}


def test_the_budget_is_that_of_the_recipe():
    recipe = Recipe()
    assert f"trains {recipe.epochs} epochs of {recipe.epoch_crops:,} crops" in PAGE
    assert f"{recipe.epochs * recipe.epoch_crops:,} crops" in PAGE


@pytest.mark.parametrize("text", SUITES, ids=[text.split()[1] for text in SUITES])
def test_every_suite_of_the_page_loads_and_all_of_its_cells_can_run(catalog, tmp_path, text):
    (tmp_path / "page.yaml").write_text(text)
    suite = load_suite(tmp_path / "page.yaml", catalog, profile="none")
    assert suite.cells
    assert [cell.skipped for cell in suite.cells if cell.skipped] == []


def the_first(tmp_path: Path) -> Path:
    (tmp_path / "my.yaml").write_text(SUITES[0])
    return tmp_path / "my.yaml"


def test_the_overrides_of_the_page_are_understood(catalog, tmp_path):
    path = the_first(tmp_path)
    assert len(load_suite(path, catalog).cells) == 24
    (line,) = (line for line in PAGE.splitlines() if line.startswith("bench run my.yaml"))
    small = load_suite(path, catalog, overrides=re.findall(r"-x (\S+)", line))
    assert {(cell.recipe.epochs, cell.recipe.epoch_crops, cell.seed) for cell in small.cells} == {(2, 64, 0)}


@pytest.mark.parametrize("override", re.findall(r"^- .*?`-x '?([^'`]+)'?`", PAGE, re.M))
def test_every_override_named_under_precedence_is_understood(catalog, tmp_path, override):
    assert load_suite(the_first(tmp_path), catalog, overrides=[override]).cells


def test_a_profile_lies_over_the_suite_and_an_override_over_the_profile(catalog, tmp_path):
    path = tmp_path / "tuned.yaml"
    path.write_text(next(text for text in SUITES if text.startswith("name: tuned")))
    small = load_suite(path, catalog, profile="cpu")
    assert (small.recipe.epochs, small.tune, len(small.cells)) == (2, {}, 4)
    assert load_suite(path, catalog, profile="cpu", overrides=["recipe.epochs=3"]).recipe.epochs == 3


def test_the_label_that_the_page_warns_of_is_what_a_table_would_show(catalog, tmp_path):
    path = the_first(tmp_path)
    settings = "{encoder: resnet10t, depth: 4, output_stride: 8, aspp: 32, rates: [2, 4, 6]}"
    override = f"axes.model={{use: deeplabv3, settings: {settings}}}"
    assert f"`{load_suite(path, catalog, overrides=[override]).cells[0].labels['model']}`" in PAGE


def output_of(*arguments: str) -> str:
    found = CliRunner().invoke(command_line, arguments, catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


@pytest.mark.parametrize("name", ["cropping", "mtd"])
def test_info_prints_a_shipped_suite_with_its_place(name):
    printed = output_of("info", name)
    assert printed.endswith(f"suite {name}: {shipped_suites()[name]}\n\n{shipped_suites()[name].read_text()}")


def test_info_shows_the_data_set_of_the_same_name_too():
    assert output_of("info", "mtd").startswith("dataset mtd ")


def test_the_schema_of_a_suite_is_that_of_its_keys():
    assert set(json.loads(output_of("info", "cropping", "--schema"))["properties"]) == set(KEYS)


def test_the_schema_of_a_name_that_a_component_has_too_is_the_components_alone():
    assert "mask_threshold" in json.loads(output_of("info", "mtd", "--schema"))["properties"]


def test_the_list_of_suites_says_how_to_see_one():
    assert "bench info NAME" in CliRunner().invoke(command_line, ["list", "suites"]).stderr


@pytest.fixture
def moved(ran_world: Path, tmp_path: Path) -> Path:
    """A folder with the run ``runs/my``, its store, and no suite file of any name."""
    shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "runs" / "my")
    shutil.copytree(ran_world / "home", tmp_path / "home")
    return tmp_path


@pytest.mark.parametrize("arguments", [("effects", "--axis", "crop"), ("leaderboard",)])
def test_a_run_is_found_by_its_name_below_out(moved, arguments):
    command, *options = arguments
    by_name, by_path = (bench(moved, command, name, *options) for name in ("my", "runs/my"))
    assert by_name.returncode == 0, by_name.stderr
    assert by_name.stdout == by_path.stdout


def test_scores_of_a_run_are_found_by_its_name_below_out(moved):
    (moved / "runs").rename(moved / "elsewhere")
    by_name = bench(moved, "score", "my", "--out", "elsewhere")
    by_path = bench(moved, "score", "elsewhere/my")
    assert by_name.returncode == 0, by_name.stderr
    assert by_name.stdout.replace("score my --out elsewhere", "score elsewhere/my") == by_path.stdout


@pytest.mark.parametrize("arguments", [("effects", "--axis", "crop"), ("score",), ("leaderboard",)])
def test_a_name_of_neither_names_both_places_in_one_line(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    command, *options = arguments
    with pytest.raises(SuiteError) as caught:
        command_line.main([command, "my", *options, "--out", "there"], standalone_mode=False)
    assert re.fullmatch(r"my: no such suite file\..* Nor is there a run in there.my\.", str(caught.value))


def test_a_command_that_takes_suites_only_does_not_take_a_run(moved, monkeypatch):
    monkeypatch.chdir(moved)
    with pytest.raises(SuiteError, match="my: no such suite file"):
        command_line.main(["plan", "my"], standalone_mode=False)
