"""Where the best cell of a data set stands between floor, baselines and ceiling.

"Best" is always the best by validation; the comparison with baselines asks for the highest upper end among
all of them, so that no baseline is picked by a test score.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.record import Record, number
from bench.report.choose import Records, seed_of, state_of
from bench.report.counts import counts_of, reliability
from bench.report.measures import first_line, interval_text, measure_of, percent, read
from bench.report.order import seeds_interval
from bench.report.shape import Baseline, Best, CellLike, Entry, Standing, Table, TypeLine
from bench.report.undefined import why_undefined
from bench.suite.joint import naming_axes
from bench.types import JsonValue
from bench.words import plural

VALIDATION, TEST = measure_of("f1@validation"), measure_of("f1@test")
FLOORS = {"F1_V": measure_of("floor@validation"), "F1_T": measure_of("floor@test")}

Interval = tuple[float, float]


def standings(
    cells: Sequence[CellLike], unfitted: set[str], tables: Sequence[Table], records: Records
) -> tuple[Standing, ...]:
    """One standing per data set, in the order of the suite."""
    parted: dict[str, list[CellLike]] = {}
    for cell in cells:
        parted.setdefault(cell.labels.get("dataset", ""), []).append(cell)
    return tuple(_standing(name, members, unfitted, tables, records) for name, members in parted.items())


def _standing(
    dataset: str, cells: Sequence[CellLike], unfitted: set[str], tables: Sequence[Table], records: Records
) -> Standing:
    baselines = _baselines([cell for cell in cells if cell.id in unfitted], records)
    floors = _floors(cells, records)
    best = _best(cells, tables, records)
    return Standing(
        dataset=dataset,
        baselines=baselines,
        floors=floors,
        best=best,
        types=type_lines(records[best.cell]) if best else (),
        sentences=(
            *_floor_sentence(floors),
            *(_best_sentences(best, baselines) if best else ()),
            *(f"Baseline {b.name} {b.state}: {first_line(b.reason or '')}." for b in baselines if b.state != "done"),
            *_baseline_notes(baselines, _notes(cells, tables)),
        ),
    )


def _baselines(cells: Sequence[CellLike], records: Records) -> tuple[Baseline, ...]:
    """One line per baseline; crops and seeds that change nothing are not repeated."""
    found: dict[str, list[tuple[str, Baseline]]] = {}
    for cell in cells:
        name = cell.labels.get("model", cell.id)
        found.setdefault(name, []).append((_place(cell), _baseline(cell, name, records)))
    return tuple(line for lines in found.values() for line in _distinct(lines))


def _baseline(cell: CellLike, name: str, records: Records) -> Baseline:
    state, reason = state_of(cell, records)
    if state != "done":
        return Baseline(name, state, reason, None, None, None)
    record = records[cell.id]
    return Baseline(
        name=name,
        state=state,
        reason=reason,
        f1_validation=read(record, VALIDATION).value,
        f1_test=read(record, TEST).value,
        interval=record.of_split("test").interval,
        badges=record.badges,
        outdated=record.outdated,
        absent=tuple(why_undefined(record)),
    )


def _notes(cells: Sequence[CellLike], tables: Sequence[Table]) -> str:
    """What the tables note of the positions of these cells."""
    here = {cell.id for cell in cells}
    entries = [entry for table in tables for row in table.entries for entry in row]
    return "\n".join(entry.reason or "" for entry in entries if here.intersection(entry.cells))


def _baseline_notes(baselines: Sequence[Baseline], said: str) -> list[str]:
    """What must be said of baselines, each once with their names; why a score is absent unless it is said already."""
    shared = common_badges(baselines)
    names: dict[str, list[str]] = {}
    for line in baselines:
        badges = [f"badge: {badge}" for badge in line.badges if badge not in shared]
        for text in (*line.outdated, *badges, *(text for text in line.absent if text not in said)):
            names.setdefault(first_line(text), []).append(line.name)
    return [f"Baseline {', '.join(found)}: {text}." for text, found in names.items()]


def common_badges(baselines: Sequence[Baseline]) -> tuple[str, ...]:
    """Badges that all finished baselines carry, so that they are said once above them."""
    done = [line.badges for line in baselines if line.state == "done"]
    return tuple(badge for badge in done[0] if all(badge in other for other in done)) if done else ()


def _distinct(lines: Sequence[tuple[str, Baseline]]) -> list[Baseline]:
    """Equal lines once; different ones with the rest of their labels in the name."""
    places: dict[str, tuple[str, Baseline]] = {}
    for place, line in lines:
        places.setdefault(repr(replace(line, name="")), (place, line))
    if len(places) == 1:
        return [line for _, line in places.values()]
    return [replace(line, name=f"{line.name} ({place})") for place, line in places.values()]


def _place(cell: CellLike) -> str:
    return ", ".join(label for axis, label in cell.labels.items() if axis not in ("dataset", "model"))


def _floors(cells: Sequence[CellLike], records: Records) -> Mapping[str, tuple[float, ...]]:
    """All-positive floor 2 pi / (1 + pi) of each split; several where cells differ in their split."""
    done = [records[cell.id] for cell in cells if state_of(cell, records)[0] == "done"]
    return {
        name: tuple(sorted({value for record in done if (value := read(record, measure).value) is not None}))
        for name, measure in FLOORS.items()
    }


def _best(cells: Sequence[CellLike], tables: Sequence[Table], records: Records) -> Best | None:
    """The position of best mean validation F1, and in it the cell of best validation F1.

    Positions with all seeds come before positions that lack some. Where there are several seeds the scores are means
    over them, with an interval over seeds and groups.
    """
    here = {cell.id: cell for cell in cells}
    entries = [e for table in tables for row in table.entries for e in row if e.cells and e.cells[0] in here]
    scored = [(entry, scores) for entry in entries if (scores := _scores(entry, here, records))]
    if not scored:
        return None
    entry, scores = max(scored, key=lambda pair: (len(pair[1]) == pair[0].expected, _mean(pair[1].values())))
    id = max(scores, key=lambda cell: scores[cell])
    record = records[id]
    if len(scores) > 1:
        return _best_position(id, scores, here, records)
    return Best(
        cell=id,
        name=_name(here[id], here.values(), seeds=entry.expected),
        f1_validation=scores[id],
        f1_test=read(record, TEST).value,
        interval=record.of_split("test").interval,
        interval_note=record.of_split("test").interval_note,
        ceiling=record.ceiling.get("test"),
    )


def _best_position(best: str, scores: Mapping[str, float], cells: Mapping[str, CellLike], records: Records) -> Best:
    """Means over the seeds of a position."""
    tests = [read(records[id], TEST).value for id in scores]
    known = [value for value in tests if value is not None]
    complete = len(known) == len(scores)
    interval = seeds_interval(list(scores), records, TEST) if complete else None
    counts = counts_of(records[best], "test")
    unsure = reliability(counts.defective) if counts else ""
    note = (
        f"over {plural(len(scores), 'seed')} and {plural(len(counts.groups), 'group')}" if counts and interval else ""
    )
    return Best(
        cell=best,
        name=f"{_name(cells[best], cells.values(), seeds=1)}, mean of {len(scores)} seeds",
        f1_validation=_mean(scores.values()),
        f1_test=_mean(known) if complete else None,
        interval=interval,
        interval_note="; ".join(text for text in (note, unsure) if note and text) or None,
        ceiling=records[best].ceiling.get("test"),
        seeds=len(scores),
    )


def _scores(entry: Entry, cells: Mapping[str, CellLike], records: Records) -> dict[str, float]:
    """Validation F1 of the entry's finished cells, by id."""
    done = [id for id in entry.cells if state_of(cells[id], records)[0] == "done"]
    values = {id: read(records[id], VALIDATION).value for id in done}
    return {id: value for id, value in values.items() if value is not None}


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _name(cell: CellLike, cells: Iterable[CellLike], *, seeds: int) -> str:
    """The labels that tell this cell from the others of its data set."""
    axes = [axis for axis in naming_axes([other.labels for other in cells]) if axis not in ("dataset", "seed")]
    labels = {axis: cell.labels[axis] for axis in axes if axis in cell.labels}
    telling = [f"{axis} none" if label == "none" else label for axis, label in labels.items()]
    seed = [f"seed {seed_of(cell)}"] if seeds > 1 else []
    return ", ".join(telling + seed) or cell.id


def type_lines(record: Record) -> tuple[TypeLine, ...]:
    """Positives per defect type of the test split: pooled F1 alone hides the rare types."""
    return tuple(_type(name, figures) for name, figures in record.of_split("test").types.items())


def _type(name: str, figures: Mapping[str, JsonValue]) -> TypeLine:
    pixels, groups, objects = (number(figures.get(key)) for key in ("pixels", "groups", "objects"))
    return TypeLine(
        name=str(name),
        pixels=None if pixels is None else int(pixels),
        groups=None if groups is None else int(groups),
        objects=None if objects is None else int(objects),
        recall=number(figures.get("recall")),
        object_recall=number(figures.get("object_recall")),
    )


def _floor_sentence(floors: Mapping[str, tuple[float, ...]]) -> tuple[str, ...]:
    texts = [f"{name} {' or '.join(dict.fromkeys(map(percent, found)))}" for name, found in floors.items() if found]
    return (f"Floor, every pixel called a defect: {', '.join(texts)}.",) if texts else ()


def _best_sentences(best: Best, baselines: Sequence[Baseline]) -> tuple[str, ...]:
    interval = f", interval {interval_text(best.interval)}" if best.interval else ", no interval"
    note = f" ({best.interval_note})" if best.interval_note else ""
    scores = f"F1_V {percent(best.f1_validation)}, F1_T {percent(best.f1_test)}{interval}{note}"
    what = "Cell of best F1_V" if best.seeds == 1 else "Best mean F1_V"
    return (f"{what}: {best.name}; {scores}.", *_ceiling_sentence(best), _verdict(best, baselines))


def _ceiling_sentence(best: Best) -> tuple[str, ...]:
    if best.ceiling is None or best.f1_test is None or best.ceiling <= 0:
        return ()
    text = f"Its F1_T is {percent(best.f1_test / best.ceiling)} % of the oracle ceiling {percent(best.ceiling)}"
    above = ", which should be impossible: check masks and splits" if best.f1_test > best.ceiling else ""
    return (f"{text}{above}.",)


def _verdict(best: Best, baselines: Sequence[Baseline]) -> str:
    """Whether the best cell's interval lies above every baseline's."""
    rivals = [(line.interval, line.name) for line in baselines if line.interval]
    if best.interval is None or not rivals:
        return "It is compared with no baseline: " + ("no interval." if rivals else "none has a test interval.")
    high, name = max((interval[1], name) for interval, name in rivals)
    if best.interval[0] > high:
        return f"Its interval lies above those of all baselines (highest end {percent(high)}, {name})."
    return f"Its interval does not lie above those of all baselines: {name} reaches {percent(high)}."
