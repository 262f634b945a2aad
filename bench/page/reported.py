"""What plugins report of a run: sections of its page, and formats for all that it says."""

from __future__ import annotations

from pathlib import Path

from bench.catalog import Catalog
from bench.component import build, guarded
from bench.document import Block, Document, Heading
from bench.engine.invocation import Invocation
from bench.errors import PluginError
from bench.files import whole_file
from bench.page.data import data_of
from bench.page.questions import LEVEL, Said, said
from bench.page.run import PageRun, read_page_run
from bench.reporters import Format, Section
from bench.runs.folder import run_folder


def section_of(name: str, catalog: Catalog, run: PageRun) -> Said:
    """What the section of a plugin says of the finished cells of a run.

    Raises:
        PluginError: there is none of this name, or it fails.
    """
    made = _built(name, catalog)
    if not isinstance(made, Section):
        raise PluginError(f"the reporter {name!r} is a format; 'bench report RUN --as {name}' writes a file in it")
    found = guarded(f"section() of the reporter {name!r}", made.section, run.done())
    if not isinstance(found, Document):
        raise PluginError(f"section() of the reporter {name!r} returned no Document")
    blocks = [Heading(found.title), *found.blocks] if found.title else found.blocks
    return Said(made.question, Document("", blocks, LEVEL), f"the reporter {name}, of cells/*.json")


def write_as(name: str, path: Path, to: Path | None, invocation: Invocation) -> Path:
    """Write all that a run says in the format of a plugin, and return the file.

    Raises:
        PluginError: there is none of this name, or it fails.
        StoreError: there is no such run.
    """
    made = _built(name, invocation.catalog)
    if not isinstance(made, Format):
        raise PluginError(
            f"the reporter {name!r} is a section; 'bench report RUN --section {name}' puts it on the page"
        )
    with run_folder(path) as folder:
        run = read_page_run(folder, path.resolve().name.removesuffix(".zip"))
        blocks: list[Block] = []
        own = run.at(invocation)
        for one in (*said(run), *data_of(run, own.catalog, own.places)):
            blocks += one.document.blocks
    text = guarded(f"render() of the reporter {name!r}", made.render, Document(run.name, blocks, level=1))
    file = to or (path.with_suffix("") if path.is_file() else path / "report").with_suffix(f".{made.suffix}")
    with whole_file(file) as written:
        written.write(text.encode())
    return file


def _built(name: str, catalog: Catalog) -> object:
    return build(catalog.find("reporter", name).component, settings={})
