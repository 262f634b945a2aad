"""A suite: the YAML file with every name and setting resolved, or all of its mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.canonical import digest
from bench.errors import PluginError, SuiteError
from bench.machine import why_no_device
from bench.suite.cells import Cell, Exclusion, Extra, Grid, expand
from bench.suite.reading.grid import Axes, ordered, read_axes
from bench.suite.reading.layers import KEYS, Choice, check_keys, choose, layered, profiles_of, read_file, read_overrides
from bench.suite.reading.mistakes import Mistakes
from bench.suite.reading.reference import reference_of
from bench.suite.reading.rules import Conditions, read_exclusions, read_extras
from bench.suite.reading.sections import (
    Objections,
    Reader,
    board_of,
    check_reference_row,
    locator,
    protocol_of,
    shown,
    typed,
    written_recipe,
)
from bench.suite.reading.values import Base
from bench.suite.reading.yaml import Node, plain
from bench.suite.resolved import Suite, suite_from_json
from bench.suite.schema import Board, Protocol, Published, Recipe, Runtime
from bench.words import unknown

if TYPE_CHECKING:
    from bench.catalog import Catalog

__all__ = ["Suite", "cells", "load_suite", "suite_from_json"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def load_suite(path: Path, catalog: Catalog, *, profile: str | None = None, overrides: Sequence[str] = ()) -> Suite:
    """Read a suite file, lay the profile and ``-x KEY=VALUE`` over it, and resolve everything.

    Every profile of the file is read, not only the chosen one, so that no mistake waits for another machine.
    An exclude is idle, a mistake, only if it matches nothing in the suite as written and in all of its profiles.

    Raises:
        SuiteError: with every mistake as ``file:line:column: sentence``; those of overrides as ``-x argument n: ...``.
    """
    mistakes = Mistakes()
    root = read_file(path, mistakes)
    check_keys(root, KEYS, "key", mistakes)
    profiles = profiles_of(root, mistakes)
    choice = choose(tuple(profiles), profile, mistakes)
    changes = read_overrides(overrides, mistakes)
    chosen = [profiles[choice.profile]] if choice.profile else []
    conditions = Conditions()
    read = _read(Reader(catalog, path.parent, mistakes), layered(root, [*chosen, *changes], mistakes), conditions)
    _read_variants(read.reader, root, profiles, choice, conditions)
    for mark, sentence in conditions.never_matched():
        mistakes.add(mark, sentence)
    mistakes.check()
    return _suite(read, path, choice)


def _read_variants(
    reader: Reader, root: Node, profiles: Mapping[str, Node], choice: Choice, conditions: Conditions
) -> None:
    """Read the suite as written and with each profile; what only another profile has wrong is added with its name."""
    for name, layers in [(None, []), *((name, [layer]) for name, layer in profiles.items())]:
        aside = Mistakes()
        _read(replace(reader, mistakes=aside), layered(root, layers, aside), conditions)
        if name not in (None, choice.profile):
            reader.mistakes.add_new(aside, f" (in the profile {name!r})")


@dataclass(frozen=True, slots=True)
class _Read:
    """A suite as far as it could be read; a part with mistakes is None or its default."""

    reader: Reader
    root: Node
    base: Base
    axes: Axes
    exclusions: tuple[Exclusion, ...]
    extras: tuple[Extra, ...]
    board: Board
    reference: Published | None
    runtime: Runtime
    data: Mapping[str, str]


def _read(reader: Reader, root: Node, conditions: Conditions) -> _Read:
    """Read every part, so that the mistakes of all parts are found together."""
    _check_texts(reader, root)
    base = Base(_recipe(reader, root), _protocol(reader, root))
    axes = read_axes(reader, root, base)
    board = board_of(reader, _section(root, "board"), [a for a in ordered(axes.values) if a not in axes.tuned])
    alone = any(set(block[0]) == {board.rows} for block in axes.blocks)  # paired axes have joint labels
    if alone:
        labels = [value.label for value in axes.values[board.rows] or ()]
        check_reference_row(reader, _section(root, "board"), board, labels)
    return _Read(
        reader=reader,
        root=root,
        base=base,
        axes=axes,
        exclusions=read_exclusions(reader, root, axes, conditions),
        extras=read_extras(reader, root, axes, base),
        board=board,
        reference=reference_of(reader, root, axes.blocks, board, conditions),
        runtime=_runtime(reader, _section(root, "runtime")),
        data=_data(reader, root),
    )


def _runtime(reader: Reader, node: Node) -> Runtime:
    locate = locator(node)
    runtime = typed(reader, Runtime, plain(node), "runtime", locate) or Runtime()
    why = why_no_device(runtime.device) if runtime.device is not None else None
    if why:
        reader.add(locate(("device",)), f"runtime.device: {why}.")
    return runtime


def _section(root: Node, key: str) -> Node:
    """The node of a section; an absent or empty one is an empty mapping."""
    node = root.mapping.get(key)
    return node if node and node.value is not None else Node(root.mark, {})


def _recipe(reader: Reader, root: Node) -> Recipe:
    node = _section(root, "recipe")
    return written_recipe(reader, plain(node), locator(node)) or Recipe()


def _protocol(reader: Reader, root: Node) -> Protocol:
    node = _section(root, "protocol")
    return protocol_of(reader, plain(node), locator(node)) or Protocol()


def _check_texts(reader: Reader, root: Node) -> None:
    name, description = root.mapping.get("name"), root.mapping.get("description")
    if name is None:
        reader.add(root.mark, "a suite needs a 'name'; it names the folder of the results.")
    elif not isinstance(name.value, str) or not _NAME.fullmatch(name.value):
        reader.add(name.mark, f"name must be letters, digits, '.', '_' and '-', got {shown(plain(name))}.")
    if description and not isinstance(description.value, str | None):
        reader.add(description.mark, f"description must be text, got {shown(plain(description))}.")


def _data(reader: Reader, root: Node) -> dict[str, str]:
    """Data set to absolute folder: relative ones start at the suite's folder, those of ``-x`` at the current one."""
    node = _section(root, "data")
    if not isinstance(node.value, Mapping):
        reader.add(node.mark, "data must be a mapping of data sets to folders.")
    folders = {}
    for name, folder in node.mapping.items():
        if name not in reader.catalog.names("dataset"):
            reader.add(node.keys[name], unknown("data set", name, reader.catalog.names("dataset")))
        elif not isinstance(folder.value, str):
            reader.add(folder.mark, f"data.{name} must be a folder, got {shown(plain(folder))}.")
        else:
            start = reader.folder if folder.mark.line else Path()
            folders[name] = str((start / Path(folder.value).expanduser()).resolve())
    return folders


def _suite(read: _Read, path: Path, choice: Choice) -> Suite:
    """Expand what was read without mistakes."""
    axes, base, tuned = read.axes, read.base, read.axes.tuned
    levels = {axis: values for axis, values in axes.values.items() if values is not None}
    objections = Objections(read.reader.catalog)
    grid = Grid(axes.blocks, read.exclusions, read.extras, base.recipe, base.protocol, tuned, objections.why_not)
    try:
        cells, notes = expand(grid)
    except PluginError as error:
        raise SuiteError([f"{path}: {error}"]) from error
    description = read.root.mapping.get("description")
    return Suite(
        name=str(read.root.mapping["name"].value),
        path=path,
        description=str(description.value) if description and description.value else None,
        data=read.data,
        axes={axis: levels[axis] for axis in ordered(levels) if axis not in tuned},
        recipe=base.recipe,
        protocol=base.protocol,
        board=read.board,
        runtime=read.runtime,
        tune={axis: tuple(value.value for value in levels[axis]) for axis in tuned},
        profile=choice.profile,
        profile_reason=choice.reason,
        notes=notes,
        cells=cells,
        hash=_hash(cells, read.board),
        paired=tuple(tuple(block[0]) for block in axes.blocks if block and len(block[0]) > 1),
        reference=read.reference,
    )


def _hash(cells: Sequence[Cell], board: Board) -> str:
    ids = sorted(cell.id for cell in cells if cell.excluded is None)
    return digest({"cells": ids, "board": board.model_dump(mode="json", exclude_none=True)})


def cells(suite: Suite) -> tuple[Cell, ...]:
    """Every cell of a suite, excluded and skipped ones too, in the order of :mod:`bench.suite.cells`."""
    return suite.cells
