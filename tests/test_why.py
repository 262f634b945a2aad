"""Why a cell runs again: the first stage that differs, and every field."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.catalog import load_catalog
from bench.engine.invocation import Invocation
from bench.errors import StoreError
from bench.runs.folder import read_run
from bench.runs.why import Why, why
from bench.stages import graph as stages
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from tiny import bench, edited, environment


@pytest.fixture
def world(ran_world: Path, tmp_path: Path) -> Path:
    """A copy of the run with its store and data, free to be changed."""
    return shutil.copytree(ran_world, tmp_path / "world")


def invocation(world: Path) -> Invocation:
    places = Places(world / "home", world / "runs", {"folder": str(world / "parts")})
    return Invocation(load_catalog([world / "models.py"]), places)


def asked(world: Path, number: int = 0) -> Why:
    suite, _ = read_run(world / "runs" / "tiny")
    return why(suite.cells[number], suite, invocation(world))


def record_of(world: Path, number: int = 0) -> Path:
    suite, _ = read_run(world / "runs" / "tiny")
    return world / "runs" / "tiny" / "cells" / f"{suite.cells[number].id}.json"


def changed(found: Why) -> dict[str, tuple[str, ...]]:
    return {stage.name: stage.details for stage in found.stages if stage.changed}


def test_a_finished_cell_is_done_and_no_stage_differs(world: Path) -> None:
    found = asked(world)
    assert found.state == "done"
    assert changed(found) == {}


def test_a_raised_component_version_is_named_at_the_first_stage_that_uses_it(world: Path) -> None:
    text = (world / "models.py").read_text()
    (world / "models.py").write_text(text.replace('Component("tiny", build)', 'Component("tiny", build, version=2)'))
    found = asked(world)
    assert found.state == "stale"
    assert next(iter(changed(found))) == "train"
    assert "model.version: 1 -> 2" in changed(found)["train"]
    assert changed(found)["predict"] == changed(found)["score"] == ()


def test_a_raised_stage_version_is_told_as_such(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stages.VERSIONS, "predict", 99)
    found = changed(asked(world))
    assert list(found) == ["predict", "score"]
    assert found["predict"][0].startswith("core stage version")


def test_the_score_stage_alone_can_be_the_reason(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stages.VERSIONS, "score", 99)
    found = changed(asked(world))
    assert list(found) == ["score"]
    assert found["score"][0].startswith("core stage version")


def test_a_changed_image_is_named(world: Path) -> None:
    assert asked(world).state == "done"
    shutil.copy(world / "parts" / "images" / "part02.png", world / "parts" / "images" / "part03.png")
    found = asked(world)
    assert changed(found)["tiles"][0].startswith("data fingerprint: ")
    assert "data set folder: other pixels or mask: part03" in found.remarks


def test_a_setting_done_otherwise_is_a_leaf_with_both_values(world: Path) -> None:
    path = record_of(world)
    key = json.loads(path.read_text())["keys"]["train"]
    note = world / "home" / "stages" / "train" / key / "stage.json"
    stored: dict[str, Any] = json.loads(note.read_text())
    stored["facts"]["recipe"]["learning_rate"] = 0.5
    remade = stages.stage("train", stored["facts"], stored["needs"])
    note.parent.rename(note.parent.with_name(remade.key))
    edited(note.parent.with_name(remade.key) / "stage.json", facts=stored["facts"])
    edited(path, keys={**json.loads(path.read_text())["keys"], "train": remade.key})
    assert changed(asked(world))["train"] == ("recipe.learning_rate: 0.5 -> 0.01",)


def test_facts_that_were_cleared_from_the_store_are_said_to_be_gone(world: Path) -> None:
    text = (world / "models.py").read_text()
    (world / "models.py").write_text(text + "\n# edited\n")
    shutil.rmtree(world / "home" / "stages" / "train")
    (line,) = changed(asked(world))["train"]
    assert "no longer in the store" in line


def test_a_failed_cell_gives_its_reason(world: Path) -> None:
    path = record_of(world)
    edited(path, state="failed", reason="out of memory")
    found = asked(world)
    assert found.state == "failed"
    assert "out of memory" in found.reason


def test_a_blocked_cell_says_what_is_missing(world: Path) -> None:
    shutil.rmtree(world / "parts")
    found = asked(world)
    assert found.state == "blocked"
    assert "missing" in found.reason


def test_a_cell_that_never_ran_names_its_nearest_neighbour(world: Path) -> None:
    here = invocation(world)
    suite = load_suite(world / "tiny.yaml", here.catalog, overrides=["recipe.learning_rate=0.02"])
    found = why(suite.cells[0], suite, here)
    assert found.state == "pending"
    assert any("recipe.learning_rate: 0.01 -> 0.02" in remark for remark in found.remarks)


def test_the_command_finds_a_cell_by_the_start_of_its_id_and_imports_no_torch(ran_world: Path) -> None:
    script = (
        "import sys\nfrom bench.cli import main\ntry:\n    main()\nexcept SystemExit as end:\n"
        "    assert end.code == 0, end.code\nassert 'torch' not in sys.modules\n"
    )
    arguments = ["why", record_of(ran_world).stem[:8], "--plugin", "models.py"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ran_world,
        env=environment(ran_world),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ": done: " in done.stdout


@pytest.mark.parametrize("width", [80, 120])
def test_lines_are_folded_without_losing_a_word(width: int) -> None:
    from bench.cli.terminal import folded

    lines = ["cell " + "ab " * 60, "  stage train: " + "word " * 40]
    found = list(folded(lines, width))
    assert max(map(len, found)) <= width
    assert " ".join(found).split() == " ".join(lines).split()


def test_an_unknown_cell_is_one_line(ran_world: Path) -> None:
    from bench.cli.cells import found_cell

    with pytest.raises(StoreError, match="no cell whose id begins"):
        found_cell(ran_world / "runs", "00000000000000")


def test_show_takes_the_run_folder_itself(ran_world: Path) -> None:
    id = record_of(ran_world).stem
    done = bench(ran_world, "show", id[:8], "--out", "runs/tiny")
    assert done.returncode == 0, done.stderr
    assert id in done.stdout
