"""The lines under a leaderboard that let its numbers be made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain

from bench.record import Record, number
from bench.report.choose import Records, done_records, state_of
from bench.report.measures import plain
from bench.report.shape import BoardState
from bench.suite.cells import Cell
from bench.types import JsonValue
from bench.words import line, plural

LONGEST = 300
"""Provenance values longer than this are left to the cell records."""


def footer(
    cells: Sequence[Cell], records: Records, *, suite: str, suite_hash: str, command: str, profile: str
) -> tuple[tuple[str, str], ...]:
    """(what, value) lines: suite, command, budget, and whatever provenance all finished cells share."""
    done = done_records(cells, records)
    fitted = [record for record in done if record.parameters != 0]
    lines = (
        ("suite", f"{suite} ({suite_hash})"),
        ("profile", profile),
        ("command", command),
        ("cells", _counts(cells, records)),
        ("budget", budget_text(fitted)),
        ("stored crops", _reuse(fitted)),
        ("data sets", _versions(done)),
        *_provenance(done),
    )
    return tuple((name, line(value)) for name, value in lines if value)


def _counts(cells: Sequence[Cell], records: Records) -> str:
    """``13 done, 2 failed``."""
    states = Counter(state_of(cell, records)[0] for cell in cells)
    order: tuple[BoardState, ...] = ("done", "failed", "diverged", "blocked", "skipped", "excluded", "pending")
    return ", ".join(f"{states[state]:,} {state}" for state in order if state in states)


def budget_text(records: Sequence[Record]) -> str:
    """Crops seen per cell; strategies are comparable only at equal budgets. A pretraining run's own are not counted."""
    found = set(filter(None, map(_budget, records)))
    texts = []
    for epochs, crops in sorted(found):
        seen = f"{_some(epochs, 'epoch')} of {_some(crops, 'crop')} = {_some(epochs * crops, 'crop')}"
        texts.append(seen if epochs else "nothing trained")
    if not texts:
        return ""
    return f"{texts[0]} per cell" if len(texts) == 1 else f"not equal: {'; '.join(texts)}"


def _some(value: float, one: str) -> str:
    """``1 epoch``, ``2 epochs``; crops an epoch may be a fraction."""
    return plural(int(value), one) if value == int(value) else f"{plain(value)} {one}s"


def _budget(record: Record) -> tuple[float, float] | None:
    """Epochs, and crops per epoch as they were carried out."""
    epochs, crops = number(record.recipe.get("epochs")), number(record.recipe.get("epoch_crops"))
    if epochs is None or crops is None:
        return None
    if record.budget_crops is not None and epochs:
        crops = record.budget_crops / epochs
    return epochs, crops if epochs else 0.0


def _reuse(records: Sequence[Record]) -> str:
    """How often each stored crop is seen, where that is more than once."""
    found = sorted({round(record.reuse, 2) for record in records if record.reuse is not None})
    if not found or found[-1] <= 1:
        return ""
    times = f"{found[-1]:g}" if len(found) == 1 else f"{found[0]:g} to {found[-1]:g}"
    return f"each seen {times} times in training"


def _versions(records: Sequence[Record]) -> str:
    """``metalpart version 2``: every data set of which a record is of more than its first version."""
    found: dict[str, set[int]] = {}
    for record in records:
        for name, version in record.versions.items():
            kind, _, use = name.partition(" ")
            if kind == "dataset":
                found.setdefault(use, set()).add(version)
    later = {name: sorted(versions) for name, versions in found.items() if max(versions) > 1}
    return ", ".join(f"{name} version {' and '.join(map(str, versions))}" for name, versions in later.items())


def _provenance(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Flat provenance values that all finished cells share, and the days on which they ran."""
    found = [record.provenance.on_boards for record in records if record.provenance]
    lines = []
    for key in sorted(set(chain.from_iterable(found))):
        text = _shared([provenance.get(key) for provenance in found])
        if text:
            lines.append((key.replace("_", " "), text))
    return lines


def _shared(values: Sequence[JsonValue]) -> str:
    """The one value, the first and last day of dates, or nothing; packages by name and version."""
    if all(isinstance(value, Mapping) for value in values):
        values = [", ".join(f"{name} {plain(found)}" for name, found in value.items()) for value in values]
    if not all(isinstance(value, str) or number(value) is not None for value in values):
        return ""
    texts = sorted({day(value) if _is_date(value) else str(value) for value in values})
    if all(map(_is_date, values)):
        return " to ".join(dict.fromkeys((texts[0], texts[-1])))
    if len(texts) > 1:
        return f"{len(texts)} different" if isinstance(values[0], str) else ""
    return texts[0] if len(texts[0]) <= LONGEST else ""


def day(value: JsonValue) -> str:
    """The day of an ISO 8601 time."""
    return str(value)[:10]


def _is_date(value: JsonValue) -> bool:
    if not isinstance(value, str) or len(value) < 10:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
