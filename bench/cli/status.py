"""``bench status``: what goes on in a run folder, also from another shell or machine."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from bench.cli import complete
from bench.cli.options import PATH
from bench.cli.printing import json_option
from bench.cli.terminal import width
from bench.words import clipped, visible

FOLLOW_S = 2.0


@click.command("status")
@click.argument("run", type=PATH, shell_complete=complete.run_folders)
@click.option(
    "--follow", is_flag=True, help="Look again every two seconds while a command is at work; JSON is an object a line."
)
@json_option
def command(run: Path, as_json: bool, follow: bool) -> None:
    """Show what goes on in a run folder (such as runs/cropping): cells by state, workers, time left, failures."""
    from bench.render.plain import SCHEMA
    from bench.runs.status import status_lines, status_of

    while True:
        status = status_of(run)
        if as_json:
            click.echo(json.dumps({"schema": SCHEMA, **status.plain()}, indent=None if follow else 1))
        else:
            if follow:
                click.clear()
            click.echo("\n".join(clipped(visible(text), width(without=80)) for text in status_lines(status)))
        if not follow or not status.alive:
            return
        time.sleep(FOLLOW_S)
