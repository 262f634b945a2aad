"""A run as it lies in its folder, in an archive, or in an exported leaderboard."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.bounded import LARGEST, read_bounded
from bench.errors import StoreError
from bench.record import Record, record_of, row_from
from bench.render.data import undefused
from bench.report.choose import state_of
from bench.report.sides import Side, SideCell
from bench.runs.archive import extract
from bench.runs.latencies import with_latencies
from bench.store.records import read_record
from bench.store.replicates import with_replicates
from bench.store.store import SCHEMA, read_json, write_json
from bench.suite.cells import Cell
from bench.suite.resolved import Suite, suite_from_json

SUITE = "suite.json"
CELLS = "cells"
OUTDATED = "outdated.json"
"""Cell id to why its scores are not those of the data as the last run found them; absent where all are."""


def is_run(folder: Path) -> bool:
    """Whether a suite has been run into this folder."""
    return (folder / SUITE).is_file()


def read_run(folder: Path) -> tuple[Suite, str]:
    """The suite of a run folder as it was run, and the command that ran it.

    Raises:
        StoreError: the folder holds no run.
    """
    if not is_run(folder):
        raise StoreError(f"{folder}: no run here (it has no {SUITE}); name a folder such as runs/cropping, or a suite")
    stored = read_json(folder / SUITE)
    try:
        return suite_from_json(stored["suite"]), str(stored["command"])
    except KeyError as error:
        raise StoreError(f"{folder / SUITE}: damaged (no {error.args[0]!r}); run the suite again") from None
    except StoreError as error:
        raise StoreError(f"{folder / SUITE}: {error}") from error.__cause__


def records_in(folder: Path, suite: Suite) -> dict[str, Record]:
    """Records of a suite's cells in a run folder, by cell id; cells without one are left out.

    That of a cell whose record is damaged says that it failed, and names the file.

    Raises:
        StoreError: one of them cannot be read, or a newer version wrote it.
    """
    records = {}
    for cell in suite.cells:
        record = read_record(folder / CELLS / f"{cell.id}.json")
        if record is not None:
            records[cell.id] = record
    return records


def told(folder: Path, records: Mapping[str, Record]) -> dict[str, Record]:
    """The records of a run folder with what lies beside them: what its last run found outdated, replicates, latencies.

    Raises:
        StoreError: a file that says so is damaged.
    """
    why = outdated_in(folder)
    known = {id: record.changed(outdated=why[id]) if id in why else record for id, record in records.items()}
    return with_replicates(folder, with_latencies(folder, known))


def outdated_in(folder: Path) -> Mapping[str, Any]:
    """Cell id to why its scores are outdated, as the last run into this folder found them.

    Raises:
        StoreError: the file is damaged.
    """
    path = folder / OUTDATED
    found = read_json(path).get(CELLS) if path.is_file() else {}
    if not isinstance(found, Mapping):
        raise StoreError(f"{path}: damaged (no {CELLS!r}); run the suite again")
    return found


def note_outdated(folder: Path, why: Mapping[str, Any]) -> None:
    """Keep which scores are not of today's data, for whoever looks at the folder alone."""
    if why:
        write_json(folder / OUTDATED, {"schema": SCHEMA, CELLS: why})
    else:
        (folder / OUTDATED).unlink(missing_ok=True)


def is_named(path: Path) -> bool:
    """Whether a path that was named is that of a run rather than of a suite: a folder, or an archive."""
    return path.is_dir() or (path.suffix == ".zip" and path.is_file())


@contextmanager
def run_folder(path: Path) -> Iterator[Path]:
    """The folder of a run; an archive of ``bench export`` is unpacked for as long as it is looked at.

    Raises:
        StoreError: there is neither.
    """
    if path.is_dir():
        yield path
    elif path.suffix == ".zip" and path.is_file():
        with tempfile.TemporaryDirectory(prefix="bench-archive-") as place:
            yield extract(path, Path(place))
    else:
        raise StoreError(f"{path}: no run folder and no archive of 'bench export'; name one, such as runs/cropping")


def read_side(path: Path) -> Side:
    """A run to be compared: a run folder, an archive, or its ``leaderboard.json`` or ``leaderboard.csv``.

    Raises:
        StoreError: it is none of these, or damaged.
    """
    if path.suffix in (".json", ".csv") and path.is_file():
        rows = _json_rows(path) if path.suffix == ".json" else _csv_rows(path)
        return Side(str(path), {row.id: row for row in rows})
    with run_folder(path) as folder:
        suite, _ = read_run(folder)
        return Side(str(path), side_cells(suite.cells, told(folder, records_in(folder, suite))))


def done_again(record: Record) -> str:
    """How the stages of a finished cell are done again that are gone or damaged."""
    return f"remove its record {CELLS}/{record.id}.json and run the suite again"


def side_cells(cells: Sequence[Cell], records: Mapping[str, Record]) -> dict[str, SideCell]:
    """Every cell: the suite's own word where it is not run, and ``pending`` where it has not run yet."""
    sides = {}
    for cell in cells:
        state, reason = state_of(cell, records)
        record = records.get(cell.id)
        if not cell.runs:
            record = record_of(id=cell.id, state=state, reason=reason)
        sides[cell.id] = SideCell(cell.id, cell.labels, cell.tuned, state, record)
    return sides


def _json_rows(path: Path) -> list[SideCell]:
    try:
        cells = read_bounded(path)["cells"]
        return [_row(path, str(c["id"]), c["labels"], c["tuned"], c["state"], c["record"]) for c in cells]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(f"{path}: no leaderboard ({type(error).__name__}: {error}); make it again") from None


def _row(
    path: Path, id: str, axes: Mapping[str, str], tuned: Mapping[str, Any], state: str, stored: Mapping[str, Any]
) -> SideCell:
    record = row_from({**stored, "id": id, "axes": axes, "tuned": tuned}, state, str(path))
    return SideCell(id, axes, tuned, state, record)


def _csv_rows(path: Path) -> list[SideCell]:
    """Rows of a CSV export; its axes stand between ``id`` and ``state``."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"more than {LARGEST // 10**6} MB")
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns = [undefused(name) for name in reader.fieldnames or ()]
            reader.fieldnames = columns
            rows = list(reader)
    except (ValueError, csv.Error) as error:
        raise StoreError(f"{path}: no leaderboard ({error}); make it again") from None
    if "id" not in columns or "state" not in columns:
        raise StoreError(f"{path}: no leaderboard (it has no columns 'id' and 'state'); make it again")
    axes = columns[columns.index("id") + 1 : columns.index("state")]
    cells = []
    for texts in rows:
        row = {name: undefused(text) if isinstance(text, str) else text for name, text in texts.items()}
        id, state = row.pop("id"), row.pop("state")
        labels = {axis: label for axis in axes if (label := row.pop(axis))}
        cells.append(_row(path, id, labels, {}, state, _tree(row)))
    return cells


def _tree(row: Mapping[str, str]) -> dict[str, Any]:
    """Fields inside each other from dotted columns; what stands below a field that has a value of its own is left."""
    whole: dict[str, Any] = {}
    for name, text in row.items():
        if not isinstance(text, str) or not text:
            continue
        tree = whole
        *way, leaf = str(name).split(".")
        for step in way:
            tree = tree.setdefault(step, {})
            if not isinstance(tree, dict):
                break
        else:
            tree[leaf] = _number(text)
    return whole


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
