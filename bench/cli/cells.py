"""Finding a cell by the start of its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bench.errors import StoreError
from bench.store.records import load_record

if TYPE_CHECKING:
    from bench.record import Record
    from bench.suite.cells import Cell
    from bench.suite.reading.load import Suite

T = TypeVar("T")


def found_record(out: Path, start: str) -> tuple[Path, Record]:
    """The record of the one cell whose id begins with ``start``, in the run ``out`` or among all runs under it.

    Raises:
        StoreError: there is none, or several.
    """
    _check(start)
    paths = sorted(out.glob(f"cells/{start}*.json")) + sorted(out.glob(f"*/cells/{start}*.json"))
    found = {path.stem: path for path in paths}
    path = _only(found, start, out)
    return path, load_record(path)


def found_cell(out: Path, start: str) -> tuple[Path, Suite, Cell]:
    """The one cell whose id begins with ``start`` with its run's folder and suite, whether it has a record or not.

    Raises:
        StoreError: there is none, or several.
    """
    from bench.runs.folder import SUITE, read_run

    _check(start)
    folders = [path.parent for path in (*sorted(out.glob(SUITE)), *sorted(out.glob(f"*/{SUITE}")))]
    runs = [(folder, read_run(folder)[0]) for folder in folders]
    found = {cell.id: (folder, run, cell) for folder, run in runs for cell in run.cells if cell.id.startswith(start)}
    return _only(found, start, out)


def cell_by_start(cells: Sequence[Cell], start: str, where: str) -> Cell:
    """The one cell whose id begins with ``start``.

    Raises:
        StoreError: there is none, or several.
    """
    _check(start)
    found = {cell.id: cell for cell in cells if cell.id.startswith(start)}
    return _only(found, start, where)


def _check(start: str) -> None:
    if not start or set(start) - set("0123456789abcdef"):
        raise StoreError(f"{start!r} is no cell id: an id is made of the digits 0-9 and a-f; give the start of one")


def _only(found: Mapping[str, T], start: str, where: Path | str) -> T:
    """What was found under the one id that there is."""
    if not found:
        raise StoreError(
            f"{where}: no cell whose id begins with {start!r}; 'bench leaderboard RUN --format csv' lists ids"
        )
    if len(found) > 1:
        ids = ", ".join(sorted(found)[:4])
        raise StoreError(f"{where}: {len(found)} cells begin with {start!r}: {ids}; give more of it")
    return next(iter(found.values()))
