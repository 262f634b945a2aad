"""One value of an axis: a component, a preprocessing chain, a pretraining run, a number, or a dotted path's value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.canonical import canonical
from bench.suite.cells import AXES, COMPONENTS, SECTIONS, Value, asked_pretrain, asked_section, with_path
from bench.suite.reading.layers import check_keys
from bench.suite.reading.mistakes import Mark
from bench.suite.reading.sections import (
    Reader,
    component,
    locator,
    models_in,
    protocol_of,
    recipe_of,
    shown,
    written_recipe,
)
from bench.suite.reading.yaml import Node, mark_of, plain
from bench.suite.schema import Pretrain, Protocol, Recipe, Ref, Strict
from bench.types import JsonValue
from bench.words import did_you_mean

EMPTY_CHAIN = NOTHING = "none"
TEST_CROP = "protocol.tiles.size"

PRETRAIN_KEYS = ("dataset", "preprocess", "crop", "recipe", "split", "label")
"""What a suite may say of a pretraining run; model, crop size, seed and classes are those of the cell."""


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
"""Every dotted path that can be an axis; ``recipe.loss.settings.NAME`` is one too, and so for COMPONENTS."""


def axis_mistake(axis: str) -> str | None:
    """Why this cannot be an axis, or None."""
    if axis in AXES or axis in PATHS or is_inner_setting(axis):
        return None
    near = did_you_mean(axis, (*AXES, *PATHS))
    return f"unknown axis {axis!r}.{near} Axes: {', '.join(AXES)}, and paths such as recipe.learning_rate."


def is_inner_setting(path: str) -> bool:
    """Whether the path is ``recipe.loss.settings.NAME``, or the same of another component of the recipe."""
    section, _, rest = path.partition(".")
    steps = rest.split(".")
    return section == "recipe" and len(steps) == 3 and steps[0] in COMPONENTS and steps[1] == "settings"


def one_value(reader: Reader, axis: str, node: Node, base: Base) -> Value | None:
    """One value of an axis; None when it has mistakes, each noted."""
    if axis in ("dataset", "crop", "model"):
        ref = component(reader, axis, node)
        return Value(ref, label_of(ref, node), canonical(ref.asked)) if ref else None
    if axis == "preprocess":
        return chain(reader, node)
    if axis == "pretrain":
        return pretraining(reader, node, base)
    if axis in ("crop_size", "seed"):
        return _whole(reader, axis, node)
    return _setting(reader, axis, node, base)


def label_of(ref: Ref, node: Node) -> str:
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


def chain(reader: Reader, node: Node) -> Value | None:
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
    label = " + ".join(label_of(ref, item) for item, ref in read) or EMPTY_CHAIN
    refs = tuple(ref for _, ref in read)
    return Value(refs, label, canonical([ref.asked for ref in refs]))


def pretraining(reader: Reader, node: Node, base: Base) -> Value | None:
    """The run that weights come from: ``none``, a data set by name, or a mapping of that run's own settings."""
    given = node.mapping if isinstance(node.value, Mapping) else {"dataset": node}
    check_keys(node, PRETRAIN_KEYS, "key of a pretraining run:", reader.mistakes)
    label, data = given.get("label"), given.get("dataset")
    if label is not None and not isinstance(label.value, str):
        reader.add(label.mark, f"a label is text, got {shown(plain(label))}.")
        return None
    if data is None:
        reader.add(node.mark, "a pretraining run needs 'dataset', a data set or none.")
        return None
    if data.value == NOTHING:
        for key in sorted(set(given) - {"dataset", "label"}):
            reader.add(node.keys[key], f"{key!r} says something of a pretraining run, but its dataset is none.")
        return Value(None, str(label.value) if label else NOTHING, canonical(None))
    return _source(reader, given, base, str(label.value) if label else None)


def _source(reader: Reader, given: Mapping[str, Node], base: Base, label: str | None) -> Value | None:
    """A pretraining run with every setting filled in; its recipe is the suite's, with its own laid over it."""
    dataset = component(reader, "dataset", given["dataset"])
    steps = chain(reader, given["preprocess"]) if "preprocess" in given else None
    crop = component(reader, "crop", given["crop"]) if "crop" in given else None
    recipe = _own_recipe(reader, given["recipe"], base.recipe) if "recipe" in given else base.recipe
    split = _own_split(reader, given["split"]) if "split" in given else Protocol()
    read = {"preprocess": steps, "crop": crop, "recipe": recipe, "split": split, "dataset": dataset}
    if dataset is None or recipe is None or split is None or any(read[key] is None for key in given if key in read):
        return None
    found = Pretrain(
        dataset=dataset, preprocess=None if steps is None else steps.value, crop=crop, recipe=recipe, split=split.split
    )
    name = label_of(dataset, given["dataset"])
    own = f" ({steps.label})" if steps and steps.value else ""
    return Value(found, label or f"{name}{own}", canonical(asked_pretrain(found)))


def _own_recipe(reader: Reader, node: Node, base: Recipe) -> Recipe | None:
    if not isinstance(node.value, Mapping):
        reader.add(node.mark, f"the recipe of a pretraining run must be a mapping, got {shown(plain(node))}.")
        return None
    return written_recipe(reader, _laid_over(base.model_dump(mode="json"), plain(node)), locator(node))


def _laid_over(under: JsonValue, over: JsonValue) -> JsonValue:
    """Mappings merge, everything else replaces; a component replaces a component."""
    if not isinstance(under, dict) or not isinstance(over, dict) or "use" in over:
        return over
    return under | {key: _laid_over(under.get(key), value) for key, value in over.items()}


def _own_split(reader: Reader, node: Node) -> Protocol | None:
    """A protocol that has this split."""

    def locate(path: Sequence[str | int], *, key: bool = False) -> Mark:
        return mark_of(node, path[1:], key=key and len(path) > 1)

    return protocol_of(reader, {"split": plain(node)}, locate)


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

    whole = axis.removeprefix("recipe.") in COMPONENTS
    of_recipe = written_recipe if whole else recipe_of  # one setting may go with one of another axis only
    read = of_recipe if name == "recipe" else protocol_of
    section = read(reader, with_path(base.section(name), path, plain(node)), locate)
    if section is None:
        return None
    value, asked = (_inner(tree, path) for tree in (section.model_dump(mode="json"), asked_section(section)))
    return Value(value, _test_crop(value) if axis == TEST_CROP else _setting_label(node), canonical(asked))


def _inner(tree: JsonValue, path: Sequence[str]) -> JsonValue:
    for step in path:
        tree = tree[step]
    return tree


def _test_crop(size: JsonValue) -> str:
    """A bare number would be taken for the size of the training crops, an axis beside it."""
    return "test crop as in training" if size is None else f"test crop {size}"


def _setting_label(node: Node) -> str:
    if "use" not in node.mapping:
        if isinstance(node.value, tuple):
            return " + ".join(_setting_label(item) for item in node.values) or EMPTY_CHAIN
        return _brief(plain(node))
    label, settings = (node.mapping.get(key) for key in ("label", "settings"))
    ref = Ref(use=str(node.mapping["use"].value), label=str(label.value) if label else None)
    return label_of(ref, Node(node.mark, {"settings": settings} if settings else {}))
