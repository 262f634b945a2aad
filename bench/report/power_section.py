"""What a report says of the differences that its comparisons could have found, column by column."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.measures import heading, percent
from bench.report.order import Column
from bench.report.ordering import Ordering
from bench.report.power import WANTED, Power
from bench.report.shape import Grid, Section, title_text

TITLE = "Differences that could have been found"
NONE = "none"
FOUND = (
    "Found: the smallest true difference of two rows, in points, that is told apart in 8 of 10 repetitions with other "
    "seeds and other groups, among all pairs of the column (Holm's first step)."
)
WANTED_TEXT = (
    f"For {100 * WANTED:.0f} points: the fewest seeds on these groups, and the fewest groups with defects with these "
    "seeds; none where no number of them is enough, because the other part of the scatter alone is too wide."
)
KNOWN = (
    "All of it by the scatter that these seeds and groups show, the mean over rows and pairs: few seeds know it badly."
)


def power_section(columns: Sequence[Column], how: Ordering | None) -> Section | None:
    """The power of every column in which an order is claimed, for a score in percent; None where there is none."""
    rows = []
    values = []
    for column in columns:
        if column.power is None or how is None or not how.measure.percent:
            continue
        power = figures(column.power)
        rows.append((title_text(column.table, column.name), *map(_text, power, power.values())))
        values.append({"table": dict(column.table), "column": column.name, **power, "wanted": WANTED})
    if not rows:
        return None
    wanted = f"for {100 * WANTED:.0f} points:"
    header = ("column", "rows", "seeds", "groups", "found", f"{wanted} seeds", "or groups")
    name = heading(how.measure, "") if how else ""
    return Section(f"{TITLE}, by {name}", (Grid("", header, tuple(rows)),), (FOUND, WANTED_TEXT, KNOWN), tuple(values))


def figures(power: Power) -> dict[str, float | None]:
    """The figures of the section, in the order of its columns; differences in 0..1."""
    return {
        "rows": power.rows,
        "seeds": power.seeds,
        "defective_groups": power.groups,
        "found": power.found,
        "seeds_wanted": power.seeds_wanted,
        "groups_wanted": power.groups_wanted,
    }


def _text(name: str, value: float | None) -> str:
    if value is None:
        return NONE
    return percent(value) if name == "found" else f"{value:,}"
