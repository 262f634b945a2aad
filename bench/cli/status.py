"""``bench status``: what goes on in a run folder, also from another shell or machine."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from bench.cli.options import PATH
from bench.words import clipped, visible

WIDTH = 80
FOLLOW_S = 2.0


@click.command("status")
@click.argument("run", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with --follow one object a line.")
@click.option("--follow", is_flag=True, help="Look again every two seconds for as long as a command is at work.")
def command(run: Path, as_json: bool, follow: bool) -> None:
    """Show what goes on in a run folder (such as runs/cropping): cells by state, workers, time left, failures."""
    from bench.runs.status import status_lines, status_of

    while True:
        status = status_of(run)
        if as_json:
            click.echo(json.dumps(status.plain(), indent=None if follow else 2))
        else:
            if follow:
                click.clear()
            click.echo("\n".join(clipped(visible(text), WIDTH) for text in status_lines(status)))
        if not follow or not status.alive:
            return
        time.sleep(FOLLOW_S)
