"""The two runs of a comparison, and which of their cells are the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bench.canonical import canonical
from bench.record import Record
from bench.types import JsonValue


@dataclass(frozen=True, slots=True)
class SideCell:
    """One cell of a run, run or not: its axes with their labels, the board's word for its state, and its record."""

    id: str
    axes: Mapping[str, str]
    tuned: Mapping[str, JsonValue]
    state: str
    record: Record | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Every axis with its label, tuned settings among them."""
        return {**self.axes, **{name: str(value) for name, value in self.tuned.items()}}

    @property
    def reason(self) -> str | None:
        """Why it ended so."""
        return self.record.reason if self.record else None


@dataclass(frozen=True, slots=True)
class Side:
    """One run: its name, and every cell by id."""

    name: str
    cells: Mapping[str, SideCell]


def pairs_of(
    first: Mapping[str, SideCell], second: Mapping[str, SideCell]
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Ids on the first side with their partner's, and axes that only one side has."""
    here = set[str]().union(*(cell.labels for cell in first.values()))
    there = set[str]().union(*(cell.labels for cell in second.values()))
    partners = {id: id for id in first if id in second}
    left = _by_label(first, partners, here & there)
    right = _by_label(second, partners, here & there)
    partners |= {id: right[labels] for labels, id in left.items() if labels in right}
    return [(id, partners[id]) for id in first if id in partners], tuple(sorted(here ^ there))


def _by_label(cells: Mapping[str, SideCell], but: Collection[str], axes: set[str]) -> dict[bytes, str]:
    """Ids by labels; labels that several cells share name none of them."""
    ids: dict[bytes, list[str]] = {}
    for id, cell in cells.items():
        if id not in but:
            labels = {axis: label for axis, label in cell.labels.items() if axis in axes}
            ids.setdefault(canonical(labels), []).append(id)
    return {labels: same[0] for labels, same in ids.items() if len(same) == 1}
