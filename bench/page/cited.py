"""What a text that shows a run must cite: data sets and methods, by what their components say."""

from __future__ import annotations

from contextlib import suppress

from bench.catalog import Catalog
from bench.document import Block, Document, Heading, Listing
from bench.errors import PluginError
from bench.page.questions import LEVEL, Said
from bench.page.run import PageRun
from bench.report.citations import used


def citations_of(run: PageRun, catalog: Catalog) -> Said:
    """Every component of the run that names a source."""
    pairs = []
    for kind, name in used(run.records.values()):
        with suppress(PluginError):  # its plugin may not be installed here
            about = catalog.find(kind, name).component.about
            if about is not None and about.citation:
                pairs.append((f"{kind} {name}", about.citation))
    blocks: list[Block] = [Heading("To be cited"), Listing(pairs)] if pairs else []
    return Said("made", Document("", blocks, LEVEL), "what components say of themselves")
