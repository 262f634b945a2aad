"""A comparison of two runs as a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from bench.document import Document, Points, Table
from bench.report.compare import Comparison, Difference, Matched, Met, folds
from bench.report.measures import NOTHING, heading, printed
from bench.report.sides import SideCell
from bench.report.tables import plain_table
from bench.report.undefined import why_undefined
from bench.statistics.estimates import RELIABLE_GROUPS
from bench.suite.joint import count_names
from bench.words import plural

FIXED = (
    "Intervals (95 %) are over the groups of the split, paired; both models are held fixed, so other seeds are not "
    "covered."
)
FOLDS = "No interval of a mean over several splits of the same data: their training sets overlap."
FEW = "Intervals are unreliable where fewer than {} groups hold defects; here as few as {} do."


def comparison_document(comparison: Comparison, met: Sequence[Met]) -> Document:
    """Means and cells side by side, then everything that must be said of them; ``met`` are the gates met."""
    title = f"{comparison.second} against {comparison.first} (second less first)"
    return Document(title, [*_tables(comparison), Points(list(_sentences(comparison, met)))], level=1)


def _tables(comparison: Comparison) -> Iterator[Table]:
    means = [(heading(one.measure), *_shown(one), str(count)) for one, count in comparison.mean if count]
    if means:
        header = ("measure", "first", "second", "difference", "interval", "cells")
        yield plain_table(header, means, title="Mean over cells")
    names = _names(comparison)
    cells = []
    for cell in comparison.cells:
        cells += [(names[cell.first.id], heading(one.measure), *_shown(one)) for one in cell.differences]
    if cells:
        header = ("cell", "measure", "first", "second", "difference", "interval")
        yield plain_table(header, cells, title="Cells")


def _names(comparison: Comparison) -> dict[str, str]:
    """The start of every id of the first run with the labels in which its cells differ."""
    labels: dict[str, Mapping[str, str]] = {cell.first.id: cell.first.labels for cell in comparison.cells}
    labels |= {cell.id: cell.axes for cell in comparison.only_first}
    axes = dict.fromkeys(chain.from_iterable(labels.values()))
    differing = [axis for axis in axes if count_names(list(labels.values()), [axis]) > 1]
    names = {}
    for id, own in labels.items():
        told = ", ".join(own.get(axis, NOTHING) for axis in differing)
        names[id] = f"{id[:8]} {told}".strip()
    return names


def _shown(difference: Difference) -> tuple[str, str, str, str]:
    values = (difference.first, difference.second)
    first, second = (NOTHING if value is None else printed(value, difference.measure) for value in values)
    return first, second, _signed(difference.value, difference), _interval(difference)


def _signed(value: float | None, difference: Difference) -> str:
    if value is None:
        return NOTHING
    text = f"{100 * value:+.1f}" if difference.measure.percent else f"{value:+.3g}"
    return text if float(text) else text.lstrip("+-")


def _interval(difference: Difference) -> str:
    if difference.interval is None:
        return NOTHING
    return "[" + ", ".join(_signed(end, difference) for end in difference.interval) + "]"


def _sentences(comparison: Comparison, met: Sequence[Met]) -> Iterator[str]:
    names = _names(comparison)
    by_label = sum(cell.by_label for cell in comparison.cells)
    yield f"{plural(len(comparison.cells) - by_label, 'cell')} matched by id, {by_label} by equal labels."
    if comparison.ignored and by_label:
        yield f"Axes that only one side has were left out of the match: {', '.join(comparison.ignored)}."
    differences = chain.from_iterable(cell.differences for cell in comparison.cells)
    if any(one.interval for one in differences):
        yield FIXED
        yield from _few(comparison.cells)
        if folds(cell for cell in comparison.cells if cell.differences):
            yield FOLDS
    for cell in comparison.cells:
        if cell.apart:
            yield f"NOT COMPARABLE: cell {names[cell.first.id]}: {cell.apart}."
        if cell.states[0] != cell.states[1]:
            why = cell.second.reason or cell.first.reason
            reason = f" ({why})" if why else ""
            yield f"State: cell {names[cell.first.id]}: {' -> '.join(cell.states)}{reason}."
    yield from _one_sided(comparison.only_first, comparison.first)
    yield from _one_sided(comparison.only_second, comparison.second)
    sides = zip(*((cell.first, cell.second) for cell in comparison.cells), strict=True)
    for side, cells in zip((comparison.first, comparison.second), sides, strict=True):
        yield from _counted(map(_told, cells), f" of {side}: ", "")
    yield from _counted((cell.changed for cell in comparison.cells), ": ", "Changed in ")
    yield from (f"GATE {one.gate.text}: met by cell {names[one.cell]}: {one.how}." for one in met)


def _few(cells: Sequence[Matched]) -> Iterator[str]:
    """That there are too few groups with defects for an interval to be relied on."""
    counts = []
    for cell in cells:
        if cell.differences and cell.first.record:
            record = cell.first.record
            counts += [record.of_split(split).number("defective_groups") for split in ("validation", "test")]
    fewest = min((count for count in counts if count is not None), default=RELIABLE_GROUPS)
    if fewest < RELIABLE_GROUPS:
        yield FEW.format(RELIABLE_GROUPS, int(fewest))


def _one_sided(cells: Sequence[SideCell], name: str) -> Iterator[str]:
    if cells:
        ids = ", ".join(cell.id[:8] for cell in cells[:6])
        more = f" and {len(cells) - 6} more" if len(cells) > 6 else ""
        yield f"Only in {name}: {plural(len(cells), 'cell')} ({ids}{more})."


def _told(cell: SideCell) -> Iterator[str]:
    """Badges, scores that are not today's and why scores are absent."""
    if cell.record:
        yield from (f"badge: {badge}" for badge in cell.record.badges)
        yield from cell.record.outdated
        yield from why_undefined(cell.record)


def _counted(texts: Iterable[Iterable[str]], of: str, start: str) -> Iterator[str]:
    """Every text once with the number of its cells."""
    for text, count in Counter(chain.from_iterable(texts)).items():
        yield f"{start}{plural(count, 'cell')}{of}{text}."
