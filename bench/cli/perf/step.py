"""``bench perf step``."""

from __future__ import annotations

import click

from bench.cli.options import SuiteArgument, suite_options
from bench.cli.perf.stages import show
from bench.cli.printing import format_option


@click.command("step")
@suite_options
@format_option()
def command(suite: SuiteArgument, form: str) -> None:
    """Measure the training step of SUITE's cells beside its limit, and with its data beside the bare one.

    One cell of each distinct shape is measured, on a few of its images. Others than the suite's are named by -x, as in
    -x axes.model=[mine] --plugin mine.py.
    """
    show(suite, ("step",), form)
