"""An observer: every event on a line of JSON, for whatever reads that; the place for your own tracker."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.api import About, CellResult, Component, Epoch, ObservedCell, ObservedRun, Observer, RunResult, hookimpl

NAME = "my-plugin"


class Lines(Observer):
    """Appends to a file; a run that goes on goes on in it."""

    def __init__(self, path: Path) -> None:
        """Write into the file ``path``."""
        self.path = path

    def run_began(self, run: ObservedRun) -> None:
        """Write that the run begins."""
        self._write("run", id=run.id, suite=run.suite, cells=run.cells)

    def cell_began(self, cell: ObservedCell) -> None:
        """Write what was asked of a cell."""
        self._write("cell", id=cell.id, axes=dict(cell.axes), settings=dict(cell.settings))

    def epoch_ended(self, cell: ObservedCell, epoch: Epoch) -> None:
        """Write loss and validation F1."""
        self._write("epoch", id=cell.id, **asdict(epoch))

    def cell_ended(self, cell: ObservedCell, result: CellResult) -> None:
        """Write scores and costs, or why there are none."""
        record = result.record
        scores = {split: found.numbers for split, found in record.scores.items()}
        pictures = [str(path) for path in result.pictures]
        ended = {"state": record.state.word, "reason": record.reason, "pictures": pictures}
        self._write("ended", id=cell.id, **ended, scores=scores, facts=record.facts)

    def run_ended(self, run: ObservedRun, result: RunResult) -> None:
        """Write how the run ended."""
        self._write("done", id=run.id, how=result.how, files=[path.name for path in result.files])

    def _write(self, event: str, **told: Any) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, **told}) + "\n")


def build(folder: Path, /, *, file: str = "events.jsonl") -> Observer:
    """Write into ``file`` in the observer's folder."""
    return Lines(folder / file)


@hookimpl
def bench_observers() -> Iterable[Component[Observer]]:
    """Offer the observer."""
    yield Component(NAME, build, about=About("lines of JSON, one for each event"))
