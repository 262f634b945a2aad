"""Scores outside their possible range: an alarm, never an entry of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.scores import possible


def believed(scores: Mapping[str, Any], place: str = "") -> tuple[dict[str, Any], list[str]]:
    """The scores with null for every number that cannot be, and an alarm in words for each of these.

    ``place`` is where they stand, with a dot behind it.
    """
    checked, alarms = dict(scores), list[str]()
    for name, value in scores.items():
        if isinstance(value, Mapping):
            checked[name], inner = believed(value, f"{place}{name}.")
            alarms += inner
        elif isinstance(value, float) and not possible(name, value):
            checked[name] = None
            alarms.append(f"alarm: {place}{name} is {value}, outside its possible range: not shown")
    return checked, alarms
