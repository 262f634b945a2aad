"""Located YAML to typed parts: recipe, protocol, board, run time, and components checked with the catalog."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from bench.canonical import canonical, digest_file
from bench.component import Component, build, complete, mistakes_in, settings_of, why_not
from bench.errors import PluginError, SettingsError
from bench.scores import facts, is_of_a_part, split_scores
from bench.suite.cells import COMPONENTS, Cell, source_of
from bench.suite.optimisers import OPTIMISERS
from bench.suite.reading.mistakes import Mark, Mistakes
from bench.suite.reading.yaml import Node, mark_of, plain
from bench.suite.schedules import SCHEDULES
from bench.suite.schema import (
    Board,
    Protocol,
    Recipe,
    Ref,
    SplitFile,
    Strict,
)
from bench.types import JsonValue
from bench.words import did_you_mean, unknown

if TYPE_CHECKING:
    from bench.catalog import Catalog

M = TypeVar("M", bound=Strict)
Path_ = tuple[str | int, ...]
Locate = Callable[..., Mark]
"""``locate(path, key=False)``: mark of the value (or of the key) at a path."""
LISTED: Mapping[str, Mapping[str, Component[Any]]] = {"optimiser": OPTIMISERS, "schedule": SCHEDULES}
"""Parts of a recipe that the core has tables of; their builders need no torch."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading needs: the catalog, the folder that relative paths start from, and where mistakes go."""

    catalog: Catalog
    folder: Path
    mistakes: Mistakes

    def add(self, mark: Mark, sentence: str) -> None:
        self.mistakes.add(mark, sentence)


def locator(node: Node) -> Locate:
    """Find marks inside one node."""

    def locate(path: Sequence[str | int], *, key: bool = False) -> Mark:
        return mark_of(node, path, key=key)

    return locate


def typed(reader: Reader, model: type[M], value: JsonValue, name: str, locate: Locate) -> M | None:
    """The value as ``model``, which stands under the key ``name``; None when it has mistakes, each noted."""
    try:
        return model.model_validate_json(canonical(value))
    except ValidationError as error:
        for detail in error.errors():
            path = tuple(step for step in detail["loc"] if not str(step).startswith("<"))
            reader.add(*_located(model, dict(detail), path, name, locate))
    return None


def _located(
    model: type[BaseModel], detail: Mapping[str, Any], path: Path_, name: str, locate: Locate
) -> tuple[Mark, str]:
    dotted = ".".join([name, *map(str, path)])
    kind = detail["type"]
    if kind == "extra_forbidden":
        return locate(path, key=True), unknown(
            f"key of {dotted.rpartition('.')[0]}:", str(path[-1]), _fields(model, path)
        )
    if kind == "missing":
        return locate(path[:-1]), f"{dotted.rpartition('.')[0]} needs the key {path[-1]!r}."
    if kind in ("model_type", "model_attributes_type"):
        return locate(path), f"{dotted} must be a mapping, got {shown(detail['input'])}."
    hint = ""
    if kind == "literal_error" and isinstance(detail["input"], str):
        hint = did_you_mean(detail["input"], re.findall("'([^']*)'", detail["ctx"]["expected"]))
    sentence = detail["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return locate(path), f"{dotted}: {sentence}."
    return locate(path), f"{dotted}: {sentence[0].lower()}{sentence[1:]}, got {shown(detail['input'])}.{hint}"


def _fields(model: type[BaseModel], path: Path_) -> list[str]:
    """The keys that may stand where the last step of ``path`` stands."""
    for step in path[:-1]:
        if not isinstance(step, str) or step not in model.model_fields:
            continue
        nested = list(models_in(model.model_fields[step].annotation))
        if not nested:
            return []
        if len(nested) > 1:
            return sorted({field for choice in nested for field in choice.model_fields})
        model = nested[0]
    return list(model.model_fields)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The pydantic models inside a type, through unions, tuples and annotations."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def shown(value: JsonValue) -> str:
    """A value as the user wrote it, at most 60 characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def component(reader: Reader, kind: str, node: Node) -> Ref | None:
    """A component from ``name`` or ``{use, settings, label}``: found in the catalog, every setting filled in."""
    if not isinstance(node.value, str | Mapping):
        reader.add(node.mark, f"a {kind} is a name or a mapping {{use, settings, label}}, got {shown(plain(node))}.")
        return None
    ref = typed(reader, Ref, plain(node), kind, locator(node))
    return ref and resolved(reader, kind, ref, locator(node))


def resolved(reader: Reader, kind: str, ref: Ref, locate: Locate) -> Ref | None:
    """The ref with every setting filled in; None when the catalog knows no such component or setting."""
    try:
        found: Component[Any] = reader.catalog.find(kind, ref.use).component
    except PluginError as error:
        reader.add(locate(("use",)), str(error))
        return None
    return completed(reader, found, ref, locate)


def listed(reader: Reader, what: str, table: Mapping[str, Component[Any]], ref: Ref, locate: Locate) -> Ref | None:
    """The same for a component of the core's own table."""
    if ref.use not in table:
        reader.add(locate(("use",)), unknown(what, ref.use, table))
        return None
    return completed(reader, table[ref.use], ref, locate)


def completed(reader: Reader, found: Component[Any], ref: Ref, locate: Locate) -> Ref | None:
    """The ref with every setting of the component filled in; None when a setting has a mistake."""
    mistakes = mistakes_in(found, ref.settings)
    known = {setting.name for setting in settings_of(found)}
    for path, sentence in mistakes:
        mark = locate(("settings", *path), key=path[0] not in known)
        reader.add(mark, sentence if sentence.endswith(".") else f"{sentence}.")
    return None if mistakes else Ref(use=ref.use, settings=complete(found, ref.settings), label=ref.label)


def clashes(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Parts of a complete recipe whose settings do not go together, each with what its builder says."""
    for part, table in LISTED.items():
        ref: Ref = getattr(recipe, part)
        try:
            build(table[ref.use], settings=ref.settings)
        except SettingsError as error:
            yield part, str(error)


def written_recipe(reader: Reader, value: JsonValue, locate: Locate) -> Recipe | None:
    """A recipe as :func:`recipe_of`; that settings do not go together is noted too."""
    recipe = recipe_of(reader, value, locate)
    for part, sentence in clashes(recipe) if recipe else ():
        reader.add(locate((part, "settings")), f"{sentence}.")
    return recipe


def recipe_of(reader: Reader, value: JsonValue, locate: Locate) -> Recipe | None:
    """A recipe whose components are found and complete, without labels; each setting is right by itself."""
    recipe = typed(reader, Recipe, value, "recipe", locate)
    if recipe is None:
        _check_components(reader, value, locate)
        return None
    return _with_components(reader, recipe, locate)


def _check_components(reader: Reader, value: JsonValue, locate: Locate) -> None:
    """Note what is wrong with the components of a recipe that has other mistakes too."""
    aside = replace(reader, mistakes=Mistakes())
    for key in (*COMPONENTS, "augment"):
        if isinstance(value, dict) and key in value:
            alone = typed(aside, Recipe, {key: value[key]}, "recipe", locate)
            if alone:
                _with_components(reader, alone, locate)


def _with_components(reader: Reader, recipe: Recipe, locate: Locate) -> Recipe | None:
    def at(*path: str | int) -> Locate:
        return lambda inner, key=False: locate((*path, *inner), key=key)

    parts = {
        "loss": resolved(reader, "loss", recipe.loss, at("loss")),
    }
    parts |= {part: listed(reader, part, table, getattr(recipe, part), at(part)) for part, table in LISTED.items()}
    augment = [resolved(reader, "augment", ref, at("augment", number)) for number, ref in enumerate(recipe.augment)]
    if None in parts.values() or None in augment:
        return None
    steps = tuple(_unlabelled(ref) for ref in augment if ref)
    return recipe.model_copy(update={name: _unlabelled(ref) for name, ref in parts.items() if ref} | {"augment": steps})


def _unlabelled(ref: Ref) -> Ref:
    return Ref(use=ref.use, settings=ref.settings)


def protocol_of(reader: Reader, value: JsonValue, locate: Locate) -> Protocol | None:
    """A protocol whose split file, if any, is found and digested."""
    protocol = typed(reader, Protocol, value, "protocol", locate)
    if protocol is None or not isinstance(protocol.split, SplitFile):
        return protocol
    file = (reader.folder / Path(protocol.split.file).expanduser()).resolve()
    if not file.is_file():
        reader.add(
            locate(("split", "file")), f"the split file {protocol.split.file} is missing; it was sought at {file}."
        )
        return None
    found = digest_file(file)
    if protocol.split.digest not in ("", found):
        reader.add(
            locate(("split", "digest")), f"the split file has the digest {found}; it changed, or the digest is wrong."
        )
        return None
    return protocol.model_copy(update={"split": SplitFile(file=str(file), digest=found)})


def board_of(reader: Reader, node: Node, axes: Sequence[str]) -> Board:
    """A board whose rows and columns are axes and whose values are known; the default one when it has mistakes."""
    board = typed(reader, Board, plain(node), "board", locator(node))
    if board is None:
        return Board()
    for side, axis in (("rows", board.rows), ("columns", board.columns)):
        if axis not in axes:
            reader.add(mark_of(node, (side,)), unknown("axis", axis, axes))
    if board.rows == board.columns:
        reader.add(mark_of(node, ("columns",)), f"rows and columns both show {board.rows!r}; they must differ.")
    for number, value in enumerate(board.values):
        sentence = value_mistake(value, reader.catalog.names("metric"))
        if sentence:
            reader.add(mark_of(node, ("values", number)), sentence)
    return board


def check_reference_row(reader: Reader, node: Node, board: Board, labels: Sequence[str]) -> None:
    """Note a reference that is no row; ``node`` is the board's."""
    if board.reference is not None and board.reference not in labels:
        reader.add(mark_of(node, ("reference",)), unknown("row", board.reference, labels))


def value_mistake(value: str, metrics: Sequence[str]) -> str | None:
    """What is wrong with a board value such as ``f1@test``, or None; ``metrics`` are those of plugins."""
    scores = (*split_scores(), *metrics)
    name, at, split = value.partition("@")
    if not at:
        hint = f" Did you mean '{name}@test'?" if name in scores else ""
        return (
            None if name in facts() else unknown("value", name, facts())[:-1] + f", or a score such as f1@test.{hint}"
        )
    if not (name in scores or is_of_a_part(name)):
        return unknown("score", name, sorted(set(scores)))
    return None if split in ("validation", "test") else unknown("split", split, ("validation", "test"))


@dataclass(frozen=True, slots=True)
class Objections:
    """Asks the components of a cell whether they can be used together, as far as that is known without data."""

    catalog: Catalog

    def why_not(self, cell: Cell) -> str | None:
        """The first reason, of the cell itself or of one of its components, or None.

        Raises:
            PluginError: a component's ``supports`` itself fails.
        """
        source = source_of(cell)
        if source is None:
            return _needs_pretraining(cell) or self._of_components(cell)
        reason = _nothing_to_learn(source) or self._of_components(source)
        return f"pretraining on {source.dataset.use}: {reason}" if reason else self._of_components(cell)

    def _of_components(self, cell: Cell) -> str | None:
        asked: list[tuple[str, Ref, tuple[int, ...]]] = [("preprocess", step, ()) for step in cell.preprocess]
        asked += [("crop", cell.crop, (cell.crop_size,)), ("loss", cell.recipe.loss, ())]
        asked += [("augment", step, ()) for step in cell.recipe.augment]
        reasons = (self._reason(kind, ref, context) for kind, ref, context in asked)
        apart = (f"{part} {sentence}" for part, sentence in clashes(cell.recipe))
        return next((reason for reason in chain(reasons, apart) if reason), None)

    def _reason(self, kind: str, ref: Ref, context: tuple[int, ...]) -> str | None:
        reason = why_not(self.catalog.find(kind, ref.use).component, *context, settings=ref.settings)
        return f"{kind} {ref.use}: {reason}" if reason else None


def _needs_pretraining(cell: Cell) -> str | None:
    """Why a cell without a source cannot be, or None."""
    if cell.protocol.threshold == "source":
        return "the threshold 'source' is that of a pretraining run, and this cell has none"
    return _nothing_to_learn(cell)


def _nothing_to_learn(cell: Cell) -> str | None:
    return None if cell.recipe.epochs else "0 epochs train nothing, and no pretraining run gives the weights"
