"""Located YAML to the types of the schema, then names and settings by the catalog; every mistake keeps its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from bench.canonical import digest_file
from bench.component import Component, complete, mistakes_in, settings_of
from bench.errors import PluginError
from bench.suite.cells import COMPONENTS
from bench.suite.reading.yaml import Mark, Mistakes, Node, mark_of, plain, without
from bench.suite.schema import NAME_IN_WORDS, Protocol, Recipe, Ref, SplitFile
from bench.suite.skipped import LISTED, clashes
from bench.suite.written import models_in
from bench.types import JsonValue
from bench.words import did_you_mean, unknown

if TYPE_CHECKING:
    from bench.catalog import Catalog

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]
"""Keys and positions that lead from one node to another inside it."""

NOTHING_SPARE: Mapping[str, Node] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading needs: the catalog, the folder that relative paths start from, and where mistakes go."""

    catalog: Catalog
    folder: Path
    mistakes: Mistakes

    def add(self, mark: Mark, sentence: str) -> None:
        self.mistakes.add(mark, sentence)


def typed(
    reader: Reader, model: type[M], node: Node, name: str = "", spare: Mapping[str, Node] = NOTHING_SPARE
) -> tuple[M | None, Node]:
    """The node, which stands under the key ``name``, as ``model``.

    What is wrong in it is noted and taken out of both, so that the rest is read on; ``spare`` stands in for keys that
    must be there. None when nothing can be read without what is wrong.
    """
    found, wrong = _validated(model, node)
    for detail in wrong:
        reader.add(*_told(model, detail, node, name))
    while found is None:
        smaller = without(node, _step_of(wrong[0]))
        smaller = replace(smaller, value={**spare, **smaller.mapping})
        if smaller == node:
            return None, node
        node = smaller
        found, wrong = _validated(model, node)
    return found, node


def shown(value: JsonValue) -> str:
    """A value as the user wrote it, at most 60 characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _validated(model: type[M], node: Node) -> tuple[M | None, Sequence[Mapping[str, Any]]]:
    """What pydantic makes of the node, or all that it finds wrong."""
    text = json.dumps(plain(node), ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        return model.model_validate_json(text), ()
    except ValidationError as error:
        return None, [dict(detail) for detail in error.errors(include_url=False)]


def _place_of(detail: Mapping[str, Any]) -> Place:
    """Where the mistake is; names of union members, such as ``<fold>``, are no steps."""
    return tuple(step for step in detail["loc"] if not str(step).startswith("<"))


def _step_of(detail: Mapping[str, Any]) -> Place:
    """What to take out: the value, or the mapping that lacks a key."""
    place = _place_of(detail)
    return place[:-1] if detail["type"] == "missing" else place


def _told(model: type[BaseModel], detail: Mapping[str, Any], node: Node, name: str) -> tuple[Mark, str]:
    """The mark and the sentence of one mistake that pydantic found."""
    place, kind = _place_of(detail), detail["type"]
    *above, last = [name, *place]
    parent = ".".join(str(step) for step in above if step != "")
    dotted = f"{parent}.{last}" if parent else str(last)
    if kind == "extra_forbidden":
        what = f"key of {parent}:" if parent else "key"
        return mark_of(node, place, key=True), unknown(what, str(last), _keys(model, place))
    if kind == "missing":
        return mark_of(node, place[:-1]), f"{parent or 'the file'} needs the key {last!r}{_meaning(model, place)}."
    if kind == "value_error":
        return mark_of(node, place), f"{dotted}: {detail['ctx']['error']}."
    return mark_of(node, place), f"{dotted}{_words(detail)}, got {shown(detail['input'])}.{_hint(detail)}"


def _words(detail: Mapping[str, Any]) -> str:
    """What is wrong with a value, after its name."""
    match detail["type"]:
        case "string_type":
            return " must be text"
        case "string_pattern_mismatch":
            return f" must be {NAME_IN_WORDS}"
        case "too_short":
            return " needs at least one entry"
        case "model_type" if detail["ctx"]["class_name"] == Ref.__name__:
            return " is a name or a mapping {use, settings, label}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return " must be a mapping"
    sentence: str = detail["msg"]
    return f": {sentence[0].lower()}{sentence[1:]}"


def _hint(detail: Mapping[str, Any]) -> str:
    """``Did you mean``, where only some words may stand."""
    if detail["type"] != "literal_error" or not isinstance(detail["input"], str):
        return ""
    return did_you_mean(detail["input"], re.findall("'([^']*)'", detail["ctx"]["expected"]))


def _models_at(model: type[BaseModel], place: Place) -> list[type[BaseModel]]:
    """The models of which one must stand at a place."""
    models = [model]
    for step in place:
        if isinstance(step, str):
            inner: list[type[BaseModel]] = []
            for choice in models:
                if step in choice.model_fields:
                    inner += models_in(choice.model_fields[step].annotation)
            models = inner
    return models


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    """The keys that may stand where the last step of a place stands."""
    models = _models_at(model, place[:-1])
    if len(models) == 1:
        return list(models[0].model_fields)
    return sorted(set(chain.from_iterable(choice.model_fields for choice in models)))


def _meaning(model: type[BaseModel], place: Place) -> str:
    """What the schema says of the key at a place."""
    for choice in _models_at(model, place[:-1]):
        field = choice.model_fields.get(str(place[-1]))
        if field is not None and field.description:
            return f": {field.description}"
    return ""


def resolved(reader: Reader, kind: str, ref: Ref, node: Node, *place: str | int) -> Ref | None:
    """The component, written at ``place`` in the node, with every setting filled in.

    None when the catalog knows no such component or setting, which is noted.
    """
    try:
        component = _component(reader.catalog, kind, ref.use)
    except PluginError as error:
        reader.add(mark_of(node, (*place, "use")), str(error))
        return None
    mistakes = mistakes_in(component, ref.settings)
    known = {setting.name for setting in settings_of(component)}
    for path, sentence in mistakes:
        mark = mark_of(node, (*place, "settings", *path), key=path[0] not in known)
        reader.add(mark, sentence if sentence.endswith(".") else f"{sentence}.")
    return None if mistakes else Ref(use=ref.use, settings=complete(component, ref.settings), label=ref.label)


def _component(catalog: Catalog, kind: str, name: str) -> Component[Any]:
    """A component of the core's own tables, or of the catalog.

    Raises:
        PluginError: there is none of this name.
    """
    if kind not in LISTED:
        return catalog.find(kind, name).component
    if name not in LISTED[kind]:
        raise PluginError(unknown(kind, name, LISTED[kind]))
    return LISTED[kind][name]


def without_clash(reader: Reader, recipe: Recipe | None, node: Node) -> Recipe | None:
    """The recipe, written at the node; that its settings do not go together is noted."""
    for part, sentence in clashes(recipe) if recipe else ():
        reader.add(mark_of(node, (part, "settings")), f"{sentence}.")
    return recipe


def recipe_of(reader: Reader, recipe: Recipe, node: Node) -> Recipe | None:
    """The recipe, written at the node, with its components found and complete, without labels."""
    parts = {part: resolved(reader, part, getattr(recipe, part), node, part) for part in COMPONENTS}
    steps = [resolved(reader, "augment", ref, node, "augment", number) for number, ref in enumerate(recipe.augment)]
    if None in parts.values() or None in steps:
        return None
    augment = tuple(_unlabelled(ref) for ref in steps if ref)
    whole = {part: _unlabelled(ref) for part, ref in parts.items() if ref}
    return recipe.model_copy(update={**whole, "augment": augment})


def _unlabelled(ref: Ref) -> Ref:
    return Ref(use=ref.use, settings=ref.settings)


def protocol_of(reader: Reader, protocol: Protocol, node: Node) -> Protocol | None:
    """The protocol, written at the node, with its split file, if any, found and digested."""
    if not isinstance(protocol.split, SplitFile):
        return protocol
    file = (reader.folder / Path(protocol.split.file).expanduser()).resolve()
    if not file.is_file():
        sentence = f"the split file {protocol.split.file} is missing; it was sought at {file}."
        reader.add(mark_of(node, ("split", "file")), sentence)
        return None
    digest = digest_file(file)
    if protocol.split.digest not in ("", digest):
        sentence = f"the split file has the digest {digest}; it changed, or the digest is wrong."
        reader.add(mark_of(node, ("split", "digest")), sentence)
        return None
    return protocol.model_copy(update={"split": SplitFile(file=str(file), digest=digest)})


def recipe_at(reader: Reader, node: Node) -> Recipe | None:
    """The recipe that is written at the node; None when it has mistakes."""
    recipe, rest = typed(reader, Recipe, node, "recipe")
    found = recipe and recipe_of(reader, recipe, rest)
    return found if rest is node else None


def protocol_at(reader: Reader, node: Node) -> Protocol | None:
    """The protocol that is written at the node; None when it has mistakes."""
    protocol, rest = typed(reader, Protocol, node, "protocol")
    found = protocol and protocol_of(reader, protocol, rest)
    return found if rest is node else None
