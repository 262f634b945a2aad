"""Which cells of a suite a run is to do: by state, by the start of their ids, or those of one shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.engine.plan import CellState, Plan
from bench.errors import SuiteError
from bench.suite.cells import Cell
from bench.suite.resolved import Suite

STATES: Mapping[str, tuple[CellState, ...]] = {
    "failed": ("failed",),
    "missing": ("pending",),
    "stale": ("stale",),
}
"""Words for the cells to be done, and the states of a plan that each stands for."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of a suite, counted from 1: neighbours in its order, as they share images and crops."""

    number: int
    of: int

    def ids(self, cells: Sequence[Cell]) -> frozenset[str]:
        """Ids of its cells; parts differ by one cell at most."""
        first, end = ((self.number - 1) * len(cells) // self.of, self.number * len(cells) // self.of)
        return frozenset(cell.id for cell in cells[first:end])


@dataclass(frozen=True, slots=True)
class Only:
    """Cells in these states of a plan, and those of these ids; of all, where given, those ``among`` these."""

    states: frozenset[CellState]
    ids: frozenset[str]
    among: frozenset[str] | None = None

    def first(self, suite: Suite) -> Suite:
        """The suite, or these of its cells where no state must be looked up: data of others are left unread."""
        if not self.states:
            return _with(suite, self.ids)
        return suite if self.among is None else _with(suite, self.among)

    def of(self, plan: Plan) -> frozenset[str]:
        """Ids of these cells of a plan whose data are indexed."""
        asked = frozenset(one.cell.id for one in plan.cells if one.state in self.states or one.cell.id in self.ids)
        return asked if self.among is None else asked & self.among


def _with(suite: Suite, ids: frozenset[str]) -> Suite:
    return replace(suite, cells=tuple(cell for cell in suite.cells if cell.id in ids))


def only_of(words: Sequence[str], cells: Sequence[Cell], shard: Shard | None = None) -> Only | None:
    """What words say, each a state or the start of an id, of all cells or those of a shard; None: all there are.

    Raises:
        SuiteError: a word is neither, or several ids start with it; with a line for each.
    """
    among = shard.ids(cells) if shard else None
    if not words:
        return None if among is None else Only(frozenset(), among)
    states: set[CellState] = set()
    ids: set[str] = set()
    mistakes = []
    for word in words:
        found = [cell.id for cell in cells if cell.id.startswith(word)] if word else []
        if word in STATES:
            states.update(STATES[word])
        elif len(found) == 1:
            ids.update(found)
        else:
            mistakes.append(_mistake(word, found))
    if mistakes:
        raise SuiteError(mistakes)
    return Only(frozenset(states), frozenset(ids if among is None else ids & among), among)


def _mistake(word: str, found: Sequence[str]) -> str:
    if found:
        return f"--only {word!r}: {len(found)} cells begin with it: {', '.join(found[:4])}; give more of it"
    return (
        f"--only {word!r}: neither {', '.join(STATES)} nor the start of a cell's id; "
        "'bench leaderboard RUN --format csv' lists ids"
    )
