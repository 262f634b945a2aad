"""Where the best cell of a data set stands beside floor, baselines and the truth at its model's output stride.

A split of its own is a data set of its own: its images are others, and so are its floor and what baselines reach there.

"Best" is always the best by validation; the comparison with baselines asks for the highest upper end among
all of them, so that no baseline is picked by a test score.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from bench.record import Record, number
from bench.report.baselines import baseline_sentences, baselines_of
from bench.report.best import best_of, tested_on
from bench.report.choose import TEST_F1, Records, done_records, seed_of
from bench.report.counts import counts_of, reliability
from bench.report.measures import interval_text, mean_over, measure_of, percent, read
from bench.report.rows import seeds_interval
from bench.report.shape import Baseline, Best, Standing, Table, TypeLine, entries_of
from bench.suite.cells import Cell
from bench.suite.joint import naming_axes
from bench.words import plural

FLOORS = {"F1_V": measure_of("floor@validation"), "F1_T": measure_of("floor@test")}


def standings(
    cells: Sequence[Cell], unfitted: set[str], tables: Sequence[Table], records: Records, gone: Collection[str]
) -> tuple[Standing, ...]:
    """One standing per data set and split, in the order of the suite; trainings that are ``gone`` have collapsed."""
    parted: dict[str, list[Cell]] = {}
    for cell in cells:
        parted.setdefault(tested_on(cell.labels), []).append(cell)
    return tuple(_standing(name, members, unfitted, tables, records, gone) for name, members in parted.items())


def _standing(
    dataset: str,
    cells: Sequence[Cell],
    unfitted: set[str],
    tables: Sequence[Table],
    records: Records,
    gone: Collection[str],
) -> Standing:
    baselines = baselines_of([cell for cell in cells if cell.id in unfitted], records)
    floors = _floors(cells, records)
    best = _best(cells, tables, records, gone)
    sentences = _floor_sentence(floors)
    if best:
        sentences += _best_sentences(best, baselines)
    return Standing(
        dataset=dataset,
        baselines=baselines,
        floors=floors,
        best=best,
        types=type_lines(records[best.cell]) if best else (),
        sentences=(*sentences, *baseline_sentences(baselines, _notes(cells, tables))),
    )


def _notes(cells: Sequence[Cell], tables: Sequence[Table]) -> str:
    """What the tables note of the positions of these cells."""
    here = {cell.id for cell in cells}
    return "\n".join(entry.reason or "" for entry in entries_of(tables) if here.intersection(entry.cells))


def _floors(cells: Sequence[Cell], records: Records) -> Mapping[str, tuple[float, ...]]:
    """All-positive floor 2 pi / (1 + pi) of validation and test; several where cells differ in what is positive."""
    floors = {}
    for name, measure in FLOORS.items():
        values = {read(record, measure).value for record in done_records(cells, records)}
        floors[name] = tuple(sorted(value for value in values if value is not None))
    return floors


def _best(cells: Sequence[Cell], tables: Sequence[Table], records: Records, gone: Collection[str]) -> Best | None:
    """The position of best mean validation F1, and in it the cell of best validation F1.

    Where there are several seeds the scores are means over those that stand, with an interval over seeds and groups.
    """
    here = {cell.id: cell for cell in cells}
    best = best_of(entries_of(tables), here, records)
    if best is None:
        return None
    id, scores = best.cell, best.scores
    test = records[id].of_split("test")
    stand = {seed: score for seed, score in scores.items() if seed not in gone} or scores
    f1_test = mean_over([records[seed] for seed in stand], TEST_F1)
    interval, note = test.interval, test.interval_note
    name = _name(here[id], here.values(), seeds=best.entry.expected if len(scores) == 1 else 1)
    if len(scores) > 1:
        name = f"{name}, {_of_seeds(len(stand), len(scores))}"
        known = f1_test is not None and len(stand) > 1
        interval = seeds_interval(list(stand), records, TEST_F1) if known else None
        counts = counts_of(records[id], "test")
        over = f"over {plural(len(stand), 'seed')} and {plural(len(counts.groups), 'group')}" if counts else ""
        unsure = reliability(counts.defective) if counts else ""
        note = "; ".join(filter(None, (over, unsure))) if interval else None
    return Best(
        cell=id,
        name=name,
        f1_validation=sum(stand.values()) / len(stand),
        f1_test=f1_test,
        interval=interval,
        interval_note=note or None,
        ceiling=records[id].ceiling.get("test"),
        seeds=len(scores),
    )


def _of_seeds(stand: int, seeds: int) -> str:
    if stand == seeds:
        return f"mean of {plural(seeds, 'seed')}"
    return f"mean of the {stand} of {plural(seeds, 'seed')} that did not collapse"


def _name(cell: Cell, cells: Iterable[Cell], *, seeds: int) -> str:
    """The labels that tell this cell from the others of its data set."""
    telling = []
    for axis in naming_axes([other.labels for other in cells]):
        label = cell.labels.get(axis)
        if label is not None and axis not in ("dataset", "seed"):
            telling.append(f"{axis} none" if label == "none" else label)
    if seeds > 1:
        telling.append(f"seed {seed_of(cell)}")
    return ", ".join(telling) or cell.id


def type_lines(record: Record) -> tuple[TypeLine, ...]:
    """Positives per defect type of the test split: pooled F1 alone hides the rare types."""
    lines = []
    for name, figures in record.of_split("test").types.items():
        counts = [number(figures.get(key)) for key in ("pixels", "groups", "objects")]
        pixels, groups, objects = (None if count is None else int(count) for count in counts)
        lines.append(
            TypeLine(name, pixels, groups, objects, number(figures.get("recall")), number(figures.get("object_recall")))
        )
    return tuple(lines)


def _floor_sentence(floors: Mapping[str, tuple[float, ...]]) -> list[str]:
    texts = []
    for name, values in floors.items():
        if values:
            texts.append(f"{name} {' or '.join(dict.fromkeys(map(percent, values)))}")
    return [f"Floor, every pixel called a defect: {', '.join(texts)}."] if texts else []


def _best_sentences(best: Best, baselines: Sequence[Baseline]) -> list[str]:
    what = "Cell of best F1_V" if best.seeds == 1 else "Best mean F1_V"
    scores = f"F1_V {percent(best.f1_validation)}, F1_T {percent(best.f1_test)}"
    interval = f"interval {interval_text(best.interval)}" if best.interval else "no interval"
    note = f" ({best.interval_note})" if best.interval_note else ""
    sentences = [f"{what}: {best.name}; {scores}, {interval}{note}."]
    if best.ceiling == 1 and best.f1_test is not None:
        sentences.append(f"Its F1_T is {percent(best.f1_test)} % of the oracle ceiling 100.0.")
    elif best.ceiling:
        sentences.append(f"The truth averaged over its output stride has F1_T {percent(best.ceiling)}, no bound.")
    sentences.append(_verdict(best, baselines))
    return sentences


def _verdict(best: Best, baselines: Sequence[Baseline]) -> str:
    """Whether the best cell's interval lies above every baseline's."""
    ends = [(line.interval[1], line.name) for line in baselines if line.interval]
    if not ends:
        return "It is compared with no baseline: none has a test interval."
    if best.interval is None:
        return "It is compared with no baseline: no interval."
    high, name = max(ends)
    if best.interval[0] > high:
        return f"Its interval lies above those of all baselines (highest end {percent(high)}, {name})."
    return f"Its interval does not lie above those of all baselines: {name} reaches {percent(high)}."
