"""One value of an axis: a component, a preprocessing chain, a number, or the value of a dotted path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.canonical import canonical
from bench.suite.cells import AXES, SECTIONS, Value, asked_section, with_path
from bench.suite.mistakes import Mark, did_you_mean
from bench.suite.schema import Protocol, Recipe, Ref, Strict
from bench.suite.sections import Reader, component, models_in, protocol_of, recipe_of, shown
from bench.suite.yaml import Node, mark_of, plain
from bench.types import JsonValue

EMPTY_CHAIN = "none"


@dataclass(frozen=True, slots=True)
class Base:
    """The recipe and protocol that dotted axes vary."""

    recipe: Recipe
    protocol: Protocol

    def section(self, name: str) -> Recipe | Protocol:
        return self.recipe if name == "recipe" else self.protocol


def _paths_of(model: type[Strict], prefix: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        path = f"{prefix}.{name}"
        yield path
        nested = [inner for inner in models_in(info.annotation) if inner is not Ref]
        if len(nested) == 1 and issubclass(nested[0], Strict):
            yield from _paths_of(nested[0], path)


PATHS = tuple(path for name, model in SECTIONS.items() for path in _paths_of(model, name))
"""Every dotted path that can be an axis; ``recipe.loss.settings.NAME`` is one too."""


def axis_mistake(axis: str) -> str | None:
    """Why this cannot be an axis, or None."""
    if axis == "pretrain":
        return "the axis 'pretrain' is not in this version: every cell starts from the model's own initial weights."
    if axis in AXES or axis in PATHS or is_loss_setting(axis):
        return None
    near = did_you_mean(axis, (*AXES, *PATHS))
    return f"unknown axis {axis!r}.{near} Axes: {', '.join(AXES)}, and paths such as recipe.learning_rate."


def is_loss_setting(path: str) -> bool:
    """Whether the path is ``recipe.loss.settings.NAME``."""
    return path.startswith("recipe.loss.settings.") and path.count(".") == 3


def one_value(reader: Reader, axis: str, node: Node, base: Base) -> Value | None:
    """One value of an axis; None when it has mistakes, each noted."""
    if axis in ("dataset", "crop", "model"):
        ref = component(reader, axis, node)
        return Value(ref, _label(ref, node), canonical(ref.asked)) if ref else None
    if axis == "preprocess":
        return _chain(reader, node)
    if axis in ("crop_size", "seed"):
        return _whole(reader, axis, node)
    return _setting(reader, axis, node, base)


def _label(ref: Ref, node: Node) -> str:
    """The label given, or the name with the settings that were written."""
    if ref.label is not None:
        return ref.label
    written = node.mapping.get("settings")
    if not written or not written.mapping:
        return ref.use
    return f"{ref.use} ({_brief(plain(written))})"


def _brief(value: JsonValue) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_brief(inner)}" for key, inner in value.items())
    return value if isinstance(value, str) else shown(value)


def _chain(reader: Reader, node: Node) -> Value | None:
    """A preprocessing chain: ``none``, one step, or a list of steps."""
    if node.value == EMPTY_CHAIN:
        return Value((), EMPTY_CHAIN, canonical([]))
    steps = []
    for item in node.values:
        if item.value == EMPTY_CHAIN:
            reader.add(item.mark, "'none' is the empty chain and cannot stand inside one.")
            return None
        steps.append((item, component(reader, "preprocess", item)))
    read = [(item, ref) for item, ref in steps if ref]
    if len(read) < len(steps):
        return None
    label = " + ".join(_label(ref, item) for item, ref in read) or EMPTY_CHAIN
    refs = tuple(ref for _, ref in read)
    return Value(refs, label, canonical([ref.asked for ref in refs]))


def _whole(reader: Reader, axis: str, node: Node) -> Value | None:
    smallest = 1 if axis == "crop_size" else 0
    if isinstance(node.value, bool) or not isinstance(node.value, int) or node.value < smallest:
        reader.add(node.mark, f"{axis} must be a whole number from {smallest} on, got {shown(plain(node))}.")
        return None
    return Value(node.value, str(node.value), canonical(node.value))


def _setting(reader: Reader, axis: str, node: Node, base: Base) -> Value | None:
    """One value of a dotted path, checked inside the section it will stand in."""
    name, *path = axis.split(".")

    def locate(place: Sequence[str | int], *, key: bool = False) -> Mark:
        return mark_of(node, place[len(path) :], key=key and len(place) > len(path))

    read = recipe_of if name == "recipe" else protocol_of
    section = read(reader, with_path(base.section(name), path, plain(node)), locate)
    if section is None:
        return None
    value, asked = (_inner(tree, path) for tree in (section.model_dump(mode="json"), asked_section(section)))
    return Value(value, _setting_label(node), canonical(asked))


def _inner(tree: JsonValue, path: Sequence[str]) -> JsonValue:
    for step in path:
        tree = tree[step]
    return tree


def _setting_label(node: Node) -> str:
    if "use" not in node.mapping:
        if isinstance(node.value, tuple):
            return " + ".join(_setting_label(item) for item in node.values) or EMPTY_CHAIN
        return _brief(plain(node))
    label, settings = (node.mapping.get(key) for key in ("label", "settings"))
    ref = Ref(use=str(node.mapping["use"].value), label=str(label.value) if label else None)
    return _label(ref, Node(node.mark, {"settings": settings} if settings else {}))
