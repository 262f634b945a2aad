"""The best position of a table and the best cell in it: by validation, never by a test score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.report.choose import VALIDATION_F1, Records, done_cells
from bench.report.flagged_levels import SPLIT
from bench.report.measures import mean_of_all, read
from bench.report.shape import Entry
from bench.suite.cells import Cell


@dataclass(frozen=True, slots=True)
class BestPosition:
    """A position with the validation F1 of its finished cells by id, of which ``cell`` has the highest."""

    entry: Entry
    scores: Mapping[str, float]

    @property
    def cell(self) -> str:
        """The cell of best validation F1."""
        return max(self.scores, key=self.scores.__getitem__)


def best_of(entries: Iterable[Entry], cells: Mapping[str, Cell], records: Records) -> BestPosition | None:
    """The position of best mean validation F1; those with all seeds come before those that lack some.

    Only ``cells`` count, by id. A position is chosen by all of its seeds, so that none is the best for having lost
    those that went wrong. None where nothing is finished.
    """
    best: BestPosition | None = None
    rank: tuple[bool, float] | None = None
    for entry in entries:
        scores = _scores(entry, cells, records)
        mean = mean_of_all(scores.values())
        if mean is not None and (rank is None or (len(scores) == entry.expected, mean) > rank):
            rank = len(scores) == entry.expected, mean
            best = BestPosition(entry, scores)
    return best


def scored_alike(labels: Mapping[str, str]) -> str:
    """Data set and protocol of a cell in words: cells of which it is equal are scored on the same data alike."""
    return ", ".join(label for axis, label in labels.items() if axis == "dataset" or axis.startswith("protocol."))


def tested_on(labels: Mapping[str, str]) -> str:
    """Data set of a cell and, where a suite has several, its split: where these differ, so do the test images."""
    return ", ".join(labels[axis] for axis in ("dataset", SPLIT) if axis in labels)


def _scores(entry: Entry, cells: Mapping[str, Cell], records: Records) -> dict[str, float]:
    """Validation F1 of the entry's finished cells, by id; empty where the entry is of other cells."""
    done = done_cells([cells[id] for id in entry.cells if id in cells], records)
    values = {cell.id: read(records[cell.id], VALIDATION_F1).value for cell in done}
    return {id: value for id, value in values.items() if value is not None}
