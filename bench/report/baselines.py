"""Models with nothing to fit: one line each, and what must be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.report.choose import TEST_F1, VALIDATION_F1, Records, common_badges, state_of
from bench.report.measures import first_line, read
from bench.report.shape import Baseline
from bench.report.undefined import why_undefined
from bench.suite.cells import Cell


def baselines_of(cells: Sequence[Cell], records: Records) -> tuple[Baseline, ...]:
    """One line per baseline; crops and seeds that change nothing are not repeated."""
    by_name: dict[str, list[tuple[str, Baseline]]] = {}
    for cell in cells:
        name = cell.labels.get("model", cell.id)
        line = _baseline(cell, name, records)
        lines = by_name.setdefault(name, [])
        if all(line != other for _, other in lines):
            place = ", ".join(label for axis, label in cell.labels.items() if axis not in ("dataset", "model"))
            lines.append((place, line))
    found = []
    for name, lines in by_name.items():
        for place, line in lines:
            found.append(line if len(lines) == 1 else replace(line, name=f"{name} ({place})"))
    return tuple(found)


def _baseline(cell: Cell, name: str, records: Records) -> Baseline:
    state, reason = state_of(cell, records)
    if state != "done":
        return Baseline(name, state, reason, None, None, None)
    record = records[cell.id]
    return Baseline(
        name=f"{name}: {record.choice}" if record.choice else name,
        state=state,
        reason=reason,
        f1_validation=read(record, VALIDATION_F1).value,
        f1_test=read(record, TEST_F1).value,
        interval=record.of_split("test").interval,
        badges=record.badges,
        outdated=record.outdated,
        absent=tuple(why_undefined(record)),
    )


def shared_badges(baselines: Sequence[Baseline]) -> tuple[str, ...]:
    """Badges that all finished baselines carry, so that they are said once above them."""
    return common_badges([line.badges for line in baselines if line.state == "done"])


def baseline_sentences(baselines: Sequence[Baseline], said: str) -> list[str]:
    """What must be said of baselines, each once with their names; why a score is absent unless it is said already."""
    sentences = []
    shared = shared_badges(baselines)
    names: dict[str, list[str]] = {}
    for line in baselines:
        if line.state != "done":
            sentences.append(f"Baseline {line.name} {line.state}: {first_line(line.reason or '')}.")
        badges = [f"badge: {badge}" for badge in line.badges if badge not in shared]
        absent = [text for text in line.absent if text not in said]
        for text in (*line.outdated, *badges, *absent):
            names.setdefault(first_line(text), []).append(line.name)
    return sentences + [f"Baseline {', '.join(found)}: {text}." for text, found in names.items()]
