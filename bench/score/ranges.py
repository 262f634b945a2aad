"""Scores outside their possible range: an alarm, never an entry of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.scores import possible


def believed(scores: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The scores with null for every number that cannot be, and an alarm in words for each of these."""
    alarms: list[str] = []
    return _believed(scores, "", alarms), alarms


def _believed(scores: Mapping[str, Any], place: str, alarms: list[str]) -> dict[str, Any]:
    """The same of scores at a dotted ``place``; the alarms are added."""
    checked: dict[str, Any] = {}
    for name, value in scores.items():
        checked[name] = value
        if isinstance(value, Mapping):
            checked[name] = _believed(value, f"{place}{name}.", alarms)
        elif isinstance(value, float) and not possible(name, value):
            checked[name] = None
            alarms.append(f"alarm: {place}{name} is {value}, outside its possible range: not shown")
    return checked
