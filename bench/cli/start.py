"""``bench start``: from a folder of images and masks to a first suite."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import click

from bench.cli.options import Workspace, workspace_options
from bench.home import resolved

if TYPE_CHECKING:
    from bench.start.budget import Budget
    from bench.types import JsonValue


@click.command("start")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--to", type=click.Path(path_type=Path), help="The suite file; by default FOLDER's name with .yaml, here."
)
@click.option("--images", metavar="FOLDER", help="Where images are, below FOLDER, if names do not say so.")
@click.option("--masks", metavar="FOLDER", help="Where masks are, below FOLDER, if names do not say so.")
@click.option("--as", "reader", metavar="NAME", help="Read it as this data set: folder, coco, mtd, ...")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Answer with a setting; repeatable.")
@click.option("--all", "every_image", is_flag=True, help="Use all images, however long a run on them takes.")
@click.option("--overwrite", is_flag=True, help="Replace a suite that is there.")
@workspace_options("--out")
def command(
    folder: Path,
    to: Path | None,
    images: str | None,
    masks: str | None,
    reader: str | None,
    settings: tuple[str, ...],
    every_image: bool,
    overwrite: bool,
    workspace: Workspace,
) -> None:
    """Look at FOLDER with your images and masks, say what is there, and write a commented suite for this machine.

    Images and masks are told apart and paired by their names, or by annotations in COCO's format; the layout of a
    published data set is recognised. What cannot be told is one line with the options that answer it, and exit code 2.
    """
    from bench.canonical import printable
    from bench.start.first import first_suite, name_of
    from bench.start.reading import Answers
    from bench.words import plural

    def indexing(done: int, total: int) -> None:
        if done == 1:
            click.echo(f"reading {plural(total, 'image')}", err=True)

    answers = Answers(reader, _below(folder, images), _below(folder, masks), dict(map(_setting, settings)))
    file = to or Path(f"{name_of(resolved(folder).name)}.yaml")
    with redirect_stdout(sys.stderr):
        first = first_suite(
            workspace.catalog,
            workspace.places,
            folder,
            answers,
            file,
            overwrite=overwrite,
            every_image=every_image,
            progress=indexing,
        )
    for line in first.found:
        click.echo(printable(line))
    click.echo("")
    for written in first.files:
        click.echo(f"written: {printable(str(written))}")
    click.echo(_budget(first.plan))
    shown = printable(str(file))
    results = workspace.out / first.name
    click.echo("")
    click.echo(f"bench plan {shown}          # what would run; change the suite until it asks your question")
    click.echo(f"bench run {shown}           # trains, tests and prints the leaderboard; the same command continues")
    click.echo(
        f"bench leaderboard {results} --format markdown   # pictures of what was found and missed: {results}/cells"
    )


def _budget(plan: Budget) -> str:
    from bench.gpus import gpus
    from bench.words import plural

    cells = f"{plural(plan.cells, 'cell')} of {plan.crop_size} x {plan.crop_size} crops and 2 baselines"
    cores = plural(plan.workers, "processor core")
    told = f"budget: {cells}, about {plan.seconds / 60:.0f} minutes on {cores}"
    return f"{told}; the GPU found here takes the profile gpu instead" if gpus().usable else told


def _below(folder: Path, named: str | None) -> PurePath | None:
    """A folder that the user named, from FOLDER; as typed from there, or from here."""
    if named is None:
        return None
    root = resolved(folder)
    direct = resolved(root / named)
    path = direct if direct.is_dir() else resolved(named)
    if not path.is_dir() or not path.is_relative_to(root):
        raise click.UsageError(f"{named!r} is no folder below {folder}; name one as it is called there")
    return path.relative_to(root)


def _setting(text: str) -> tuple[str, JsonValue]:
    """``('mask_threshold', 85)`` of ``mask_threshold=85``; values are YAML."""
    from bench.suite.reading.yaml import Mark, Mistakes, parse, plain

    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.UsageError(f"--set {text!r}: write KEY=VALUE, for example --set clean=empty")
    mistakes = Mistakes()
    mark = Mark(f"--set {text!r}")
    node = parse(value, lambda *_: mark, mistakes)
    mistakes.check()
    return name, value if node is None else plain(node)
