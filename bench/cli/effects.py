"""``bench effects``: what an axis does, over everything else that a suite varies."""

from __future__ import annotations

import click

from bench.cli import complete
from bench.cli.options import SuiteArgument, suite_options
from bench.cli.printing import format_option, printed


@click.command("effects")
@suite_options
@click.option("--axis", required=True, shell_complete=complete.axes, help="The axis, such as crop or model.")
@click.option(
    "--metric",
    default="f1@test",
    show_default=True,
    shell_complete=complete.measures,
    help="A score, such as iou@test or object_recall@test.",
)
@click.option("--reference", help="Level that the others are compared with; by default the first, or the board's.")
@format_option("csv")
def command(suite: SuiteArgument, axis: str, metric: str, reference: str | None, form: str) -> None:
    """Show the effect of an axis in a run (such as runs/cropping, or its archive), or in a suite with results in --out.

    Mean of every level over the other axes, paired differences to a reference, and interactions with each other axis,
    from whatever cells are done.
    """
    from bench.render.data import effects_csv, effects_json
    from bench.report.effects import effects_in
    from bench.report.effects_document import effects_document
    from bench.runs.folder import records_in, told

    with suite.run() as (opened, folder):
        records = told(folder, records_in(folder, opened))
        found = effects_in(opened, records, axis, metric=metric, reference=reference)
    exports = {"csv": effects_csv, "json": effects_json}
    click.echo(exports[form](found) if form in exports else printed(effects_document(found), form), nl=False)
