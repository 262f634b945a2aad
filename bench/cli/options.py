"""Options that several commands share, and the one value that a command gets for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import complete
from bench.cli.terminal import quiet
from bench.errors import SuiteError
from bench.suite.shipped import suite_path
from bench.words import did_you_mean, plural

if TYPE_CHECKING:
    from bench.catalog import Catalog
    from bench.engine.invocation import Invocation
    from bench.engine.only import Shard
    from bench.stages.opening import Opened
    from bench.store.home import Places
    from bench.suite.reading.load import Suite
    from bench.suite.schema import Ref
    from bench.types import Dataset, Record

Command = Callable[..., Any]
PATH = click.Path(path_type=Path)


class ShardType(click.ParamType["Shard"]):
    """``I/N``: the I-th of N parts."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        """Two whole numbers, the first within the second."""
        from bench.engine.only import Shard

        number, slash, of = value.partition("/")
        if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            self.fail(f"{value!r}: write I/N with I from 1 to N, as 2/8 for the second of eight parts", param, ctx)
        return Shard(int(number), int(of))


SHARD = ShardType()

OPTIONS: dict[str, Callable[[Command], Command]] = {
    "--data": click.option("--data", multiple=True, metavar="NAME=DIR", help="Folder of a data set; repeatable."),
    "--out": click.option(
        "--out",
        type=PATH,
        default=Path("runs"),
        show_default=True,
        is_eager=True,  # the name of a suite may be that of a run below it
        help="Folder for results.",
    ),
    "--plugin": click.option("--plugin", multiple=True, type=PATH, help="A local plugin file; repeatable."),
    "--no-plugins": click.option("--no-plugins", is_flag=True, help="Leave installed third-party plugins out."),
}


@dataclass(frozen=True)
class Workspace:
    """The components and folders that a command was given; each is looked at when it is first asked for."""

    plugin: tuple[Path, ...]
    no_plugins: bool
    data: tuple[str, ...] = ()
    out: Path = Path("runs")

    @cached_property
    def catalog(self) -> Catalog:
        """All components; a plugin that is broken is reported in one line and stops nothing."""
        from bench.catalog import load_catalog

        with quiet():
            catalog = load_catalog(self.plugin, plugins=not self.no_plugins)
        for lost in catalog.quarantined:
            click.echo(f"plugin left out: {lost.package} ({lost.module}): {lost.reason}", err=True)
        return catalog

    @cached_property
    def places(self) -> Places:
        """The store, the folder for results, and the folders given with ``--data``.

        Raises:
            StoreError: ``BENCH_HOME`` cannot be looked into.
        """
        from bench.home import bench_home
        from bench.store.home import Places, check_readable

        check_readable(bench_home())
        return Places(bench_home(), self.out, self._data_folders())

    def invocation(self, data: Mapping[str, str]) -> Invocation:
        """Components and folders for a run; ``data`` are the folders that its suite names itself."""
        from bench.engine.invocation import Invocation

        places = replace(self.places, data={**data, **self.places.data})
        return Invocation(self.catalog, places)

    def suite(self, name: str, profile: str | None = None, overrides: tuple[str, ...] = ()) -> tuple[Suite, Invocation]:
        """Resolve a suite with its components and folders.

        Raises:
            SuiteError: with every mistake of the suite and the overrides.
        """
        from bench.suite.reading.load import load_suite

        path = suite_path(name)
        with quiet():
            suite = load_suite(path, self.catalog, profile=profile, overrides=overrides)
        return suite, self.invocation(suite.data)

    def ref(self, text: str) -> Ref:
        """The data set that ``NAME`` or ``{use: NAME, settings: {...}}`` means.

        Raises:
            SuiteError: there is no such data set or setting.
        """
        from bench.suite.reading.load import component_from

        return component_from(text, "dataset", self.catalog)

    def root(self, ref: Ref) -> Path:
        """The folder of a data set.

        Raises:
            DataError: the folder given for it cannot be followed.
        """
        return self.places.root(ref.use, self.catalog.find("dataset", ref.use).component.folder)

    def listed(self, ref: Ref) -> tuple[Dataset, tuple[Record, ...]]:
        """A data set with its records; no image is read.

        Raises:
            BenchError: it is absent, or its reader fails.
        """
        from bench.jobs import DataRef
        from bench.stages.indexing import listed, open_dataset

        data = DataRef(ref.use, dict(ref.settings), str(self.root(ref)), index="")
        dataset = open_dataset(self.catalog, data)
        return dataset, listed(dataset, ref.use)

    def opened(self, text: str) -> Opened:
        """The data set that ``text`` means, indexed now if need be, with a line that says so.

        Raises:
            BenchError: it does not exist, is absent or cannot be read.
        """
        from bench.stages.opening import open_indexed

        ref = self.ref(text)

        def indexing(done: int, total: int) -> None:
            if done == 1:
                click.echo(f"reading {plural(total, 'image')} of {ref.use}", err=True)

        with quiet():
            return open_indexed(self.catalog, ref, self.places, indexing)

    def _data_folders(self) -> dict[str, str]:
        folders = {}
        known = self.catalog.names("dataset")
        for pair in self.data:
            name, equals, folder = pair.partition("=")
            if not (name and equals and folder):
                raise click.UsageError(f"--data {pair!r}: write NAME=DIR, for example --data mtd=~/data/mtd")
            if name.rpartition(":")[2] not in known:
                hint = did_you_mean(name, known) or f" Known: {', '.join(known)}."
                raise click.UsageError(f"--data {pair!r}: no data set is called {name!r}.{hint}")
            folders[name] = folder
        return folders


def run_named(run: Path, out: Path) -> Path:
    """A run folder or archive as it was named, or the run of that name below ``--out``."""
    return run if run.exists() else out / run


def workspace_options(*names: str) -> Callable[[Command], Command]:
    """Give a command ``--plugin``, ``--no-plugins`` and the shared options of these names, all as ``workspace``."""

    def decorate(function: Command) -> Command:
        @wraps(function)
        def command(*, plugin: tuple[Path, ...], no_plugins: bool, **others: Any) -> Any:
            shared = {name: others.pop(name) for name in ("data", "out") if f"--{name}" in names}
            return function(workspace=Workspace(plugin, no_plugins, **shared), **others)

        return _with_options(command, [OPTIONS[name] for name in (*names, "--plugin", "--no-plugins")])

    return decorate


@dataclass(frozen=True, slots=True)
class SuiteArgument:
    """A suite as the user named it, with profile and overrides; for some commands the folder of a run."""

    name: str
    profile: str | None
    overrides: tuple[str, ...]
    workspace: Workspace

    def opened(self) -> tuple[Suite, Invocation]:
        """Resolve it.

        Raises:
            SuiteError: with every mistake of the suite and the overrides.
        """
        return self.workspace.suite(self.name, self.profile, self.overrides)

    @contextmanager
    def run(self) -> Iterator[tuple[Suite, Path]]:
        """The suite of a run (a folder or an archive) as it was run with that folder, or the suite with its folder
        below ``--out``.

        Raises:
            BenchError: there is no such suite or run.
        """
        from bench.runs.folder import is_named, read_run, run_folder

        path = Path(self.name)
        if is_named(path):
            with run_folder(path) as folder:
                yield read_run(folder)[0], folder
            return
        suite, invocation = self.opened()
        yield suite, invocation.places.run(suite.name)


permitted_option = click.option(
    "--permitted",
    multiple=True,
    metavar="DATASET",
    help="A data set whose licence forbids pictures, and whose owner lets you show them; repeatable.",
)


def launcher_option(function: Command) -> Command:
    """Give a command that has ``suite`` the option ``--launcher``, which goes before what is overridden with ``-x``."""

    @wraps(function)
    def command(*, suite: SuiteArgument, launcher: str | None, **others: Any) -> Any:
        named = () if launcher is None else (f"runtime.launcher={{use: {launcher}}}",)
        return function(suite=replace(suite, overrides=(*named, *suite.overrides)), **others)

    option = click.option(
        "--launcher",
        metavar="NAME",
        shell_complete=complete.components("launcher"),
        help="Who starts the workers, in place of the suite's; 'bench list launchers'.",
    )
    return option(command)


def observe_option(function: Command) -> Command:
    """Give a command that has ``suite`` the option ``--observe``, which goes before what is overridden with ``-x``."""

    @wraps(function)
    def command(*, suite: SuiteArgument, observe: tuple[str, ...], **others: Any) -> Any:
        named = (f"runtime.observers=[{', '.join(observe)}]",) if observe else ()
        return function(suite=replace(suite, overrides=(*named, *suite.overrides)), **others)

    option = click.option(
        "--observe",
        multiple=True,
        metavar="NAME",
        help="Tell a tracker, in place of the suite's; repeatable; 'bench list observers'.",
    )
    return option(command)


def suite_options(function: Command) -> Command:
    """Give a command the argument ``SUITE``, its profile and overrides and all shared options, as ``suite``."""

    @wraps(function)
    def command(
        *, suite: str, profile: str | None, overrides: tuple[str, ...], workspace: Workspace, **others: Any
    ) -> Any:
        return function(suite=SuiteArgument(suite, profile, overrides, workspace), **others)

    return _with_options(command, [*_SUITE, workspace_options("--data", "--out")])


def _with_options(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    """The command with options that help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def _suite_or_run(context: click.Context, _parameter: click.Parameter, name: str) -> str:
    """``runs/my`` for ``my`` where a run but no suite is called so; whatever else is named as it stands.

    Raises:
        SuiteError: neither the suite nor the run is there.
    """
    path = Path(name)
    if context.command.name not in complete.READ_RUNS or path.name != name:
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


_SUITE: tuple[Callable[[Command], Command], ...] = (
    click.argument("suite", callback=_suite_or_run, shell_complete=complete.suites),
    click.option("--profile", help="Profile of the suite; by default the one that fits this machine."),
    click.option(
        "-x", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting, e.g. recipe.epochs=3."
    ),
)
