"""Options that several commands share, and what they stand for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bench.errors import SuiteError
from bench.suite.shipped import suite_path
from bench.words import plural

if TYPE_CHECKING:
    from bench.catalog import Catalog
    from bench.engine.scheduler import Invocation
    from bench.stages.opening import Opened
    from bench.store.home import Places
    from bench.suite.reading.load import Suite
    from bench.suite.schema import Ref

F = TypeVar("F", bound=Callable[..., Any])

_PLUGINS = (
    click.option(
        "--plugin", "plugin", multiple=True, type=click.Path(path_type=Path), help="A local plugin file; repeatable."
    ),
    click.option("--no-plugins", "no_plugins", is_flag=True, help="Leave installed third-party plugins out."),
)
_DATA = (click.option("--data", "data", multiple=True, metavar="NAME=DIR", help="Folder of a data set; repeatable."),)
READ_RUNS = ("effects", "leaderboard", "score")
"""Commands that take a run folder in place of a suite, so that a bare name may be one below ``--out``."""


def _suite_or_run(context: click.Context, _parameter: click.Parameter, name: str) -> str:
    """``runs/my`` for ``my`` where a run but no suite is called so; whatever else is named as it stands.

    Raises:
        SuiteError: neither the suite nor the run is there.
    """
    path = Path(name)
    if context.command.name not in READ_RUNS or path.name != name:
        return name
    from bench.runs.folder import is_run

    below = context.params["out"] / name
    try:
        suite_path(name)
    except SuiteError as error:
        if is_run(below) and not is_run(path):
            return str(below)
        if path.is_dir():
            return name  # reading it says what it lacks
        raise SuiteError([f"{error} Nor is there a run in {below}."]) from error
    return name


_SUITE = (
    click.argument("suite", callback=_suite_or_run),
    click.option("--profile", help="Profile of the suite; by default the one that fits this machine."),
    click.option(
        "-x", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting, e.g. recipe.epochs=3."
    ),
    *_DATA,
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=Path("runs"),
        show_default=True,
        is_eager=True,  # the name of a suite may be that of a run below it
        help="Folder for results.",
    ),
)


def plugin_options(function: F) -> F:
    """``--plugin`` and ``--no-plugins``."""
    return _with(_PLUGINS, function)


def suite_options(function: F) -> F:
    """The suite argument, profile, overrides, data folders, result folder, and plugin options."""
    return _with((*_SUITE, *_PLUGINS), function)


def dataset_options(function: F) -> F:
    """``--data`` and the plugin options, for commands that take data sets as arguments."""
    return _with((*_DATA, *_PLUGINS), function)


def _with(options: tuple[Callable[[F], F], ...], function: F) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def open_catalog(plugin: tuple[Path, ...], no_plugins: bool) -> Catalog:
    """Load all plugins; a broken one is reported in one line and stops nothing."""
    from bench.catalog import load_catalog

    with redirect_stdout(sys.stderr):  # what a plugin prints must not spoil what a command prints
        catalog = load_catalog(plugin, plugins=not no_plugins)
    for lost in catalog.quarantined:
        click.echo(f"plugin left out: {lost.package} ({lost.module}): {lost.reason}", err=True)
    return catalog


def open_suite(
    suite: str,
    profile: str | None,
    overrides: tuple[str, ...],
    data: tuple[str, ...],
    out: Path,
    plugin: tuple[Path, ...],
    no_plugins: bool,
) -> tuple[Suite, Invocation]:
    """Resolve a suite with its components and places.

    Raises:
        SuiteError: with every mistake of the suite and the overrides.
    """
    from bench.engine.scheduler import Invocation
    from bench.store.home import Places, bench_home
    from bench.suite.reading.load import load_suite

    path = suite_path(suite)
    catalog = open_catalog(plugin, no_plugins)
    with redirect_stdout(sys.stderr):
        loaded = load_suite(path, catalog, profile=profile, overrides=overrides)
    places = Places(bench_home(), out, {**loaded.data, **_folders(data, catalog)})
    return loaded, Invocation(catalog, places, plugin, not no_plugins)


@dataclass(frozen=True, slots=True)
class DataDesk:
    """Where commands on single data sets start: the components and the folders."""

    catalog: Catalog
    places: Places

    def ref(self, text: str) -> Ref:
        """The data set that ``NAME`` or ``{use: NAME, settings: {...}}`` means.

        Raises:
            SuiteError: there is no such data set or setting.
        """
        from bench.suite.reading.inline import component_from

        return component_from(text, "dataset", self.catalog)

    def root(self, ref: Ref) -> Path:
        """The folder of a data set.

        Raises:
            DataError: the folder given for it cannot be followed.
        """
        return self.places.root(ref.use, self.catalog.find("dataset", ref.use).component.folder)

    def opened(self, text: str) -> Opened:
        """The data set itself, indexed now if need be, with a line that says so.

        Raises:
            BenchError: it does not exist, is absent or cannot be read.
        """
        from bench.stages.opening import open_indexed

        ref = self.ref(text)

        def indexing(done: int, total: int) -> None:
            if done == 1:
                click.echo(f"reading {plural(total, 'image')} of {ref.use}", err=True)

        with redirect_stdout(sys.stderr):
            return open_indexed(self.catalog, ref, self.places, indexing)


def data_desk(data: tuple[str, ...], plugin: tuple[Path, ...], no_plugins: bool) -> DataDesk:
    """The components, and the folders given with ``--data``; results of such commands go where they are told.

    Raises:
        StoreError: ``BENCH_HOME`` cannot be looked into.
    """
    from bench.store.home import Places, bench_home, check_readable

    check_readable(bench_home())
    catalog = open_catalog(plugin, no_plugins)
    return DataDesk(catalog, Places(bench_home(), Path("runs"), _folders(data, catalog)))


def _folders(pairs: tuple[str, ...], catalog: Catalog) -> dict[str, str]:
    folders = {}
    from bench.suite.reading.mistakes import did_you_mean

    known = catalog.names("dataset")
    for pair in pairs:
        name, equals, folder = pair.partition("=")
        if not (name and equals and folder):
            raise click.UsageError(f"--data {pair!r}: write NAME=DIR, for example --data mtd=~/data/mtd")
        if name.rpartition(":")[2] not in known:
            hint = did_you_mean(name, known) or f" Known: {', '.join(known)}."
            raise click.UsageError(f"--data {pair!r}: no data set is called {name!r}.{hint}")
        folders[name] = folder
    return folders
