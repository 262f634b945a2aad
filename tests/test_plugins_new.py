"""What ``bench plugins new`` writes is complete and sound, and it writes over nothing."""

from __future__ import annotations

import ast
import keyword
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench.catalog import KINDS, Catalog, load_catalog
from bench.errors import PluginError
from bench.scaffold import files_of, write_distribution
from bench.scaffold.distribution import LONGEST, NAME, SPOKEN_FOR
from bench.suite.reading.load import load_suite
from bench.testing import breaches
from tiny import bench


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool in the distribution as its author would."""
    return subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> Path:
    """A distribution with one component of every kind."""
    return write_distribution("all-kinds", tmp_path_factory.mktemp("new"), KINDS, catalog)


@pytest.mark.parametrize("kind", KINDS)
def test_a_plugin_offers_one_sound_component_of_its_kind(everything: Path, kind: str) -> None:
    file = everything / "src" / "all_kinds" / f"{kind}.py"
    catalog = load_catalog([file])
    assert catalog.quarantined == ()
    (offer,) = [offer for offer in catalog.all if offer.provider.local is not None]
    assert (offer.kind, offer.component.name) == (kind, "all-kinds")
    assert breaches(kind, offer.component) == []


USED: dict[str, Callable[[Any], Any]] = {
    "dataset": lambda suite: [*suite["axes"]["dataset"], *suite["data"]],
    "preprocess": lambda suite: suite["axes"]["preprocess"],
    "crop": lambda suite: suite["axes"]["crop"],
    "augment": lambda suite: suite["recipe"]["augment"],
    "model": lambda suite: suite["axes"]["model"],
    "loss": lambda suite: [suite["recipe"]["loss"]],
    "metric": lambda suite: [value.partition("@")[0] for value in suite["board"]["values"]],
    "launcher": lambda suite: [suite["runtime"]["launcher"]],
    "observer": lambda suite: suite["runtime"]["observers"],
}
"""Where a suite names a component of each kind; a reporter is named in a command."""


@pytest.mark.parametrize("kinds", [*[(kind,) for kind in KINDS], KINDS], ids="+".join)
def test_its_suite_is_valid_and_uses_every_component(tmp_path: Path, catalog: Catalog, kinds: tuple[str, ...]) -> None:
    home = write_distribution("dents", tmp_path, kinds, catalog)
    local = load_catalog([home / "src" / "dents" / f"{kind}.py" for kind in kinds])
    assert load_suite(home / "dents.yaml", local).cells
    plain = yaml.safe_load((home / "dents.yaml").read_text())
    assert all("dents" in USED[kind](plain) for kind in kinds if kind in USED)


def test_ruff_has_nothing_to_say(everything: Path) -> None:
    for arguments in (("check", "."), ("format", "--check", ".")):
        done = python(everything, "ruff", *arguments)
        assert done.returncode == 0, done.stdout


def spoken_for(name: str) -> bool:
    return name in SPOKEN_FOR or name.replace("-", "_") in (*keyword.kwlist, *sys.stdlib_module_names)


@given(
    name=st.from_regex(NAME, fullmatch=True).filter(lambda name: len(name) <= LONGEST and not spoken_for(name)),
    kinds=st.sets(st.sampled_from(KINDS), min_size=1),
)
def test_under_any_name_the_files_parse_and_fit_together(name: str, kinds: set[str]) -> None:
    files = files_of(name, sorted(kinds))
    project = tomllib.loads(files["pyproject.toml"])
    modules = {path.removeprefix("src/").removesuffix(".py").replace("/", ".") for path in files if "src/" in path}
    assert project["project"]["name"] == name
    assert set(project["project"]["entry-points"]["bench"]) <= modules
    assert len(project["project"]["entry-points"]["bench"]) == len(kinds)
    for path, text in files.items():
        if path.endswith(".py"):
            ast.parse(text)
            assert max(map(len, text.splitlines())) <= 120
        assert "my-plugin" not in text.replace(name, "")


REFUSED = {
    "My Parts": "Did you mean 'my-parts'?",
    "my_parts": "Did you mean 'my-parts'?",
    "2nd": "Did you mean 'nd'?",
    "../outside": "Did you mean 'outside'?",
    "": "lower-case words",
    "-": "lower-case words",
    "class": "has that word",
    "json": "has that word",
    "null": "has that word",
    "x" * 41: "41 characters",
    "numpy": "is installed here already",
    "defectbench": "is installed here already",
    "mtd": "the dataset 'mtd' is offered already, by defectbench",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_would_get_in_the_way_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    done = bench(tmp_path, "plugins", "new", "--", name)
    assert done.returncode == 2
    assert REFUSED[name] in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_name_taken_by_another_kind_of_component_is_free(catalog: Catalog, tmp_path: Path) -> None:
    assert write_distribution("unet", tmp_path, ["crop"], catalog).is_dir()


@pytest.mark.parametrize("taken", ["folder", "empty folder", "file", "dangling link"])
def test_what_is_there_is_left_as_it_is(catalog: Catalog, tmp_path: Path, taken: str) -> None:
    place = tmp_path / "dents"
    if taken == "dangling link":
        place.symlink_to(tmp_path / "nowhere")
    elif taken == "file":
        place.write_text("mine")
    else:
        place.mkdir()
        if taken == "folder":
            (place / "README.md").write_text("mine")
    before = sorted((path, path.read_text() if path.is_file() else "") for path in tmp_path.rglob("*"))
    with pytest.raises(PluginError, match="exists already"):
        write_distribution("dents", tmp_path, ["dataset"], catalog)
    assert sorted((path, path.read_text() if path.is_file() else "") for path in tmp_path.rglob("*")) == before


def test_the_command_ends_with_the_next_three_commands(tmp_path: Path) -> None:
    done = bench(tmp_path, "plugins", "new", "dents", "--kind", "crop", "--kind", "crop", "--to", "my plugins")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-4:] == [
        "next:",
        "  python -m pip install -e './my plugins/dents[test]'",
        "  bench plugins check dents",
        "  python -m pytest './my plugins/dents'",
    ]
    assert (tmp_path / "my plugins" / "dents" / "src" / "dents" / "crop.py").is_file()


def test_a_kind_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    done = bench(tmp_path, "plugins", "new", "dents", "--kind", "dataset", "--kind", "printer")
    assert done.returncode == 2
    assert all(kind in done.stderr for kind in KINDS)
