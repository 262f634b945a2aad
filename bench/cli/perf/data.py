"""``bench perf data``."""

from __future__ import annotations

import click

from bench.cli.options import SuiteArgument, suite_options
from bench.cli.perf.stages import show
from bench.cli.printing import format_option


@click.command("data")
@suite_options
@format_option()
def command(suite: SuiteArgument, form: str) -> None:
    """Measure decoding, preprocessing, drawing and cutting of SUITE's cells beside their limits.

    One cell of each distinct shape is measured, on a few of its images. Others than the suite's are named by -x, as in
    -x axes.model=[mine] --plugin mine.py.
    """
    show(suite, ("data",), form)
