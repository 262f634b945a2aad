"""Results as plain JSON: the data behind what is printed, not its layout."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

from bench.types import JsonValue

SCHEMA = 1
"""Raised when a field of the JSON changes its meaning."""


def json_text(content: Mapping[str, Any], schema: int = SCHEMA) -> str:
    """One JSON object with its schema number first; numbers as they are, null for what is not known or not finite."""
    whole = {"schema": schema, **{name: plain_data(value) for name, value in content.items()}}
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain_data(value: Any) -> JsonValue:
    """Plain values of a result: of a dataclass the fields but those marked as not ``exported``.

    Raises:
        TypeError: something in it is no data.
    """
    if is_dataclass(value) and not isinstance(value, type):
        exported = [field.name for field in fields(value) if field.metadata.get("exported", True)]
        return {name: plain_data(getattr(value, name)) for name in exported}
    if isinstance(value, BaseModel):
        return plain_data(value.model_dump())
    if isinstance(value, Enum):
        return plain_data(value.value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain_data(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(inner) for inner in value]
    if isinstance(value, Set):
        return [plain_data(inner) for inner in sorted(value)]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if hasattr(value, "tolist"):
        return plain_data(value.tolist())  # an array, or a number of numpy
    raise TypeError(f"{type(value).__name__} is no data")
