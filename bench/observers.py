"""What an observer of a run is told, and what it may listen to: a tracker is one.

An observer is told and never asked, in a process of its own, so that one that fails or hangs costs the run nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.jobs import Epoch
from bench.types import JsonValue

if TYPE_CHECKING:
    from bench.record import Record


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """A suite that is run. A run that goes on later has the same ``id``, which is the digest of what it asks.

    ``cells`` is how many there are to run, ``folder`` that of the run's results, absolute.
    """

    id: str
    suite: str
    description: str
    profile: str | None
    cells: int
    folder: Path


@dataclass(frozen=True, slots=True)
class ObservedCell:
    """A cell; one that is run again has the same ``id``.

    ``name`` is short and unique in its run. ``axes`` maps every axis to the label of its level; ``settings`` every
    dotted name of what was asked, as ``recipe.learning_rate``, to a plain value.
    """

    id: str
    name: str
    axes: Mapping[str, str]
    settings: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class CellResult:
    """How a cell ended: its record, and the files of its pictures that are there.

    ``record.scores["test"].numbers`` maps every score to its value, as ``f1``; ``record.cost.numbers`` what it cost.
    A cell that failed has no scores and says why in ``record.reason``.
    """

    record: Record
    pictures: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended, and the files of its leaderboard, in every format; none where it did not come to its end."""

    how: Literal["done", "interrupted", "failed"]
    files: tuple[Path, ...]


class Observer:
    """Who is told how a run goes; override what you want to hear. What a method raises is a warning, and no more.

    A run that goes on is told again that it begins, and that a cell begins which has more to tell; what was taken
    before, an epoch or an ending that is as it was, is not told again.
    """

    def run_began(self, run: ObservedRun) -> None:
        """A run begins, or goes on."""

    def cell_began(self, cell: ObservedCell) -> None:
        """A cell begins, or has more to tell."""

    def epoch_ended(self, cell: ObservedCell, epoch: Epoch) -> None:
        """An epoch of its training ended. Where a cluster swallows some, the validated ones come before the ending."""

    def cell_ended(self, cell: ObservedCell, result: CellResult) -> None:
        """A cell ended, well or not."""

    def run_ended(self, run: ObservedRun, result: RunResult) -> None:
        """The command ends: what is open must be closed now."""
