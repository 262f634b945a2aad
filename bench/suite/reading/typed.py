"""Located YAML to the types of the schema, then names and settings by the catalog; every mistake keeps its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from bench import home
from bench.canonical import digest_file
from bench.component import complete, mistakes_in, settings_of
from bench.documented import meanings_of
from bench.errors import DataError, PluginError
from bench.suite.cells import COMPONENTS
from bench.suite.reading.yaml import Mark, Mistakes, Node, mark_of, plain, without
from bench.suite.schema import NAME_IN_WORDS, NumbersFile, Protocol, Recipe, Ref, SplitFile
from bench.suite.skipped import LISTED, clashes
from bench.suite.written import models_in
from bench.types import JsonValue
from bench.words import clipped, did_you_mean, unknown

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
    numbers: dict[str, tuple[NumbersFile | None, Mistakes]] = field(default_factory=dict)
    """Files of published numbers with what is wrong in them, by place: the variants of a suite share them."""

    def add(self, mark: Mark, sentence: str) -> None:
        self.mistakes.add(mark, sentence)


def typed(
    reader: Reader | Mistakes, model: type[M], node: Node, name: str = "", spare: Mapping[str, Node] = NOTHING_SPARE
) -> tuple[M | None, Node]:
    """The node, which stands under the key ``name``, as ``model``.

    What is wrong in it is noted and taken out of both, so that the rest is read on; ``spare`` stands in for keys that
    must be there. None when nothing can be read without what is wrong.
    """
    found, wrong = _validated(model, node)
    for detail in wrong:
        reader.add(*_told(model, detail, node, name))
    while found is None:
        place = _place_of(wrong[0])
        lacking = wrong[0]["type"] == "missing"  # then the mapping that lacks a key is taken out
        smaller = without(node, place[:-1] if lacking else place)
        smaller = replace(smaller, value={**spare, **smaller.mapping})
        if smaller == node:
            return None, node
        node = smaller
        found, wrong = _validated(model, node)
    return found, node


def shown(value: JsonValue) -> str:
    """A value as the user wrote it, at most 60 characters."""
    return clipped(json.dumps(value, ensure_ascii=False), 60)


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


def _told(model: type[BaseModel], detail: Mapping[str, Any], node: Node, name: str) -> tuple[Mark, str]:
    """The mark and the sentence of one mistake that pydantic found."""
    place, kind = _place_of(detail), detail["type"]
    *above, last = [name, *place]
    parent = ".".join(str(step) for step in above if step != "")
    dotted = f"{parent}.{last}" if parent else str(last)
    if kind == "extra_forbidden":
        what = f"key of {parent}:" if parent else "key"
        return mark_of(node, place, key=True), unknown(what, str(last), _keys_at(model, place))
    if kind == "missing":
        told = _keys_at(model, place)[str(last)]
        meaning = f": {told}" if told else ""
        return mark_of(node, place[:-1]), f"{parent or 'the file'} needs the key {last!r}{meaning}."
    if kind == "value_error":
        return mark_of(node, place), f"{dotted}: {detail['ctx']['error']}."
    hint = ""
    if kind == "literal_error" and isinstance(detail["input"], str):
        hint = did_you_mean(detail["input"], re.findall("'([^']*)'", detail["ctx"]["expected"]))
    return mark_of(node, place), f"{dotted}{_words(detail)}, got {shown(detail['input'])}.{hint}"


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


def _keys_at(model: type[BaseModel], place: Place) -> dict[str, str]:
    """The keys that may stand where the last step of a place stands, each with what it means."""
    models = _models_at(model, place[:-1])
    keys = dict(chain.from_iterable(meanings_of(choice).items() for choice in reversed(models)))
    return keys if len(models) == 1 else dict(sorted(keys.items()))


def resolved(reader: Reader, kind: str, ref: Ref, node: Node, *place: str | int) -> Ref | None:
    """The component, written at ``place`` in the node, with every setting filled in.

    None when the catalog knows no such component or setting, which is noted.
    """
    component = LISTED.get(kind, {}).get(ref.use)
    try:
        if kind not in LISTED:
            component = reader.catalog.find(kind, ref.use).component
    except PluginError as error:
        reader.add(mark_of(node, (*place, "use")), str(error))
        return None
    if component is None:
        reader.add(mark_of(node, (*place, "use")), unknown(kind, ref.use, LISTED[kind]))
        return None
    mistakes = mistakes_in(component, ref.settings)
    known = {setting.name for setting in settings_of(component)}
    for path, sentence in mistakes:
        mark = mark_of(node, (*place, "settings", *path), key=path[0] not in known)
        reader.add(mark, sentence if sentence.endswith(".") else f"{sentence}.")
    return None if mistakes else Ref(use=ref.use, settings=complete(component, ref.settings), label=ref.label)


def all_resolved(
    reader: Reader, kind: str, refs: Sequence[Ref], node: Node, *place: str | int
) -> tuple[Ref, ...] | None:
    """Components written at ``place`` in the node, each as by :func:`resolved`; None when one of them has mistakes."""
    found = [resolved(reader, kind, ref, node, *place, number) for number, ref in enumerate(refs)]
    whole = tuple(ref for ref in found if ref)
    return whole if len(whole) == len(found) else None


def without_clash(reader: Reader, recipe: Recipe | None, node: Node) -> Recipe | None:
    """The recipe, written at the node; that its settings do not go together is noted."""
    for part, sentence in clashes(recipe) if recipe else ():
        reader.add(mark_of(node, (part, "settings")), f"{sentence}.")
    return recipe


def recipe_of(reader: Reader, recipe: Recipe, node: Node) -> Recipe | None:
    """The recipe, written at the node, with its components found and complete, without labels."""
    parts = {part: resolved(reader, part, getattr(recipe, part), node, part) for part in COMPONENTS}
    steps = all_resolved(reader, "augment", recipe.augment, node, "augment")
    if None in parts.values() or steps is None:
        return None
    unlabelled = {"label": None}
    whole = {part: ref.model_copy(update=unlabelled) for part, ref in parts.items() if ref}
    augment = tuple(ref.model_copy(update=unlabelled) for ref in steps)
    return recipe.model_copy(update={**whole, "augment": augment})


def protocol_of(reader: Reader, protocol: Protocol, node: Node) -> Protocol | None:
    """The protocol, written at the node, with its split file, if any, found and digested."""
    if not isinstance(protocol.split, SplitFile):
        return protocol
    try:
        file = home.resolved(reader.folder / home.expanded(protocol.split.file))
    except DataError as error:
        reader.add(mark_of(node, ("split", "file")), f"{error}.")
        return None
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
