"""What commands do, as Python functions that return values."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.catalog import Catalog, load_catalog
from bench.engine.invocation import Invocation, Watcher
from bench.engine.only import Only
from bench.engine.plan import Plan, Planned
from bench.engine.scheduler import MakeLauncher, run_suite
from bench.errors import Damaged, StoreError
from bench.files import sweep
from bench.home import bench_home
from bench.jobs import Ended, Progress
from bench.runs.folder import SUITE, note_outdated, read_run, records_in, run_folder, told
from bench.runs.journal import journalled
from bench.runs.latencies import with_latencies
from bench.runs.observing import observed
from bench.store.home import Places, check_writable
from bench.store.replicates import with_replicates
from bench.store.store import SCHEMA, write_json, write_text
from bench.suite.reading.load import Suite, load_suite
from bench.suite.shipped import suite_path

if TYPE_CHECKING:
    from bench.figures.asked import Asked
    from bench.figures.write import Outcome
    from bench.report.board import Leaderboard
    from bench.report.compare import Comparison, Met
    from bench.report.sides import Side
    from bench.report.verdicts import Judged
    from bench.runs.merge import Merged
    from bench.runs.repro import Repeated
    from bench.runs.results import Results
    from bench.runs.why import Why


def run(
    suite: str | Path,
    *,
    profile: str | None = None,
    overrides: Sequence[str] = (),
    data: Mapping[str, str] | None = None,
    out: str | Path = "runs",
    plugins: Sequence[str | Path] = (),
) -> Leaderboard:
    """Run every cell of a suite that is not done and return its leaderboard, as ``bench run`` does.

    Raises:
        SuiteError: with every mistake of the suite and the overrides.
    """
    catalog = load_catalog([Path(plugin) for plugin in plugins])
    loaded = load_suite(suite_path(str(suite)), catalog, profile=profile, overrides=overrides)
    places = Places(bench_home(), Path(out), {**loaded.data, **(data or {})})
    _, board = run_and_file(loaded, Invocation(catalog, places), Silent(), f"bench.run({str(suite)!r})")
    return board


def results(run: str | Path) -> Results:
    """The cells of a run folder, or of an archive of ``bench export``: records, selection by labels, one table of all.

    Scores and thresholds lie in 0..1, unrounded, times are seconds, memory is bytes::

        found = bench.results("runs/cropping")
        found.select(model="unet").values("f1@test")
        found.frame()

    Raises:
        StoreError: there is no such run, or it is damaged.
    """
    from bench.runs.results import results_of

    return results_of(Path(run))


def compare(
    first: str | Path | Side,
    second: str | Path | Side,
    *,
    measures: Sequence[str] = ("f1@validation", "f1@test"),
    fail_if: Sequence[str] = (),
) -> tuple[Comparison, list[Met]]:
    """Compare two runs (folders, archives, exported leaderboards) as ``bench compare`` does; also the gates met.

    Raises:
        BenchError: one of them is no run, they share nothing that can be compared, or a gate is not understood.
    """
    from bench.report.compare import compare as compared
    from bench.report.compare import gates_met
    from bench.report.gates import gate_from
    from bench.report.measures import measure_of
    from bench.runs.folder import read_side

    gates = [gate_from(text) for text in fail_if]
    names = dict.fromkeys([*measures, *(gate.measure.name for gate in gates)])
    one, two = (read_side(Path(side)) if isinstance(side, str | Path) else side for side in (first, second))
    found = compared(one, two, [measure_of(name) for name in names])
    return found, gates_met(found, gates)


def claims(run: str | Path, *, file: str | Path = "claims.yaml") -> Judged:
    """Check the claims of a file against the records of a run folder or archive, as ``bench claims`` does.

    Raises:
        BenchError: there is no such run, or the file has mistakes, each with its place.
    """
    from bench.report.claims_file import read_claims
    from bench.report.verdicts import judged

    with run_folder(Path(run)) as folder:
        suite, _ = read_run(folder)
        claimed = read_claims(Path(file), suite.name, suite.cells)
        return judged(claimed, suite.cells, told(folder, records_in(folder, suite)), suite.name, suite.paired)


def repro(record: str | Path, *, invocation: Invocation | None = None, device: str | None = None) -> Repeated:
    """Run the cell of a record file (``runs/NAME/cells/ID.json``) again in a fresh store, as ``bench repro`` does.

    Raises:
        BenchError: the record, the data or a component is not here.
    """
    import tempfile

    from bench.runs.repro import repeat
    from bench.store.records import load_record

    path = Path(record)
    with tempfile.TemporaryDirectory(prefix="bench-repro-") as place:
        return repeat(path, load_record(path), invocation or _here(path), Path(place), Silent(), device)


def why(run: str | Path, cell: str, *, invocation: Invocation | None = None) -> Why:
    """Say why a cell (its whole id) of a run folder is done, stale, failed, pending or blocked, as ``bench why`` does.

    Raises:
        StoreError: there is no such run or cell.
    """
    from bench.runs.why import why as reason

    folder = Path(run)
    suite, _ = read_run(folder)
    wanted = next((one for one in suite.cells if one.id == cell), None)
    if wanted is None:
        raise StoreError(f"{folder}: the suite of this run has no cell {cell!r}; 'bench leaderboard' lists ids")
    return reason(wanted, suite, invocation or _here(folder / "cells" / cell, suite.data))


def _here(record: Path, data: Mapping[str, str] | None = None) -> Invocation:
    """Installed components, the usual store, and the results folder that a record lies in."""
    return Invocation(load_catalog(), Places(bench_home(), record.parent.parent.parent, data or {}))


def merge(runs: Sequence[str | Path], *, to: str | Path) -> Merged:
    """Merge runs of one suite into the run folder ``to`` and write its tables, as ``bench merge`` does.

    Raises:
        StoreError: with every reason, one line each; then nothing is written.
    """
    from bench.runs.merge import merge as merged

    found = merged([Path(run) for run in runs], Path(to))
    _write_tables(board_of_run(found.folder), found.folder)
    return found


def export(
    run: str | Path, *, to: str | Path, catalog: Catalog | None = None, only: Literal["numbers"] | None = None
) -> int:
    """Write a run folder, or ``only`` its numbers, to one archive, as ``bench export``; return how many files it holds.

    Raises:
        StoreError: the folder holds no run, or the archive cannot be written.
    """
    from bench.runs.archive import write_archive
    from bench.runs.export import archive_files, numbers_files

    folder, known = Path(run), catalog or load_catalog()
    if only == "numbers":
        files = numbers_files(folder, known)
    else:
        files = archive_files(folder, board_files(board_of_run(folder)), known)
    write_archive(Path(to), files)
    return len(files)


def figures(
    run: str | Path,
    *,
    to: str | Path,
    asked: Asked | None = None,
    permitted: Collection[str] = (),
    catalog: Catalog | None = None,
    places: Places | None = None,
) -> Outcome:
    """Write the figures of a run folder or archive into the folder ``to``, as ``bench figures`` does.

    ``asked.cells`` may be the starts of ids; ``permitted`` are data sets whose pictures may be printed all the same.

    Raises:
        BenchError: there is no such run, cell, axis, width or font.
    """
    from bench.figures.asked import Asked
    from bench.figures.source import Source
    from bench.figures.write import write_figures
    from bench.report.board import board_of_records
    from bench.report.undefined import all_shown
    from bench.runs.starts import cell_by_start

    with run_folder(Path(run)) as folder:
        suite, command = read_run(folder)
        records = told(folder, records_in(folder, suite))
        where = places or Places(bench_home(), Path(run).parent, {})
        where = replace(where, data={**suite.data, **where.data})
        board = board_of_records(suite, records, command)
        source = Source(suite, board, all_shown(records), catalog or load_catalog(), where, permitted)
        wanted = asked or Asked()
        ids = tuple(cell_by_start(suite.cells, start, str(run)).id for start in wanted.cells)
        return write_figures(source, replace(wanted, cells=ids), Path(to))


class Silent:
    """A watcher that says nothing."""

    def planned(self, plan: Plan) -> None:
        """Say nothing."""

    def progress(self, progress: Progress) -> None:
        """Say nothing."""

    def ended(self, planned: Planned, ended: Ended) -> None:
        """Say nothing."""

    def remark(self, text: str) -> None:
        """Nothing is said."""

    def tick(self) -> None:
        """Say nothing."""


def run_and_file(
    suite: Suite,
    invocation: Invocation,
    watcher: Watcher,
    command: str,
    make: MakeLauncher | None = None,
    only: Only | None = None,
) -> tuple[Plan, Leaderboard]:
    """Run a suite, all of its cells or ``only`` some; leave suite, records and the board's files in its run folder.

    What lies damaged beside the records is made again or put aside.
    """
    folder = invocation.places.run(suite.name)
    check_writable(invocation.places.home)
    check_writable(folder)
    sweep(folder)
    write_json(folder / SUITE, {"schema": SCHEMA, "command": command, "suite": suite.resolved()})
    with (
        journalled(folder, watcher, command) as journal,
        observed(suite.runtime.observers, invocation, folder, journal) as told_too,
    ):
        plan = run_suite(suite, invocation, told_too, make, only=only)
        note_outdated(folder, plan.outdated())
        board = _board_or_mended(plan, command, folder, invocation, watcher)
        _write_tables(board, folder)
    return plan, board


def _board_or_mended(plan: Plan, command: str, folder: Path, invocation: Invocation, watcher: Watcher) -> Leaderboard:
    """The leaderboard of a plan, for which what lies damaged beside the records is mended."""
    try:
        return board_of_plan(plan, command, folder)
    except Damaged:
        from bench.runs.mend import mended

        for line in mended(folder, plan.suite.cells, plan.records(), invocation.catalog, invocation.places):
            watcher.remark(line)
        return board_of_plan(plan, command, folder)


def _write_tables(board: Leaderboard, folder: Path) -> None:
    for name, text in board_files(board).items():
        write_text(folder / name, text)
    _draw_costs(board, folder)


def board_files(board: Leaderboard) -> dict[str, str]:
    """The files of a leaderboard in every format, by name."""
    from bench.render.data import board_csv, board_json
    from bench.render.formats import FORMATS
    from bench.report.board_document import board_document

    document = board_document(board)
    files = {f"leaderboard.{form.suffix}": form.render(document) for form in FORMATS.values()}
    return {**files, "leaderboard.csv": board_csv(board), "leaderboard.json": board_json(board)}


def _draw_costs(board: Leaderboard, folder: Path) -> None:
    """Draw score against cost beside the tables; a table is never lost to its picture."""
    from bench.pictures.pareto import write_pareto

    try:
        write_pareto(board.costs, folder, title=board.suite)
    except Exception as error:
        warnings.warn(f"no picture of score against cost: {type(error).__name__}: {error}", stacklevel=2)


def board_of_plan(plan: Plan, command: str, folder: Path) -> Leaderboard:
    """The leaderboard of a suite as the store is now, with the replicates and latencies in its run folder."""
    from bench.report.board import board_of_records

    return board_of_records(plan.suite, with_replicates(folder, with_latencies(folder, plan.records())), command)


def board_of_run(folder: Path) -> Leaderboard:
    """The leaderboard of a run folder, or of its archive: needs neither the suite file nor its plugins.

    Raises:
        StoreError: the folder holds no run.
    """
    from bench.report.board import board_of_records

    with run_folder(folder) as unpacked:
        suite, command = read_run(unpacked)
        return board_of_records(suite, told(unpacked, records_in(unpacked, suite)), command)
