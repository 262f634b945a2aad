"""A comparison of two runs as a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from bench.document import Document, Points, Table
from bench.report.compare import Comparison, Difference, Matched, Met, SideCell
from bench.report.measures import NOTHING, heading, printed
from bench.report.tables import plain_table
from bench.report.undefined import why_undefined
from bench.statistics.intervals import RELIABLE_GROUPS
from bench.words import plural

FIXED = (
    "Intervals (95 %) are over the groups of the split, paired; both models are held fixed, so other seeds are not "
    "covered."
)
FEW = "Intervals are unreliable where fewer than {} groups hold defects; here as few as {} do."


def comparison_document(found: Comparison, met: Sequence[Met]) -> Document:
    """Means and cells side by side, then everything that must be said of them; ``met`` are the gates met."""
    title = f"{found.second} against {found.first} (second less first)"
    return Document(title, [*_tables(found), Points(list(_sentences(found, met)))], level=1)


def _tables(found: Comparison) -> Iterator[Table]:
    means = [(heading(one.measure), *_shown(one), str(count)) for one, count in found.mean if count]
    if means:
        header = ("measure", "first", "second", "difference", "interval", "cells")
        yield plain_table(header, means, title="Mean over cells")
    names = _names(found)
    cells = []
    for cell in found.cells:
        cells += [(names[cell.id], heading(one.measure), *_shown(one)) for one in cell.differences]
    if cells:
        header = ("cell", "measure", "first", "second", "difference", "interval")
        yield plain_table(header, cells, title="Cells")


def _names(found: Comparison) -> dict[str, str]:
    """The start of every id of the first run with the labels in which its cells differ."""
    labels = {cell.id: cell.labels for cell in found.cells}
    labels |= {cell.id: cell.axes for cell in found.only_first}
    axes = dict.fromkeys(axis for own in labels.values() for axis in own)
    several = [axis for axis in axes if len({own.get(axis) for own in labels.values()}) > 1]
    return {
        id: " ".join([id[:8], ", ".join(own.get(axis, NOTHING) for axis in several)]).strip()
        for id, own in labels.items()
    }


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


def _sentences(found: Comparison, met: Sequence[Met]) -> Iterator[str]:
    names = _names(found)
    by_label = sum(cell.by_label for cell in found.cells)
    yield f"{plural(len(found.cells) - by_label, 'cell')} matched by id, {by_label} by equal labels."
    if found.ignored and by_label:
        yield f"Axes that only one side has were left out of the match: {', '.join(found.ignored)}."
    if any(difference.interval for cell in found.cells for difference in cell.differences):
        yield FIXED
        yield from _few(found.cells)
    for cell in found.cells:
        if cell.apart:
            yield f"NOT COMPARABLE: cell {names[cell.id]}: {cell.apart}."
        if cell.states[0] != cell.states[1]:
            reason = cell.second.reason
            yield f"State: cell {names[cell.id]}: {' -> '.join(cell.states)}" + (f" ({reason})" if reason else "") + "."
    yield from _one_sided(found.only_first, found.first)
    yield from _one_sided(found.only_second, found.second)
    yield from _told(found)
    yield from _changed(found.cells)
    yield from (f"GATE {one.gate.text}: met by cell {names[one.cell]}: {one.how}." for one in met)


def _few(cells: Sequence[Matched]) -> Iterator[str]:
    """That there are too few groups with defects for an interval to be relied on."""
    counts = []
    for cell in cells:
        if cell.differences and cell.first.record:
            scores = [cell.first.record.of_split(split) for split in ("validation", "test")]
            counts += [found.number("defective_groups") for found in scores]
    fewest = min((count for count in counts if count is not None), default=RELIABLE_GROUPS)
    if fewest < RELIABLE_GROUPS:
        yield FEW.format(RELIABLE_GROUPS, int(fewest))


def _one_sided(cells: Sequence[SideCell], name: str) -> Iterator[str]:
    if cells:
        ids = ", ".join(cell.id[:8] for cell in cells[:6])
        more = f" and {len(cells) - 6} more" if len(cells) > 6 else ""
        yield f"Only in {name}: {plural(len(cells), 'cell')} ({ids}{more})."


def _told(found: Comparison) -> Iterator[str]:
    """Badges, scores that are not today's and why scores are absent, each once with its side and number of cells."""
    for side, cells in (
        (found.first, [c.first for c in found.cells]),
        (found.second, [c.second for c in found.cells]),
    ):
        counts = Counter[str]()
        for record in [cell.record for cell in cells if cell.record]:
            badges = [f"badge: {badge}" for badge in record.badges]
            counts.update((*badges, *record.outdated, *why_undefined(record)))
        for text, count in counts.items():
            yield f"{plural(count, 'cell')} of {side}: {text}."


def _changed(cells: Sequence[Matched]) -> Iterator[str]:
    """What was made otherwise, each change once with the number of its cells."""
    counts = Counter(text for cell in cells for text in cell.changed)
    for text, count in counts.items():
        yield f"Changed in {plural(count, 'cell')}: {text}."
