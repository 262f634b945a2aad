"""What a run found, cell by cell, for Python: typed records, selected by labels, scores by name, one table of all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

from bench.errors import PluginError, SettingsError
from bench.record import Record
from bench.report.sides import SideCell
from bench.runs.folder import CELLS, read_run, records_in, run_folder, side_cells, told
from bench.scores import facts, is_of_a_part, split_scores
from bench.suite.resolved import Suite
from bench.types import JsonValue
from bench.words import unknown

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("validation", "test")


@dataclass(frozen=True, slots=True)
class Result:
    """One cell of a run.

    ``axes`` maps every axis to the label of its level, ``tuned`` every tuned path to its value. ``state`` is the
    board's word: ``done``, ``diverged``, ``failed``, ``pending`` and others; ``record`` is None of a cell that has not
    run. ``pictures`` are files; none where the run was read from an archive.
    """

    id: str
    axes: Mapping[str, str]
    tuned: Mapping[str, JsonValue]
    state: str
    record: Record | None
    pictures: tuple[Path, ...] = ()

    @property
    def values(self) -> dict[str, float]:
        """Every score of both splits, as ``f1@test``, and every fact, as ``cost.train_s``, to its value.

        Shares and thresholds lie in 0..1, times are seconds, memory is bytes; ``docs/scores.md`` explains each. What
        has no value is left out.
        """
        if self.record is None:
            return {}
        found: dict[str, float] = {}
        for split in SPLITS:
            scores = self.record.of_split(split).numbers
            found |= {f"{name}@{split}": value for name, value in scores.items()}
        return found | self.record.facts

    def value(self, name: str) -> float | None:
        """A score, as ``f1@test``, or a fact, as ``cost.train_s``; None where the cell has none."""
        return self.values.get(name)

    def interval(self, split: str = "test") -> tuple[float, float] | None:
        """The 95 % interval of F1 over the groups of a split, in 0..1; None where it was not kept."""
        return None if self.record is None else self.record.of_split(split).interval


@dataclass(frozen=True, slots=True)
class Results(Sequence[Result]):
    """The cells of a run in the order of its suite, with the suite's name, digest and profile."""

    suite: str
    hash: str
    profile: str | None
    cells: tuple[Result, ...]

    def __len__(self) -> int:
        return len(self.cells)

    @overload
    def __getitem__(self, at: int) -> Result: ...
    @overload
    def __getitem__(self, at: slice) -> Results: ...
    def __getitem__(self, at: int | slice) -> Result | Results:
        return replace(self, cells=self.cells[at]) if isinstance(at, slice) else self.cells[at]

    def __iter__(self) -> Iterator[Result]:
        return iter(self.cells)

    def select(self, axes: Mapping[str, object] | None = None, *, state: str | None = None, **more: object) -> Results:
        """The cells whose axes have these labels: one, or any of several, as ``select(model="unet", seed=[0, 1])``.

        ``axes`` is for names that are no words of Python, as ``{"recipe.epochs": 40}``.

        Raises:
            SettingsError: no cell has this axis or label.
        """
        chosen = self.cells
        for axis, wanted in {**(axes or {}), **more}.items():
            labels = _labels(self.cells, axis, wanted)
            chosen = tuple(cell for cell in chosen if cell.axes.get(axis) in labels)
        if state is not None:
            chosen = tuple(cell for cell in chosen if cell.state == state)
        return replace(self, cells=chosen)

    def values(self, name: str) -> list[float | None]:
        """A score, as ``f1@test``, or a fact of every cell, in their order; see :attr:`Result.values`.

        Raises:
            SettingsError: there is no such score, and no cell has one.
        """
        found = [cell.value(name) for cell in self.cells]
        if set(found) <= {None}:
            _check_name(name)
        return found

    def frame(self) -> pd.DataFrame:
        """A row for each cell: id, axes, tuned settings, state, then every value that one of them has, as ``f1@test``.

        Values are ``float64``, NaN where a cell has none; ``f1_interval.low@test`` and ``.high`` are where intervals
        were kept.

        Raises:
            PluginError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise PluginError('a frame needs pandas: pip install "defectbench[pandas]"') from None
        return pd.DataFrame([_row(cell) for cell in self.cells])


def results_of(run: Path) -> Results:
    """The results of a run folder, or of its archive.

    Raises:
        StoreError: there is no run, or it is damaged.
    """
    with run_folder(run) as folder:
        suite, _ = read_run(folder)
        sides = side_cells(suite.cells, told(folder, records_in(folder, suite)))
        return Results(suite.name, suite.hash, suite.profile, _cells(suite, sides, folder if folder == run else None))


def _cells(suite: Suite, sides: Mapping[str, SideCell], folder: Path | None) -> tuple[Result, ...]:
    cells = []
    for cell in suite.cells:
        side = sides[cell.id]
        axes = {axis: label for axis, label in cell.labels.items() if axis not in cell.tuned}
        names = side.record.pictures if side.record else ()
        pictures = tuple(folder / CELLS / name for name in names) if folder else ()
        cells.append(Result(cell.id, axes, cell.tuned, side.state, side.record, pictures))
    return tuple(cells)


def _row(cell: Result) -> dict[str, JsonValue]:
    row = {"id": cell.id, **cell.axes, **cell.tuned, "state": cell.state, **cell.values}
    for split in SPLITS:
        interval = cell.interval(split)
        if interval is not None:
            row |= {f"f1_interval.low@{split}": interval[0], f"f1_interval.high@{split}": interval[1]}
    return row


def _labels(cells: Sequence[Result], axis: str, wanted: object) -> set[str]:
    """The labels that are wanted on an axis, as text."""
    several: Collection[object] = (wanted,)
    if isinstance(wanted, Collection) and not isinstance(wanted, str):
        several = wanted
    labels = {str(one) for one in several}
    known = dict.fromkeys(cell.axes[axis] for cell in cells if axis in cell.axes)
    if not known and cells:
        raise SettingsError(unknown("axis", axis, cells[0].axes))
    for label in sorted(labels - known.keys()):
        raise SettingsError(unknown(f"label of {axis}:", label, known))
    return labels


def _check_name(name: str) -> None:
    """Refuse a name that no run can have a value of.

    Raises:
        SettingsError: it is none.
    """
    score, at, split = name.partition("@")
    known = split_scores() if at else facts()
    if at and split not in SPLITS:
        raise SettingsError(unknown("split", split, SPLITS))
    if score not in known and not (at and is_of_a_part(score)):
        hint = f" Did you mean '{score}@test'?" if not at and score in split_scores() else ""
        raise SettingsError(f"{unknown('score' if at else 'fact', score, known)}{hint}")
