"""``bench data``: get data sets, check them, and look at what they hold before anything trains."""

from __future__ import annotations

import click

from bench.cli.lazy import Entry, LazyGroup

COMMANDS = {
    "list": Entry("Every data set: where it is, licence, size, state.", "bench.cli.data.listing"),
    "fetch": Entry("Download a data set, checked and unpacked.", "bench.cli.data.fetch"),
    "import": Entry("Take over a data set that was downloaded by hand.", "bench.cli.data.importing"),
    "verify": Entry("Read every image and mask and compare the counts with the release.", "bench.cli.data.verify"),
    "card": Entry("Statistics and pictures of a data set, as Markdown.", "bench.cli.data.card"),
    "leaks": Entry("Find objects and images that lie in more than one split.", "bench.cli.data.leaks"),
    "coverage": Entry("What the crops of each strategy of a suite contain.", "bench.cli.data.coverage"),
    "context": Entry("What smaller crops lose: defects beside their sound look-alikes.", "bench.cli.data.context"),
    "views": Entry("The same viewpoints of two data sets side by side.", "bench.cli.data.views"),
}


@click.group("data", cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """Get, check and look at data sets; nothing here trains or imports torch."""
