"""Located axes, paired axes and tuned paths to blocks of values that are crossed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from bench.suite.cells import AXES, Point, Value
from bench.suite.reading.rows import as_columns, node_of
from bench.suite.reading.sections import Reader
from bench.suite.reading.values import PATHS, Base, axis_mistake, is_inner_setting, one_value
from bench.suite.reading.yaml import Node, mark_of
from bench.types import JsonValue
from bench.words import unknown

DEFAULTS: Mapping[str, JsonValue] = {
    "pretrain": "none",
    "preprocess": "none",
    "crop": "uniform",
    "crop_size": 256,
    "seed": 0,
}
"""What an axis holds that the suite does not name; data set and model have no default."""

Located = tuple[Node, Value]


@dataclass(frozen=True, slots=True)
class Axes:
    """Every axis and tuned path by name (None where it could not be read), and the blocks to be crossed."""

    values: Mapping[str, tuple[Value, ...] | None]
    blocks: tuple[tuple[Point, ...], ...]
    tuned: tuple[str, ...]


def read_axes(reader: Reader, root: Node, base: Base) -> Axes:
    """Axes, paired axes and tuned paths, in the order in which cells are made."""
    single = _single_axes(reader, root)
    groups = list(_paired(reader, root, base, single))
    paired = {axis for group in groups for axis in group}
    read = {axis: _axis_values(reader, axis, node, base) for axis, node in single.items()}
    columns = {axis: values for axis, values in read.items() if axis not in paired}
    tuned = {path: _axis_values(reader, path, node, base) for path, node in _tuned(reader, root).items()}
    _refuse_overlaps(reader, root, [*columns, *paired], tuned)
    for axis in ("dataset", "model"):
        if axis not in paired and axis not in columns:
            reader.add(mark_of(root, ("axes",)), f"the axis {axis!r} has no value; name at least one under 'axes'.")
            columns[axis] = None
    blocks = [_block({axis: values}) for axis, values in [*columns.items(), *tuned.items()] if values is not None]
    blocks += [_block(group) for group in groups if group and all(v is not None for v in group.values())]
    rank = {axis: number for number, axis in enumerate(ordered([*columns, *paired, *tuned]))}
    blocks.sort(key=lambda block: min(rank[axis] for axis in block[0]))
    return Axes(_levels([columns, *groups, tuned]), tuple(blocks), tuple(tuned))


def _single_axes(reader: Reader, root: Node) -> dict[str, Node]:
    """The node of every axis that may be crossed alone, with defaults."""
    node = root.mapping.get("axes")
    if node and not isinstance(node.value, Mapping | None):
        reader.add(node.mark, "axes must be a mapping of axis to values.")
    given = {axis: value for axis, value in (node.mapping if node else {}).items() if value.value is not None}
    for axis in list(given):
        sentence = axis_mistake(axis)
        if sentence and node:
            reader.add(node.keys[axis], sentence)
            del given[axis]
    return {axis: Node(root.mark, default) for axis, default in DEFAULTS.items() if axis not in given} | given


def ordered(axes: Iterable[str]) -> list[str]:
    """Axes in the order of cells: dotted paths stand between model and seed, as given."""
    named = dict.fromkeys(axes)
    dotted = [axis for axis in named if axis not in AXES]
    return [axis for axis in (*AXES[:-1], *dotted, AXES[-1]) if axis in named]


def _block(columns: Mapping[str, list[Located] | None]) -> tuple[Point, ...]:
    """The rows of axes that advance together; one axis alone is the common case."""
    rows = zip(*(values or [] for values in columns.values()), strict=True)
    return tuple({axis: value for axis, (_, value) in zip(columns, row, strict=True)} for row in rows)


def _levels(groups: Iterable[Mapping[str, list[Located] | None]]) -> dict[str, tuple[Value, ...] | None]:
    """Every axis with its distinct values in order."""
    levels: dict[str, tuple[Value, ...] | None] = {}
    for group in groups:
        for axis, values in group.items():
            distinct: dict[bytes, Value] = {}
            for _, value in values or []:
                distinct.setdefault(value.asked, value)
            levels[axis] = None if values is None else tuple(distinct.values())
    return levels


def _axis_values(reader: Reader, axis: str, node: Node, base: Base) -> list[Located] | None:
    """The values of an axis that is crossed alone; None when one has a mistake. Equal values are one."""
    values = _column(reader, axis, node, base)
    first: dict[bytes, Node] = {}
    for item, value in values:
        if value.asked in first:
            reader.add(
                item.mark, f"{value.label!r} stands twice in the axis {axis!r}; first at {first[value.asked].mark}."
            )
        first.setdefault(value.asked, item)
    return _all_of(values, node)


def _all_of(values: list[Located], node: Node) -> list[Located] | None:
    """The values of a column, or None when some could not be read: no cell can be made then."""
    return values if values and len(values) == len(node.values) else None


def _column(reader: Reader, axis: str, node: Node, base: Base) -> list[Located]:
    """The values of an axis that could be read; two values of one label are a mistake."""
    if not node.values:
        reader.add(node.mark, f"the axis {axis!r} needs at least one value.")
    values = [(item, one_value(reader, axis, item, base)) for item in node.values]
    read = [(item, value) for item, value in values if value]
    labelled: dict[str, Value] = {}
    for item, value in read:
        if labelled.setdefault(value.label, value).asked != value.asked:
            reader.add(item.mark, f"two values of the axis {axis!r} have the label {value.label!r}; give each its own.")
    return read


def _paired(
    reader: Reader, root: Node, base: Base, single: Mapping[str, Node]
) -> Iterator[dict[str, list[Located] | None]]:
    """Each group of axes that advance together, as columns of equal length."""
    node = root.mapping.get("paired")
    seen: set[str] = set()
    for written in node.values if node and node.value is not None else ():
        lost: set[str] = set()
        group = as_columns(written, partial(_unnamed, reader, base, single, lost))
        if not group.mapping:
            reader.add(
                group.mark,
                "an entry of 'paired' is a mapping of axes to lists of equal length, or a list of mappings, one a row.",
            )
            continue
        columns = {}
        for axis, values in group.mapping.items():
            sentence = axis_mistake(axis) or (f"the axis {axis!r} is paired twice." if axis in seen else None)
            if sentence:
                reader.add(group.keys[axis], sentence)
                continue
            seen.add(axis)
            columns[axis] = None if axis in lost else _all_of(_column(reader, axis, values, base), values)
        yield columns if _advance_together(reader, group, columns) else dict.fromkeys(columns)


def _unnamed(reader: Reader, base: Base, single: Mapping[str, Node], lost: set[str], axis: str, row: Node) -> Node:
    """What a row of a pairing has on an axis that it does not name: the suite's own value.

    Where the suite has none or several, a mistake is noted and the axis goes into ``lost``.
    """
    if axis_mistake(axis):
        return row  # the axis itself is refused
    sentence = None
    if axis in single:
        if len(single[axis].values) == 1:
            return single[axis].values[0]
        sentence = f"this row must name the axis {axis!r}, which has {len(single[axis].values)} values under 'axes'."
    elif axis in AXES:
        sentence = f"this row must name the axis {axis!r}, which has no value of its own."
    else:
        section, *path = axis.split(".")
        value: JsonValue = base.section(section).model_dump(mode="json")
        for step in path:
            if not isinstance(value, Mapping) or step not in value:
                sentence = f"this row must name {axis!r}: the suite's own {section} has no such setting."
                break
            value = value[step]
        else:
            return node_of(value, row.mark)
    reader.add(row.mark, sentence)
    lost.add(axis)
    return row


def _advance_together(reader: Reader, group: Node, columns: Mapping[str, list[Located] | None]) -> bool:
    lengths = {axis: len(group.mapping[axis].values) for axis in columns}
    if len(set(lengths.values())) > 1:
        counted = ", ".join(f"{axis} has {length}" for axis, length in lengths.items())
        reader.add(group.mark, f"paired axes advance together and need equally many values: {counted}.")
        return False
    if any(values is None for values in columns.values()):
        return False
    rows: set[tuple[bytes, ...]] = set()
    for row in zip(*(values or [] for values in columns.values()), strict=True):
        asked = tuple(value.asked for _, value in row)
        if asked in rows:
            labels = ", ".join(value.label for _, value in row)
            reader.add(row[0][0].mark, f"these paired values stand twice: {labels}.")
        rows.add(asked)
    return True


def _tuned(reader: Reader, root: Node) -> dict[str, Node]:
    """The recipe paths to be tuned with their values."""
    node = root.mapping.get("tune")
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, Mapping):
        reader.add(node.mark, "tune must be a mapping of recipe paths to lists of values.")
        return {}
    known = tuple(path for path in PATHS if path.startswith("recipe."))
    for path, mark in node.keys.items():
        if path not in known and not is_inner_setting(path):
            reader.add(mark, unknown("recipe path", path, known))
    return {p: v for p, v in node.value.items() if v.value is not None and (p in known or is_inner_setting(p))}


def _refuse_overlaps(reader: Reader, root: Node, axes: Sequence[str], tuned: Iterable[str]) -> None:
    """One setting cannot come from two axes: neither the same path twice, nor a path inside another."""
    paths = list(tuned)
    for one, other in overlaps([*axes, *paths]):
        mark = mark_of(root, ("tune" if other in paths else "axes", other), key=True)
        reader.add(mark, overlap_sentence(one, other))


def overlaps(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of dotted paths of which one is, or lies inside, the other."""
    for one, other in combinations((path for path in paths if path not in AXES), 2):
        if one == other or one.startswith(f"{other}.") or other.startswith(f"{one}."):
            yield one, other


def overlap_sentence(one: str, other: str) -> str:
    """What is wrong with two overlapping paths."""
    if one == other:
        return f"{one!r} is both an axis and tuned; keep one of them."
    return f"{one!r} and {other!r} set the same thing; keep one of them."
