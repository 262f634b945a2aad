"""Finding a cell by the start of its id."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.runs.starts import check_start, only_one
from bench.store.records import load_record

if TYPE_CHECKING:
    from bench.record import Record
    from bench.suite.cells import Cell
    from bench.suite.reading.load import Suite


def found_record(out: Path, start: str) -> tuple[Path, Record]:
    """The record of the one cell whose id begins with ``start``, in the run ``out`` or among all runs under it.

    Raises:
        StoreError: there is none, or several.
    """
    check_start(start)
    paths = sorted(out.glob(f"cells/{start}*.json")) + sorted(out.glob(f"*/cells/{start}*.json"))
    found = {path.stem: path for path in paths}
    path = only_one(found, start, out)
    return path, load_record(path)


def found_cell(out: Path, start: str) -> tuple[Path, Suite, Cell]:
    """The one cell whose id begins with ``start`` with its run's folder and suite, whether it has a record or not.

    Raises:
        StoreError: there is none, or several.
    """
    from bench.runs.folder import SUITE, read_run

    check_start(start)
    folders = [path.parent for path in (*sorted(out.glob(SUITE)), *sorted(out.glob(f"*/{SUITE}")))]
    runs = [(folder, read_run(folder)[0]) for folder in folders]
    found = {cell.id: (folder, run, cell) for folder, run in runs for cell in run.cells if cell.id.startswith(start)}
    return only_one(found, start, out)
