"""The effect of an axis as a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from bench.document import Document, Points, Table
from bench.report.counts import reliability
from bench.report.effects import Effects, InteractionLine, LevelLine
from bench.report.measures import NOTHING, heading, interval_in, printed
from bench.report.order_section import difference_texts
from bench.report.shape import Measure
from bench.report.tables import plain_table
from bench.statistics.comparisons import ALPHA
from bench.words import plural

MEANING = (
    "Means over the combinations of the other axes that all levels have, each counted equally. Intervals of 95 % over "
    "seeds and groups, which are crossed, one by one and not adjusted; models, thresholds and the split are held fixed."
)
ADJUSTED = (
    "Differences are paired over the same groups. p is adjusted after Holm over the levels, and over all deviations of "
    f"a pair of axes. Levels that share a letter cannot be told apart (all pairs, {100 * ALPHA:.0f} %, Holm)."
)
DEVIATION = "Deviation: the difference there less the mean difference over that axis; 0 where the axes do not interact."


def effects_document(effects: Effects) -> Document:
    """The levels, their interactions with other axes, and all of it in words."""
    return Document(_title(effects), [*_tables(effects), Points(sentences(effects))])


def _title(effects: Effects) -> str:
    """``cropping: effect of crop on F1_T; 3 combinations, 3 seeds, 20 groups``."""
    combinations = plural(effects.combinations, "combination")
    counts = f"{combinations}, {plural(effects.seeds, 'seed')}, {plural(effects.groups, 'group')}"
    return f"{effects.suite}: effect of {effects.axis} on {heading(effects.measure, '')}; {counts}"


def _tables(effects: Effects) -> Iterator[Table]:
    """The levels, and one table per axis that these may interact with."""
    if not effects.levels:
        return
    to = f"to {effects.reference}"
    header = (effects.axis, heading(effects.measure), "interval", "ties", to, "interval", "p")
    yield plain_table(header, [_level(one, effects.measure) for one in effects.levels])
    for axis, lines in groupby(effects.interactions, key=lambda one: one.other_axis):
        header = (effects.axis, axis, to, "interval", "deviation", "interval", "p")
        yield plain_table(
            header, [_interaction(one, effects.measure) for one in lines], title=f"{effects.axis} x {axis}"
        )


def _level(one: LevelLine, measure: Measure) -> Sequence[str]:
    start = (one.level, printed(one.mean, measure), interval_in(one.interval, measure), one.tie or NOTHING)
    return (*start, *difference_texts(one.difference, one.difference_interval, one.p, measure))


def _interaction(one: InteractionLine, measure: Measure) -> Sequence[str]:
    difference, interval, _ = difference_texts(one.difference, one.difference_interval, None, measure)
    deviation = difference_texts(one.deviation, one.deviation_interval, one.p, measure)
    return (one.level, one.other, difference, interval, *deviation)


def sentences(effects: Effects) -> list[str]:
    """The effects in words, what is left out, and how to read the figures."""
    told = [_in_words(effects, one) for one in effects.levels if one.difference is not None]
    told += cautions(effects)
    told += [MEANING, ADJUSTED] if effects.levels else ["Nothing can be compared yet."]
    if effects.interactions:
        told.append(DEVIATION)
    return told


def cautions(effects: Effects) -> list[str]:
    """What is left out, and what to beware of."""
    told = list(effects.remarks)
    measured = any(one.interval for one in effects.levels)
    if effects.seeds == 1 and measured:
        told.append("One seed: intervals over groups only.")
    unsure = reliability(effects.defective_groups) if measured else ""
    if unsure:
        told.append(f"{unsure[0].upper()}{unsure[1:]}.")
    return told


def _in_words(effects: Effects, one: LevelLine) -> str:
    """``Intensity bias (10): +4.1 F1_T [+2.0, +6.3] against Random (uniform)``."""
    value, interval, _ = difference_texts(one.difference, one.difference_interval, None, effects.measure)
    claim = "" if one.p is None or one.p < ALPHA else "; not told apart"
    ends = f" {interval}" if one.difference_interval else ""
    return f"{one.level}: {value} {heading(effects.measure, '')}{ends} against {effects.reference}{claim}."
