"""A page of a run as a reader meets it: its parts with the files they name, their tables and their sentences."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

VOID = {"meta", "br", "input", "img", "hr", "link"}
UNSEEN = ("script", "style", "select", "noscript")


@dataclass
class Grid:
    """A table: its title, the heads of its columns with those of their groups, and its rows with the name first."""

    title: str = ""
    groups: list[tuple[str, int]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class Part:
    """A part of a page: the question that it answers, the file that it names, and what it says."""

    question: str
    file: str
    grids: list[Grid] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


@dataclass
class Node:
    """An element: its tag, its attributes, and what lies in it."""

    tag: str
    attributes: dict[str, str]
    inside: list[Node | str] = field(default_factory=list)

    def all(self, tag: str = "", **wanted: str) -> list[Node]:
        """Every element inside it, in their order, of a tag and with attributes (``class_`` for class)."""
        found = []
        for one in self.inside:
            if isinstance(one, Node):
                fits = all(one.attributes.get(name.rstrip("_")) == value for name, value in wanted.items())
                if (not tag or one.tag == tag) and fits:
                    found.append(one)
                found += one.all(tag, **wanted)
        return found

    def text(self, *without: str) -> str:
        """What is read of it, but for what lies in elements of these tags."""
        parts = (
            one if isinstance(one, str) else "" if one.tag in without else one.text(*without) for one in self.inside
        )
        return " ".join("".join(parts).split())


class Tree(HTMLParser):
    """The elements of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("page", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        while len(self._open) > 1 and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)


def tree_of(page: Path) -> Node:
    """The elements of a page file."""
    tree = Tree()
    tree.feed(page.read_text(encoding="utf-8"))
    tree.close()
    return tree.root


def content_of(root: Node) -> dict[str, Any]:
    """The numbers of a page of one run that its scripts show."""
    (holder,) = root.all("script", id="content")
    (run,) = json.loads("".join(map(str, holder.inside)))["runs"]
    return dict(run)


def parts_of(root: Node) -> list[Part]:
    """The parts of all questions that stand in the file itself."""
    found = []
    for section in root.all("section"):
        for one in section.all("div", class_="part"):
            sentences = [
                node.text() for node in one.all("li") + one.all("p") if "source" not in node.attributes.get("class", "")
            ]
            grids = [_grid(table) for table in one.all("table")]
            found.append(Part(section.attributes["id"], one.attributes["data-file"], grids, sentences))
    return found


def told(root: Node, section: str) -> list[tuple[str, str]]:
    """The sentences of ``deploy`` or ``short``, each with the file that it names where a reader sees it."""
    (found,) = root.all("section", id=section)
    pairs = []
    for item in found.all("li"):
        (source,) = item.all("small", class_="source")
        assert source.text() == item.attributes["data-file"]
        pairs.append((item.text("small"), source.text()))
    return pairs


def _grid(table: Node) -> Grid:
    title = "".join(node.text() for node in table.all("caption"))
    (head,) = table.all("thead")
    rows = head.all("tr")
    groups = [(node.text(), int(node.attributes["colspan"])) for node in rows[0].all("th", scope="colgroup")]
    heads = [node.text() for node in rows[-1].all("th")]
    (body,) = table.all("tbody")
    lines = []
    for row in body.all("tr"):
        cells: list[str] = []
        for node in (one for one in row.inside if isinstance(one, Node)):
            cells += [node.text("sup")] * int(node.attributes.get("colspan", "1"))
        lines.append(cells)
    return Grid(title, groups, heads, lines)
