"""Short names of data sets for headings, labels and folders."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bench.component import Component, complete
from bench.types import JsonValue


def short_name(component: Component[Any], settings: Mapping[str, JsonValue]) -> str:
    """The component's name with the settings that differ from their defaults: ``metalpart, domain render``."""
    defaults = complete(component, {})
    changed = [f"{key} {written(value)}" for key, value in settings.items() if defaults.get(key) != value]
    return ", ".join([component.name, *changed])


def written(value: JsonValue) -> str:
    """A setting as a suite would have it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def slug(name: str) -> str:
    """A folder name of letters, digits, dots and dashes."""
    return re.sub(r"[^\w.]+", "-", name).strip("-.") or "card"
