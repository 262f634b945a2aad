"""How Sphinx makes a site of these pages, which are written to be read as they are: ``make docs``."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from sphinx.pycode import ModuleAnalyzer

from bench import api
from bench.version import __version__

project = "bench"
version = release = __version__
root_doc = "index"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["cited"]

html_theme = "furo"
html_title = f"bench {__version__}"
html_copy_source = False
html_show_copyright = False

myst_heading_anchors = 4  # as deep as pages link to, named as a code host names them
highlight_language = "none"
smartquotes = False  # they would make one dash of the two before an option
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"

SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
PAGE = re.compile(r"^- \[.*?\]\(([\w-]+)\.md\)", re.MULTILINE)
DRAWING = re.compile(r"```mermaid\nflowchart TD\n(.*?)```", re.DOTALL)


def with_contents(page: str) -> str:
    """The first page with a table of contents for the sidebar, from the lists of links that a reader sees."""
    for title, listed in SECTION.findall(page):
        contents = ["```{toctree}", ":hidden:", f":caption: {title}", "", *PAGE.findall(listed), "```", ""]
        page += "\n" + "\n".join(contents)
    return page


def without_drawing(page: str) -> str:
    """A page with a table where code hosts draw a graph: what draws it here comes from the network."""
    return DRAWING.sub(lambda drawing: _table(drawing[1]), page)


def _table(arrows: str) -> str:
    below: dict[str, list[str]] = {}
    for arrow in arrows.splitlines():
        above, _, room = arrow.strip().partition(" --> ")
        below.setdefault(above, []).append(f"`{room}`")
    rows = [f"| `{room}` | {', '.join(rooms)} |" for room, rooms in below.items()]
    return "\n".join(["| room | imports |", "| --- | --- |", *rows])


def meaning(name: str) -> list[str]:
    """What stands below the assignment of a name that ``bench.api`` imports, line by line."""
    for node in ast.parse(Path(api.__file__).read_text(encoding="utf-8")).body:
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            if name in (alias.asname, alias.name):
                found = ModuleAnalyzer.for_module(str(node.module)).find_attr_docs()
                return found.get(("", alias.name), [])
    return []


def setup(app: Any) -> None:
    """Change what Sphinx reads of pages and of code."""
    app.connect("source-read", _page)
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("autodoc-process-signature", _signature)


def _page(_app: Any, name: str, source: list[str]) -> None:
    source[0] = with_contents(source[0]) if name == root_doc else without_drawing(source[0])


def _docstring(_app: Any, what: str, name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    if what == "data":  # else it would be that of NumPy's array, or of a number
        lines[:] = meaning(name.removeprefix("bench.api."))


def _signature(_app: Any, _what: str, _name: str, what: Any, *_others: Any) -> tuple[str, None] | None:
    return ("", None) if getattr(what, "_is_protocol", False) else None  # nobody calls a protocol
