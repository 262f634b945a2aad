"""``bench claims``: what is said of a run, checked against its records."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import complete
from bench.cli.options import OPTIONS, PATH, run_named
from bench.cli.printing import format_option, printed

NOT_ALL_HOLD = 3


@click.command("claims")
@click.argument("run", type=PATH, shell_complete=complete.runs)
@click.option("--file", type=PATH, default=Path("claims.yaml"), show_default=True, help="The claims.")
@format_option()
@OPTIONS["--out"]
def command(run: Path, file: Path, form: str, out: Path) -> int:
    """Check the claims of a file against the records of RUN: a run folder, its name below --out, or an archive.

    A claim holds where the interval of the difference lies above the margin that is claimed. The exit code is 3 unless
    every claim holds.
    """
    from bench.commands import claims
    from bench.render.data import claims_json
    from bench.report.verdicts_document import claims_document

    found = claims(run_named(run, out), file=file)
    if form == "json":
        click.echo(claims_json(found), nl=False)
    else:
        click.echo(printed(claims_document(found), form), nl=False)
    return 0 if all(one.outcome == "holds" for one in found.verdicts) else NOT_ALL_HOLD
