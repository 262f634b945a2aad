"""What differs between two trees of plain values, leaf by leaf."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.record import Part, Record
from bench.report.measures import NOTHING, leaves, setting_text
from bench.types import JsonValue

MADE_OVER = frozenset({"date"})
"""Provenance that is of no consequence for a score."""


@dataclass(frozen=True, slots=True)
class Change:
    """One leaf that differs; a side that lacks it has None and ``absent`` says which (``first``, ``second``)."""

    name: str
    first: JsonValue
    second: JsonValue
    absent: str = ""

    @property
    def text(self) -> str:
        """``recipe.learning_rate: 0.001 -> 0.002``; a dash where a side has no such leaf."""
        first, second = (
            NOTHING if self.absent == side else setting_text(value)
            for side, value in (("first", self.first), ("second", self.second))
        )
        return f"{self.name}: {first} -> {second}"


def changes(first: JsonValue, second: JsonValue) -> list[Change]:
    """Leaves of two trees that differ, in the order of the first."""
    one, two = (dict(leaves("", tree)) if isinstance(tree, Mapping) else {} for tree in (first, second))
    return [change for name in dict.fromkeys([*one, *two]) for change in _of(name, one, two)]


def _of(name: str, one: Mapping[str, JsonValue], two: Mapping[str, JsonValue]) -> Iterator[Change]:
    if name not in one:
        yield Change(name, None, two[name], "first")
    elif name not in two:
        yield Change(name, one[name], None, "second")
    elif one[name] != two[name]:
        yield Change(name, one[name], two[name])


def origin_changes(first: Record, second: Record) -> list[str]:
    """What differs between two records in what was asked, versions, device, threads and code, and in stage keys."""
    asked = _known(first.cell, second.cell)
    made = [change for change in _known(first.provenance, second.provenance) if change.name not in MADE_OVER]
    code = changes(_code(first), _code(second)) if first.providers and second.providers else []
    keys = changes(first.keys, second.keys) if first.keys and second.keys else []
    said = [*asked, *made, *(_shortened(change) for change in code)]
    return [change.text for change in said] + ([f"stage keys: {', '.join(key.name for key in keys)}"] if keys else [])


def _known(first: Part | None, second: Part | None) -> list[Change]:
    """Differences of one part; none where a side does not keep it, as an exported table."""
    if first is None or second is None:
        return []
    one, two = first.plain(), second.plain()
    return changes(one, two) if one and two else []


def _code(record: Record) -> dict[str, JsonValue]:
    return {name: provider.plain() for name, provider in record.providers.items()}


def _shortened(change: Change) -> Change:
    """Digests of code are recognised by their start."""
    if not change.name.endswith(".source"):
        return change
    name = f"code of {change.name.removesuffix('.source')}"
    return Change(name, str(change.first)[:8], str(change.second)[:8], change.absent)
