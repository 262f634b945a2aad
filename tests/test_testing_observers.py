"""The contract of observers tells what is wrong with each that breaks it; a sound one keeps it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.api import CellResult, Component, Epoch, ObservedCell, ObservedRun, Observer, RunResult
from bench.testing import breaches, observers


class Sound(Observer):
    """One that hears nothing of what it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


class Unread(Sound):
    def epoch_ended(self, cell: ObservedCell, epoch: Epoch) -> None:
        assert f"{epoch.validation_f1:.3f}"


class Unscored(Sound):
    def cell_ended(self, cell: ObservedCell, result: CellResult) -> None:
        result.record.scores["test"]


class Naming(Sound):
    def cell_began(self, cell: ObservedCell) -> None:
        (self.folder / cell.name).mkdir(exist_ok=True)


class Jealous(Sound):
    def cell_began(self, cell: ObservedCell) -> None:
        (self.folder / cell.id).mkdir()


class Slow(Sound):
    def run_began(self, run: ObservedRun) -> None:
        time.sleep(0.3)


class Demanding(Sound):
    def run_ended(self, run: ObservedRun, result: RunResult) -> None:
        raise SystemExit(f"{len(result.files)} files are too few")


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "unread": (Unread, "epoch_ended() raises TypeError: unsupported format string passed to NoneType"),
    "unscored": (Unscored, "cell_ended() raises KeyError: 'test'"),
    "naming": (Naming, "cell_began() raises FileNotFoundError"),
    "jealous": (Jealous, "cell_began() raises FileExistsError"),
    "slow": (Slow, "run_began() takes more than 0.2 seconds"),
    "demanding": (Demanding, "run_ended() raises SystemExit: 1 files are too few"),
    "no observer": (lambda folder: folder.name, "its builder returned str: return an Observer of bench.api"),
}


def offered(build: Callable[[Path], Any]) -> Component[Any]:
    def builder(folder: Path, /) -> Any:
        return build(folder)

    return Component("theirs", builder)


def test_a_sound_observer_breaks_nothing() -> None:
    assert breaches("observer", offered(Sound)) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_observer_is_told_what_is_wrong(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observers, "CALL_S", 0.2)
    build, said = BROKEN[name]
    found = breaches("observer", offered(build))
    assert any(sentence.startswith(said) for sentence in found), found
