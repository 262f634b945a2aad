"""The effect of an axis as text, Markdown, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

from bench.render.data import rows_csv
from bench.render.markdown import escaped, grid_markdown
from bench.render.text import grid_text
from bench.report.counts import reliability
from bench.report.effects import Effects, InteractionLine, LevelLine
from bench.report.measures import NOTHING, heading, interval_text, line, percent
from bench.report.order import difference_texts
from bench.report.shape import Grid
from bench.statistics.comparisons import ALPHA
from bench.types import JsonValue
from bench.words import plural

SCHEMA = 1
"""Raised when a field of the JSON or a column of the CSV changes its meaning."""

MEANING = (
    "Means over the combinations of the other axes that all levels have, each counted equally. Intervals of 95 % over "
    "seeds and groups, which are crossed, one by one and not adjusted; models, thresholds and the split are held fixed."
)
ADJUSTED = (
    "Differences are paired over the same groups. p is adjusted after Holm over the levels, and over all deviations of "
    f"a pair of axes. Levels that share a letter cannot be told apart (all pairs, {100 * ALPHA:.0f} %, Holm)."
)
DEVIATION = "Deviation: the difference there less the mean difference over that axis; 0 where the axes do not interact."


def title(effects: Effects) -> str:
    """``cropping: effect of crop on F1_T; 3 combinations, 3 seeds, 20 groups``."""
    counts = (
        plural(effects.combinations, "combination"),
        plural(effects.seeds, "seed"),
        plural(effects.groups, "group"),
    )
    return line(f"{effects.suite}: effect of {effects.axis} on {heading(effects.measure, '')}; {', '.join(counts)}")


def grids(effects: Effects) -> list[Grid]:
    """The levels, and one table per axis that these may interact with."""
    if not effects.levels:
        return []
    levels = Grid(
        "",
        (effects.axis, heading(effects.measure), "interval", "ties", f"to {effects.reference}", "interval", "p"),
        tuple(_level(one) for one in effects.levels),
    )
    parted = groupby(effects.interactions, key=lambda one: one.other_axis)
    return [levels, *(_interaction(effects, axis, list(lines)) for axis, lines in parted)]


def _level(one: LevelLine) -> tuple[str, ...]:
    start = (one.level, percent(one.mean), interval_text(one.interval), one.tie or NOTHING)
    return (*start, *difference_texts(one.difference, one.difference_interval, one.p))


def _interaction(effects: Effects, axis: str, lines: Sequence[InteractionLine]) -> Grid:
    return Grid(
        f"{effects.axis} x {axis}",
        (effects.axis, axis, f"to {effects.reference}", "interval", "deviation", "interval", "p"),
        tuple(
            (
                one.level,
                one.other,
                *difference_texts(one.difference, one.difference_interval, None)[:2],
                *difference_texts(one.deviation, one.deviation_interval, one.p),
            )
            for one in lines
        ),
    )


def sentences(effects: Effects) -> list[str]:
    """The effects in words, what is left out, and how to read the figures."""
    unsure = reliability(effects.defective_groups) if effects.levels else ""
    return [
        *(_in_words(effects, one) for one in effects.levels if one.difference is not None),
        *effects.remarks,
        *(["One seed: intervals over groups only."] if effects.seeds == 1 else []),
        *([f"{unsure[0].upper()}{unsure[1:]}."] if unsure else []),
        *([MEANING, ADJUSTED] if effects.levels else ["Nothing can be compared yet."]),
        *([DEVIATION] if effects.interactions else []),
    ]


def _in_words(effects: Effects, one: LevelLine) -> str:
    """``Intensity bias (10): +4.1 F1_T [+2.0, +6.3] against Random (uniform)``."""
    value, interval, _ = difference_texts(one.difference, one.difference_interval, None)
    claim = "" if one.p is None or one.p < ALPHA else "; not told apart"
    return f"{one.level}: {value} {heading(effects.measure, '')} {interval} against {effects.reference}{claim}."


def to_text(effects: Effects, width: int = 100, *, colour: bool = False) -> str:
    """For a terminal or a log file."""
    from bench.render.layout import wrap

    prose = "\n".join(found for sentence in sentences(effects) for found in wrap(line(sentence), width))
    return (
        "\n".join([title(effects) + "\n", *(grid_text(grid, width, colour) for grid in grids(effects)), prose]) + "\n"
    )


def to_markdown(effects: Effects) -> str:
    """For a README or a pull request."""
    blocks = [f"## {escaped(title(effects))}", *map(grid_markdown, grids(effects))]
    return "\n\n".join([*blocks, "\n".join(f"- {escaped(sentence)}" for sentence in sentences(effects))]) + "\n"


def to_csv(effects: Effects) -> str:
    """One row per level and per level and level of another axis; scores in 0..1, not rounded."""
    common = {"suite": effects.suite, "axis": effects.axis, "measure": effects.measure.name, "to": effects.reference}
    lines: list[LevelLine | InteractionLine] = [*effects.levels, *effects.interactions]
    return rows_csv([{**common, **asdict(one)} for one in lines])


def to_json(effects: Effects) -> str:
    """Everything, with a schema number."""
    content: dict[str, JsonValue] = {**asdict(effects), "measure": effects.measure.name}
    return json.dumps({"schema": SCHEMA, **content}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


RENDERERS = {"markdown": to_markdown, "csv": to_csv, "json": to_json}
"""Formats besides text, which fits the terminal."""
