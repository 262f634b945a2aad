"""A resolved suite, and ``suite.json``: the same as JSON and back, without catalog or plugins.

Ids are stored, not made again: a later version that knows more settings still reads an older run. Values, recipes and
protocols are stored once and cells point at them, so 100,000 cells take about 35 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.canonical import canonical
from bench.errors import StoreError
from bench.suite.cells import AXES, Cell, Value
from bench.suite.schema import Board, Protocol, Recipe, Ref, Runtime, Strict
from bench.types import JsonValue

SCHEMA = 1
"""Raised when an older file cannot be read as it is."""


@dataclass(frozen=True, slots=True)
class Suite:
    """What is run: the shared parts, the axes in order, and every cell.

    ``axes`` hold the values of the cross product (included cells may have others). ``tune`` maps each tuned recipe path
    to its values: the board shows, for equal other labels, the trial of best mean validation score over seeds.
    ``profile`` was chosen for the reason in ``profile_reason``. ``notes`` are to be shown by ``plan``.
    ``hash`` is the digest of the ids of all cells that are not excluded, and of the board.
    """

    name: str
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

    def resolved(self) -> dict[str, JsonValue]:
        """The suite as JSON for ``runs/<name>/suite.json``; :func:`suite_from_json` reads it without any plugin."""
        return _to_json(self)


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


def _to_json(suite: Suite) -> dict[str, JsonValue]:
    parts = (*AXES, "recipe", "protocol")
    tables = {part: _Table() for part in parts}
    cells = [
        {
            "id": cell.id,
            "at": [tables[part].number(getattr(cell, part)) for part in parts],
            "labels": dict(cell.labels),
            "tuned": dict(cell.tuned),
            "excluded": cell.excluded,
            "skipped": cell.skipped,
            "included": cell.included,
        }
        for cell in suite.cells
    ]
    return {
        "schema": SCHEMA,
        "name": suite.name,
        "path": str(suite.path),
        "description": suite.description,
        "data": dict(suite.data),
        "axes": {
            axis: [{"value": _plain(v.value), "label": v.label, "asked": v.asked.decode()} for v in vs]
            for axis, vs in suite.axes.items()
        },
        "recipe": suite.recipe.model_dump(mode="json"),
        "protocol": suite.protocol.model_dump(mode="json"),
        "board": suite.board.model_dump(mode="json"),
        "runtime": suite.runtime.model_dump(mode="json"),
        "tune": {path: list(values) for path, values in suite.tune.items()},
        "profile": suite.profile,
        "profile_reason": suite.profile_reason,
        "notes": list(suite.notes),
        "hash": suite.hash,
        "tables": {name: table.rows for name, table in tables.items()},
        "cells": cells,
    }


def suite_from_json(stored: Mapping[str, JsonValue]) -> Suite:
    """The suite that :meth:`Suite.resolved` made.

    Raises:
        StoreError: another schema number, or something missing or of the wrong type.
    """
    if stored.get("schema") != SCHEMA:
        raise StoreError(
            f"the stored suite has schema {stored.get('schema')!r}, this version reads {SCHEMA}; run it again"
        )
    try:
        return _suite(stored)
    except (KeyError, IndexError, TypeError, ValidationError) as error:
        reason = " ".join(str(error).split())
        raise StoreError(
            f"the stored suite is damaged: {type(error).__name__}: {reason}; run the suite again"
        ) from error


def _suite(stored: Mapping[str, JsonValue]) -> Suite:
    axes = {
        axis: tuple(Value(_typed(axis, item["value"]), item["label"], item["asked"].encode()) for item in items)
        for axis, items in stored["axes"].items()
    }
    return Suite(
        name=stored["name"],
        path=Path(stored["path"]),
        description=stored["description"],
        data=stored["data"],
        axes=axes,
        recipe=_model(Recipe, stored["recipe"]),
        protocol=_model(Protocol, stored["protocol"]),
        board=_model(Board, stored["board"]),
        runtime=_model(Runtime, stored["runtime"]),
        tune={path: tuple(values) for path, values in stored["tune"].items()},
        profile=stored["profile"],
        profile_reason=stored["profile_reason"],
        notes=tuple(stored["notes"]),
        cells=_cells(stored),
        hash=stored["hash"],
    )


def _cells(stored: Mapping[str, JsonValue]) -> tuple[Cell, ...]:
    tables = stored["tables"]
    values: dict[str, list[Any]] = {axis: [_typed(axis, row) for row in tables[axis]] for axis in AXES}
    values["recipe"] = [_model(Recipe, row) for row in tables["recipe"]]
    values["protocol"] = [_model(Protocol, row) for row in tables["protocol"]]
    return tuple(
        Cell(
            id=row["id"],
            **{part: values[part][number] for part, number in zip(values, row["at"], strict=True)},
            labels=row["labels"],
            tuned=row["tuned"],
            excluded=row["excluded"],
            skipped=row["skipped"],
            included=row["included"],
        )
        for row in stored["cells"]
    )


def _plain(value: Any) -> JsonValue:
    if isinstance(value, Strict):
        return value.model_dump(mode="json")
    return [_plain(ref) for ref in value] if isinstance(value, tuple) else value


def _typed(axis: str, value: JsonValue) -> Any:
    if axis in ("dataset", "crop", "model"):
        return _model(Ref, value)
    return tuple(_model(Ref, step) for step in value) if axis == "preprocess" else value


def _model(model: Any, value: JsonValue) -> Any:
    return model.model_validate_json(canonical(value))
