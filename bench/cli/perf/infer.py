"""``bench perf infer``: latency of trained cells and of models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass, replace
from functools import partial, wraps
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import complete
from bench.cli.options import Command, Workspace, workspace_options
from bench.cli.printing import format_option, printed
from bench.cli.terminal import quiet
from bench.words import did_you_mean

if TYPE_CHECKING:
    from bench.perf.infer import Infer, ModelImage, Subject
    from bench.perf.rounds import Rounds
    from bench.perf.targets import Targets

NOT_QUIET = 3
SCHEMA = 2
"""Raised when a field of the JSON changes its meaning."""
BATCH = 8
OF_MODELS = (
    click.option("-x", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the MODELs, e.g. depth=4."),
    click.option("--image", default="512x512x1", show_default=True, metavar="HxWxC", help="Image of the MODELs."),
    click.option("--tile", type=click.IntRange(8), default=256, show_default=True, help="Side of their tiles."),
    click.option("--overlap", type=click.FloatRange(0, 0.9), default=0.25, show_default=True, help="Of their tiles."),
    click.option(
        "--precision",
        type=click.Choice(("float32", "bf16")),
        default="float32",
        show_default=True,
        help="Of their arithmetic.",
    ),
    click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of one of their operations."),
)
"""Options of targets that are no cells: a cell has all this from its suite."""


def model_options(function: Command) -> Command:
    """Give a command the options of models, all as ``models``."""

    @wraps(function)
    def command(
        *, settings: tuple[str, ...], image: str, tile: int, overlap: float, precision: str, threads: int, **others: Any
    ) -> Any:
        models = ModelOptions(settings, image, tile, overlap, precision, threads)
        return function(models=models, **others)

    for option in reversed(OF_MODELS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How the user asked for models that are no cells."""

    settings: tuple[str, ...]
    image: str
    tile: int
    overlap: float
    precision: Any
    threads: int

    def text(self, name: str) -> str:
        """A model with its settings as suites write it."""
        for pair in self.settings:
            if "=" not in pair:
                raise click.UsageError(f"-x {pair!r}: write KEY=VALUE, for example -x encoder=resnet18")
        if not self.settings or name.startswith("{"):
            return name
        return f"{{use: {name}, settings: {{{', '.join(': '.join(pair.split('=', 1)) for pair in self.settings)}}}}}"

    def given(self, batch: int | None) -> ModelImage:
        """The image and the tiles."""
        from bench.perf.infer import ModelImage

        sides = re.fullmatch("([0-9]{1,5})x([0-9]{1,5})x([0-9]{1,2})", self.image)
        if sides is None or not all(map(int, sides.groups())):
            raise click.UsageError(f"--image {self.image!r}: write height, width and channels, such as 512x512x1")
        height, width, channels = map(int, sides.groups())
        return ModelImage(
            height, width, channels, self.tile, self.overlap, batch or BATCH, self.precision, self.threads
        )


@click.command("infer")
@click.argument("targets", nargs=-1, required=True, metavar="RUN|CELL|MODEL...", shell_complete=complete.runs)
@click.option("--batch", type=click.IntRange(1), help=f"Tiles at once; of a cell that of its training, else {BATCH}.")
@click.option("--device", help="Device to measure on, such as cpu or cuda:0.")
@click.option(
    "--patience", type=click.FloatRange(0), default=300.0, show_default=True, help="Seconds to wait for quiet."
)
@model_options
@workspace_options("--data", "--out")
@format_option()
def command(
    targets: tuple[str, ...],
    batch: int | None,
    device: str | None,
    patience: float,
    models: ModelOptions,
    workspace: Workspace,
    form: str,
) -> int:
    """Measure how long the prediction of one image takes, warm and alone, all targets in turns, in several processes.

    A target is a run (its folder, or its name below --out) with all its finished cells, a CELL (the start of its id),
    or a MODEL by name, which is built as it is and given an image of noise. Latencies of cells are kept in the folder
    of their run, for its boards and fronts. Where the machine is not quiet nothing is measured and the exit code is 3.
    """
    from bench.perf.apart import Apart
    from bench.perf.infer import infer
    from bench.perf.infer_document import infer_document
    from bench.perf.measure import NotQuiet

    with quiet():
        wanted = targets_of(targets, workspace, models, batch)
        try:
            found = infer(
                wanted.subjects,
                workspace.places.home,
                start=partial(Apart, partial(rounds_again, targets, replace(workspace), models, batch, device)),
                device=device,
                patience_s=patience,
                told=_told,
            )
        except NotQuiet as reason:
            click.echo(str(reason), err=True)
            return NOT_QUIET
    wanted.keep(found)
    click.echo(_json(found) if form == "json" else printed(infer_document(found), form), nl=False)
    return 0


def targets_of(names: Sequence[str], workspace: Workspace, models: ModelOptions, batch: int | None) -> Targets:
    """What is to be timed: each name is a run, a model, or else a cell.

    Raises:
        BenchError: one is none of these, or what it needs is not here.
    """
    from bench.cli.cells import found_cell
    from bench.perf.targets import Targets
    from bench.runs.folder import is_run, read_run
    from bench.suite.reading.load import component_from

    targets = Targets(workspace.catalog, lambda data: workspace.invocation(data).places, batch)
    known = workspace.catalog.names("model")
    for name in names:
        runs = [folder for folder in (Path(name), workspace.out / name) if is_run(folder)]
        if runs:
            suite, _ = read_run(runs[0])
            targets.add_cells(runs[0], suite)
        elif name.startswith("{") or name.rpartition(":")[2] in known:
            ref = component_from(models.text(name), "model", workspace.catalog)
            targets.add_model(" ".join((name, *models.settings)), ref, models.given(batch))
        elif re.fullmatch("[0-9a-f]+", name):
            folder, suite, cell = found_cell(workspace.out, name)
            targets.add_cells(folder, suite, cell.id)
        else:
            raise click.UsageError(
                f"{name!r} is no run (neither a folder nor below {workspace.out}), no model and no start of a cell's "
                f"id.{did_you_mean(name, known)} 'bench list models' shows models."
            )
    return targets


def rounds_again(
    names: Sequence[str], workspace: Workspace, models: ModelOptions, batch: int | None, device: str | None
) -> Rounds:
    """Rounds of targets in another process than the one that looked at them and told of their plugins."""
    from bench.perf.infer import rounds_of

    with redirect_stderr(StringIO()):
        wanted = targets_of(names, workspace, models, batch)
    return rounds_of(wanted.subjects, device)


def _told(quiet_spells: int, spells: int) -> None:
    if spells % 10 == 0:
        click.echo(f"{quiet_spells} of {spells} spells of rounds were quiet", err=True)


def _json(found: Infer) -> str:
    """Every figure, not rounded."""
    from bench.render.plain import json_text

    measured = found.measured
    whole = {
        "device": found.device,
        "processes": measured.processes,
        "quiet": measured.quiet,
        "spells": measured.spells,
        "latencies": [_row(found, subject) for subject in found.subjects],
    }
    return json_text(whole, SCHEMA)


def _row(found: Infer, subject: Subject) -> dict[str, Any]:
    return {
        "what": subject.name,
        "cells": [record.id for record in subject.cells],
        "megapixels": subject.megapixels,
        "batch": subject.trained.batch,
        "threads": subject.threads,
        **asdict(found.timed(subject)),
    }
