"""Which cells figures show: the best by validation of every level of an axis, or those that the user named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from bench.errors import StoreError, SuiteError
from bench.figures.drawing import Drawing, Sketch, stem
from bench.figures.source import NothingToDraw, Source
from bench.pictures.style import lettered
from bench.record import Record, State
from bench.report.best import best_of, scored_alike
from bench.report.measures import settings_text
from bench.report.shape import entries_of
from bench.suite.cells import Cell
from bench.suite.joint import short_names
from bench.words import unknown

BEST = (
    "Shown of each is the position of best mean validation F1, and of its seeds the one of best validation F1; no test "
    "score is read to choose."
)
NAMED = "The cells were named by hand."


@dataclass(frozen=True, slots=True)
class Panel:
    """One cell of a figure: what it is called there, and by all that tells it from the other cells of its run."""

    name: str
    full: str
    cell: Cell
    record: Record

    @property
    def threshold(self) -> float:
        """The threshold of its record."""
        value: float = self.record.of_split("validation")["threshold"]
        return value

    def told(self, number: int) -> str:
        """The cell in a caption, with its threshold and what must be said wherever a score of it stands."""
        rule = self.cell.protocol.threshold
        where = "validation split" if rule == "best-f1" else "validation split of the pretraining data"
        tuned = f", {settings_text(self.cell.tuned)}" if self.cell.tuned else ""
        badges = "".join(f" [{badge}]" for badge in self.record.badges)
        old = f" Old scores: {'; '.join(self.record.outdated)}." if self.record.outdated else ""
        which = "" if self.full == self.name else f": {self.full}"
        return (
            f"{lettered(number, self.name)}{which}{tuned}{badges}; threshold {self.threshold:.3f}, chosen on the "
            f"{where}; cell {self.cell.id}.{old}"
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """The panels of one figure: cells that are scored ``on`` the same data in the same way, and how they came in."""

    on: str
    panels: tuple[Panel, ...]
    how: str

    @property
    def told(self) -> list[str]:
        """The panels in a caption, and how they were chosen."""
        return [*(panel.told(number) for number, panel in enumerate(self.panels)), self.how]


def best_cells(source: Source, by: str | None) -> list[Choice]:
    """For every data set the best cell of each level of the axis ``by``; by default of each column of the board.

    Raises:
        NothingToDraw: no cell is finished.
    """
    axes = [by] if by else source.board.columns_axis.split(", ")
    cells = source.cells
    levels: dict[str, dict[str, dict[str, Cell]]] = {}
    for cell in cells.values():
        level = ", ".join(cell.labels[axis] for axis in axes if axis in cell.labels)
        levels.setdefault(scored_alike(cell.labels), {}).setdefault(level, {})[cell.id] = cell
    entries = entries_of(source.board.tables)
    found: dict[str, dict[str, str]] = {}
    for on, members in levels.items():
        for level, here in members.items():
            best = best_of(entries, here, source.records)
            if best is not None:
                found.setdefault(on, {})[best.cell] = level
    if not found:
        raise NothingToDraw("no cell of the run is finished")
    return [_choice(source, on, names, BEST) for on, names in found.items()]


def check_axis(source: Source, axis: str) -> None:
    """Refuse an axis that the run does not have.

    Raises:
        SuiteError: there is no such axis.
    """
    known = dict.fromkeys(chain.from_iterable(cell.labels for cell in source.suite.cells))
    if axis not in known:
        raise SuiteError([f"--by: {unknown('axis', axis, known)}"])


def named_cells(source: Source, ids: Sequence[str]) -> list[Choice]:
    """The cells of these ids, in their order, by the data that they are scored on.

    Raises:
        StoreError: one of them is not finished.
    """
    cells = source.cells
    parted: dict[str, list[Cell]] = {}
    for id in ids:
        record = source.records.get(id)
        if record is None or record.state is not State.OK:
            state = record.state.word if record else "not run yet"
            raise StoreError(f"cell {id} is {state}; figures show finished cells")
        parted.setdefault(scored_alike(cells[id].labels), []).append(cells[id])
    choices = []
    for on, members in parted.items():
        names = short_names([cell.labels for cell in members])
        choices.append(_choice(source, on, {c.id: name for c, name in zip(members, names, strict=True)}, NAMED))
    return choices


def _choice(source: Source, on: str, names: Mapping[str, str], how: str) -> Choice:
    """The cells of these ids with their names in the figure."""
    alike = [cell for cell in source.suite.cells if scored_alike(cell.labels) == on]
    full = dict(zip((cell.id for cell in alike), short_names([cell.labels for cell in alike]), strict=True))
    panels = [Panel(name, full[id], source.cells[id], source.records[id]) for id, name in names.items()]
    return Choice(on, tuple(panels), how)


def of_choices(kind: str, choices: Sequence[Choice], draw: Callable[[Choice], Drawing]) -> Iterator[Sketch]:
    """A sketch for each data set, named after it where there are several."""
    parts = [choice.on for choice in choices]
    for choice in choices:
        yield Sketch(stem(kind, choice.on, parts), partial(draw, choice))
