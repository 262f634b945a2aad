"""How Sphinx makes a site of these pages, which are written to be read as they are: ``make docs``."""

from __future__ import annotations

import re
from typing import Any

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


def setup(app: Any) -> None:
    """Change the text of two pages before it is read."""
    app.connect("source-read", _changed)


def _changed(_app: Any, name: str, source: list[str]) -> None:
    source[0] = with_contents(source[0]) if name == root_doc else without_drawing(source[0])
