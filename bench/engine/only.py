"""Which cells of a suite a run is to do: by state, or by the start of their ids."""

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
class Only:
    """Cells in these states of a plan, and those of these ids."""

    states: frozenset[CellState]
    ids: frozenset[str]

    def first(self, suite: Suite) -> Suite:
        """The suite, or these of its cells where no state must be looked up: data of others are left unread."""
        if self.states:
            return suite
        return replace(suite, cells=tuple(cell for cell in suite.cells if cell.id in self.ids))

    def of(self, plan: Plan) -> frozenset[str]:
        """Ids of these cells of a plan whose data are indexed."""
        return frozenset(one.cell.id for one in plan.cells if one.state in self.states or one.cell.id in self.ids)


def only_of(words: Sequence[str], cells: Sequence[Cell]) -> Only:
    """What words say, each a state or the start of an id.

    Raises:
        SuiteError: a word is neither, or several ids start with it; with a line for each.
    """
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
    return Only(frozenset(states), frozenset(ids))


def _mistake(word: str, found: Sequence[str]) -> str:
    if found:
        return f"--only {word!r}: {len(found)} cells begin with it: {', '.join(found[:4])}; give more of it"
    return (
        f"--only {word!r}: neither {', '.join(STATES)} nor the start of a cell's id; "
        "'bench leaderboard RUN --format csv' lists ids"
    )
