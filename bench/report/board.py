"""The leaderboard as a pure function of a suite's cells and the stored records.

Shape: the supplement's Table 1 (rows crop, columns model, sub-columns F1_V, F1_T, E) for any two axes and
any values; every other axis with several levels gives one table per combination.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.record import Record
from bench.report.choose import POLICY, Records, chosen, finished, gap, seed_of, state_of, trials_of
from bench.report.costs import cost_lines, cost_section
from bench.report.data_remarks import data_section
from bench.report.footer import footer
from bench.report.hindsight import hindsight_section
from bench.report.joint import advance_together
from bench.report.measures import (
    NOTHING,
    Reading,
    figure,
    first_line,
    heading,
    measure_of,
    read,
    setting_text,
)
from bench.report.order import ordered, ordering
from bench.report.reference import published_by_cell, published_section
from bench.report.shape import BoardState, CellLike, CellLine, Entry, Figure, Leaderboard, Measure, Table, Trial
from bench.report.standing import standings
from bench.report.tolerance import tolerance_section
from bench.report.undefined import all_shown, why_undefined
from bench.suite.schema import Board, Published
from bench.types import JsonValue
from bench.words import plural

__all__ = ["Leaderboard", "leaderboard"]

WORST_FIRST: tuple[BoardState, ...] = ("failed", "diverged", "blocked", "pending", "skipped", "excluded")

MISSING = "A position without a score takes part in no mean and no comparison; it is never counted as zero."
BOLD = "Bold: best of its column among positions with all seeds; not a test of significance."
SPREAD = "± is the sample standard deviation over seeds."
FROM_SCRATCH = ("pretrain", "none")
INERT = "†: this level excluded no crop position, so its crops are drawn like uniform ones."
BOUND = "E > N: not converged after N epochs; a mean that holds such a seed is a lower bound."


def leaderboard(
    cells: Sequence[CellLike],
    records: Records,
    board: Board,
    *,
    suite_name: str,
    suite_hash: str,
    command: str,
    profile: str,
    paired: Sequence[Sequence[str]] = (),
    published: Published | None = None,
    description: str = "",
) -> Leaderboard:
    """Build the report of a run, finished or not; ``records`` maps cell ids to cell records.

    Scores without a value are absent (:mod:`bench.report.undefined`).
    Only the order of ``cells`` shows in the result, never that of ``records``. ``paired`` are groups of axes that
    advance together.
    """
    records = all_shown(records)
    measures = tuple(measure_of(name) for name in board.values)
    unfitted = _baseline_ids(cells, records)
    compared, board = advance_together([cell for cell in cells if cell.id not in unfitted], board, paired)
    tables, order = ordered(
        _tables(compared, records, board, measures), ordering(measures, board.reference), cells, records, board.rows
    )
    notes, tables = _numbered(tables)
    shown = {id for entry in _entries(tables) for id in entry.cells} | unfitted
    costs = cost_lines(cells, tables, records)
    printed = published_by_cell(tables, measures, published)
    sections = (
        data_section(cells, records),
        order,
        published_section(tables, measures, published, board.rows, records),
        cost_section(costs),
        tolerance_section(tables, board.rows, records),
        hindsight_section(tables, board.rows),
    )
    return Leaderboard(
        suite=suite_name,
        suite_hash=suite_hash,
        profile=profile,
        rows_axis=board.rows,
        columns_axis=board.columns,
        measures=measures,
        fixed=_fixed(compared or cells, board),
        tables=tables,
        standings=standings(cells, unfitted, tables, records),
        notes=notes,
        remarks=_remarks(tables),
        footer=footer(cells, records, suite=suite_name, suite_hash=suite_hash, command=command, profile=profile),
        cells=tuple(
            replace(_cell_line(cell, records, shown, unfitted), published=printed.get(cell.id, {})) for cell in cells
        ),
        sections=tuple(section for section in sections if section),
        costs=costs,
        description=description,
    )


def _baseline_ids(cells: Sequence[CellLike], records: Records) -> set[str]:
    """Cells of models with nothing to fit; they stand in a table of their own.

    A model that only ``include`` names counts as one until a record says how many parameters it has.
    """
    parameters: dict[str, set[bool]] = {}
    for cell in cells:
        count = records[cell.id].parameters if cell.id in records else None
        if count is not None:
            parameters.setdefault(_model(cell), set()).add(count > 0)
    crossed = {_model(cell) for cell in cells if not cell.included}
    return {
        cell.id
        for cell in cells
        if parameters.get(_model(cell)) == {False}
        or (cell.included and _model(cell) not in crossed and _model(cell) not in parameters)
    }


def _model(cell: CellLike) -> str:
    return cell.labels.get("model", "")


def _axes(cells: Sequence[CellLike], board: Board) -> list[str]:
    """The axes besides rows, columns, seed and tuned settings, in the order of the suite."""
    tuned = {key for cell in cells for key in cell.tuned}
    names = dict.fromkeys(axis for cell in cells for axis in cell.labels)
    return [axis for axis in names if axis not in {board.rows, board.columns, "seed"} | tuned]


def _levels(cells: Iterable[CellLike], axis: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_label(cell, axis) for cell in cells))


def _label(cell: CellLike, axis: str) -> str:
    return cell.labels.get(axis, NOTHING)


def _fixed(cells: Sequence[CellLike], board: Board) -> tuple[tuple[str, str], ...]:
    """Axes of one level: said once, above all tables; that nothing is pretrained goes without saying."""
    levels = [(axis, _levels(cells, axis)) for axis in _axes(cells, board)]
    return tuple((axis, names[0]) for axis, names in levels if len(names) == 1 and (axis, names[0]) != FROM_SCRATCH)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What every entry of one table needs to know."""

    records: Records
    measures: tuple[Measure, ...]
    seeds: int
    badges: tuple[str, ...]


def _tables(
    cells: Sequence[CellLike], records: Records, board: Board, measures: tuple[Measure, ...]
) -> tuple[Table, ...]:
    """One table per combination of the other axes that the suite has."""
    grouping = [axis for axis in _axes(cells, board) if len(_levels(cells, axis)) > 1]
    groups: dict[tuple[tuple[str, str], ...], list[CellLike]] = {}
    for cell in cells:
        groups.setdefault(tuple((axis, _label(cell, axis)) for axis in grouping), []).append(cell)
    return tuple(_table(title, members, records, board, measures) for title, members in groups.items())


def _table(
    title: tuple[tuple[str, str], ...],
    cells: Sequence[CellLike],
    records: Records,
    board: Board,
    measures: tuple[Measure, ...],
) -> Table:
    badges = _common_badges(cells, records)
    frame = _Frame(records, measures, len({seed_of(cell) for cell in cells}), badges)
    rows, columns = _levels(cells, board.rows), _levels(cells, board.columns)
    places: dict[tuple[str, str], list[CellLike]] = {}
    for cell in cells:
        places.setdefault((_label(cell, board.rows), _label(cell, board.columns)), []).append(cell)
    entries = tuple(tuple(_entry(row, col, places.get((row, col), []), frame) for col in columns) for row in rows)
    if "dataset" not in board.rows.split(", "):  # scores of different data sets cannot be compared
        entries = _with_best(entries, measures)
    return Table(title, rows, columns, entries, badges)


def _common_badges(cells: Sequence[CellLike], records: Records) -> tuple[str, ...]:
    """Badges that every finished cell carries, so that they are said once."""
    found = [records[cell.id].badges for cell in cells if state_of(cell, records)[0] == "done"]
    return tuple(badge for badge in found[0] if all(badge in other for other in found)) if found else ()


def _entry(row: str, column: str, cells: Sequence[CellLike], frame: _Frame) -> Entry:
    """One position: choose the trial, average its seeds, say what is missing and why."""
    if not cells:
        return Entry(row, column, "absent", figures=(), cells=(), seeds=0, expected=frame.seeds)
    trials = trials_of(cells)
    shown = chosen(trials, frame.records)
    done = [cell for cell in shown if state_of(cell, frame.records)[0] == "done"]
    readings = [[read(frame.records[cell.id], measure) for cell in done] for measure in frame.measures]
    figures = tuple(figure(found, measure) for found, measure in zip(readings, frame.measures, strict=True))
    said = [_said_why(found, done, measure, frame) for found, measure in zip(readings, frame.measures, strict=True)]
    reasons = [
        *(_missing_seeds(figures, said, frame) if done else ()),
        *_unfinished(trials, shown, frame.records),
        *dict.fromkeys(reading.alarm for found in readings for reading in found if reading.alarm),
        *dict.fromkeys(text for cell in done for text in _warnings(frame.records[cell.id], frame.badges)),
    ]
    known = [frame.records[cell.id] for cell in shown if cell.id in frame.records]
    state = "done" if done else _worst(shown, frame.records)
    return Entry(
        row=row,
        column=column,
        state=state,
        figures=figures if done else (),
        cells=tuple(cell.id for cell in shown),
        seeds=len(done),
        expected=frame.seeds,
        inert=any(record.inert for record in known),
        trial=_trial(trials, shown, frame.records),
        reason="; ".join(reasons) or None,
        data_absent=state == "blocked" and any(record.data_absent for record in known),
    )


def _worst(cells: Sequence[CellLike], records: Records) -> BoardState:
    states = {state_of(cell, records)[0] for cell in cells}
    return next(state for state in WORST_FIRST if state in states)


def _trial(trials: Sequence[Sequence[CellLike]], shown: Sequence[CellLike], records: Records) -> Trial | None:
    """What was tuned at this position; None where nothing was."""
    if not shown[0].tuned:
        return None
    count = sum(finished(trial, records) for trial in trials)
    return Trial(dict(shown[0].tuned), count, len(trials), gap(trials, shown, records))


def _said_why(readings: Sequence[Reading], cells: Sequence[CellLike], measure: Measure, frame: _Frame) -> bool:
    """Whether every seed that lacks this value says why among the flags of its split."""
    lacking = [cell for cell, reading in zip(cells, readings, strict=True) if reading.value is None]
    return bool(lacking) and all(why_undefined(frame.records[cell.id], measure.split or "") for cell in lacking)


def _warnings(record: Record, said: Sequence[str]) -> list[str]:
    """That the scores are not today's, badges that the table does not carry as a whole, and flags of either split."""
    flags = {split: record.of_split(split).flags for split in ("validation", "test")}
    return [
        *(first_line(text) for text in record.outdated),
        *(f"badge: {badge}" for badge in record.badges if badge not in said),
        *(f"{split}: {first_line(flag)}" for split, found in flags.items() for flag in found),
    ]


def _missing_seeds(figures: Sequence[Figure], said: Sequence[bool], frame: _Frame) -> list[str]:
    """How many seeds stand behind figures that lack some; one that lacks all and has ``said`` why needs no more."""
    counts = {found.count for found in figures}
    if counts == {frame.seeds}:
        return []
    if len(counts) == 1 and counts != {0}:
        return [f"n = {counts.pop()} of {plural(frame.seeds, 'seed')}"]
    return [
        f"{heading(measure, '')}: n = {found.count} of {plural(frame.seeds, 'seed')}"
        if found.count
        else f"{heading(measure, '')}: no value in the record"
        for found, explained, measure in zip(figures, said, frame.measures, strict=True)
        if found.count < frame.seeds and (found.count or not explained)
    ]


def _unfinished(trials: Sequence[Sequence[CellLike]], shown: Sequence[CellLike], records: Records) -> list[str]:
    """State and reason of every cell that did not end well; what holds for all trials is said once."""
    by_trial = [_unfinished_seeds(trial, records) for trial in trials]
    here = next(found for found, trial in zip(by_trial, trials, strict=True) if trial is shown)
    texts = [_located(text, "", seeds, len(shown)) for text, seeds in here.items()]
    for found, trial in zip(by_trial, trials, strict=True):
        if trial is not shown:
            news = {t: seeds for t, seeds in found.items() if t not in here and not t.startswith("pending")}
            texts += [_located(t, settings_text(trial[0].tuned), seeds, len(trial)) for t, seeds in news.items()]
    return texts


def _unfinished_seeds(trial: Sequence[CellLike], records: Records) -> dict[str, list[str]]:
    """``failed: why`` to the seeds that ended so."""
    seeds: dict[str, list[str]] = {}
    for cell in trial:
        state, reason = state_of(cell, records)
        if state != "done":
            seeds.setdefault(_why(state, reason, records.get(cell.id)), []).append(seed_of(cell))
    return seeds


def _why(state: BoardState, reason: str | None, record: Record | None) -> str:
    """``failed: why``; what is not here says so itself."""
    if not reason:
        return state
    return first_line(reason, 600) if record and record.data_absent else f"{state}: {first_line(reason)}"


def _located(text: str, settings: str, seeds: Sequence[str], of: int) -> str:
    """Put the settings and the seeds before a reason where they are not all."""
    some = f"seed{'' if len(seeds) == 1 else 's'} {', '.join(seeds)}" if len(seeds) < of else ""
    place = ", ".join(part for part in (settings, some) if part)
    return f"{place}: {text}" if place else text


def settings_text(settings: Mapping[str, JsonValue]) -> str:
    """``learning_rate = 0.001`` for a trial's settings; sections such as ``recipe.`` are left out."""
    return ", ".join(f"{key.rpartition('.')[2]} = {setting_text(value)}" for key, value in settings.items())


def _with_best(entries: tuple[tuple[Entry, ...], ...], measures: tuple[Measure, ...]) -> tuple[tuple[Entry, ...], ...]:
    """Mark the best figure of every column and measure; what prints alike is equally good."""
    best = {
        (column, index): _best_texts([row[column] for row in entries], index, measure)
        for column in range(len(entries[0]) if entries else 0)
        for index, measure in enumerate(measures)
    }
    return tuple(
        tuple(
            replace(
                entry, figures=tuple(_marked(entry, index, best[column, index]) for index in range(len(entry.figures)))
            )
            for column, entry in enumerate(row)
        )
        for row in entries
    )


def _best_texts(entries: Sequence[Entry], index: int, measure: Measure) -> str | None:
    """Text of the best figure; None where fewer than two positions can be compared."""
    rivals = [entry.figures[index] for entry in entries if _complete(entry, index)]
    if len(rivals) < 2 or measure.better is None:
        return None
    sign = 1 if measure.better == "higher" else -1
    return max(rivals, key=lambda rival: sign * (rival.value or 0.0)).text


def _complete(entry: Entry, index: int) -> bool:
    return bool(entry.figures) and entry.figures[index].count == entry.expected


def _marked(entry: Entry, index: int, best: str | None) -> Figure:
    found = entry.figures[index]
    return replace(found, best=_complete(entry, index) and found.text == best)


def _entries(tables: Sequence[Table]) -> list[Entry]:
    return [entry for table in tables for row in table.entries for entry in row]


def _numbered(tables: tuple[Table, ...]) -> tuple[tuple[str, ...], tuple[Table, ...]]:
    """Number the reasons in reading order; equal reasons share a number."""
    notes = dict.fromkeys(entry.reason for entry in _entries(tables) if entry.reason)
    numbers = {text: index for index, text in enumerate(notes, start=1)}

    def numbered(entry: Entry) -> Entry:
        return replace(entry, note=numbers[entry.reason]) if entry.reason else entry

    done = (replace(t, entries=tuple(tuple(numbered(e) for e in row) for row in t.entries)) for t in tables)
    return tuple(notes), tuple(done)


def _remarks(tables: Sequence[Table]) -> tuple[str, ...]:
    """The rules that these tables follow, only those that matter here."""
    entries = _entries(tables)
    figures = [found for entry in entries for found in entry.figures]
    said = {
        MISSING: any(entry.seeds < entry.expected for entry in entries)
        or any(found.value is None for found in figures),
        BOLD: any(found.best for found in figures),
        SPREAD: any(found.spread is not None for found in figures),
        INERT: any(entry.inert for entry in entries),
        BOUND: any(found.at_least for found in figures),
        POLICY: any(entry.trial for entry in entries),
    }
    order = _order_claim(max((entry.seeds for entry in entries), default=0))
    return (*order, *(text for text, holds in said.items() if holds))


def _order_claim(seeds: int) -> tuple[str, ...]:
    """An order is claimed only with at least three seeds (PROTOCOL, section 5)."""
    return {0: (), 1: ("one seed, no order claimed",), 2: ("fewer than three seeds, no order claimed",)}.get(seeds, ())


def _cell_line(cell: CellLike, records: Records, shown: set[str], unfitted: set[str]) -> CellLine:
    state, reason = state_of(cell, records)
    return CellLine(
        id=cell.id,
        labels=dict(cell.labels),
        tuned=dict(cell.tuned),
        state=state,
        reason=reason,
        shown=cell.id in shown,
        baseline=cell.id in unfitted,
        record=dict(records[cell.id].stored) if cell.id in records else {},
    )
