"""A run as a page shows it: its suite, its records with what lies beside them, and its board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.engine.invocation import Invocation
from bench.record import Record
from bench.report.board import Leaderboard, board_of_records
from bench.runs.folder import read_run, records_in, told
from bench.suite.joint import short_names
from bench.suite.resolved import Suite


@dataclass(frozen=True, slots=True)
class PageRun:
    """``name`` is that on the page, ``names`` are those of its cells by id; ``folder`` holds its files."""

    name: str
    folder: Path
    suite: Suite
    records: Mapping[str, Record]
    board: Leaderboard
    names: Mapping[str, str]

    def at(self, invocation: Invocation) -> Invocation:
        """The invocation with the folders of data that the suite names itself."""
        places = replace(invocation.places, data={**self.suite.data, **invocation.places.data})
        return replace(invocation, places=places)

    def done(self) -> dict[str, Record]:
        """Records of the cells that ended well, in the order of the suite."""
        states = {line.id: line.state for line in self.board.cells}
        return {id: self.records[id] for id, state in states.items() if state == "done"}


def read_page_run(folder: Path, name: str) -> PageRun:
    """Read a run folder, whatever of it is done.

    Raises:
        StoreError: it holds no run, or a record is damaged.
    """
    suite, command = read_run(folder)
    records = told(folder, records_in(folder, suite))
    board = board_of_records(suite, records, command)
    short = short_names([cell.labels for cell in suite.cells])
    names = {cell.id: name for cell, name in zip(suite.cells, short, strict=True)}
    return PageRun(name, folder, suite, records, board, names)
