"""The process of one observer: ``python -m bench.runs.observer DESCRIPTOR``, started by :mod:`bench.runs.observing`.

It builds the observer, reads suite and records from the run folder, and answers each message when the observer has
heard it: with null, or with what went wrong, in a line. What was taken is kept in a file beside the observer's folder,
so that a run that goes on tells the rest and nothing twice.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.canonical import digest, digest_file
from bench.catalog import load_used
from bench.component import build
from bench.contain.channel import joined
from bench.errors import Damaged, named_line
from bench.jobs import Epoch
from bench.observers import CellResult, ObservedCell, ObservedRun, Observer, RunResult
from bench.record import Record, record_of
from bench.runs.folder import CELLS, read_run
from bench.store.home import Places
from bench.store.records import read_record
from bench.suite.cells import asked
from bench.suite.joint import short_names
from bench.suite.resolved import Suite
from bench.train.history import read_history
from bench.types import JsonValue

FOLDER = "observers"
"""Folder of a run with a folder for each observer, and beside that a file of what it has taken."""


@dataclass(frozen=True)
class Taken:
    """What an observer has taken in this and earlier runs into the folder: a digest on each line of a file."""

    path: Path
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        with suppress(OSError):
            self._known.update(self.path.read_text(encoding="ascii", errors="replace").split())

    def __contains__(self, told: str) -> bool:
        return told in self._known

    def add(self, told: str) -> None:
        """Remember it; where it cannot be kept, a later run tells it again."""
        self._known.add(told)
        with suppress(OSError), self.path.open("ab", buffering=0) as file:
            file.write(f"{told}\n".encode("ascii"))


class Cells:
    """The cells of a suite that run, by id, as observers are told of them; each is made when it is told of."""

    def __init__(self, suite: Suite) -> None:
        cells = [cell for cell in suite.cells if cell.runs]
        names = short_names([cell.labels for cell in cells])
        self._known = {cell.id: (cell, name) for cell, name in zip(cells, names, strict=True)}

    def __len__(self) -> int:
        return len(self._known)

    def __getitem__(self, id: str) -> ObservedCell:
        cell, name = self._known[id]
        return ObservedCell(id, name, dict(cell.labels), dict(_flat(asked(cell))))


@dataclass
class Telling:
    """An observer with the run that it is told of."""

    observer: Observer
    run: ObservedRun
    cells: Cells
    home: Path
    taken: Taken
    _begun: set[str] = field(default_factory=set)

    def began(self) -> None:
        """The run begins."""
        self.observer.run_began(self.run)

    def cell_began(self, id: str) -> None:
        """A cell begins, once."""
        if id not in self._begun:
            self._begun.add(id)
            self.observer.cell_began(self.cells[id])

    def epoch(self, id: str, told: Mapping[str, Any]) -> None:
        """An epoch ended, if that was not taken before."""
        known = digest([id, dict(told)])
        if known not in self.taken:
            self.cell_began(id)
            self.observer.epoch_ended(self.cells[id], Epoch(**told))
            self.taken.add(known)

    def cell_ended(self, id: str, otherwise: Mapping[str, JsonValue]) -> None:
        """A cell ended, if its record is not one that was taken before; what it lacks of its training comes first.

        ``otherwise`` stands for a record that could not be written.
        """
        path = self.run.folder / CELLS / f"{id}.json"
        known = digest_file(path) if path.is_file() else digest([id, dict(otherwise)])
        if known in self.taken:
            return
        record = read_record(path) or record_of(id=id, **otherwise)
        for epoch in self._trained(record):
            self.epoch(id, asdict(epoch))
        self.cell_began(id)
        pictures = [path.parent / name for name in record.pictures]
        result = CellResult(record, tuple(picture for picture in pictures if picture.is_file()))
        self.observer.cell_ended(self.cells[id], result)
        self.taken.add(known)

    def ended(self, how: Any) -> None:
        """The command ends."""
        files = sorted(self.run.folder.glob("leaderboard.*")) if how == "done" else []
        self.observer.run_ended(self.run, RunResult(how, tuple(files)))

    def _trained(self, record: Record) -> Iterator[Epoch]:
        """The validated epochs of its training, where the store still has them."""
        folder = Places(self.home, self.run.folder.parent, {}).stage("train", str(record.keys.get("train")))
        with suppress(Damaged):
            yield from map(Epoch.of, read_history(folder))


def _flat(tree: Mapping[str, JsonValue], above: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Dotted names and plain values of nested settings; of what is in a list the name has the position, from 0."""
    for key, value in tree.items():
        inner: JsonValue = value
        if isinstance(value, list):
            inner = {str(number): one for number, one in enumerate(value)}
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def telling(order: Mapping[str, Any]) -> Telling:
    """The observer of an order, with the run in whose folder it is told of.

    Raises:
        BenchError: it cannot be built, or there is no run.
    """
    run = Path(order["run"])
    name = order["use"].replace(":", "_")
    folder = run / FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    plugins = tuple((place, source) for place, source in order["plugins"])
    component = load_used(plugins).find("observer", order["use"]).component
    observer = build(component, folder, settings=order["settings"])
    suite, _ = read_run(run)
    cells = Cells(suite)
    observed = ObservedRun(suite.hash, suite.name, suite.description or "", suite.profile, len(cells), run)
    return Telling(observer, observed, cells, Path(order["home"]), Taken(run / FOLDER / f"{name}.told"))


def attempted(call: Callable[..., object], *arguments: Any) -> list[str]:
    """Call code that may be a plugin's; nothing, or what went wrong in a line."""
    try:
        call(*arguments)
    except BaseException as error:  # whatever a plugin raises
        return [named_line(error)]
    return []


def main() -> None:
    """Serve one observer until the run ends."""
    channel = joined(int(sys.argv.pop()))
    order = channel.next()
    found: list[Telling] = []
    channel.send(attempted(lambda: found.append(telling(order))))
    while found and (message := channel.next()) is not None:
        word, *arguments = message
        channel.send(attempted(getattr(found[0], word), *arguments))
    sys.stdout.flush()
    os._exit(0)  # what a tracker does at the end of its process is nobody's concern: its run has ended


if __name__ == "__main__":
    main()
