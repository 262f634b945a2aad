"""What can be typed next: suites, runs, cells, components, axes and measures. Imports no torch and reads no record."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from bench.suite.shipped import shipped_suites

RUNS = Path("runs")
READ_RUNS = ("effects", "leaderboard", "score")
"""Commands that take a run folder in place of a suite, so that a bare name may be one below ``--out``."""
SHOWN = 8
"""Characters of a cell's id."""

Items = list[CompletionItem]


def suites(context: click.Context, _parameter: click.Parameter, start: str) -> Items:
    """Shipped suites, suite files that lie here, and runs for a command that reads them; else any file."""
    names = [*shipped_suites(), *(path.name for path in Path().glob("*.yaml"))]
    if context.command.name in READ_RUNS:
        names += run_names(context)
    return _or_files(names, start)


def runs(context: click.Context, _parameter: click.Parameter, start: str) -> Items:
    """Runs by name below ``--out``; else any file."""
    return _or_files(run_names(context), start)


def run_folders(context: click.Context, _parameter: click.Parameter, start: str) -> Items:
    """Folders of runs below ``--out``; else any file."""
    return _or_files([str(_out(context) / name) for name in run_names(context)], start)


def cells(context: click.Context, _parameter: click.Parameter, start: str) -> Items:
    """Cells by the start of their ids, with the run that each is in."""
    ids: dict[str, str] = {}
    for path in (*_out(context).glob(f"cells/{start}*.json"), *_out(context).glob(f"*/cells/{start}*.json")):
        ids[path.stem[: max(SHOWN, len(start))]] = path.parent.parent.name
    return [CompletionItem(id, help=run) for id, run in sorted(ids.items())]


def components(*kinds: str) -> object:
    """A completion of components by name, of these kinds or of all."""

    def complete(_context: click.Context, _parameter: click.Parameter, start: str) -> Items:
        found = [name for kind, names in known_components().items() if not kinds or kind in kinds for name in names]
        return _items(found, start)

    return complete


def axes(_context: click.Context, _parameter: click.Parameter, start: str) -> Items:
    """Axes of suites."""
    from bench.suite.cells import AXES

    return _items(AXES, start)


def scores(_context: click.Context, _parameter: click.Parameter, start: str) -> Items:
    """Scores of a split, as ``f1``."""
    from bench.scores import split_scores

    return _items(split_scores(), start)


def measures(_context: click.Context, _parameter: click.Parameter, start: str) -> Items:
    """Scores of a split with its name, as ``f1@test``."""
    from bench.scores import split_scores

    return _items([f"{name}@{split}" for name in split_scores() for split in ("validation", "test")], start)


def run_names(context: click.Context) -> list[str]:
    """Names of the runs below ``--out``."""
    return sorted(path.parent.name for path in _out(context).glob("*/cells"))


def known_components() -> dict[str, list[str]]:
    """Names of built-in and installed components by kind, remembered until something is installed or changed.

    Loading all plugins takes longer than one waits for a word.
    """
    from bench.home import bench_home

    spec = find_spec("bench_plugins")
    ours = [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
    folders = [*ours, *chain.from_iterable(folder.iterdir() for folder in ours), *map(Path, sys.path)]
    state = {str(path): path.stat().st_mtime_ns for path in folders if path.is_dir()}
    file = bench_home() / "completion.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["state"] == state:
            return dict(kept["components"])
    found = _loaded_components()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"state": state, "components": found}), encoding="utf-8")
        draft.replace(file)
    return found


def _loaded_components() -> dict[str, list[str]]:
    from bench.catalog import KINDS, load_catalog

    catalog = load_catalog()
    return {kind: list(catalog.names(kind)) for kind in KINDS}


def _out(context: click.Context) -> Path:
    return Path(context.params.get("out") or RUNS)


def _items(names: Iterable[str], start: str) -> Items:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(start)]


def _or_files(names: Sequence[str], start: str) -> Items:
    """The names that begin so; where there is none, what the shell completes by itself."""
    return _items(names, start) or [CompletionItem(start, type="file")]
