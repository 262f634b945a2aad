"""Observers hear what a run does, once, with the numbers of the records; whatever they do, the run is as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from bench.catalog import Catalog, load_catalog
from bench.commands import Silent
from bench.component import build
from bench.engine.invocation import Invocation
from bench.errors import PluginError
from bench.record import Record
from bench.runs import observing
from bench.runs.folder import read_run, records_in
from bench.runs.observing import observed
from bench.scaffold import files_of
from bench.store.home import Places
from bench.suite.schema import Ref
from bench.testing.offering import without
from bench.train.history import read_history
from tiny import bench, write_world

WITH = ("--plugin", "models.py", "--plugin", "lines.py")
TELLING = ("run", "tiny.yaml", *WITH, "--observe", "lines")

BAD = '''
"""Observers that go wrong, each in a way of its own."""

import os
import time
from pathlib import Path

from bench.api import Component, Observer, PluginError, hookimpl


class Raising(Observer):
    def epoch_ended(self, cell, epoch):
        raise RuntimeError(f"epoch {epoch.epoch} is not to my taste")


class Hanging(Observer):
    def cell_began(self, cell):
        time.sleep(600)


class Dying(Observer):
    def cell_began(self, cell):
        print("farewell", flush=True)
        os._exit(3)


def raising(folder: Path, /):
    return Raising()


def hanging(folder: Path, /):
    return Hanging()


def dying(folder: Path, /):
    return Dying()


def unbuilt(folder: Path, /):
    raise PluginError("the observer 'unbuilt' needs a licence: buy one")


@hookimpl
def bench_observers():
    yield Component("raising", raising)
    yield Component("hanging", hanging)
    yield Component("dying", dying)
    yield Component("unbuilt", unbuilt)
'''


@pytest.fixture(scope="session")
def told_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world whose run the observer of the template was told of."""
    folder = tmp_path_factory.mktemp("told")
    write_world(folder)
    write_lines(folder)
    done = bench(folder, *TELLING)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def ran(ran_world: Path, tmp_path: Path) -> Path:
    """A copy of a world whose run nobody was told of."""
    folder = tmp_path / "world"
    shutil.copytree(ran_world, folder)
    write_lines(folder)
    return folder


def write_lines(folder: Path) -> None:
    """The observer of ``bench plugins new --kind observer``."""
    (folder / "lines.py").write_text(files_of("lines", ["observer"])["src/lines/observer.py"])


def events(folder: Path) -> list[dict[str, Any]]:
    """What it wrote."""
    path = folder / "runs" / "tiny" / "observers" / "lines" / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def of_cells(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Cell ids with what was told of each."""
    told = [event for event in events(folder) if event["event"] not in ("run", "done")]
    for id, found in groupby(sorted(told, key=lambda event: str(event["id"])), lambda event: str(event["id"])):
        yield id, list(found)


def records(folder: Path) -> dict[str, Record]:
    run = folder / "runs" / "tiny"
    return records_in(run, read_run(run)[0])


def words(found: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in found]


def test_a_run_is_told_from_its_beginning_to_its_board(told_world: Path) -> None:
    first, *_, last = events(told_world)
    suite, _ = read_run(told_world / "runs" / "tiny")
    assert first == {"event": "run", "id": suite.hash, "suite": "tiny", "cells": len(suite.cells)}
    assert last["how"] == "done"
    assert {"leaderboard.json", "leaderboard.md"} <= set(last["files"])


def test_every_cell_is_told_with_its_labels_and_settings_and_all_of_its_epochs(told_world: Path) -> None:
    suite, _ = read_run(told_world / "runs" / "tiny")
    cells = {cell.id: cell for cell in suite.cells}
    assert {id for id, _ in of_cells(told_world)} == set(cells)
    for id, found in of_cells(told_world):
        epochs = cells[id].recipe.epochs
        assert words(found) == ["cell", *["epoch"] * epochs, "ended"]
        assert found[0]["axes"] == dict(cells[id].labels)
        assert found[0]["settings"]["recipe.learning_rate"] == cells[id].recipe.learning_rate
        assert found[0]["settings"]["recipe.augment.0.use"] == cells[id].recipe.augment[0].use
        assert [event["epoch"] for event in found[1:-1]] == list(range(1, epochs + 1))


def test_the_epochs_are_those_of_the_history_to_the_bit(told_world: Path) -> None:
    kept = records(told_world)
    for id, found in of_cells(told_world):
        history = read_history(told_world / "home" / "stages" / "train" / str(kept[id].keys["train"]))
        validated = [event for event in found if event.get("validation_f1") is not None]
        assert [{**event, "event": None, "id": None} for event in validated] == [
            {"event": None, "id": None, **epoch} for epoch in history
        ]


def test_scores_costs_and_pictures_are_those_of_the_records(told_world: Path) -> None:
    kept = records(told_world)
    for id, (*_, ended) in of_cells(told_world):
        for split, scores in kept[id].plain_scores.items():
            assert ended["scores"][split]["f1"] == scores["f1"]
            assert ended["scores"][split]["tolerance.f1_truth_dilated"] == scores["tolerance"]["f1_truth_dilated"]
        cost = kept[id].cost
        assert cost is not None
        assert ended["facts"]["cost.train_s"] == cost.train_s
        assert len(ended["pictures"]) == len(kept[id].pictures) > 0
        assert all(Path(path).is_file() for path in ended["pictures"])


def test_ids_and_scores_are_those_of_a_run_without_observers(told_world: Path, ran_world: Path) -> None:
    told, untold = records(told_world), records(ran_world)
    assert {id: record.scores for id, record in told.items()} == {id: record.scores for id, record in untold.items()}


def test_a_repeated_run_tells_nothing_twice(told_world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(told_world, folder)
    before = events(folder)
    assert bench(folder, *TELLING).returncode == 0
    assert words(events(folder)[len(before) :]) == ["run", "done"]


def test_cells_that_were_done_before_are_told_with_the_epochs_that_their_histories_hold(ran: Path) -> None:
    done = bench(ran, *TELLING)
    assert done.returncode == 0, done.stderr
    kept = records(ran)
    assert {id for id, _ in of_cells(ran)} == set(kept)
    for id, found in of_cells(ran):
        history = read_history(ran / "home" / "stages" / "train" / str(kept[id].keys["train"]))
        assert words(found) == ["cell", *["epoch"] * len(history), "ended"]


def test_a_cell_that_fails_is_told_with_its_reason(ran: Path) -> None:
    done = bench(ran, *TELLING, "-x", "axes.model=[failing]")
    assert done.returncode == 3
    for _, found in of_cells(ran):
        assert words(found) == ["cell", "ended"]
        assert "this model cannot be built" in found[-1]["reason"]
        assert found[-1]["scores"] == {}


def test_an_observer_that_goes_wrong_costs_a_remark_and_nothing_else(
    tmp_path: Path, ran_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "FAREWELL_S", 8.0)
    write_world(tmp_path)
    write_lines(tmp_path)
    (tmp_path / "bad.py").write_text(BAD)
    bad = ["--plugin", "bad.py", "--observe", "raising", "--observe", "hanging", "--observe", "dying"]
    done = bench(tmp_path, *TELLING, *bad, "--observe", "unbuilt")
    assert done.returncode == 0, done.stderr
    remarks = [line for line in done.stderr.splitlines() if line.startswith("remark: observer")]
    assert sorted(remarks) == [
        "remark: observer dying: its process ended with code 3: farewell",
        "remark: observer hanging: has not taken all in time; what is left is told when the suite is run again",
        "remark: observer raising: RuntimeError: epoch 1 is not to my taste",
        "remark: observer unbuilt: the observer 'unbuilt' needs a licence: buy one",
    ]
    kept, others = records(tmp_path), records(ran_world)
    assert {id: record.scores for id, record in kept.items()} == {id: record.scores for id, record in others.items()}
    assert words(events(tmp_path))[-1] == "done"


def test_an_observer_that_does_not_answer_is_told_nothing_more(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "HEARING_S", 1.0)
    (ran / "bad.py").write_text(BAD)
    done = bench(ran, "run", "tiny.yaml", "--plugin", "models.py", "--plugin", "bad.py", "--observe", "hanging")
    assert done.returncode == 0
    assert "remark: observer hanging: does not answer; it is told nothing more" in done.stderr


def test_an_interrupted_run_says_so(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places(ran / "home", ran / "runs", {})
    invocation = Invocation(load_catalog([ran / "lines.py"]), places)
    with (
        pytest.raises(KeyboardInterrupt),
        observed([Ref(use="lines", settings={"file": "events.jsonl"})], invocation, places.run("tiny"), Silent()),
    ):
        raise KeyboardInterrupt
    assert events(ran)[-1] | {"id": ""} == {"event": "done", "id": "", "how": "interrupted", "files": []}


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (["wandbb"], "no plugin offers an observer called 'wandbb'. Did you mean 'wandb'?"),
        (["mlflow", "mlflow"], "runtime.observers: 'mlflow' stands there twice."),
        (["{use: mlflow, settings: {url: here}}"], "'mlflow' has no setting 'url'. Did you mean 'uri'?"),
    ],
)
def test_a_wrong_name_or_setting_is_one_line_before_anything_runs(tmp_path: Path, named: list[str], said: str) -> None:
    write_world(tmp_path)
    options = [option for name in named for option in ("--observe", name)]
    done = bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["mlflow", "tensorboard", "wandb"])
def test_a_tracker_without_its_package_says_what_to_install(name: str, catalog: Catalog, tmp_path: Path) -> None:
    component = catalog.find("observer", name).component
    with without([name]), pytest.raises(PluginError, match=rf'needs .*: pip install "defectbench\[{name}\]"$'):
        build(component, tmp_path, settings={})
