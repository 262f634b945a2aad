"""Leaves of a record as they are read: one that is not what it should be is absent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import BeforeValidator

from bench.types import JsonValue


def number(value: JsonValue) -> float | None:
    """A finite number as float, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def texts_of(value: JsonValue) -> tuple[str, ...]:
    """The items of a list as text; nothing of anything else."""
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def pair(value: JsonValue) -> tuple[float, float] | None:
    """An interval ``[low, high]`` of two finite numbers, anything else as None."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return None
    low, high = number(value[0]), number(value[1])
    return None if low is None or high is None else (low, high)


def look(tree: JsonValue, path: Sequence[str | None]) -> JsonValue:
    """Follow keys into nested mappings; None where the way ends early."""
    for key in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(key)
    return tree


def numbers_in(tree: Mapping[str, JsonValue], above: str = "") -> Iterator[tuple[str, float]]:
    """Dotted names and values of all finite numbers in a nested mapping; lists are none of it."""
    for key, value in tree.items():
        name = f"{above}{key}"
        found = number(value)
        if found is not None:
            yield name, found
        elif isinstance(value, Mapping):
            yield from numbers_in(value, f"{name}.")


def _whole(value: JsonValue) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def text_of(value: JsonValue) -> str | None:
    """The value as text; None of null and of what is not finite."""
    absent = value is None or (isinstance(value, float) and not math.isfinite(value))
    return None if absent else str(value)


def tree_of(value: JsonValue) -> JsonValue:
    """The value, an empty mapping in the place of null."""
    return {} if value is None else value


def _leaves(value: JsonValue) -> JsonValue:
    return value if isinstance(value, Mapping) else {}


Number = Annotated[float | None, BeforeValidator(number)]
Whole = Annotated[int | None, BeforeValidator(_whole)]
Text = Annotated[str | None, BeforeValidator(text_of)]
Texts = Annotated[tuple[str, ...], BeforeValidator(texts_of)]
Flag = Annotated[bool | None, BeforeValidator(lambda value: value if isinstance(value, bool) else None)]
Tree = Annotated[Mapping[str, JsonValue], BeforeValidator(tree_of)]
Leaves = Annotated[Mapping[str, JsonValue], BeforeValidator(_leaves)]
ByName = Annotated[Mapping[str, Number], BeforeValidator(_leaves)]
"""A record may come from elsewhere: a leaf that is not what it should be reads as absent, a part is refused."""
