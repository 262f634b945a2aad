"""The tables of the page on suite files, made from the schema: ``python tests/suite_tables.py`` writes them anew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bench.documented import meanings_of
from bench.suite.schema import (
    NAME_IN_WORDS,
    BankBudget,
    Board,
    CheckpointRule,
    Fold,
    Protocol,
    Recipe,
    Ref,
    Reference,
    Runtime,
    SplitFile,
    Tiles,
)
from bench.suite.written import Axes, ExcludeRule, Source, SuiteFile

PAGE = Path(__file__).resolve().parent.parent / "docs" / "suites.md"

TABLES: list[tuple[str, str, tuple[type[BaseModel], ...]]] = [
    ("Top-level keys", "key", (SuiteFile,)),
    ("Components and labels", "key", (Ref,)),
    ("`axes`", "axis", (Axes,)),
    ("`recipe`", "field", (Recipe,)),
    ("`protocol`", "field", (Protocol,)),
    ("`protocol`", "split", (Fold, SplitFile)),
    ("`pretrain`", "key", (Source,)),
    ("`exclude` and `include`", "key of an exclude", (ExcludeRule,)),
    ("`board`", "field", (Board,)),
    ("`reference`", "field", (Reference,)),
    ("`runtime`", "field", (Runtime,)),
]
"""Heading of the section, name of the first column, and what the rows are."""

WORDS: dict[Any, str] = {
    Ref: "component", Source: "data set, mapping or `none`", Fold: "fold", SplitFile: "file", int: "whole",
    float: "number", str: "text",
}  # fmt: skip
"""Types as a user calls them; any other model, and a dictionary, is a mapping."""

BOUNDS = {Ge: "from {ge:,} on", Gt: "above {gt:,}", Le: "at most {le:,}", Lt: "below {lt:,}"}


def table(column: str, models: tuple[type[BaseModel], ...]) -> str:
    """The rows of one table with its head."""
    lines = [f"| {column} | type | default | meaning |", "| --- | --- | --- | --- |"]
    for model in models:
        for name, field, meaning in fields_of(model):
            lines.append(f"| `{name}` | {kind(field)} | {default(field)} | {meaning} |")
    return "\n".join(lines) + "\n"


def fields_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo, str]]:
    """Every field with its meaning; those of a nested part by their dotted paths."""
    for name, field in model.model_fields.items():
        if field.annotation in (Tiles, BankBudget, CheckpointRule):
            yield from fields_of(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field, meanings_of(model)[name]


def kind(field: FieldInfo) -> str:
    """The type with its bounds, in words."""
    return of_type(field.annotation, field.metadata)


def of_type(annotation: Any, metadata: Any = ()) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return of_type(inner[0], inner[1:])
    if origin in (Union, UnionType):
        said = [of_type(one) for one in inner if one is not NoneType]
        return f"{', '.join(said[:-1])} or {said[-1]}" if len(said) > 1 else said[0]
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin in (list, tuple):
        return "list of components" if of_type(inner[0]) == WORDS[Ref] else "list"
    bounds = [BOUNDS[type(one)].format(**vars_of(one)) for one in flat(metadata) if type(one) in BOUNDS]
    if pattern(metadata):
        return f"text of {NAME_IN_WORDS}"
    return ", ".join([WORDS.get(annotation, "mapping"), *bounds])


def vars_of(bound: Any) -> dict[str, Any]:
    return {name: getattr(bound, name) for name in ("ge", "gt", "le", "lt") if hasattr(bound, name)}


def flat(metadata: Any) -> Iterator[Any]:
    """The bounds, also those inside a ``Field``."""
    for one in metadata:
        yield from one.metadata if isinstance(one, FieldInfo) else (one,)


def pattern(metadata: Any) -> bool:
    return any(getattr(one, "pattern", None) for one in flat(metadata))


def default(field: FieldInfo) -> str:
    return "required" if field.is_required() else in_words(field.get_default(call_default_factory=True))


def in_words(value: object) -> str:
    if isinstance(value, Ref):
        assert not value.settings
        return value.use
    if isinstance(value, tuple):
        return f"[{', '.join(in_words(part) for part in value)}]"
    return value if isinstance(value, str) and value else json.dumps(value)


def with_tables(page: str) -> str:
    """The page with every table made anew."""
    for heading, column, models in TABLES:
        start = re.search(rf"^##+ {re.escape(heading)}\n", page, re.M)
        assert start, f"the page has no section {heading}"
        old = re.compile(rf"^\| {re.escape(column)} \| type \|.*\n(\|.*\n)+", re.M).search(page, start.end())
        assert old, f"the section {heading} has no table of each {column}"
        page = page[: old.start()] + table(column, models) + page[old.end() :]
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
