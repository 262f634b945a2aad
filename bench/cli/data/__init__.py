"""``bench data``: get data sets, check them, and look at what they hold before anything trains."""

from __future__ import annotations

import click

from bench.cli.lazy import LazyGroup

COMMANDS = {
    "list": "Every data set: where it is, licence, size, state.",
    "fetch": "Download a data set, checked and unpacked.",
    "import": "Take over a data set that was downloaded by hand.",
    "verify": "Read every image and mask and compare the counts with the release.",
    "card": "Statistics and pictures of a data set, as Markdown.",
    "leaks": "Find objects and images that lie in more than one split.",
    "coverage": "What the crops of each strategy of a suite contain.",
    "context": "What smaller crops lose: defects beside their sound look-alikes.",
    "views": "The same viewpoints of two data sets side by side.",
}


@click.group("data", cls=LazyGroup, table=COMMANDS, package=__name__)
def command() -> None:
    """Get, check and look at data sets; nothing here trains or imports torch."""
