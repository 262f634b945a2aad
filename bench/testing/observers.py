"""The contract of observers: they take whatever a run may tell, odd names and missing scores too, and go on later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.component import Component
from bench.images import write_png
from bench.jobs import Epoch
from bench.observers import CellResult, ObservedCell, ObservedRun, Observer, RunResult
from bench.record import Record, State, record_of
from bench.testing.clauses import Breach, Sentences, built, kept, ran
from bench.words import shown

CALL_S = 60.0
"""Seconds in which a call must return, on a machine that has nothing else to do."""
EPOCHS = 3
ODD = "½ odd/name: 100 % \"of\" 'it', " + "long " * 60
"""A label as a user may write one."""
SCORES = {"f1": 0.5, "recall": 1.0, "threshold_index": 500, "types": {ODD: {"recall": 0.25}}, "interval_note": "few"}


def breaches_of_observer(component: Component[Any]) -> list[str]:
    """The clauses, each told to an observer in a folder of its own."""
    found: list[str] = []
    for clause in CLAUSES:
        with TemporaryDirectory(prefix="bench-observer-") as place:
            found += kept(clause(Trial(component, Path(place))))
    return list(dict.fromkeys(found))


@dataclass(slots=True)
class Trial:
    """A run that is made up, and its observers."""

    component: Component[Any]
    folder: Path
    late: list[str] = field(default_factory=list)

    @property
    def run(self) -> ObservedRun:
        """A run of two cells."""
        return ObservedRun("0" * 32, "contract", "made up", "cpu", 2, self.folder)

    @contextmanager
    def observer(self) -> Iterator[Observer]:
        """What the component builds, told that the run begins and in the end that it is done.

        Raises:
            Breach: it is no observer.
        """
        folder = self.folder / "observers" / "theirs"
        folder.mkdir(parents=True, exist_ok=True)
        observer = built(self.component, folder)
        if not isinstance(observer, Observer):
            raise Breach(f"its builder returned {shown(observer)}: return an Observer of bench.api")
        self.tell(observer.run_began, self.run)
        yield observer
        board = self.folder / "leaderboard.md"
        board.write_text("| crop | F1 |\n", encoding="utf-8")
        self.tell(observer.run_ended, self.run, RunResult("done", (board,)))

    def tell(self, method: Callable[..., object], *arguments: object) -> None:
        """Call a method.

        Raises:
            Breach: it raises.
        """
        started = time.monotonic()
        ran(f"{method.__name__}()", method, *arguments)
        if time.monotonic() - started > CALL_S:
            self.late.append(method.__name__)

    def train(self, observer: Observer, cell: ObservedCell, first: int = 1) -> None:
        """A cell that has begun, on from an epoch to a sound end."""
        for number in range(first, EPOCHS + 1):
            self.tell(observer.epoch_ended, cell, epoch(number))
        self.tell(observer.cell_ended, cell, CellResult(record(cell), (self.picture(),)))

    def picture(self) -> Path:
        """An overlay of a few pixels."""
        path = self.folder / "cells" / "overlay.png"
        write_png(path, np.zeros((8, 12, 3), np.uint8))
        return path


def cell(name: str = "uniform / unet", id: str = "1" * 32) -> ObservedCell:
    """A cell with settings of every type."""
    settings = {"axes.model.use": name, "recipe.epochs": 3, "axes.pretrain": None, "recipe.augment": [], "flag": True}
    return ObservedCell(id, name, {"model": name, "seed": "0"}, settings)


def epoch(number: int) -> Epoch:
    """An epoch; of every second nothing was validated."""
    if number % 2:
        return Epoch(number, 10 * number, 1.0 / number)
    return Epoch(number, 10 * number, 1.0 / number, validation_loss=0.5, validation_f1=0.25, threshold=0.5)


def record(cell: ObservedCell) -> Record:
    """The record of a cell that ended well."""
    scores = dict.fromkeys(("validation", "test"), SCORES)
    return record_of(id=cell.id, axes=dict(cell.axes), state=State.OK, scores=scores, cost={"train_s": 1.5})


def hearing(trial: Trial) -> Sentences:
    """It takes a whole run, each call without waiting for long: cells beside each other, epochs, scores, pictures,
    boards.
    """
    first, second = cell(), cell("uniform / fcn", "2" * 32)
    with trial.observer() as observer:
        trial.tell(observer.cell_began, first)
        trial.tell(observer.cell_began, second)
        trial.train(observer, first)
        trial.train(observer, second)
    for name in trial.late:
        yield f"{name}() takes more than {CALL_S:g} seconds: send in the background what takes long"


def bearing(trial: Trial) -> Sentences:
    """It takes names of any signs and length, a cell that fails without scores, and one that never ends."""
    failed = record_of(id="3" * 32, state=State.FAILED, reason=f"RuntimeError: {ODD}")
    with trial.observer() as observer:
        trial.tell(observer.cell_began, cell(ODD, "5" * 32))
        trial.train(observer, cell(ODD, "5" * 32))
        trial.tell(observer.cell_began, cell(id="3" * 32))
        trial.tell(observer.cell_ended, cell(id="3" * 32), CellResult(failed, ()))
        trial.tell(observer.cell_began, cell(id="4" * 32))
        trial.tell(observer.epoch_ended, cell(id="4" * 32), epoch(2))
    yield from ()


def resuming(trial: Trial) -> Sentences:
    """Another one in the same folder goes on with a run that was broken off, and with one that was done."""
    with trial.observer() as observer:
        trial.tell(observer.cell_began, cell())
        trial.tell(observer.epoch_ended, cell(), epoch(1))
    for _ in range(2):
        with trial.observer() as observer:
            trial.tell(observer.cell_began, cell())
            trial.train(observer, cell(), first=2)
    yield from ()


CLAUSES = (hearing, bearing, resuming)
