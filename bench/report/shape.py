"""What a leaderboard is made of: plain frozen values that every renderer reads and none changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal

from bench.record import EndWord, Latency
from bench.types import JsonValue

BoardState = EndWord | Literal["pending", "absent"]
"""How a cell ended; ``pending``: it has not run; ``absent``: the suite has no such cell."""

Question = Literal["real", "cost", "data", "change"]
"""What a reader asks of a leaderboard, besides which position is best."""

Labels = tuple[tuple[str, str], ...]
"""Axes and labels."""

INSIDE = {"exported": False}
"""Metadata of a field that renderers read and exports leave out."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One sub-column: where its value stands in a record and how it is printed.

    ``percent`` values lie in 0..1 and are printed times 100. ``better`` is None for figures that
    describe a run without being good or bad, such as epochs to convergence (a collapsed model has few).
    """

    name: str
    path: tuple[str, ...]
    split: str | None
    symbol: str
    subscript: str = ""
    percent: bool = False
    better: Literal["higher", "lower"] | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One printed value: mean and sample standard deviation over ``count`` seeds.

    ``value`` is None where no seed has it. ``at_least``: the true value is above the one printed
    (a run that did not converge within its budget). ``best``: bold. ``tie`` holds the letters of the tie groups.
    """

    value: float | None
    spread: float | None
    count: int
    at_least: bool
    text: str
    spread_text: str
    best: bool = False
    tie: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """The settings chosen by validation for one position, of how many finished trials.

    ``gap`` is a diagnosis: by how much (0..1) another trial's mean test F1 lies above the chosen one's.
    """

    settings: Mapping[str, JsonValue]
    finished: int
    trials: int
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One position of a table: the chosen trial's figures, or the state that stands in their place.

    ``cells`` are the ids of the chosen trial in the order of seeds. ``reason`` is the text of note
    number ``note``, printed beside the entry. ``data_absent``: its data set is simply not here. ``inert``: its crop
    strategy excluded no position; ``fell_back``: it admitted none.
    """

    row: str
    column: str
    state: BoardState
    figures: tuple[Figure, ...]
    cells: tuple[str, ...]
    seeds: int
    expected: int
    inert: bool = False
    trial: Trial | None = None
    reason: str | None = None
    note: int | None = None
    data_absent: bool = field(default=False, metadata=INSIDE)
    fell_back: bool = field(default=False, metadata=INSIDE)

    @property
    def complete(self) -> bool:
        """Whether every seed ended well."""
        return self.seeds == self.expected

    @property
    def chose_nothing(self) -> bool:
        """Whether its level of the crop axis is none in effect."""
        return self.inert or self.fell_back

    def with_figure(self, index: int, figure: Figure) -> Entry:
        """The entry with another figure of a measure."""
        return replace(self, figures=(*self.figures[:index], figure, *self.figures[index + 1 :]))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by columns by measures for one combination of the other axes.

    ``entries[i][j]`` belongs to ``rows[i]`` and ``columns[j]``; ``title`` names the axes that differ
    between tables, ``badges`` what every finished cell of this table carries.
    """

    title: Labels
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    entries: tuple[tuple[Entry, ...], ...]
    badges: tuple[str, ...]

    @property
    def by_column(self) -> Iterable[tuple[str, tuple[Entry, ...]]]:
        """Every column with its entries, from the first row down."""
        return zip(self.columns, zip(*self.entries, strict=True), strict=True)

    def changed(self, change: Callable[[Entry], Entry]) -> Table:
        """The table with every entry changed, in reading order."""
        return replace(self, entries=tuple(tuple(map(change, row)) for row in self.entries))

    def place(self, column: str) -> dict[str, JsonValue]:
        """The table and a column of it, for programs."""
        return {"table": dict(self.title), "column": column}

    def grid(self, title: str, rows_axis: str, text: Callable[[Entry], str]) -> Grid:
        """A text of every position."""
        rows = [(name, *map(text, row)) for name, row in zip(self.rows, self.entries, strict=True)]
        return Grid(title, (rows_axis, *self.columns), tuple(rows))


def entries_of(tables: Iterable[Table]) -> list[Entry]:
    """All positions in reading order."""
    return list(chain.from_iterable(chain.from_iterable(table.entries) for table in tables))


def title_text(labels: Iterable[tuple[str, str]], *before: str) -> str:
    """``dataset mtd, loss dice``, with what stands ``before`` it."""
    return ", ".join([*before, *(f"{axis} {label}" for axis, label in labels)])


def is_comparable(rows_axis: str) -> bool:
    """Whether rows have an order: scores of different data sets cannot be compared."""
    return "dataset" not in rows_axis.split(", ")


@dataclass(frozen=True, slots=True)
class Baseline:
    """A model with nothing to fit; scores in 0..1.

    ``badges`` are those of its record; ``outdated`` says that its scores are not today's, ``absent`` why it lacks some.
    """

    name: str
    state: BoardState
    reason: str | None
    f1_validation: float | None
    f1_test: float | None
    interval: tuple[float, float] | None
    badges: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TypeLine:
    """One defect type of the test split, with the recalls (0..1) of the best cell."""

    name: str
    pixels: int | None
    groups: int | None
    objects: int | None
    recall: float | None
    object_recall: float | None


@dataclass(frozen=True, slots=True)
class Best:
    """The position of best validation F1 of a data set; scores in 0..1, means where there are several ``seeds``.

    ``cell`` is that of its seeds with the best validation F1; ``ceiling`` the F1 of the truth averaged over its stride.
    """

    cell: str
    name: str
    f1_validation: float
    f1_test: float | None
    interval: tuple[float, float] | None
    interval_note: str | None
    ceiling: float | None
    seeds: int = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """Floor and baselines of one data set, and where its best cell stands beside them.

    Where the suite has several splits, each is one, and ``dataset`` names it too.
    """

    dataset: str
    baselines: tuple[Baseline, ...]
    floors: Mapping[str, tuple[float, ...]]
    best: Best | None
    types: tuple[TypeLine, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CellLine:
    """One cell as exported: everything that is known of it, chosen or not."""

    id: str
    labels: Mapping[str, str]
    tuned: Mapping[str, JsonValue]
    state: BoardState
    reason: str | None
    shown: bool
    baseline: bool
    record: Mapping[str, JsonValue] = field(default_factory=dict)
    published: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grid:
    """A plain table of text; the first column names the rows and is set left, the others right."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def beside(self, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Grid:
        """The grid with further columns to the right."""
        joined = tuple((*row, *more) for row, more in zip(self.rows, rows, strict=True))
        return replace(self, header=(*self.header, *header), rows=joined)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report below the tables; ``values`` are the figures of its grids, not rounded, for programs.

    ``question`` is what of a reader it answers: is the difference real, what did it cost, can the data be trusted, what
    would change the answer.
    """

    title: str
    grids: tuple[Grid, ...]
    sentences: tuple[str, ...]
    values: tuple[Mapping[str, JsonValue], ...] = ()
    question: Question = field(default="change", metadata=INSIDE)


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one position costs and scores, as means over its finished seeds; scores in 0..1.

    Positions of one ``group`` are scored on the same data in the same way. ``devices`` are those that trained it,
    with their threads; ``badges`` are those of any of its seeds; ``outdated``: scores of one are not of today's data;
    ``memory_of`` says what the peak was measured of.
    ``fronts`` names the costs for which no other position is as good and as cheap; a position that lacks seeds is on
    none. ``latencies`` are those measured alone, of which the latency is the mean; ``beside`` is how many workers
    shared the processor in training.
    """

    group: str
    name: str
    row: str
    column: str
    complete: bool
    f1_validation: float | None
    f1_test: float | None
    parameters: float | None
    train_s: float | None
    crops_per_s: float | None
    image_latency_s: float | None
    peak_memory_bytes: float | None
    badges: tuple[str, ...] = ()
    outdated: bool = False
    memory_of: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    fronts: tuple[str, ...] = ()
    latencies: tuple[Latency, ...] = field(default=(), metadata=INSIDE)
    beside: int = field(default=0, metadata=INSIDE)


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The whole report of a run; every format is a rendering of this and nothing else.

    ``notes[k - 1]`` is the text of note k; ``remarks`` are the rules that the tables follow;
    ``footer`` says how to make the same numbers again; ``description`` is the suite's own.
    """

    suite: str
    suite_hash: str
    profile: str
    rows_axis: str
    columns_axis: str
    measures: tuple[Measure, ...]
    fixed: Labels
    tables: tuple[Table, ...]
    standings: tuple[Standing, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...]
    footer: Labels
    cells: tuple[CellLine, ...]
    sections: tuple[Section, ...] = ()
    costs: tuple[CostLine, ...] = ()
    description: str = ""
