"""Axes that advance together, written as rows: a list of mappings instead of lists of equal length."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.suite.reading.mistakes import Mark
from bench.suite.reading.yaml import Node
from bench.types import JsonValue


def as_columns(group: Node, otherwise: Callable[[str, Node], Node]) -> Node:
    """The group as a mapping of axes to columns; ``otherwise`` gives what a row has on an axis that it does not name.

    A group that is no list of mappings is returned as it is.
    """
    rows = group.values
    if not isinstance(group.value, tuple) or not all(isinstance(row.value, Mapping) for row in rows):
        return group
    marks: dict[str, Mark] = {}
    for row in rows:
        marks = {**row.keys, **marks}
    columns = {
        axis: Node(mark, tuple(row.mapping.get(axis) or otherwise(axis, row) for row in rows))
        for axis, mark in marks.items()
    }
    return Node(group.mark, columns, marks)


def node_of(value: JsonValue, mark: Mark) -> Node:
    """A plain value as if it were written at ``mark``."""
    if isinstance(value, dict):
        return Node(mark, {key: node_of(inner, mark) for key, inner in value.items()}, dict.fromkeys(value, mark))
    if isinstance(value, list | tuple):
        return Node(mark, tuple(node_of(inner, mark) for inner in value))
    return Node(mark, value)
