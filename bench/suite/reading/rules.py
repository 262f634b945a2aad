"""Exceptions to the cross product: excluded cells, which are not run, and included ones, which are run besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.canonical import canonical
from bench.suite.cells import Exclusion, Extra, Point, Value
from bench.suite.reading.grid import Axes, ordered, overlap_sentence, overlaps
from bench.suite.reading.layers import check_keys
from bench.suite.reading.mistakes import Mark
from bench.suite.reading.sections import Reader, shown
from bench.suite.reading.values import Base, axis_mistake, one_value
from bench.suite.reading.yaml import Node, plain
from bench.suite.schema import Pretrain, Ref
from bench.words import did_you_mean


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


def read_exclusions(reader: Reader, root: Node, axes: Axes, conditions: Conditions) -> tuple[Exclusion, ...]:
    """The excludes as sets of values; conditions that match nothing are left in ``conditions``."""
    node = root.mapping.get("exclude")
    rules = [_exclusion(reader, rule, axes, conditions) for rule in (node.values if node and node.value else ())]
    return tuple(rule for rule in rules if rule)


def _exclusion(reader: Reader, rule: Node, axes: Axes, conditions: Conditions) -> Exclusion | None:
    check_keys(rule, ("when", "reason"), "key of an exclude:", reader.mistakes)
    when, reason = rule.mapping.get("when"), rule.mapping.get("reason")
    if when is None or not when.mapping:
        reader.add(rule.mark, "an exclude needs 'when', a mapping of axes to values.")
    if reason is None or not isinstance(reason.value, str) or not reason.value.strip():
        reader.add(reason.mark if reason else rule.mark, "an exclude needs a 'reason' in words.")
    if when is None or not when.mapping or reason is None:
        return None
    sets = {axis: _condition(reader, axis, when, axes, conditions) for axis in when.mapping}
    matches = all(any(_row_matches(row, sets) for row in block) for block in axes.blocks)
    matches = matches and all(axis in axes.values for axis in sets)
    parts = [item for node in when.mapping.values() for item in node.values]
    conditions.note(rule, matches, "this exclude matches no cell.", parts)
    return Exclusion(sets, str(reason.value))


def _row_matches(row: Point, sets: Mapping[str, frozenset[bytes]]) -> bool:
    return all(value.asked in sets[axis] for axis, value in row.items() if axis in sets)


def _condition(reader: Reader, axis: str, when: Node, axes: Axes, conditions: Conditions) -> frozenset[bytes]:
    """The values of one axis that a condition names, by component, label or number."""
    sentence = axis_mistake(axis)
    if sentence:
        reader.add(when.keys[axis], sentence)
        return frozenset()
    found: set[bytes] = set()
    for item in when.mapping[axis].values:
        if isinstance(item.value, Mapping | tuple):
            reader.add(
                item.mark, "an exclude names a component, a label or a number; give the value a label and name that."
            )
            continue
        values = axes.values.get(axis, ())
        if values is None:
            continue
        matching = {value.asked for value in values if _named(value, item.value)}
        words = [word for value in values for word in (value.label, *_names(value))]
        known = f"{did_you_mean(str(item.value), words)} It has: {', '.join(dict.fromkeys(words)) or 'no values'}."
        conditions.note(
            item, bool(matching), f"the axis {axis!r} has no {shown(plain(item))}, so this excludes nothing.{known}"
        )
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


def read_extras(reader: Reader, root: Node, axes: Axes, base: Base) -> tuple[Extra, ...]:
    """The included cells."""
    node = root.mapping.get("include")
    extras: dict[tuple[tuple[str, bytes], ...], Extra] = {}
    for item in node.values if node and node.value is not None else ():
        point = _extra(reader, item, axes, base)
        if point is None:
            continue
        asked = tuple(sorted((axis, value.asked) for axis, value in point.items()))
        if asked in extras:
            reader.add(item.mark, f"this cell is included twice; first at {extras[asked].where}.")
        extras.setdefault(asked, Extra(point, str(item.mark)))
    return tuple(extras.values())


def _extra(reader: Reader, item: Node, axes: Axes, base: Base) -> Point | None:
    if not item.mapping:
        reader.add(item.mark, "an entry of 'include' is a mapping of axes to one value each.")
        return None
    point: dict[str, Value | None] = {}
    for axis, node in item.mapping.items():
        sentence = axis_mistake(axis)
        if sentence:
            reader.add(item.keys[axis], sentence)
        point[axis] = None if sentence else _one_of(reader, axis, node, axes, base)
    for axis, values in axes.values.items():
        if axis not in point and axis not in axes.tuned:
            point[axis] = _only(reader, item, axis, values)
    for one, other in overlaps(list(point)):
        reader.add(item.mark, overlap_sentence(one, other))
    read = {axis: value for axis in ordered(point) if (value := point[axis])}
    return read if len(read) == len(point) else None


def _only(reader: Reader, item: Node, axis: str, values: tuple[Value, ...] | None) -> Value | None:
    """The single value of an axis that an included cell does not name."""
    if values is not None and len(values) > 1:
        listed = ", ".join(value.label for value in values)
        reader.add(item.mark, f"this cell must name the axis {axis!r}, which has {len(values)} values: {listed}.")
        return None
    return values[0] if values else None


def _one_of(reader: Reader, axis: str, node: Node, axes: Axes, base: Base) -> Value | None:
    """A value of an included cell: an axis value by its label, or any value; equal values share the axis's label."""
    known = axes.values.get(axis) or ()
    by_label = {value.label: value for value in known}
    if isinstance(node.value, str) and node.value in by_label:
        return by_label[node.value]
    value = one_value(reader, axis, node, base)
    by_asked = {other.asked: other for other in known}
    return by_asked.get(value.asked, value) if value else None
