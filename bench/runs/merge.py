"""Runs of one suite made on several machines, put together: records and pictures, whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from bench.errors import StoreError
from bench.files import whole_file, whole_folder
from bench.record import EndWord, Latency, Record
from bench.report.changes import changes
from bench.report.measures import leaves
from bench.runs.folder import CELLS, SUITE, note_outdated, outdated_in, read_run, run_folder
from bench.runs.latencies import keep_latencies, latencies_in
from bench.runs.rescore import LATE, filled, read_late
from bench.store.records import load_record, write_record
from bench.store.replicates import replicates_file
from bench.store.store import read_json, write_json
from bench.suite.resolved import Suite, problem
from bench.words import clipped, line, plural

T = TypeVar("T")

MEASURED = frozenset(
    {
        "cost",
        "provenance",
        "pictures",
        "pictures_missing",
        "log",
        "badges",
        "remarks",
        "providers",
        "plugins",
        "data_absent",
    }
)
"""Fields of a record in which equal results may differ."""
FLAGS = "flags"
"""Remarks on the scores of a split; those of all runs are kept."""
LABELS = frozenset({"axes", "tuned"})
"""What a cell is called; what was asked is in its id."""
RANK: Sequence[EndWord] = ("done", "diverged", "failed", "blocked", "skipped", "excluded")


@dataclass(frozen=True, slots=True)
class Merged:
    """What came together: cells by the run they were taken from, and how many have a record of all.

    ``left_out`` names files of late scores in which the runs differ; none of them was copied.
    """

    folder: Path
    taken: Mapping[str, int]
    records: int
    cells: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Run:
    """One source: as the user named it, where it lies, its suite, its records, late scores by file name; of its cells
    which scores are old, and latencies.
    """

    name: str
    folder: Path
    suite: Suite
    stored: Mapping[str, Any]
    records: Mapping[str, Record]
    late: Mapping[str, Mapping[str, Any]]
    outdated: Mapping[str, Any]
    latencies: Mapping[str, Sequence[Latency]]


@dataclass(frozen=True, slots=True)
class _Choice:
    """The record of one cell, and the run that it and its pictures are taken from."""

    run: _Run
    record: Record


def merge(runs: Sequence[Path], to: Path) -> Merged:
    """Merge run folders or archives into the run folder ``to``; records that ``to`` holds already take part too.

    Raises:
        StoreError: with every reason, one line each; then nothing is written.
    """
    with ExitStack() as stack:
        problems: list[str] = []
        named = [*runs, *([to] if (to / SUITE).is_file() and to not in runs else [])]
        sources = [_read(name, stack.enter_context(run_folder(name)), problems) for name in named]
        found = [source for source in sources if source is not None]
        whole = _superset(found, problems)
        chosen = dict(_chosen(found, problems))
        late, left_out = _late(found)
        if problems or whole is None:
            raise StoreError("\n".join(problems))
        if to.exists() and not (to / SUITE).is_file() and any(to.iterdir()):
            raise StoreError(f"{to}: holds something that is no run; choose another place with --to")
        _write(whole, chosen, late, to, [str(run) for run in runs])
    taken = {source.name: sum(choice.run is source for choice in chosen.values()) for source in found}
    return Merged(to, taken, len(chosen), len(whole.suite.cells), left_out)


def _read(name: Path, folder: Path, problems: list[str]) -> _Run | None:
    try:
        suite, _ = read_run(folder)
        stored = _storable(read_json, folder / SUITE)
        outdated = outdated_in(folder)
        latencies = latencies_in(folder)
        late = {}
        for path in () if (folder / LATE).is_symlink() else sorted((folder / LATE).glob("[!.]*.json")):
            if path.is_file() and not path.is_symlink():  # neither a link nor a file cut short
                late[path.name] = _storable(read_late, path)
    except StoreError as error:
        problems.append(str(error))
        return None
    records = {}
    for cell in suite.cells:
        path = folder / CELLS / f"{cell.id}.json"
        if not path.exists() and not path.is_symlink():
            continue
        try:
            records[cell.id] = _record(folder, path, cell.id)
        except StoreError as error:
            problems.append(str(error))
    return _Run(str(name), folder, suite, stored, records, late, outdated, latencies)


def _storable(read: Callable[[Path], T], path: Path) -> T:
    """What ``read`` finds in a file from elsewhere, which may hold what no run writes.

    Raises:
        StoreError: it cannot be read, or could not be written again.
    """
    try:
        content = read(path)
        plain = content.stored if isinstance(content, Record) else content
        json.dumps(plain, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: damaged ({problem(error)}); copy it again") from None
    return content


def _record(folder: Path, path: Path, id: str) -> Record:
    """A record that can be trusted to be this cell's and to name its own pictures only.

    Raises:
        StoreError: it is damaged, of another schema, a link, another cell's, or names a file elsewhere.
    """
    if path.is_symlink() or (folder / CELLS).is_symlink():
        raise StoreError(f"{path}: a link, not a record; copy the file itself")
    record = _storable(load_record, path)
    if record.id != id:
        raise StoreError(f"{path}: the record is of cell {record.id!r}; it was renamed or damaged")
    for picture in record.pictures:
        parts = PurePosixPath(picture).parts
        odd = "\\" in picture or not picture.isprintable()
        if len(parts) != 2 or parts[0] != id or ".." in parts or odd:
            raise StoreError(f"{path}: names the picture {picture!r}, which is not its own; the record is refused")
        if any((folder / CELLS / part).is_symlink() for part in (parts[0], picture)):
            raise StoreError(f"{folder / CELLS / picture}: a link, not a picture; copy the file itself")
    return record


def _superset(runs: Sequence[_Run], problems: list[str]) -> _Run | None:
    """The run whose suite has the cells of all others."""
    if not runs:
        if not problems:
            problems.append("there is nothing to merge: name run folders, such as runs/cropping")
        return None
    whole = max(runs, key=lambda run: len(run.suite.cells))
    ids = {cell.id for cell in whole.suite.cells}
    for run in runs:
        missing = [cell.id for cell in run.suite.cells if cell.id not in ids]
        if run.suite.name != whole.suite.name:
            problems.append(f"{run.name} is a run of suite {run.suite.name!r}, {whole.name} of {whole.suite.name!r}")
        elif missing:
            problems.append(
                f"{run.name} has {plural(len(missing), 'cell')} that {whole.name} has not, such as {missing[0]}: "
                "one of the runs must be of a suite with all cells"
            )
    return whole


def _chosen(runs: Sequence[_Run], problems: list[str]) -> Iterator[tuple[str, _Choice]]:
    """What each cell's record is taken from: the best ended, then the fullest, then the first."""
    holders: dict[str, list[_Run]] = {}
    for run in runs:
        for id in run.records:
            holders.setdefault(id, []).append(run)
    for id, having in holders.items():
        first, *others = sorted(having, key=lambda run: _rank(run.records[id]))
        record = first.records[id]
        for other in others:
            if not other.records[id].state.is_final:
                continue
            differing = _differing(record, other.records[id])
            if differing:
                text = f"cell {id}: {first.name} and {other.name} have different results ({differing[0]})"
                problems.append(f"{text}; keep one of them")
            scores = filled(record.plain_scores, other.records[id].plain_scores, FLAGS)
            record = record if scores == record.plain_scores else record.changed(scores=scores)
        yield id, _Choice(first, record)


def _rank(record: Record) -> tuple[int, int]:
    return RANK.index(record.state.word), -sum(1 for _ in leaves("", record.plain_scores))


def _differing(one: Record, two: Record) -> list[str]:
    """Results that both records have and that differ, F1 on test first; scores that one alone has were made later."""
    found = [change for change in changes(_result(one), _result(two)) if not change.absent]
    found.sort(key=lambda change: change.name != "scores.test.f1")
    texts = []
    for change in found:
        remarks = change.name.startswith("scores.") and change.name.endswith(f".{FLAGS}")
        if not remarks:  # they follow from the scores that there are
            first, second = (clipped(line(str(value)), 40) for value in (change.first, change.second))
            texts.append(f"{line(change.name)} {first} and {second}")
    return texts


def _result(record: Record) -> dict[str, Any]:
    """What must be equal, with the state in the words that every schema has."""
    parts = {name: value for name, value in record.plain().items() if name not in MEASURED | LABELS}
    return {**parts, "state": record.state.word}


def _late(runs: Sequence[_Run]) -> tuple[dict[str, Mapping[str, Any]], tuple[str, ...]]:
    """Late scores on which all runs that have them agree, and the file names of the others."""
    scores: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs:
        for name, late in run.late.items():
            scores.setdefault(name, []).append(late)
    agreed = {}
    for name in sorted(scores):
        first, *others = scores[name]
        if all(other == first for other in others):
            agreed[name] = first
    return agreed, tuple(name for name in sorted(scores) if name not in agreed)


def _write(
    whole: _Run, chosen: Mapping[str, _Choice], late: Mapping[str, Mapping[str, Any]], to: Path, names: list[str]
) -> None:
    """Fill a new folder and rename it into place; a run that is there already gets its files one by one, each whole."""
    fresh = not (to / SUITE).is_file()
    try:
        with whole_folder(to) if fresh else nullcontext(to) as folder:
            for id, choice in chosen.items():
                if choice.run.folder.resolve() != to.resolve() or choice.record != choice.run.records[id]:
                    _copy(choice, id, folder)
            for name, scores in late.items():
                write_json(folder / LATE / name, scores)
            outdated = {id: why for id, choice in chosen.items() if (why := choice.run.outdated.get(id))}
            note_outdated(folder, outdated)
            keep_latencies(folder, {id: choice.run.latencies.get(id, ()) for id, choice in chosen.items()})
            write_json(folder / SUITE, {**whole.stored, "merged_from": names})
    except OSError as error:
        raise StoreError(f"{to}: cannot be written ({error.strerror}); free space or choose another place") from None


def _copy(choice: _Choice, id: str, folder: Path) -> None:
    """Pictures first: a record never names what is not there."""
    run, record = choice.run, choice.record
    there = [name for name in record.pictures if (run.folder / CELLS / name).is_file()]
    for name in there if run.folder.resolve() != folder.resolve() else ():
        target = folder / CELLS / name
        with whole_file(target) as file, (run.folder / CELLS / name).open("rb") as picture:
            shutil.copyfileobj(picture, file)
    _copy_replicates(run.folder, id, folder)
    kept = record if there == list(record.pictures) else record.changed(pictures=there)
    write_record(folder / CELLS / f"{id}.json", kept)


def _copy_replicates(run: Path, id: str, folder: Path) -> None:
    """Replicates of a record, where its run has them; a link is left out."""
    source, target = replicates_file(run, id), replicates_file(folder, id)
    if source.is_file() and not source.is_symlink() and source.resolve() != target.resolve():
        with whole_file(target) as file, source.open("rb") as replicates:
            shutil.copyfileobj(replicates, file)
