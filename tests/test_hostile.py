"""Plugins that misbehave, folders that mislead, commands that are misspelt: one line each, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.record import State
from sampling import whole_run
from tiny import bench, bench_process, write_world

HOSTILE = """
from bench.api import Component, hookimpl
import numpy as np

print("hello from a plugin")


class Leaving:
    classes = ("defect",)

    def records(self):
        raise SystemExit(0)


class Numbers:
    classes = ("defect",)

    def records(self):
        return [1, 2]


def leaving(root, /):
    return Leaving()


def numbers(root, /):
    return Numbers()


def flat():
    return lambda image: image[:, :, 0]


def failing():
    def step(image):
        raise ValueError("no such lamp")
    return step


class Specificity:
    range = (0.0, 1.0)

    def value(self, counts):
        return counts[..., 3] / (counts[..., 1] + counts[..., 3])


@hookimpl
def bench_datasets():
    yield Component("leaving", leaving)
    yield Component("numbers", numbers)


@hookimpl
def bench_preprocess():
    yield Component("flat", flat)
    yield Component("failing", failing)


@hookimpl
def bench_metrics():
    yield Component("specificity", Specificity)
"""

PLUGINS = ("--plugin", "models.py", "--plugin", "hostile.py")
ONE = ("-x", "axes.crop=[uniform]", "-x", "axes.model=[constant]")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    write_world(tmp_path)
    (tmp_path / "hostile.py").write_text(HOSTILE)
    return tmp_path


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("axes.dataset=[leaving]", "SystemExit"),
        ("axes.dataset=[numbers]", "must list Record objects"),
        ("axes.preprocess=[flat]", "must return uint8 or uint16"),
        ("axes.preprocess=[failing]", "no such lamp"),
    ],
)
def test_a_misbehaving_plugin_is_a_reason_on_the_board(world: Path, override: str, said: str) -> None:
    done = bench(world, "run", "tiny.yaml", *PLUGINS, *ONE, "-x", override)
    assert done.returncode == 3, done.stderr
    assert said in " ".join(done.stdout.split())
    assert "Traceback" not in done.stderr


def test_what_a_plugin_prints_does_not_spoil_json(world: Path) -> None:
    done = bench(world, "leaderboard", "tiny.yaml", *PLUGINS, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["suite"] == "tiny"


@whole_run
def test_a_metric_of_a_plugin_stands_on_the_board(world: Path) -> None:
    done = bench(world, "run", "tiny.yaml", *PLUGINS, *ONE, "-x", "board.values=[specificity@test, f1@test]")
    assert done.returncode == 0, done.stderr
    record = json.loads(next((world / "runs" / "tiny" / "cells").glob("*.json")).read_text())
    assert 0 <= record["scores"]["test"]["specificity"] <= 1


@whole_run
def test_modules_in_the_current_folder_are_not_taken_for_those_of_python(world: Path) -> None:
    (world / "random.py").write_text("print('not yours')\n")
    done = bench_process(world, "run", "tiny.yaml", *PLUGINS, *ONE)
    assert done.returncode == 0, done.stderr


@whole_run
def test_a_label_with_formulas_and_markup_loses_nothing(world: Path) -> None:
    done = bench(world, "run", "tiny.yaml", *PLUGINS, *ONE, "-x", r"axes.crop=[{use: uniform, label: '$t>\q$ [/b]'}]")
    assert done.returncode == 0, done.stderr
    record = json.loads(next((world / "runs" / "tiny" / "cells").glob("*.json")).read_text())
    assert record["state"] == State.OK
    assert record["pictures"]


@whole_run
def test_pictures_in_two_splits_are_a_badge(world: Path) -> None:
    for number in range(10):
        for folder in ("images", "masks"):
            part = world / "parts" / folder / f"part{number:02d}.png"
            part.write_bytes((world / "parts" / folder / "part00.png").read_bytes())
    done = bench(world, "run", "tiny.yaml", *PLUGINS, "-x", "axes.crop=[uniform]")
    assert "10 pictures of this data set lie in more than one split" in " ".join(done.stdout.split())


@whole_run
def test_a_stage_whose_file_was_deleted_is_made_again(world: Path) -> None:
    assert bench(world, "run", "tiny.yaml", *PLUGINS, *ONE).returncode == 0
    next((world / "home" / "stages" / "predict").glob("*/test.npz")).unlink()
    next((world / "runs" / "tiny" / "cells").glob("*.json")).unlink()
    assert "missing" in bench(world, "cache", "verify").stdout
    assert bench(world, "run", "tiny.yaml", *PLUGINS, *ONE).returncode == 0
    assert bench(world, "cache", "verify").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "smoke", "--data", "foldr=parts"), "no data set is called 'foldr'"),
        (("show", "**"), "is no cell id"),
        (("show", "abcdef"), "no cell whose id begins with 'abcdef'"),
        (("run", "smok"), "Did you mean the shipped suite 'smoke'?"),
        (("list", "modles"), "modles"),
        (("info", "unett"), "Did you mean 'unet'?"),
        (("rum", "smoke"), "Did you mean 'run'?"),
        (("leaderboard", "parts"), "no run here"),
        (("run", "tiny.yaml", "--plugin", "absent.py"), "the plugin file is missing"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_clear_line(world: Path, arguments: tuple[str, ...], said: str) -> None:
    done = bench(world, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
