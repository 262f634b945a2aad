"""The drawing of rooms in ``docs/architecture.md`` is made from the imports; run this file to draw it again."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "architecture.md"
AGAIN = "docs/architecture.md does not draw the imports; draw them again with 'python tests/test_architecture.py'"
DRAWING = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)
FOUNDATION = frozenset(
    {
        *("version", "words", "errors", "types", "files", "threads", "machine", "canonical", "component"),
        *("decoding", "home", "images", "life", "picture_files"),
    }
)
"""Files that nearly everything imports; arrows to them would hide the others."""


def room_of(module: str) -> str:
    """``crops`` for ``bench.crops.bank``."""
    return module.split(".")[1]


def imports() -> dict[str, set[str]]:
    """Every room to the rooms that it imports, at any depth of its files, for types alone too."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "bench").rglob("*.py")):
        if path.parent == ROOT / "bench" and path.stem.startswith("_"):
            continue
        room = path.relative_to(ROOT / "bench").with_suffix("").parts[0]
        below = found.setdefault(room, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bench."):
                below.add(room_of(str(node.module)))
        below.discard(room)
    return found


def reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """Every room that ``start`` imports, itself or through others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for room in graph.get(waiting.pop(), set()) - seen:
            seen.add(room)
            waiting.append(room)
    return seen


def drawing() -> str:
    """Arrows from a room to those it stands on; what follows from other arrows is left out."""
    graph = {room: below - FOUNDATION for room, below in imports().items() if room not in FOUNDATION}
    lines = ["flowchart TD"]
    for room in sorted(graph):
        further = set[str]()
        for below in graph[room]:
            further |= reached(graph, below)
        lines += [f"    {room} --> {below}" for below in sorted(graph[room] - further)]
    return "\n".join(lines) + "\n"


def test_the_drawing_shows_the_imports_of_today() -> None:
    shown = DRAWING.search(DOCUMENT.read_text(encoding="utf-8"))
    assert shown
    assert shown[0] == drawing(), AGAIN


@pytest.mark.parametrize("room", sorted(imports()))
def test_every_room_has_a_line_in_the_walk(room: str) -> None:
    assert f"`{room}" in DOCUMENT.read_text(encoding="utf-8"), f"docs/architecture.md does not name {room}"


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:bench|plugins|tests|suites|studies)/[\w/.]+)`", DOCUMENT.read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if "NAME" not in name and not (ROOT / name).exists()] == []


if __name__ == "__main__":
    DOCUMENT.write_text(DRAWING.sub(lambda _: drawing(), DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
