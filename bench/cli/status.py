"""``bench status``: what goes on in a run folder, also from another shell or machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import PATH
from bench.cli.printing import json_option
from bench.cli.terminal import width
from bench.words import clipped, duration, plural, visible

if TYPE_CHECKING:
    from bench.runs.status import Command, Status

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
    from bench.runs.status import status_of

    while True:
        status = status_of(run)
        if as_json:
            click.echo(json.dumps({"schema": SCHEMA, **status.plain()}, indent=None if follow else 1))
        else:
            if follow:
                click.clear()
            click.echo("\n".join(clipped(visible(text), width(without=80)) for text in _lines(status)))
        if not follow or not status.alive:
            return
        time.sleep(FOLLOW_S)


def _lines(status: Status) -> Iterator[str]:
    counts = ", ".join(f"{count} {state}" for state, count in sorted(status.cells.items()))
    yield f"{status.suite}: {plural(sum(status.cells.values()), 'cell')} ({counts})"
    for at_work in status.alive:
        yield from _command_lines(at_work, status.now)
    if not status.alive:
        yield _rest(status.last, status.now)
    for failure in status.failures:
        yield f"{failure['state']}: {str(failure['cell'])[:8]} {failure['name']}: {failure['reason']}"


def _command_lines(at_work: Command, now: float) -> Iterator[str]:
    left = at_work.left(now)
    ahead = "" if left is None else f", about {duration(left)} left"
    ended = f"{plural(at_work.ended, 'cell')} ended in {duration(now - at_work.began)}"
    yield f"at work: {at_work.host} process {at_work.pid}, {ended}{ahead}"
    for task in at_work.tasks.values():
        note = f", {task.note}" if task.note else ""
        yield f"  {task.name}: {task.stage} {task.done}/{task.total}, {duration(now - task.since)}{note}"


def _rest(last: Command | None, now: float) -> str:
    """Why nothing is at work."""
    if last is None:
        return "nothing is at work; no command has kept a journal here"
    silent = duration(now - last.last)
    if last.how is None:
        return f"nothing is at work; the last command was killed (silent for {silent}); repeat it"
    return f"nothing is at work; the last command ended {silent} ago: {last.how}"
