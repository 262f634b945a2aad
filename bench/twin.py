"""The Python twin of the command line: what commands do, as functions that return values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.catalog import load_catalog
from bench.engine.home import Places, bench_home
from bench.engine.jobs import Ended, Progress
from bench.engine.plan import Plan, Planned
from bench.engine.scheduler import Invocation, Watcher, run_suite
from bench.engine.store import SCHEMA, read_json, read_record, write_json, write_text
from bench.errors import StoreError
from bench.suite.resolved import suite_from_json
from bench.suite.shipped import suite_path
from bench.suite.suite import Suite, load_suite

if TYPE_CHECKING:
    from bench.report.board import Leaderboard


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
    local = tuple(Path(plugin) for plugin in plugins)
    catalog = load_catalog(local)
    loaded = load_suite(suite_path(str(suite)), catalog, profile=profile, overrides=overrides)
    places = Places(bench_home(), Path(out), {**loaded.data, **(data or {})})
    _, board = run_and_file(loaded, Invocation(catalog, places, local), Silent(), f"bench.run({str(suite)!r})")
    return board


@dataclass(frozen=True, slots=True)
class Silent:
    """A watcher that says nothing."""

    def planned(self, plan: Plan) -> None:
        """Say nothing."""

    def progress(self, progress: Progress) -> None:
        """Say nothing."""

    def ended(self, planned: Planned, ended: Ended) -> None:
        """Say nothing."""

    def tick(self) -> None:
        """Say nothing."""


def run_and_file(suite: Suite, invocation: Invocation, watcher: Watcher, command: str) -> tuple[Plan, Leaderboard]:
    """Run a suite; leave the resolved suite, the records and the board's files in its run folder."""
    folder = invocation.places.run(suite.name)
    write_json(folder / SUITE, {"schema": SCHEMA, "command": command, "suite": suite.resolved()})
    plan = run_suite(suite, invocation, watcher)
    board = board_of_plan(plan, command)
    for form, name in FILES.items():
        write_text(folder / name, RENDERERS[form](board))
    return plan, board


SUITE = "suite.json"


def board_of_plan(plan: Plan, command: str) -> Leaderboard:
    """The leaderboard of a suite as the store is now."""
    return _board(plan.suite, plan.records(), command)


def board_of_run(folder: Path) -> Leaderboard:
    """The leaderboard of a run folder: needs neither the suite file nor its plugins.

    Raises:
        StoreError: the folder holds no run.
    """
    if not (folder / SUITE).is_file():
        raise StoreError(f"{folder}: no run here (it has no {SUITE}); name a folder such as runs/cropping, or a suite")
    stored = read_json(folder / SUITE)
    suite = suite_from_json(stored["suite"])
    places = Places(bench_home(), folder.parent, {})
    records = {}
    for cell in suite.cells:
        record = read_record(places.run(folder.name) / "cells" / f"{cell.id}.json")
        if record is not None:
            records[cell.id] = record
    return _board(suite, records, stored["command"])


def _board(suite: Suite, records: Mapping[str, Mapping[str, Any]], command: str) -> Leaderboard:
    from bench.report.board import leaderboard

    return leaderboard(
        suite.cells,
        records,
        suite.board,
        suite_name=suite.name,
        suite_hash=suite.hash,
        command=command,
        profile=suite.profile or "",
    )


def _text(board: Leaderboard) -> str:
    from bench.report.text import to_text

    return to_text(board, width=100, colour=False)


def _markdown(board: Leaderboard) -> str:
    from bench.report.markdown import to_markdown

    return to_markdown(board)


def _latex(board: Leaderboard) -> str:
    from bench.report.latex import to_latex

    return to_latex(board)


def _csv(board: Leaderboard) -> str:
    from bench.report.tables import to_csv

    return to_csv(board)


def _json(board: Leaderboard) -> str:
    from bench.report.tables import to_json

    return to_json(board)


RENDERERS: Mapping[str, Callable[[Leaderboard], str]] = {
    "text": _text,
    "markdown": _markdown,
    "latex": _latex,
    "csv": _csv,
    "json": _json,
}
FILES = {
    "text": "leaderboard.txt",
    "markdown": "leaderboard.md",
    "latex": "leaderboard.tex",
    "csv": "leaderboard.csv",
    "json": "leaderboard.json",
}
