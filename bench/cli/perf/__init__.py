"""``bench perf``: what this machine takes for a cell's work, and how far each stage is from its limit."""

from __future__ import annotations

import click

from bench.cli.lazy import LazyGroup

COMMANDS = {
    "infer": "Latency of trained cells or models, warm and alone, beside a reference load.",
    "data": "Decoding, preprocessing, drawing and cutting of a suite's cells, each beside its limit.",
    "step": "The training step of a suite's cells beside its limit, and with its data beside that.",
    "all": "Both of them.",
}


@click.group("perf", cls=LazyGroup, table=COMMANDS, package=__name__)
def command() -> None:
    """Measure on this machine; a figure is refused where the machine is not quiet."""
