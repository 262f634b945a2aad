"""Counts in words: one thing is never many."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.words import plural

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(("count", "text"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (1234, "1,234 images")])
def test_a_count_has_its_word_in_the_singular_or_the_plural(count: int, text: str) -> None:
    assert plural(count, "image") == text


def test_a_word_may_have_a_plural_of_its_own() -> None:
    assert [plural(count, "class", "classes") for count in (1, 2)] == ["1 class", "2 classes"]


def messages(path: Path) -> Iterator[str]:
    """Every text constant of a file besides its docstrings."""
    tree = ast.parse(path.read_text())
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def test_no_message_leaves_it_to_the_reader_whether_it_is_one_or_several() -> None:
    files = [path for folder in ("bench", "plugins", "examples") for path in sorted((ROOT / folder).rglob("*.py"))]
    told = [(path, text) for path in files for text in messages(path)]
    assert any(" in more than one split" in text for _, text in told)
    assert [f"{path}: {text}" for path, text in told if "(s)" in text] == []
