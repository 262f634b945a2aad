"""A resolved suite, and ``suite.json``: the same as JSON and back, without catalog or plugins.

Ids are stored, not made again: a later version that knows more settings still reads an older run. Values, recipes and
protocols are stored once and cells point at them, so 100,000 cells take about 35 MB. A stored suite may come from
anywhere: every part is checked, and above all the names that files are called by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bench.canonical import canonical, printable
from bench.errors import StoreError
from bench.suite.cells import AXES, Cell, Value
from bench.suite.schema import Board, Pretrain, Protocol, Published, Recipe, Ref, Runtime, Strict, SuiteName
from bench.types import JsonValue

PARTS = (*AXES, "recipe", "protocol")
"""What cells share: each is stored once."""

SCHEMA = 2
"""Raised when an older file cannot be read as it is."""


@dataclass(frozen=True, slots=True)
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
    profile: str | None
    profile_reason: str
    notes: tuple[str, ...]
    cells: tuple[Cell, ...]
    hash: str
    paired: tuple[tuple[str, ...], ...] = ()
    reference: Published | None = None

    def resolved(self) -> dict[str, JsonValue]:
        """The suite as JSON for ``runs/<name>/suite.json``; :func:`suite_from_json` reads it without any plugin."""
        tables = {part: _Table() for part in PARTS}
        cells = []
        for cell in self.cells:
            row: dict[str, JsonValue] = {name: getattr(cell, name) for name in _Row.model_fields if name != "at"}
            row["at"] = [table.number(getattr(cell, part)) for part, table in tables.items()]
            cells.append(row)
        shared = SHARED.dump_python(replace(self, cells=()), mode="json")
        rows = {part: table.rows for part, table in tables.items()}
        return {"schema": SCHEMA, **shared, "tables": rows, "cells": cells}


@dataclass(slots=True)
class _Table:
    """Values in order of arrival; cells share their parts, so an object met before is not looked into again."""

    rows: list[JsonValue] = field(default_factory=list)
    met: dict[int, int] = field(default_factory=dict)

    def number(self, value: Any) -> int:
        if id(value) not in self.met:
            self.met[id(value)] = len(self.rows)
            self.rows.append(_plain(value))
        return self.met[id(value)]


SHARED = TypeAdapter(Suite)
"""Everything of a suite but its cells, as JSON and back."""

MODELS: Mapping[str, type[Strict]] = {"dataset": Ref, "crop": Ref, "model": Ref, "recipe": Recipe, "protocol": Protocol}


class _Checked(BaseModel):
    """Types as they were written; a key that this version does not know is left."""

    model_config = ConfigDict(strict=True, frozen=True)


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
        shown = repr(first["input"])
        got = f", got {shown if len(shown) <= 60 else shown[:57] + '...'}" if first["type"] != "missing" else ""
        return printable(f"{where or error.title}: {first['msg'].removeprefix('Value error, ')}{got}")
    return printable(" ".join(f"{type(error).__name__}: {error}".split()))


def _suite(stored: Mapping[str, JsonValue]) -> Suite:
    shared = SHARED.validate_json(canonical({**stored, "cells": []}), strict=True)
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


def _plain(value: Any) -> JsonValue:
    if isinstance(value, Strict):
        return value.model_dump(mode="json")
    return [_plain(ref) for ref in value] if isinstance(value, tuple) else value


def typed_value(axis: str, value: JsonValue) -> Any:
    """What stands on an axis, or is a recipe or protocol, from plain JSON."""
    if axis in MODELS:
        return _model(MODELS[axis], value)
    if axis == "pretrain":
        return None if value is None else _model(Pretrain, value)
    if axis in ("crop_size", "seed") and type(value) is not int:
        raise TypeError(f"{axis} {value!r} is no whole number")
    return tuple(_model(Ref, step) for step in value) if axis == "preprocess" else value


def _model(model: Any, value: JsonValue) -> Any:
    return model.model_validate_json(canonical(value))
