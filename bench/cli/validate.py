"""``bench validate``: every mistake of a suite at once."""

from __future__ import annotations

from typing import Any

import click

from bench.cli.options import open_suite, suite_options
from bench.words import plural


@click.command("validate")
@suite_options
def command(**given: Any) -> None:
    """Check SUITE: keys, names, settings, axes, overrides. Reads no data and imports no torch."""
    suite, _ = open_suite(**given)
    excluded = sum(cell.excluded is not None for cell in suite.cells)
    profile = f", profile {suite.profile}" if suite.profile else ""
    counted = f"{plural(len(suite.cells), 'cell')}, {excluded} excluded{profile}"
    click.echo(f"{suite.name}: {counted}, suite hash {suite.hash[:12]}. No mistakes.")
