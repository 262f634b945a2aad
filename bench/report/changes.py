"""What differs between two trees of plain values, leaf by leaf."""

from __future__ import annotations

from collections.abc import Mapping
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
        first = NOTHING if self.absent == "first" else setting_text(self.first)
        second = NOTHING if self.absent == "second" else setting_text(self.second)
        return f"{self.name}: {first} -> {second}"


def changes(first: JsonValue, second: JsonValue) -> list[Change]:
    """Leaves of two trees that differ, in the order of the first."""
    one, two = (dict(leaves("", tree)) if isinstance(tree, Mapping) else {} for tree in (first, second))
    found = []
    for name in one | two:
        absent = "first" if name not in one else "second" if name not in two else ""
        if absent or one[name] != two[name]:
            found.append(Change(name, one.get(name), two.get(name), absent))
    return found


def origin_changes(first: Record, second: Record) -> list[str]:
    """What differs between two records in what was asked, versions, device, threads and code, and in stage keys."""
    asked = _known(first.cell, second.cell)
    made = [change for change in _known(first.provenance, second.provenance) if change.name not in MADE_OVER]
    code = []
    for change in changes(_code(first), _code(second)) if first.providers and second.providers else ():
        if change.name.endswith(".source"):  # digests of code are recognised by their start
            name = f"code of {change.name.removesuffix('.source')}"
            change = Change(name, str(change.first)[:8], str(change.second)[:8], change.absent)
        code.append(change)
    keys = changes(first.keys, second.keys) if first.keys and second.keys else []
    known = {name: version for name, version in first.versions.items() if name in second.versions}
    versions = changes(known, {name: second.versions[name] for name in known})
    code += [Change(f"version of {one.name}", one.first, one.second) for one in versions]
    said = [change.text for change in [*asked, *made, *code]]
    return said + ([f"stage keys: {', '.join(key.name for key in keys)}"] if keys else [])


def _known(first: Part | None, second: Part | None) -> list[Change]:
    """Differences of one part; none where a side does not keep it, as an exported table."""
    if first is None or second is None:
        return []
    one, two = first.plain(), second.plain()
    return changes(one, two) if one and two else []


def _code(record: Record) -> dict[str, JsonValue]:
    """Every component with who offered it; its own version is told apart, where both sides know it."""
    code = {}
    for name, provider in record.providers.items():
        code[name] = {key: value for key, value in provider.plain().items() if key != "component"}
    return code
