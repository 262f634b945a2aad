"""The page on suite files names every key with its default, its suites load, and what it says of commands holds."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import suite_tables
from bench.cli.main import bench as command_line
from bench.errors import SuiteError
from bench.suite.reading.load import load_suite
from bench.suite.schema import Recipe
from bench.suite.shipped import shipped_suites
from bench.suite.written import SuiteFile
from tiny import bench

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "suites.md").read_text(encoding="utf-8")
SECTIONS = {title.strip("`"): text for title, text in re.findall(r"^##+ (.+?)\n(.*?)(?=^##+ |\Z)", PAGE, re.M | re.S)}
SUITES = [text for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S) if text.startswith("name:")]


def test_the_tables_of_the_page_are_those_of_the_schema():
    anew = suite_tables.with_tables(PAGE)
    assert anew == PAGE, "write them anew: python tests/suite_tables.py"


def test_every_key_that_a_suite_may_have_says_what_it_means():
    for _, _, models in suite_tables.TABLES:
        for model in models:
            assert [name for name, _, meaning in suite_tables.fields_of(model) if not meaning] == []


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
    assert set(json.loads(output_of("info", "cropping", "--schema"))["properties"]) == set(SuiteFile.model_fields)


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
