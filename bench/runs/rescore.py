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
from bench.errors import BenchError, Damaged, StoreError
from bench.record import Record, State
from bench.replicates import CellReplicates, with_scores_of
from bench.runs.folder import done_again
from bench.score.replicates import comparable
from bench.score.rules import Rule
from bench.stages.image_metrics import identity, offered_metrics
from bench.stages.replicated import replicated
from bench.stages.scoring import Scoring, split_scores
from bench.store.home import Places
from bench.store.records import read_record, write_record
from bench.store.replicates import replicates_file, write_replicates
from bench.store.store import SCHEMA, flaws, read_json, stage_note, write_json
from bench.suite.cells import Cell

PROTOCOL = "protocol"
"""The rule of every cell's own protocol."""

LATE = "late"
"""Folder of a run with scores that were made under another rule than the protocol's."""

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

    ``differing`` are scores that the record holds with another value than its evidence gives today; ``replicates`` are
    those of its test scores, where they were asked for.
    """

    cell: str
    record: Record
    scores: Mapping[str, Any] | None = None
    problem: str | None = None
    differing: tuple[str, ...] = ()
    replicates: CellReplicates | None = None

    @property
    def shown(self) -> Record:
        """The record as a leaderboard of these scores sees it."""
        if self.scores is None:
            return self.record.changed(state=State.BLOCKED, reason=self.problem)
        return self.record.changed(scores=self.scores).with_replicates(self.replicates)

    @property
    def alarms(self) -> tuple[str, ...]:
        """What is not believed of these scores, in words, each once."""
        flags = (flag for split in (self.scores or {}).values() for flag in split["flags"])
        return tuple(dict.fromkeys(flag for flag in flags if flag.startswith("alarm: ")))


def rescored(
    cells: Iterable[Cell],
    records: Mapping[str, Record],
    request: ScoreRequest,
    catalog: Catalog,
    places: Places,
    *,
    replicates: bool = False,
) -> list[Rescored]:
    """Score every finished cell, in the order of the suite; ``records`` are by cell id.

    ``replicates``: make those of the test scores too, unless a record comes with all of them.
    """
    late = []
    for record in (records[cell.id] for cell in cells if cell.id in records):
        if record.state is not State.OK:
            continue
        try:
            predicted = _predicted(record, request, catalog, places)
            scores = split_scores(predicted.folder, predicted.note, predicted.how, request.rule)
            made = record.replicates if request.is_protocol else None
            if replicates and comparable(scores["test"]).keys() - (made.scores if made else {}).keys():
                made = with_scores_of(predicted.replicates(request.rule), made)
        except BenchError as error:
            late.append(Rescored(record.id, record, problem=str(error)))
            continue
        differing = tuple(_differing(record.plain_scores, scores)) if request.is_protocol else ()
        late.append(Rescored(record.id, record, scores, differing=differing, replicates=made))
    return late


@dataclass(frozen=True, slots=True)
class _Predicted:
    """What the predict stage of a finished cell left, and how it is scored."""

    key: str
    folder: Path
    note: Mapping[str, Any]
    how: Scoring

    def replicates(self, rule: Rule | None) -> CellReplicates | None:
        return replicated(self.folder, self.note, self.how, rule, self.key)


def _predicted(record: Record, request: ScoreRequest, catalog: Catalog, places: Places) -> _Predicted:
    """The prediction of a finished cell.

    Raises:
        StoreError: its predict stage is gone.
        Damaged: a file of it is not what was written.
    """
    key, protocol = record.keys["predict"], record.protocol
    folder = places.stage("predict", key)
    note = stage_note(folder)
    if note is None:
        raise StoreError(f"{folder}: the evidence of cell {record.id} is no longer in the cache; {done_again(record)}")
    for flaw in flaws(folder, note):
        raise Damaged(f"{flaw}; {done_again(record)}")
    found = protocol["found"] if request.found is None else request.found
    how = Scoring(catalog, found, each=protocol["classes"] == "each")
    return _Predicted(str(key), folder, note, how)


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
    """Store the scores where they belong, and return the files written; a record changed meanwhile is left alone.

    Replicates of the cell's own scores come beside its record where it lacks some.
    """
    if not request.is_protocol:
        path = folder / LATE / request.file
        write_json(path, _content(late, request, catalog))
        return [path]
    written = []
    for one in late:
        completed = one.record.changed(scores=filled(one.record.plain_scores, one.scores or {}))
        path = folder / "cells" / f"{one.cell}.json"
        stored = read_record(path)
        if one.differing or stored != one.record.with_replicates(None):
            continue
        if completed != one.record:
            write_record(path, completed)
            written.append(path)
        if one.replicates is not None and one.replicates is not one.record.replicates:
            write_replicates(replicates_file(folder, one.cell), one.replicates)
            written.append(replicates_file(folder, one.cell))
    return written


def read_late(path: Path) -> Mapping[str, Any]:
    """Scores of another rule, as :func:`file_scores` left them.

    Raises:
        Damaged: the file holds something else.
        StoreError: it cannot be read, or another version wrote it.
    """
    try:
        found: Mapping[str, Any] = read_json(path)
    except Damaged:
        again = f"remove it, and 'bench score {path.parent.parent} --write' with the rule of its name makes it again"
        raise Damaged(f"{path}: damaged; {again}") from None
    return found


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
