"""What the README shows works as it is written there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bench.catalog import Catalog
from bench.cli.data import COMMANDS as DATA
from bench.cli.main import COMMANDS
from bench.cli.plugins import COMMANDS as PLUGINS
from bench.images import write_png
from sampling import whole_run
from tiny import bench, write_world

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
QUICK = ["-x", "axes.model=[constant]", "-x", "axes.crop_size=[32]", "-x", "axes.seed=[0]", "-x", "recipe.epochs=1"]


def block(language: str, start: str) -> str:
    """The one fenced block of a language that begins with ``start``."""
    found = [b for b in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if b.startswith(start)]
    assert len(found) == 1
    return str(found[0])


@pytest.fixture
def world(tmp_path: Path) -> Path:
    write_world(tmp_path)
    (tmp_path / "parts").rename(tmp_path / "own")
    suite = block("yaml", "name: my-parts").replace("~/parts", "own")
    (tmp_path / "my.yaml").write_text(suite)
    return tmp_path


@whole_run
def test_the_suite_over_own_folders_is_valid_and_runs(world: Path) -> None:
    done = bench(world, "validate", "my.yaml")
    assert done.returncode == 0, done.stderr
    done = bench(world, "run", "my.yaml", *QUICK, "-x", "recipe.epoch_crops=8")
    assert done.returncode == 0, done.stderr


@whole_run
def test_the_data_set_plugin_of_twenty_lines_runs(world: Path) -> None:
    (world / "scratches.py").write_text(block("python", "# scratches.py"))
    (world / "scratches").mkdir()
    for number in range(8):
        image = np.full((40, 40), 30 + number, np.uint8)
        mask = np.zeros((40, 40), np.uint8)
        mask[number : number + 9, 5:20] = 255
        write_png(world / "scratches" / f"part{number}_view0.jpg", image)  # the suffix does not matter to the reader
        write_png(world / "scratches" / f"part{number}_view0.png", mask)
    arguments = [*QUICK, "-x", "recipe.epoch_crops=8", "-x", "axes.dataset=[scratches]"]
    (world / "broken.py").write_text("import nothing_of_that_name")
    local = ["--plugin", "scratches.py", "--plugin", "broken.py", "--data", "scratches=scratches"]
    done = bench(world, "run", "my.yaml", *arguments, *local)
    assert done.returncode == 0, done.stderr
    assert "nothing_of_that_name" in done.stderr


def test_every_command_shown_exists() -> None:
    shown = set(re.findall(r"^bench (\w+)", README, re.MULTILINE)) | set(re.findall(r"`bench (\w+)", README))
    assert shown
    assert shown <= set(COMMANDS)
    for group, known in (("cache", {"ls", "verify", "gc"}), ("data", set(DATA)), ("plugins", set(PLUGINS))):
        assert set(re.findall(rf"(?:^|`)bench {group} ([a-z]+)", README, re.MULTILINE)) <= known


def test_every_data_set_offered_is_named(catalog: Catalog) -> None:
    named = set(re.findall(r"`([a-z0-9-]+)`", README))
    assert set(catalog.names("dataset")) <= named


def test_what_the_contract_says_of_the_plugin_shown_is_what_the_text_says(world: Path) -> None:
    (world / "scratches.py").write_text(block("python", "# scratches.py"))
    done = bench(world, "plugins", "check", "scratches.py")
    assert done.returncode == 3
    assert "licence" in done.stdout
    assert "example" in done.stdout


def test_every_file_linked_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target
