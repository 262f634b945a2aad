"""``bench perf``: what this machine takes for a cell's work, and how far each stage is from its limit."""

from __future__ import annotations

import click

from bench.cli.lazy import LazyGroup

COMMANDS = {
    "infer": "Latency of trained cells or models, warm and alone, beside a reference load.",
}


@click.group("perf", cls=LazyGroup, table=COMMANDS, package=__name__)
def command() -> None:
    """Measure on this machine; a figure is refused where the machine is not quiet."""
