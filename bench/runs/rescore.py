"""Scores made later, from stored evidence: new metrics and other threshold rules without predicting again.

Scores of the protocol's own threshold and share go into the cell records: names that a record lacks are added, what
stands there is never changed. Scores of another rule or share are no scores of the cell and lie in a file of their own,
``late/<rule>.json`` of the run folder. No key knows of either, so nothing becomes stale. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.catalog import Catalog
from bench.errors import BenchError, StoreError
from bench.record import Record, State
from bench.score.rules import Rule
from bench.stages.image_metrics import identity, offered_metrics
from bench.stages.scoring import Scoring, split_scores
from bench.store.home import Places
from bench.store.records import read_record, write_record
from bench.store.store import SCHEMA, stage_note, write_json
from bench.suite.cells import Cell

PROTOCOL = "protocol"
"""The rule of every cell's own protocol."""

AGREES = 1e-6
"""Largest difference between a stored score and the same one made again, in its own unit."""


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """What is asked for; None is what each cell's protocol says."""

    rule: Rule | None = None
    found: float | None = None

    @property
    def is_protocol(self) -> bool:
        """Whether these are scores of the cell itself."""
        return self.rule is None and self.found is None

    @property
    def text(self) -> str:
        """``recall>=0.9 on validation, found from 50 %``; ``protocol`` where nothing else is asked."""
        rule = PROTOCOL if self.rule is None else f"{self.rule.text} on validation"
        return rule if self.found is None else f"{rule}, found from {100 * self.found:g} %"

    @property
    def file(self) -> str:
        """File name of these scores."""
        rule = PROTOCOL if self.rule is None else self.rule.text
        found = "" if self.found is None else f"-found-{self.found:g}"
        return f"{rule.replace('>=', '-at-least-').replace('<=', '-at-most-')}{found}.json"


@dataclass(frozen=True, slots=True)
class Rescored:
    """One finished cell scored again, or the reason why it could not be.

    ``differing`` are scores that the record holds with another value than its evidence gives today.
    """

    cell: str
    record: Record
    scores: Mapping[str, Any] | None = None
    problem: str | None = None
    differing: tuple[str, ...] = ()

    @property
    def shown(self) -> Record:
        """The record as a leaderboard of these scores sees it."""
        if self.scores is None:
            return self.record.changed(state=State.BLOCKED, reason=self.problem)
        return self.record.changed(scores=self.scores)

    @property
    def alarms(self) -> tuple[str, ...]:
        """What is not believed of these scores, in words, each once."""
        flags = (flag for split in (self.scores or {}).values() for flag in split["flags"])
        return tuple(dict.fromkeys(flag for flag in flags if flag.startswith("alarm: ")))


def rescored(
    cells: Iterable[Cell], records: Mapping[str, Record], request: ScoreRequest, catalog: Catalog, places: Places
) -> list[Rescored]:
    """Score every finished cell, in the order of the suite; ``records`` are by cell id."""
    late = []
    for record in (records[cell.id] for cell in cells if cell.id in records):
        if record.state is not State.OK:
            continue
        try:
            scores = _scored(record, request, catalog, places)
        except BenchError as error:
            late.append(Rescored(record.id, record, problem=str(error)))
            continue
        differing = tuple(_differing(record.plain_scores, scores)) if request.is_protocol else ()
        late.append(Rescored(record.id, record, scores, differing=differing))
    return late


def _scored(record: Record, request: ScoreRequest, catalog: Catalog, places: Places) -> Mapping[str, Any]:
    """Scores of a finished cell.

    Raises:
        StoreError: its predict stage is gone or damaged.
        DataError: no threshold keeps the rule's bound.
    """
    key, protocol = record.keys["predict"], record.protocol
    folder = places.stage("predict", key)
    note = stage_note(folder)
    if note is None:
        raise StoreError(
            f"{folder}: the evidence of cell {record.id} is no longer in the cache; remove its record "
            f"cells/{record.id}.json and run the suite again"
        )
    found = protocol["found"] if request.found is None else request.found
    how = Scoring(catalog, found, each=protocol["classes"] == "each")
    return split_scores(folder, note, how, request.rule)


def _differing(stored: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterable[str]:
    """Dotted names of numbers that both have and that differ; intervals are left out, as their method may change."""
    for name in stored.keys() & now.keys():
        old, new = stored[name], now[name]
        counts = _is_number(old) + _is_number(new)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differing(old, new, f"{prefix}{name}.")
        elif counts == 2 and abs(old - new) > AGREES:
            yield f"{prefix}{name} ({old:g} stored, {new:g} now)"
        elif counts == 1 and None in (old, new):
            yield f"{prefix}{name} ({old} stored, {new} now)"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def file_scores(folder: Path, late: Sequence[Rescored], request: ScoreRequest, catalog: Catalog) -> list[Path]:
    """Store the scores where they belong, and return the files written; a record changed meanwhile is left alone."""
    if not request.is_protocol:
        path = folder / "late" / request.file
        write_json(path, _content(late, request, catalog))
        return [path]
    written = []
    for one in late:
        completed = one.record.changed(scores=filled(one.record.plain_scores, one.scores or {}))
        path = folder / "cells" / f"{one.cell}.json"
        if completed != one.record and not one.differing and read_record(path) == one.record:
            write_record(path, completed)
            written.append(path)
    return written


def _content(late: Sequence[Rescored], request: ScoreRequest, catalog: Catalog) -> dict[str, Any]:
    """Scores by cell and split, with the rule and the metrics that made them; counts per image are left out."""
    scored: dict[str, Any] = {}
    for one in late:
        for split, values in (one.scores or {}).items():
            kept = {name: value for name, value in values.items() if name != "image_counts"}
            scored.setdefault(one.cell, {})[split] = kept
    return {
        "schema": SCHEMA,
        "threshold": PROTOCOL if request.rule is None else request.rule.text,
        "found": request.found,
        "metrics": [identity(offer) for offer in offered_metrics(catalog)],
        "cells": scored,
        "missing": {one.cell: one.problem for one in late if one.scores is None},
    }


def filled(old: Mapping[str, Any], new: Mapping[str, Any], united: str = "") -> dict[str, Any]:
    """All of ``old``, and of ``new`` what it lacks, at any depth; lists named ``united`` have the items of both."""
    whole = dict(old)
    for name, value in new.items():
        stored = whole.setdefault(name, value)
        if isinstance(stored, Mapping) and isinstance(value, Mapping):
            whole[name] = filled(stored, value, united)
        elif name == united and isinstance(stored, list) and isinstance(value, list):
            whole[name] = stored + [item for item in value if item not in stored]
    return whole
