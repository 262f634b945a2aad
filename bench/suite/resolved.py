"""A resolved suite, and ``suite.json``: the same as JSON and back, without catalog or plugins.

Ids are stored, not made again: a later version that knows more settings still reads an older run. Values, recipes and
protocols are stored once and cells point at them, so 100,000 cells take about 35 MB. A stored suite may come from
anywhere: every part is checked, and above all the names that files are called by.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import to_jsonable_python

from bench.canonical import canonical, printable
from bench.errors import StoreError
from bench.suite.cells import AXES, Cell, Value
from bench.suite.schema import Board, Protocol, Published, Recipe, Runtime, SuiteName
from bench.types import JsonValue
from bench.words import clipped

PARTS = (*AXES, "recipe", "protocol")
"""What cells share: each is stored once."""

SCHEMA = 2
"""Raised when an older file cannot be read as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What is run: the shared parts, the axes in order, and every cell.

    ``axes`` hold the values of the cross product (included cells may have others). ``tune`` maps each tuned recipe path
    to its values: the board shows, for equal other labels, the trial of best mean validation score over seeds.
    ``profile`` was chosen for the reason in ``profile_reason``. ``notes`` are to be shown by ``plan``.
    ``hash`` is the digest of the ids of all cells that are not excluded, and of the board. ``paired`` are the groups of
    axes that advance together; ``reference`` are published numbers, by the labels of the leaderboard.
    """

    name: SuiteName
    path: Path
    description: str | None
    data: Mapping[str, str]
    axes: Mapping[str, tuple[Value, ...]]
    recipe: Recipe
    protocol: Protocol
    board: Board
    runtime: Runtime
    tune: Mapping[str, tuple[JsonValue, ...]]
    profile: str | None = None
    profile_reason: str = ""
    notes: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    hash: str
    paired: tuple[tuple[str, ...], ...] = ()
    reference: Published | None = None

    def resolved(self) -> dict[str, JsonValue]:
        """The suite as JSON for ``runs/<name>/suite.json``; :func:`suite_from_json` reads it without any plugin."""
        met: dict[str, dict[int, tuple[int, Any]]] = {part: {} for part in PARTS}  # cells share parts
        cells = []
        for cell in self.cells:
            row: dict[str, JsonValue] = {name: getattr(cell, name) for name in _Row.model_fields if name != "at"}
            row["at"] = []
            for part, values in met.items():
                value = getattr(cell, part)
                number, _ = values.setdefault(id(value), (len(values), value))
                row["at"].append(number)
            cells.append(row)
        tables = {}
        for part, values in met.items():
            tables[part] = [to_jsonable_python(value) for _, value in values.values()]
        shared = _shared().dump_python(replace(self, cells=()), mode="json")
        return {"schema": SCHEMA, **shared, "tables": tables, "cells": cells}


@cache
def _shared() -> TypeAdapter[Suite]:
    """Everything of a suite but its cells, as JSON and back; made when a suite is stored or read, as the next is."""
    return TypeAdapter(Suite)


class _Checked(BaseModel):
    """Types as they were written; a key that this version does not know is left."""

    model_config = ConfigDict(strict=True, frozen=True)


@cache
def _part() -> type[BaseModel]:
    """What cells share, each by itself, as :class:`Cell` has it."""
    kinds: dict[str, Any] = {part: (kind, None) for part, kind in get_type_hints(Cell).items() if part in PARTS}
    return create_model("part", __base__=_Checked, **kinds)


class _Row(_Checked):
    id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    at: list[Annotated[int, Field(ge=0)]]
    labels: dict[str, str]
    tuned: dict[str, Any]
    excluded: str | None
    skipped: str | None
    included: bool


class _Stored(_Checked):
    tables: dict[str, list[Any]]
    cells: list[_Row]


def suite_from_json(stored: JsonValue) -> Suite:
    """The suite that :meth:`Suite.resolved` made.

    Raises:
        StoreError: another schema number, or something missing, of the wrong type, or no name of a file.
    """
    schema = stored.get("schema") if isinstance(stored, Mapping) else None
    if schema != SCHEMA:
        raise StoreError(f"the stored suite has schema {schema!r}, this version reads {SCHEMA}; run it again")
    try:
        return _suite(stored)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StoreError(f"the stored suite is damaged: {problem(error)}; run the suite again") from error


def problem(error: Exception) -> str:
    """What was wrong with stored content, in one line; of several things the first."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"] if not str(step).startswith("<"))
        got = f", got {clipped(repr(first['input']), 60)}" if first["type"] != "missing" else ""
        return printable(f"{where or error.title}: {first['msg'].removeprefix('Value error, ')}{got}")
    return printable(" ".join(f"{type(error).__name__}: {error}".split()))


def _suite(stored: Mapping[str, JsonValue]) -> Suite:
    text = json.dumps({**stored, "cells": []}, allow_nan=False)  # not canonical: axes have an order
    shared = _shared().validate_json(text, strict=True)
    axes = {}
    for axis, values in shared.axes.items():
        axes[axis] = tuple(replace(value, value=typed_value(axis, value.value)) for value in values)
    return replace(shared, axes=axes, cells=tuple(_cells(_Stored.model_validate(stored))))


def _cells(stored: _Stored) -> Iterator[Cell]:
    tables = {part: [typed_value(part, row) for row in stored.tables[part]] for part in PARTS}
    for row in stored.cells:
        at = zip(tables.items(), row.at, strict=True)
        parts = {part: rows[number] for (part, rows), number in at}
        yield Cell(**parts, **row.model_dump(exclude={"at"}))


def typed_value(axis: str, value: JsonValue) -> Any:
    """What stands on an axis, or is a recipe or protocol, from plain JSON; that of a dotted path is plain itself."""
    return getattr(_part().model_validate_json(canonical({axis: value})), axis) if axis in PARTS else value
