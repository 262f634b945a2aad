"""Numbers that others have published, brought to the labels of a suite's own table. They are in no id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path

from bench.suite.cells import Point
from bench.suite.joint import joint_axes, joint_label, telling
from bench.suite.reading.mistakes import Mark, Mistakes
from bench.suite.reading.rules import Conditions
from bench.suite.reading.sections import Reader, locator, typed, value_mistake
from bench.suite.reading.yaml import Node, mark_of, parse, plain
from bench.suite.schema import Board, NumbersFile, Published, PublishedTable, Reference
from bench.words import plural, unknown

PRINTED = "reference/published.yaml"
"""Numbers that come with the package, below it."""


def reference_of(
    reader: Reader, root: Node, blocks: Sequence[Sequence[Point]], board: Board, conditions: Conditions
) -> Published | None:
    """The published table a suite names, by the suite's own labels; None without one, or when it has mistakes.

    Labels that no variant of the suite has are left in ``conditions``.
    """
    node = root.mapping.get("reference")
    if node is None or node.value is None:
        return None
    asked = typed(reader, Reference, plain(node), "reference", locator(node))
    numbers = _numbers(reader, asked, node) if asked else None
    if asked is None or numbers is None:
        return None
    table = numbers.tables.get(asked.table)
    if table is None:
        reader.add(mark_of(node, ("table",)), unknown("table", asked.table, list(numbers.tables)))
        return None
    rows = _by_label(reader, node, "rows", _labels(blocks, board.rows, board.columns), table.rows, conditions)
    names = dict.fromkeys(name for row in table.rows.values() for name in row)
    columns = _by_label(reader, node, "columns", _labels(blocks, board.columns, board.rows), list(names), conditions)
    return Published(
        source=numbers.source,
        title=table.title,
        about=table.about,
        differs=asked.differs,
        values=table.values,
        numbers={
            label: {column: table.rows[row][name] for column, name in columns.items() if name in table.rows[row]}
            for label, row in rows.items()
        },
    )


def _numbers(reader: Reader, asked: Reference, node: Node) -> NumbersFile | None:
    """The file of numbers: the user's, or the one that comes with the package."""
    if asked.file is None:
        text, place = (files("bench") / PRINTED).read_text(encoding="utf-8"), PRINTED
    else:
        path = (reader.folder / Path(asked.file).expanduser()).resolve()
        place = str(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            reader.add(
                mark_of(node, ("file",)), f"the numbers file {asked.file} cannot be read: {why}; sought at {path}."
            )
            return None
    found = Mistakes()
    read = _typed_numbers(Reader(reader.catalog, reader.folder, found), text, place)
    reader.mistakes.add_new(found, "")
    return None if found.found else read


def _typed_numbers(reader: Reader, text: str, place: str) -> NumbersFile | None:
    root = parse(text, partial(Mark, place), reader.mistakes)
    if root is None or not root.mapping:
        reader.add(Mark(place, 1, 1), "a numbers file is a mapping with 'source' and 'tables'.")
        return None
    numbers = typed(reader, NumbersFile, plain(root), "numbers", locator(root))
    for name, table in numbers.tables.items() if numbers else ():
        _check_table(reader, root, name, table)
    return numbers


def _check_table(reader: Reader, root: Node, name: str, table: PublishedTable) -> None:
    """Every value is known, and every position has as many numbers as there are values."""
    for number, value in enumerate(table.values):
        if sentence := value_mistake(value, reader.catalog.names("metric")):
            reader.add(mark_of(root, ("tables", name, "values", number)), sentence)
    for row, columns in table.rows.items():
        for column, found in columns.items():
            if len(found) != len(table.values):
                mark = mark_of(root, ("tables", name, "rows", row, column))
                reader.add(
                    mark,
                    f"{plural(len(found), 'number')} for {plural(len(table.values), 'value')} "
                    f"({', '.join(table.values)}).",
                )


def _labels(blocks: Sequence[Sequence[Point]], axis: str, other: str) -> list[str]:
    """The labels that the rows or columns of the leaderboard have, axes that advance together as one."""
    block = next((block for block in blocks if block and axis in block[0]), ())
    rows = [{axis: value.label for axis, value in row.items()} for row in block]
    varying = [name for name in rows[0] if len({row[name] for row in rows}) > 1] if rows else []
    axes = joint_axes(axis, [varying], (other, "seed"))
    return list(dict.fromkeys(joint_label(row, telling(axes, rows)) for row in rows))


def _by_label(
    reader: Reader, node: Node, side: str, labels: Sequence[str], printed: Sequence[str] | Mapping[str, object],
    conditions: Conditions,
) -> dict[str, str]:  # fmt: skip
    """Label here to name there; a label that is itself a name there needs no entry."""
    entries = node.mapping[side].mapping if side in node.mapping else {}
    found = {label: label for label in labels if label in printed}
    for label, name in entries.items():
        word = str(name.value)
        conditions.note(
            name, label in labels, f"reference.{side}: {unknown('label', label, labels)[:-1]}, so this stands nowhere."
        )
        if word not in printed:
            reader.add(name.mark, f"reference.{side}: {unknown('name', word, list(printed))}")
        elif label in labels:
            found[label] = word
    return found
