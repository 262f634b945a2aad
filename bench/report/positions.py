"""Cells as tables: which axes make rows, columns and tables of their own, and what stands at every position.

A position shows one trial: the means over its seeds, or how they ended, with a note of what is missing and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.record import Record
from bench.report.choose import (
    Records,
    chosen,
    common_badges,
    done_records,
    finished,
    gap,
    seed_of,
    state_of,
    trials_of,
)
from bench.report.measures import NOTHING, figure, first_line, heading, read, settings_text
from bench.report.shape import BoardState, Entry, Figure, Labels, Measure, Table, Trial, is_comparable
from bench.report.undefined import why_undefined
from bench.suite.cells import Cell
from bench.suite.joint import count_names, joint_axes, joint_label, telling
from bench.suite.schema import Board
from bench.words import plural

FROM_SCRATCH = ("pretrain", "none")
ALL_FALLBACK = "no position was admitted, every crop is a fallback window"
WORST_FIRST: tuple[BoardState, ...] = ("failed", "diverged", "blocked", "pending", "skipped", "excluded")


def advance_together(
    cells: Sequence[Cell], board: Board, paired: Sequence[Sequence[str]]
) -> tuple[Sequence[Cell], Board]:
    """Cells and board in which the row and the column axis take in the axes that are ``paired`` with them.

    Their labels name a row together, where the first of them stood, instead of one table each. An axis of a single
    level stays on its own: it is said once, above all tables.
    """
    labels = [cell.labels for cell in cells]
    varying = []
    for group in paired:
        several = [axis for axis in group if count_names(labels, [axis]) > 1]
        varying.append(several)
    rows = joint_axes(board.rows, varying, (board.columns, "seed"))
    columns = joint_axes(board.columns, varying, (board.rows, "seed", *rows))
    if len(rows) == len(columns) == 1:
        return cells, board
    said_rows, said_columns = telling(rows, labels), telling(columns, labels)
    said = dict.fromkeys(rows, said_rows) | dict.fromkeys(columns, said_columns)
    joined = []
    for cell in cells:
        together: dict[str, str] = {}
        for axis, label in cell.labels.items():
            names = said.get(axis, (axis,))
            own = joint_label(cell.labels, names) if len(names) > 1 else cell.labels.get(names[0], label)
            together.setdefault(", ".join(names), own)
        joined.append(replace(cell, labels=together))
    return joined, board.model_copy(update={"rows": ", ".join(said_rows), "columns": ", ".join(said_columns)})


def tables_of(
    cells: Sequence[Cell], records: Records, board: Board, measures: tuple[Measure, ...]
) -> tuple[Table, ...]:
    """One table per combination of the axes of several levels that are neither rows nor columns."""
    grouping = [axis for axis, names in _levels(cells, board) if len(names) > 1]
    groups: dict[Labels, list[Cell]] = {}
    for cell in cells:
        title = tuple((axis, _label(cell, axis)) for axis in grouping)
        groups.setdefault(title, []).append(cell)
    return tuple(_table(title, members, records, board, measures) for title, members in groups.items())


def fixed_labels(cells: Sequence[Cell], board: Board) -> Labels:
    """Axes of one level: said once, above all tables; that nothing is pretrained goes without saying."""
    fixed = [(axis, names[0]) for axis, names in _levels(cells, board) if len(names) == 1]
    return tuple(label for label in fixed if label != FROM_SCRATCH)


def _levels(cells: Sequence[Cell], board: Board) -> list[tuple[str, list[str]]]:
    """The axes besides rows, columns, seed and tuned settings, in the order of the suite, with their levels."""
    names: dict[str, None] = {}
    others = {board.rows, board.columns, "seed"}
    for cell in cells:
        names |= dict.fromkeys(cell.labels)
        others |= set(cell.tuned)
    return [(axis, _names(cells, axis)) for axis in names if axis not in others]


def _names(cells: Iterable[Cell], axis: str) -> list[str]:
    return list(dict.fromkeys(_label(cell, axis) for cell in cells))


def _label(cell: Cell, axis: str) -> str:
    return cell.labels.get(axis, NOTHING)


def _table(
    title: Labels, cells: Sequence[Cell], records: Records, board: Board, measures: tuple[Measure, ...]
) -> Table:
    badges = common_badges([record.badges for record in done_records(cells, records)])
    frame = _Frame(records, measures, len({seed_of(cell) for cell in cells}), badges)
    places: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        places.setdefault((_label(cell, board.rows), _label(cell, board.columns)), []).append(cell)
    rows, heads = _names(cells, board.rows), _names(cells, board.columns)
    columns = []
    for head in heads:
        column = [_entry(row, head, places.get((row, head), []), frame) for row in rows]
        columns.append(_with_best(column, measures) if is_comparable(board.rows) else column)
    return Table(title, tuple(rows), tuple(heads), tuple(zip(*columns, strict=True)), badges)


def _with_best(column: list[Entry], measures: Sequence[Measure]) -> list[Entry]:
    """Mark the best figure of every measure; what prints alike is equally good, and a single one is not compared."""
    for index, measure in enumerate(measures):
        whole = [entry for entry in column if entry.figures and entry.figures[index].count == entry.expected]
        if len(whole) < 2 or measure.better is None:
            continue
        values = [entry.figures[index].value or 0.0 for entry in whole]
        best = values.index(max(values) if measure.better == "higher" else min(values))
        text = whole[best].figures[index].text
        for entry in whole:
            if entry.figures[index].text == text:
                marked = entry.with_figure(index, replace(entry.figures[index], best=True))
                column[column.index(entry)] = marked
    return column


@dataclass(frozen=True, slots=True)
class _Frame:
    """What every entry of one table needs to know."""

    records: Records
    measures: tuple[Measure, ...]
    seeds: int
    badges: tuple[str, ...]


def _entry(row: str, column: str, cells: Sequence[Cell], frame: _Frame) -> Entry:
    """Choose the trial, average its seeds, say what is missing and why."""
    if not cells:
        return Entry(row, column, "absent", figures=(), cells=(), seeds=0, expected=frame.seeds)
    records = frame.records
    trials = trials_of(cells)
    shown = chosen(trials, records)
    known = [records[cell.id] for cell in shown if cell.id in records]
    done = done_records(shown, records)
    figures = []
    alarms: list[str] = []
    for measure in frame.measures if done else ():
        readings = [read(record, measure) for record in done]
        figures.append(figure(readings, measure))
        alarms += [reading.alarm for reading in readings if reading.alarm]
    reasons = [
        *_missing_seeds(figures, frame, done),
        *_unfinished(trials, shown, records),
        *dict.fromkeys(alarms),
        *_warnings(done, frame.badges),
        *([ALL_FALLBACK] if any(record.fell_back for record in known) else ()),
    ]
    states = {state_of(cell, records)[0] for cell in shown}
    state = "done" if done else next(state for state in WORST_FIRST if state in states)
    return Entry(
        row=row,
        column=column,
        state=state,
        figures=tuple(figures),
        cells=tuple(cell.id for cell in shown),
        seeds=len(done),
        expected=frame.seeds,
        inert=any(record.inert for record in known),
        trial=_trial(trials, shown, records),
        reason="; ".join(reasons) or None,
        data_absent=state == "blocked" and any(record.data_absent for record in known),
        fell_back=any(record.fell_back for record in known),
    )


def _trial(trials: Sequence[Sequence[Cell]], shown: Sequence[Cell], records: Records) -> Trial | None:
    """What was tuned at this position; None where nothing was."""
    if not shown[0].tuned:
        return None
    count = sum(finished(trial, records) for trial in trials)
    return Trial(dict(shown[0].tuned), count, len(trials), gap(trials, shown, records))


def _missing_seeds(figures: Sequence[Figure], frame: _Frame, done: Sequence[Record]) -> list[str]:
    """How many of the expected seeds stand behind figures that lack some.

    A figure that lacks all of them needs no more where the flags of every record of ``done`` say why.
    """
    counts = {one.count for one in figures}
    texts = []
    for one, measure in zip(figures, frame.measures if figures else (), strict=True):
        name = heading(measure, "")
        lacking = f"n = {one.count} of {plural(frame.seeds, 'seed')}"
        if one.count == 0:
            if not all(why_undefined(record, measure.split or "") for record in done):
                texts.append(f"{name}: no value in the record")
        elif one.count < frame.seeds:
            texts.append(lacking if len(counts) == 1 else f"{name}: {lacking}")
    return list(dict.fromkeys(texts))


def _unfinished(trials: Sequence[Sequence[Cell]], shown: Sequence[Cell], records: Records) -> list[str]:
    """State and reason of every cell that did not end well; what holds for all trials is said once."""
    here = _unfinished_seeds(shown, records)
    texts = [_located(text, [], seeds, len(shown)) for text, seeds in here.items()]
    for trial in trials:
        if trial is shown:
            continue
        for text, seeds in _unfinished_seeds(trial, records).items():
            if text not in here and not text.startswith("pending"):
                texts.append(_located(text, [settings_text(trial[0].tuned)], seeds, len(trial)))
    return texts


def _unfinished_seeds(trial: Sequence[Cell], records: Records) -> dict[str, list[str]]:
    """``failed: why`` to the seeds that ended so; what is not here says so itself."""
    seeds: dict[str, list[str]] = {}
    for cell in trial:
        state, reason = state_of(cell, records)
        if state == "done":
            continue
        absent = cell.id in records and records[cell.id].data_absent
        why = first_line(reason or "", 600) if absent else f"{state}: {first_line(reason or '')}"
        seeds.setdefault(why if reason else state, []).append(seed_of(cell))
    return seeds


def _located(text: str, place: list[str], seeds: Sequence[str], of: int) -> str:
    """Put the settings and the seeds before a reason where they are not all."""
    if len(seeds) < of:
        place = [*place, f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(seeds)}"]
    return f"{', '.join(place)}: {text}" if place else text


def _warnings(done: Sequence[Record], said: Sequence[str]) -> Iterable[str]:
    """What is not today's, badges but those ``said`` of the whole table, flags of either split; each once."""
    texts: list[str] = []
    for record in done:
        texts += map(first_line, record.outdated)
        texts += [f"badge: {badge}" for badge in record.badges if badge not in said]
        for split in ("validation", "test"):
            texts += [f"{split}: {first_line(flag)}" for flag in record.of_split(split).flags]
    return dict.fromkeys(texts)
