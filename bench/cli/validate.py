"""``bench validate``: every mistake of a suite at once."""

from __future__ import annotations

import click

from bench.cli.options import SuiteArgument, suite_options
from bench.cli.terminal import fitted
from bench.words import plural


@click.command("validate")
@suite_options
def command(suite: SuiteArgument) -> None:
    """Check SUITE: keys, names, settings, axes, overrides. Reads no data and imports no torch."""
    opened, _ = suite.opened()
    excluded = sum(cell.excluded is not None for cell in opened.cells)
    profile = f", profile {opened.profile}" if opened.profile else ""
    counted = f"{plural(len(opened.cells), 'cell')}, {excluded} excluded{profile}"
    for text in fitted([f"{opened.name}: {counted}, suite hash {opened.hash[:12]}. No mistakes."]):
        click.echo(text)
