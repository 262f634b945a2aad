"""What a report shows of a record: scores without a value are taken out, with one sentence that says why.

A record stores 0 where a quotient is 0/0 (:mod:`bench.score.metrics`). Printed as a number that would read as a bad
model, so a report shows it as absent: it takes part in no mean, rank, mark or front. Records stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.record import Record, number, texts_of
from bench.score.summary import NO_TRUTH, NOTHING_PREDICTED
from bench.score.thresholds import NO_POSITIVES
from bench.scores import named
from bench.types import JsonValue

NO_DEFECT = "no defect pixel in this split, so F1, precision, recall, IoU and AP have no value"
NO_PREDICTION = "no pixel is predicted as defect, so precision has no value"
NO_CHOICE = "the threshold was chosen on a validation split without a defect pixel"
SAID = frozenset({NO_DEFECT, NO_POSITIVES, NO_TRUTH, NOTHING_PREDICTED, f"threshold: {NO_POSITIVES}"})
"""Flags that say no more than :data:`NO_DEFECT`."""


def shown(record: Record) -> Record:
    """The record with None for every score that has no value, and one sentence for that among the flags of its split.

    Lost are the score of the truth at the output stride and the scores of the last step of such a split too.
    """
    if not record.scores:
        return record
    scores = record.plain_scores
    bare = [split for split, values in scores.items() if number(values.get("positive_share")) == 0]
    parts: dict[str, JsonValue] = {
        "scores": {split: _split(values, split in bare) for split, values in scores.items()},
    }
    for name, by_split in (("last_step", record.last_step), ("ceiling", record.ceiling)):
        if bare and by_split:
            parts[name] = {split: _cleared(of) if split in bare else of for split, of in by_split.items()}
    return record.changed(**parts)


def all_shown(records: Mapping[str, Record]) -> dict[str, Record]:
    """:func:`shown` of every record, by the same ids."""
    return {id: shown(record) for id, record in records.items()}


def why_undefined(record: Record, split: str | None = None) -> list[str]:
    """``test: no defect pixel ...`` for the splits of a shown record, or for one, that lack a score."""
    found = []
    for name, scores in record.scores.items():
        if split in (None, name):
            found += [f"{name}: {flag}" for flag in scores.flags if flag in (NO_DEFECT, NO_PREDICTION)]
    return found


def _split(values: Mapping[str, JsonValue], bare: bool) -> Mapping[str, JsonValue]:
    """The scores of one split; ``bare``: it has no defect pixel."""
    stored = values.get("flags")
    flags = stored.split("; ") if isinstance(stored, str) else list(texts_of(stored))  # a table has them in one field
    if bare:
        return {**_cleared(values), "flags": [NO_DEFECT, *(flag for flag in flags if flag not in SAID)]}
    words = {NOTHING_PREDICTED: NO_PREDICTION, f"threshold: {NO_POSITIVES}": NO_CHOICE}
    found = dict(values)
    if "precision" in found and NOTHING_PREDICTED in flags:
        found["precision"] = None
    if "f1_image" in found and number(values.get("f1_image_images")) == 0:
        found["f1_image"] = None
    if flags:
        found["flags"] = [words.get(flag, flag) for flag in flags]
    if isinstance(note := values.get("interval_note"), str):
        found["interval_note"] = note.replace("(1 groups ", "(1 group ")
    if isinstance(points := values.get("operating"), Mapping):
        found["operating"] = {name: _point(point) for name, point in points.items()}
    return found


def _cleared(values: JsonValue) -> JsonValue:
    """None for every score that needs a defect, at any depth; a bare number is one."""
    if not isinstance(values, Mapping):
        return None
    cleared: dict[str, JsonValue] = {}
    for name, value in values.items():
        score = named(name)
        lost = isinstance(value, Mapping) or (score and score.needs_defect)
        cleared[name] = _cleared(value) if lost else value
    return cleared


def _point(point: JsonValue) -> JsonValue:
    """An operating point; its precision is 0/0 where neither a true nor a false pixel is predicted."""
    if not isinstance(point, Mapping):
        return point
    if number(point.get("recall")) == number(point.get("false_positive_rate")) == 0:
        return {**point, "precision": None}
    return point
