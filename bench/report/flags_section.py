"""What is said of flagged rows: the reason, and how many of their trainings collapsed beside those of the others."""

from __future__ import annotations

from collections.abc import Mapping

from bench.report.flags import Flags
from bench.report.measures import interval_text, p_text, percent
from bench.report.shape import Grid
from bench.statistics.collapse import RISE, Share, compared_shares
from bench.types import JsonValue

COLLAPSE = (
    "A training has collapsed where its F1 lies at the floor of calling every pixel a defect, or rises above it by at "
    f"most {100 * RISE:.0f} % of what the best training of the column does. Intervals of the share are exact "
    "(Clopper-Pearson); its p is Fisher's, to {}, adjusted over all pairs of the column (Holm)."
)
STANDING = (
    "An order is one of trainings that do not collapse. Where none of {} did, up to {} % of all may (exact, 95 %), and "
    "of the mean over all trainings nothing is claimed."
)


def flag_remarks(flags: Mapping[str, Flags]) -> list[str]:
    """Which rows are flagged and why, and of which trainings their figures are."""
    remarks = []
    for row, one in flags.items():
        if one.why:
            remarks.append(f"no order claimed for {row}: {one.why}{_of_whom(one)}")
    return remarks


def _of_whom(one: Flags) -> str:
    """Of which trainings the figures are, where it is not all of them."""
    if not one.share.count or not one.standing:
        return ""
    return " (its figures here are of the others)" if one.measured else " (its figure here is of the other one)"


def standing_sentence(trainings: int) -> str:
    """What an order says nothing of, for rows of at least so many trainings none of which collapsed."""
    _, high = Share(0, trainings).interval()
    return STANDING.format(trainings, percent(high))


def any_collapsed(flags: Mapping[str, Flags]) -> bool:
    """Whether a training of the column has collapsed."""
    return any(one.share.count for one in flags.values())


def share_grid(title: str, flags: Mapping[str, Flags], reference: str, rows_axis: str) -> Grid:
    """How many trainings of every row have collapsed."""
    adjusted = _to_reference(flags, reference)
    lines = []
    for row, one in flags.items():
        share = (percent(one.share.count / one.share.of), interval_text(one.share.interval()))
        lines.append((row, str(one.share.of), str(one.share.count), *share, p_text(adjusted.get(row))))
    header = (rows_axis, "trainings", "collapsed", "share [%]", "interval", "p")
    return Grid(f"{title}: trainings that collapsed", header, tuple(lines))


def _to_reference(flags: Mapping[str, Flags], reference: str) -> dict[str, float]:
    """The adjusted p of every row's share and that of the reference; empty where it has none."""
    rows = list(flags)
    found = {}
    for (first, second), p in compared_shares([one.share for one in flags.values()]).items():
        if reference in (rows[first], rows[second]):
            found[rows[first] if rows[second] == reference else rows[second]] = p
    return found


def flag_values(row: str, flags: Mapping[str, Flags], reference: str) -> dict[str, JsonValue]:
    """What programs are told of a row: the flag, and in a column where a training collapsed how many did."""
    values: dict[str, JsonValue] = {}
    one = flags.get(row)
    if one is None:
        return values
    if one.why:
        values["flag"] = one.why
    if any_collapsed(flags):
        values["trainings"], values["collapsed"] = one.share.of, one.share.count
        values["collapsed_interval"] = list(one.share.interval())
        values["collapsed_p"] = _to_reference(flags, reference).get(row)
    return values
