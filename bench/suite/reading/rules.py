"""What one part of a suite says of another: excluded and included cells, the board, published numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.resources import files
from itertools import chain
from typing import Any

from bench.canonical import canonical
from bench.errors import DataError
from bench.home import expanded, resolved
from bench.scores import facts, is_of_a_part, split_scores
from bench.suite.cells import Exclusion, Extra, Point, Value, labels_of
from bench.suite.joint import count_names, joint_axes, joint_label, telling
from bench.suite.reading.axes import Base, Crossed, is_axis, one_value, ordered, overlaps
from bench.suite.reading.typed import Reader, shown, typed
from bench.suite.reading.yaml import Mark, Mistakes, Node, mark_of, parse, plain
from bench.suite.schema import (
    Board,
    NumbersFile,
    Pretrain,
    Published,
    PublishedTable,
    Ref,
    Reference,
)
from bench.words import did_you_mean, plural, unknown

PRINTED = "reference/published.yaml"
"""Numbers that come with the package, below it."""


@dataclass(slots=True)
class Conditions:
    """Which conditions of the excludes matched something in any variant of the suite, and which are still idle."""

    matched: set[int] = field(default_factory=set)
    idle: dict[int, tuple[Mark, str, Sequence[Node]]] = field(default_factory=dict)

    def note(self, node: Node, matches: bool, sentence: str, parts: Sequence[Node] = ()) -> None:
        """Nodes are told apart by identity: the variants of one suite share them."""
        if matches:
            self.matched.add(id(node))
        else:
            self.idle.setdefault(id(node), (node.mark, sentence, parts))

    def never_matched(self) -> Iterator[tuple[Mark, str]]:
        """Mistakes; a whole is left out where a part of it is one already."""
        for key, (mark, sentence, parts) in self.idle.items():
            if key not in self.matched and all(id(part) in self.matched for part in parts):
                yield mark, sentence


def read_exclusions(reader: Reader, root: Node, axes: Crossed, conditions: Conditions) -> tuple[Exclusion, ...]:
    """The excludes as sets of values; conditions that match nothing are left in ``conditions``."""
    return tuple(_exclusion(reader, rule, axes, conditions) for rule in root.section("exclude").values)


def _exclusion(reader: Reader, rule: Node, axes: Crossed, conditions: Conditions) -> Exclusion:
    when = rule.mapping["when"]
    sets: dict[str, frozenset[bytes]] = {}
    parts: list[Node] = []
    for axis, node in when.mapping.items():
        sets[axis] = frozenset()
        if is_axis(reader, when, axis):
            sets[axis] = _condition(reader, axis, node, axes, conditions)
        parts += node.values
    matches = sets.keys() <= axes.values.keys()
    for block in axes.blocks:
        matches = matches and any(_row_matches(row, sets) for row in block)
    conditions.note(rule, matches, "this exclude matches no cell.", parts)
    return Exclusion(sets, str(rule.mapping["reason"].value))


def _row_matches(row: Point, sets: Mapping[str, frozenset[bytes]]) -> bool:
    return all(value.asked in sets[axis] for axis, value in row.items() if axis in sets)


def _condition(reader: Reader, axis: str, node: Node, axes: Crossed, conditions: Conditions) -> frozenset[bytes]:
    """The values of one axis that a condition names, by component, label or number."""
    found: set[bytes] = set()
    values = axes.values.get(axis, ())
    known: dict[str, None] = {}
    for value in values:
        known |= dict.fromkeys([value.label, *_names(value)])
    for item in node.values:
        if isinstance(item.value, Mapping | tuple):
            sentence = "an exclude names a component, a label or a number; give the value a label and name that."
            reader.add(item.mark, sentence)
        elif values or axis not in axes.values:
            matching = {value.asked for value in values if _named(value, item.value)}
            listed = f"{did_you_mean(str(item.value), known)} It has: {', '.join(known) or 'no values'}."
            sentence = f"the axis {axis!r} has no {shown(plain(item))}, so this excludes nothing.{listed}"
            conditions.note(item, bool(matching), sentence)
            found |= matching
    return frozenset(found)


def _named(value: Value, word: Any) -> bool:
    if isinstance(word, str):
        return word == value.label or word in _names(value) or value.asked == canonical(word)
    whole = isinstance(word, int) and not isinstance(word, bool)
    return value.asked == canonical(word) or (whole and value.asked == canonical(float(word)))


def _names(value: Value) -> tuple[str, ...]:
    """The names of a value's components."""
    if isinstance(value.value, Ref):
        return (value.value.use,)
    if isinstance(value.value, Pretrain):
        return (value.value.dataset.use,)
    return tuple(ref.use for ref in value.value) if isinstance(value.value, tuple) else ()


def read_extras(reader: Reader, root: Node, axes: Crossed, base: Base) -> tuple[Extra, ...]:
    """The included cells."""
    extras: dict[tuple[tuple[str, bytes], ...], Extra] = {}
    for item in root.section("include").values:
        point = _extra(reader, item, axes, base)
        if point is None:
            continue
        asked = tuple(sorted((axis, value.asked) for axis, value in point.items()))
        if asked in extras:
            reader.add(item.mark, f"this cell is included twice; first at {extras[asked].where}.")
        extras.setdefault(asked, Extra(point, str(item.mark)))
    return tuple(extras.values())


def _extra(reader: Reader, item: Node, axes: Crossed, base: Base) -> Point | None:
    point: dict[str, Value | None] = {}
    for axis, node in item.mapping.items():
        point[axis] = _one_of(reader, axis, node, axes, base) if is_axis(reader, item, axis) else None
    for axis, values in axes.values.items():
        if axis not in point and axis not in axes.tuned:
            point[axis] = _only(reader, item, axis, values)
    for _, sentence in overlaps(list(point)):
        reader.add(item.mark, sentence)
    read = {axis: value for axis in ordered(point) if (value := point[axis])}
    return read if len(read) == len(point) else None


def _only(reader: Reader, item: Node, axis: str, values: Sequence[Value]) -> Value | None:
    """The single value of an axis that an included cell does not name."""
    if len(values) > 1:
        listed = ", ".join(value.label for value in values)
        reader.add(item.mark, f"this cell must name the axis {axis!r}, which has {len(values)} values: {listed}.")
        return None
    return values[0] if values else None


def _one_of(reader: Reader, axis: str, node: Node, axes: Crossed, base: Base) -> Value | None:
    """A value of an included cell: an axis value by its label, or any value; equal values share the axis's label."""
    known = axes.values.get(axis, ())
    by_label = {value.label: value for value in known}
    if isinstance(node.value, str) and node.value in by_label:
        return by_label[node.value]
    value = one_value(reader, axis, node, base)
    by_asked = {other.asked: other for other in known}
    return by_asked.get(value.asked, value) if value else None


def check_board(reader: Reader, board: Board, node: Node, axes: Crossed) -> None:
    """Note rows and columns that are no axes, values that nobody makes, and a reference that is no row."""
    known = [axis for axis in ordered(axes.values) if axis not in axes.tuned]
    for side, axis in (("rows", board.rows), ("columns", board.columns)):
        if axis not in known:
            reader.add(mark_of(node, (side,)), unknown("axis", axis, known))
    if board.rows == board.columns:
        reader.add(mark_of(node, ("columns",)), f"rows and columns both show {board.rows!r}; they must differ.")
    for number, value in enumerate(board.values):
        sentence = value_mistake(value, reader.catalog.names("metric"))
        if sentence:
            reader.add(mark_of(node, ("values", number)), sentence)
    alone = any(set(block[0]) == {board.rows} for block in axes.blocks)  # paired axes have joint labels
    labels = [value.label for value in axes.values.get(board.rows, ())]
    if alone and board.reference is not None and board.reference not in labels:
        reader.add(mark_of(node, ("reference",)), unknown("row", board.reference, labels))


def value_mistake(value: str, metrics: Sequence[str]) -> str | None:
    """What is wrong with a board value such as ``f1@test``, or None; ``metrics`` are those of plugins."""
    scores = (*split_scores(), *metrics)
    name, at, split = value.partition("@")
    if not at:
        if name in facts():
            return None
        hint = f" Did you mean '{name}@test'?" if name in scores else ""
        return f"{unknown('value', name, facts())[:-1]}, or a score such as f1@test.{hint}"
    if not (name in scores or is_of_a_part(name)):
        return unknown("score", name, sorted(set(scores)))
    return None if split in ("validation", "test") else unknown("split", split, ("validation", "test"))


def reference_of(
    reader: Reader, asked: Reference, node: Node, axes: Crossed, board: Board, conditions: Conditions
) -> Published | None:
    """The published table a suite names, by the suite's own labels; None when it has mistakes.

    Labels that no variant of the suite has are left in ``conditions``.
    """
    numbers = _numbers(reader, asked, node)
    if numbers is None:
        return None
    table = numbers.tables.get(asked.table)
    if table is None:
        reader.add(mark_of(node, ("table",)), unknown("table", asked.table, list(numbers.tables)))
        return None
    names = dict.fromkeys(chain.from_iterable(table.rows.values()))
    labels = _labels(axes.blocks, board.rows, board.columns)
    rows = _by_label(reader, node, "rows", labels, list(table.rows), conditions)
    labels = _labels(axes.blocks, board.columns, board.rows)
    columns = _by_label(reader, node, "columns", labels, list(names), conditions)
    ours = {}
    for label, row in rows.items():
        printed = table.rows[row]
        ours[label] = {column: printed[name] for column, name in columns.items() if name in printed}
    return Published(
        source=numbers.source,
        title=table.title,
        about=table.about,
        differs=asked.differs,
        values=table.values,
        numbers=ours,
    )


def _numbers(reader: Reader, asked: Reference, node: Node) -> NumbersFile | None:
    """The file of numbers: the user's, or the one that comes with the package."""
    if asked.file is None:
        text, place = (files("bench") / PRINTED).read_text(encoding="utf-8"), PRINTED
    else:
        try:
            path = resolved(reader.folder / expanded(asked.file))
            text = path.read_text(encoding="utf-8-sig")
        except DataError as error:
            reader.add(mark_of(node, ("file",)), f"{error}.")
            return None
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            sentence = f"the numbers file {asked.file} cannot be read: {why}; sought at {path}."
            reader.add(mark_of(node, ("file",)), sentence)
            return None
        place = str(path)
    if place not in reader.numbers:
        aside = Mistakes()
        reader.numbers[place] = _typed_numbers(replace(reader, mistakes=aside), text, place), aside
    read, wrong = reader.numbers[place]
    reader.mistakes.add_new(wrong, "")
    return None if wrong.found else read


def _typed_numbers(reader: Reader, text: str, place: str) -> NumbersFile | None:
    root = parse(text, partial(Mark, place), reader.mistakes)
    if root is None or not root.mapping:
        reader.add(Mark(place, 1, 1), "a numbers file is a mapping with 'source' and 'tables'.")
        return None
    numbers, _ = typed(reader, NumbersFile, root)
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
                wanted = f"{plural(len(table.values), 'value')} ({', '.join(table.values)})"
                mark = mark_of(root, ("tables", name, "rows", row, column))
                reader.add(mark, f"{plural(len(found), 'number')} for {wanted}.")


def _labels(blocks: Sequence[Sequence[Point]], axis: str, other: str) -> list[str]:
    """The labels that the rows or columns of the leaderboard have, axes that advance together as one."""
    block = next((block for block in blocks if block and axis in block[0]), ())
    rows = [labels_of(point) for point in block]
    varying = [name for name in (rows[0] if rows else ()) if count_names(rows, [name]) > 1]
    axes = joint_axes(axis, [varying], (other, "seed"))
    return list(dict.fromkeys(joint_label(row, telling(axes, rows)) for row in rows))


def _by_label(
    reader: Reader, node: Node, side: str, labels: Sequence[str], printed: Sequence[str],
    conditions: Conditions,
) -> dict[str, str]:  # fmt: skip
    """Label here to name there; a label that is itself a name there needs no entry."""
    found = {label: label for label in labels if label in printed}
    for label, name in node.section(side).mapping.items():
        word = str(name.value)
        sentence = f"reference.{side}: {unknown('label', label, labels)[:-1]}, so this stands nowhere."
        conditions.note(name, label in labels, sentence)
        if word not in printed:
            reader.add(name.mark, f"reference.{side}: {unknown('name', word, printed)}")
        elif label in labels:
            found[label] = word
    return found
