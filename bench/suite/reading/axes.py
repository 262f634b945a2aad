"""Axes, paired axes and tuned paths: one value of each, and the blocks of values that are crossed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from itertools import chain, combinations
from operator import getitem
from typing import Any

from pydantic import create_model

from bench.canonical import canonical
from bench.suite.cells import AXES, COMPONENTS, Point, Value, asked_pretrain, asked_section
from bench.suite.reading.layers import overlay
from bench.suite.reading.typed import (
    Reader,
    all_resolved,
    protocol_at,
    protocol_of,
    recipe_at,
    resolved,
    shown,
    typed,
    without_clash,
)
from bench.suite.reading.yaml import Mark, Node, mark_of, plain
from bench.suite.schema import Pretrain, Protocol, Recipe, Ref, Strict
from bench.suite.written import DEFAULTS, NONE, PATHS, Axes, Source, axis_mistake, is_inner_setting
from bench.types import JsonValue
from bench.words import unknown

TEST_CROP = "protocol.tiles.size"


Located = tuple[Node, Value]
Columns = dict[str, list[Located]]
"""Axis to its values with the places they are written at; none where one of them could not be read."""


@dataclass(frozen=True, slots=True)
class Base:
    """The recipe and protocol that dotted axes vary."""

    recipe: Recipe
    protocol: Protocol

    def tree(self, section: str, mark: Mark) -> Node:
        """One of them as if it were written at the mark."""
        written = self.recipe if section == "recipe" else self.protocol
        return node_of(written.model_dump(mode="json"), mark)


@dataclass(frozen=True, slots=True)
class Crossed:
    """Every axis and tuned path by name (no value where it could not be read), and the blocks to be crossed."""

    values: Mapping[str, tuple[Value, ...]]
    blocks: tuple[tuple[Point, ...], ...]
    tuned: tuple[str, ...]


def node_of(value: JsonValue, mark: Mark) -> Node:
    """A plain value as if it were written at the mark."""
    if isinstance(value, dict):
        return Node(mark, {key: node_of(inner, mark) for key, inner in value.items()}, dict.fromkeys(value, mark))
    if isinstance(value, list):
        return Node(mark, tuple(node_of(inner, mark) for inner in value))
    return Node(mark, value)


def one_value(reader: Reader, axis: str, node: Node, base: Base) -> Value | None:
    """One value of an axis; None when it has mistakes, each noted."""
    if "." in axis:
        return _setting(reader, axis, node, base)
    alone = Node(node.mark, {axis: node}, {axis: node.mark})
    found, rest = typed(reader, _model_of(axis), alone)
    if found is None or axis not in rest.mapping:
        return None
    value = _complete(reader, axis, getattr(found, axis), rest.mapping[axis], base)
    return value if rest is alone else None


def _complete(reader: Reader, axis: str, written: Any, node: Node, base: Base) -> Value | None:
    """A value of the right shape, written at the node, with every name found and every setting filled in."""
    if isinstance(written, Ref):
        ref = resolved(reader, axis, written, node)
        return None if ref is None else Value(ref, label_of(written), canonical(ref.asked))
    if isinstance(written, Source):
        return _pretraining(reader, written, node, base)
    if isinstance(written, list):
        return _chain(reader, written, node)
    return Value(written, str(written), canonical(written))


@cache
def _model_of(axis: str) -> type[Strict]:
    """The axis by itself, as the schema has it."""
    field = Axes.model_fields[axis]
    definition: dict[str, Any] = {axis: (field.annotation, field)}
    return create_model(axis, __base__=Strict, **definition)


def label_of(written: Ref) -> str:
    """The label given, or the name with the settings that were written."""
    if written.label is not None:
        return written.label
    return f"{written.use} ({_brief(written.settings)})" if written.settings else written.use


def _brief(value: JsonValue) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_brief(inner)}" for key, inner in value.items())
    return value if isinstance(value, str) else shown(value)


def _chain(reader: Reader, steps: Sequence[Ref], node: Node) -> Value | None:
    """A preprocessing chain, complete."""
    refs = all_resolved(reader, "preprocess", steps, node)
    if refs is None:
        return None
    label = " + ".join(label_of(step) for step in steps) or NONE
    return Value(refs, label, canonical([ref.asked for ref in refs]))


def _pretraining(reader: Reader, source: Source, node: Node, base: Base) -> Value | None:
    """A pretraining run with every setting filled in; its recipe is the suite's, with its own laid over it."""
    if source.dataset.use == NONE:
        for key in sorted(source.model_fields_set - {"dataset", "label"}):
            reader.add(node.keys[key], f"{key!r} says something of a pretraining run, but its dataset is none.")
        return Value(None, NONE if source.label is None else source.label, canonical(None))
    dataset = resolved(reader, "dataset", source.dataset, node, "dataset")
    steps = None if source.preprocess is None else _chain(reader, source.preprocess, node.mapping["preprocess"])
    crop = source.crop and resolved(reader, "crop", source.crop, node, "crop")
    recipe: Recipe | None = base.recipe
    if source.recipe is not None:
        merged = overlay(base.tree("recipe", node.mark), node.mapping["recipe"])
        recipe = without_clash(reader, recipe_at(reader, merged), merged)
    protocol = protocol_of(reader, Protocol(split=source.split), node)
    lost = (source.preprocess is not None and steps is None) or (source.crop is not None and crop is None)
    if dataset is None or recipe is None or protocol is None or lost:
        return None
    own = None if steps is None else steps.value
    found = Pretrain(dataset=dataset, preprocess=own, crop=crop, recipe=recipe, split=protocol.split)
    label = source.label
    if label is None:
        label = label_of(source.dataset) + (f" ({steps.label})" if steps and steps.value else "")
    return Value(found, label, canonical(asked_pretrain(found)))


def _setting(reader: Reader, axis: str, node: Node, base: Base) -> Value | None:
    """One value of a dotted path, checked inside the section it will stand in."""
    name, *path = axis.split(".")
    tree = placed(base.tree(name, node.mark), path, node)
    if name == "protocol":
        section: Recipe | Protocol | None = protocol_at(reader, tree)
    else:
        section = recipe_at(reader, tree)
        if axis.removeprefix("recipe.") in COMPONENTS:  # one setting alone may go with one of another axis only
            without_clash(reader, section, tree)
    if section is None:
        return None
    value = reduce(getitem, path, section.model_dump(mode="json"))
    asked = canonical(reduce(getitem, path, asked_section(section)))
    if axis != TEST_CROP:
        return Value(value, _label(plain(node)), asked)
    # a bare number would be taken for the size of the training crops, an axis beside it
    return Value(value, "test crop as in training" if value is None else f"test crop {value}", asked)


def placed(tree: Node, path: Sequence[str], node: Node) -> Node:
    """The tree with the node at a path."""
    if not path:
        return node
    first, *rest = path
    inner = placed(tree.mapping.get(first, tree), rest, node)
    return Node(tree.mark, {**tree.mapping, first: inner}, {**tree.keys, first: node.mark})


def _label(written: JsonValue) -> str:
    """What the eye sees of a setting: components by their labels."""
    if isinstance(written, list):
        return " + ".join(_label(item) for item in written) or NONE
    if isinstance(written, dict) and "use" in written:
        return label_of(Ref(**written))
    return _brief(written)


def read_axes(reader: Reader, root: Node, base: Base) -> Crossed:
    """Axes, paired axes and tuned paths, in the order in which cells are made."""
    single = _single_axes(reader, root)
    groups = list(_paired(reader, root, base, single))
    paired = list(chain.from_iterable(groups))
    columns = {axis: _distinct_values(reader, axis, node, base) for axis, node in single.items()}
    columns = {axis: values for axis, values in columns.items() if axis not in paired}
    tuned = {path: _distinct_values(reader, path, node, base) for path, node in _tuned(reader, root).items()}
    for other, sentence in overlaps([*columns, *paired, *tuned]):
        section = "tune" if other in tuned else "axes"
        reader.add(mark_of(root, (section, other), key=True), sentence)
    for axis in ("dataset", "model"):
        if axis not in paired and axis not in columns:
            _tell_missing(reader, root, axis)
            columns[axis] = []
    alone: list[Columns] = [{axis: values} for axis, values in {**columns, **tuned}.items()]
    blocks = [tuple(_block(group)) for group in (*alone, *groups) if group and all(group.values())]
    rank = ordered([*columns, *paired, *tuned])
    blocks.sort(key=lambda block: min(rank.index(axis) for axis in block[0]))
    return Crossed(_levels([columns, *groups, tuned]), tuple(blocks), tuple(tuned))


def _tell_missing(reader: Reader, root: Node, axis: str) -> None:
    """Note that an axis is missing, unless one of a misspelt name, told already, may be meant for it."""
    if not any(axis_mistake(named) for named in root.section("axes").keys):
        reader.add(mark_of(root, ("axes",)), f"the axis {axis!r} has no value; name at least one under 'axes'.")


def is_axis(reader: Reader, node: Node, axis: str) -> bool:
    """Whether a key of the node can be an axis; that it cannot is noted."""
    sentence = axis_mistake(axis)
    if sentence:
        reader.add(node.keys[axis], sentence)
    return not sentence


def _single_axes(reader: Reader, root: Node) -> dict[str, Node]:
    """The node of every axis that may be crossed alone, with defaults."""
    node = root.section("axes")
    named = {axis: value for axis, value in node.mapping.items() if value.value is not None}
    given = {axis: value for axis, value in named.items() if is_axis(reader, node, axis)}
    defaults = {axis: Node(root.mark, default) for axis, default in DEFAULTS.items() if axis not in given}
    return defaults | given


def ordered(axes: Iterable[str]) -> list[str]:
    """Axes in the order of cells: dotted paths stand between model and seed, as given."""
    named = dict.fromkeys(axes)
    dotted = [axis for axis in named if axis not in AXES]
    return [axis for axis in (*AXES[:-1], *dotted, AXES[-1]) if axis in named]


def _block(columns: Columns) -> Iterator[Point]:
    """The rows of axes that advance together; one axis alone is the common case."""
    for row in zip(*columns.values(), strict=True):
        yield {axis: value for axis, (_, value) in zip(columns, row, strict=True)}


def _levels(groups: Iterable[Columns]) -> dict[str, tuple[Value, ...]]:
    """Every axis with its distinct values in order."""
    levels = {}
    for axis, values in chain.from_iterable(group.items() for group in groups):
        distinct: dict[bytes, Value] = {}
        for _, value in values:
            distinct.setdefault(value.asked, value)
        levels[axis] = tuple(distinct.values())
    return levels


def _distinct_values(reader: Reader, axis: str, node: Node, base: Base) -> list[Located]:
    """The values of an axis that is crossed alone; equal values are one."""
    values = _values(reader, axis, node, base)
    first: dict[bytes, Mark] = {}
    for item, value in values:
        if value.asked in first:
            where = first[value.asked]
            reader.add(item.mark, f"{value.label!r} stands twice in the axis {axis!r}; first at {where}.")
        first.setdefault(value.asked, item.mark)
    return _all_of(values, node)


def _all_of(values: list[Located], node: Node) -> list[Located]:
    """The values of a column, or none when some could not be read: no cell can be made then."""
    return values if len(values) == len(node.values) else []


def _values(reader: Reader, axis: str, node: Node, base: Base) -> list[Located]:
    """The values of an axis that could be read; two values of one label are a mistake."""
    if not node.values:
        reader.add(node.mark, f"the axis {axis!r} needs at least one value.")
    read: list[Located] = []
    labelled: dict[str, Value] = {}
    for item in node.values:
        value = one_value(reader, axis, item, base)
        if value is None:
            continue
        read.append((item, value))
        if labelled.setdefault(value.label, value).asked != value.asked:
            reader.add(item.mark, f"two values of the axis {axis!r} have the label {value.label!r}; give each its own.")
    return read


def _paired(reader: Reader, root: Node, base: Base, single: Mapping[str, Node]) -> Iterator[Columns]:
    """Each group of axes that advance together, as columns of equal length."""
    seen: set[str] = set()
    for written in root.section("paired").values:
        group, lost = _as_columns(reader, written, base, single)
        columns: Columns = {}
        for axis, values in group.mapping.items():
            if axis in seen:
                reader.add(group.keys[axis], f"the axis {axis!r} is paired twice.")
            elif is_axis(reader, group, axis):
                seen.add(axis)
                columns[axis] = [] if axis in lost else _all_of(_values(reader, axis, values, base), values)
        yield columns if _advance_together(reader, group, columns) else {axis: [] for axis in columns}


def _as_columns(reader: Reader, group: Node, base: Base, single: Mapping[str, Node]) -> tuple[Node, set[str]]:
    """A pairing as a mapping of axes to columns, also where it is written as rows.

    The axes in the set are those that some row must name and does not, which is noted.
    """
    if isinstance(group.value, Mapping):
        return group, set()
    marks: dict[str, Mark] = {}
    for row in group.values:
        marks = {**row.keys, **marks}
    lost: set[str] = set()
    columns: dict[str, Node] = {}
    for axis, mark in marks.items():
        column = []
        for row in group.values:
            own = row.mapping.get(axis) or _unnamed(axis, row, base, single)
            if isinstance(own, str):
                reader.add(row.mark, own)
                lost.add(axis)
            else:
                column.append(own)
        columns[axis] = Node(mark, tuple(column))
    return Node(group.mark, columns, marks), lost


def _unnamed(axis: str, row: Node, base: Base, single: Mapping[str, Node]) -> Node | str:
    """What a row of a pairing has on an axis that it does not name, the suite's own value, or why it has none."""
    if axis_mistake(axis):
        return row  # the axis itself is refused
    if axis in single:
        own = single[axis].values
        if len(own) == 1:
            return own[0]
        return f"this row must name the axis {axis!r}, which has {len(own)} values under 'axes'."
    if axis in AXES:
        return f"this row must name the axis {axis!r}, which has no value of its own."
    section, *path = axis.split(".")
    node = base.tree(section, row.mark)
    for step in path:
        if step not in node.mapping:
            return f"this row must name {axis!r}: the suite's own {section} has no such setting."
        node = node.mapping[step]
    return node


def _advance_together(reader: Reader, group: Node, columns: Columns) -> bool:
    lengths = {axis: len(group.mapping[axis].values) for axis in columns}
    if len(set(lengths.values())) > 1:
        counted = ", ".join(f"{axis} has {length}" for axis, length in lengths.items())
        reader.add(group.mark, f"paired axes advance together and need equally many values: {counted}.")
        return False
    if not all(columns.values()):
        return False
    rows: set[tuple[bytes, ...]] = set()
    for row in zip(*columns.values(), strict=True):
        asked = tuple(value.asked for _, value in row)
        if asked in rows:
            labels = ", ".join(value.label for _, value in row)
            reader.add(row[0][0].mark, f"these paired values stand twice: {labels}.")
        rows.add(asked)
    return True


def _tuned(reader: Reader, root: Node) -> dict[str, Node]:
    """The recipe paths to be tuned with their values."""
    node = root.section("tune")
    known = [path for path in PATHS if path.startswith("recipe.")]
    tuned = {}
    for path, values in node.mapping.items():
        if path not in known and not is_inner_setting(path):
            reader.add(node.keys[path], unknown("recipe path", path, known))
        elif values.value is not None:
            tuned[path] = values
    return tuned


def overlaps(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Dotted paths that are, lie inside or hold an earlier one, each with what is wrong with that."""
    for one, other in combinations((path for path in paths if path not in AXES), 2):
        if one == other:
            yield other, f"{one!r} is both an axis and tuned; keep one of them."
        elif one.startswith(f"{other}.") or other.startswith(f"{one}."):
            yield other, f"{one!r} and {other!r} set the same thing; keep one of them."
