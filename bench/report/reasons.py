"""Why a position of a table lacks something, and what else must be said beside it."""

from __future__ import annotations

from collections.abc import Sequence

from bench.record import Record
from bench.report.choose import Records, seed_of, state_of
from bench.report.measures import first_line, heading, settings_text
from bench.report.shape import BoardState, CellLike, Figure, Measure
from bench.report.undefined import why_undefined
from bench.words import plural


def missing_seeds(
    figures: Sequence[Figure], measures: Sequence[Measure], done: Sequence[Record], expected: int
) -> list[str]:
    """How many of the expected seeds stand behind figures that lack some.

    A figure that lacks all of them needs no more where the flags of every record of ``done`` say why.
    """
    if not done:
        return []
    counts = {figure.count for figure in figures}
    if len(counts) == 1 and counts != {0}:
        count = counts.pop()
        return [] if count == expected else [f"n = {count} of {plural(expected, 'seed')}"]
    texts = []
    for figure, measure in zip(figures, measures, strict=True):
        name = heading(measure, "")
        if figure.count == 0:
            if not all(why_undefined(record, measure.split or "") for record in done):
                texts.append(f"{name}: no value in the record")
        elif figure.count < expected:
            texts.append(f"{name}: n = {figure.count} of {plural(expected, 'seed')}")
    return texts


def unfinished(trials: Sequence[Sequence[CellLike]], shown: Sequence[CellLike], records: Records) -> list[str]:
    """State and reason of every cell that did not end well; what holds for all trials is said once."""
    here = _unfinished_seeds(shown, records)
    texts = [_located(text, "", seeds, len(shown)) for text, seeds in here.items()]
    for trial in trials:
        if trial is shown:
            continue
        for text, seeds in _unfinished_seeds(trial, records).items():
            if text not in here and not text.startswith("pending"):
                texts.append(_located(text, settings_text(trial[0].tuned), seeds, len(trial)))
    return texts


def _unfinished_seeds(trial: Sequence[CellLike], records: Records) -> dict[str, list[str]]:
    """``failed: why`` to the seeds that ended so."""
    seeds: dict[str, list[str]] = {}
    for cell in trial:
        state, reason = state_of(cell, records)
        if state != "done":
            why = _why(state, reason, records.get(cell.id))
            seeds.setdefault(why, []).append(seed_of(cell))
    return seeds


def _why(state: BoardState, reason: str | None, record: Record | None) -> str:
    """``failed: why``; what is not here says so itself."""
    if not reason:
        return state
    if record and record.data_absent:
        return first_line(reason, 600)
    return f"{state}: {first_line(reason)}"


def _located(text: str, settings: str, seeds: Sequence[str], of: int) -> str:
    """Put the settings and the seeds before a reason where they are not all."""
    place = [settings] if settings else []
    if len(seeds) < of:
        word = "seed" if len(seeds) == 1 else "seeds"
        place.append(f"{word} {', '.join(seeds)}")
    return f"{', '.join(place)}: {text}" if place else text


def warnings(done: Sequence[Record], said: Sequence[str]) -> list[str]:
    """What is not today's, badges but those ``said`` of the whole table, flags of either split; each once."""
    texts = []
    for record in done:
        texts += [first_line(text) for text in record.outdated]
        texts += [f"badge: {badge}" for badge in record.badges if badge not in said]
        for split in ("validation", "test"):
            flags = record.of_split(split).flags
            texts += [f"{split}: {first_line(flag)}" for flag in flags]
    return list(dict.fromkeys(texts))
