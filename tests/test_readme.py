"""What the README shows first works as it is written there; its other blocks are those of ``test_pages.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.images import write_png
from pages import ROOT, blocks
from sampling import whole_run
from tiny import bench, write_world

README = ROOT / "README.md"
OWN_DATA = ROOT / "docs" / "own-data.md"
QUICK = ["-x", "axes.model=[constant]", "-x", "axes.crop_size=[32]", "-x", "axes.seed=[0]", "-x", "recipe.epochs=1"]


def shown(page: Path, start: str) -> str:
    """The one fenced block of a page that begins with ``start``."""
    (found,) = (block.text for block in blocks(page) if block.text.startswith(start))
    return found


@pytest.fixture
def world(tmp_path: Path) -> Path:
    write_world(tmp_path)
    (tmp_path / "parts").rename(tmp_path / "own")
    suite = shown(OWN_DATA, "# my.yaml").replace("~/parts", "own")
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
    (world / "scratches.py").write_text(shown(README, "# scratches.py"))
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


def test_the_two_commands_of_the_project_stand_first() -> None:
    first, second = shown(README, "make run").splitlines()
    assert [first.split("  ")[0], second.split("  ")[0]] == ["make run", "make test"]


def test_what_the_contract_says_of_the_plugin_shown_is_what_the_text_says(world: Path) -> None:
    (world / "scratches.py").write_text(shown(README, "# scratches.py"))
    done = bench(world, "plugins", "check", "scratches.py")
    assert done.returncode == 3
    assert "licence" in done.stdout
    assert "example" in done.stdout
