"""Levels of an axis of which no order is claimed, because of what was averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.report.flags import flags_of
from bench.report.rows import Row
from bench.report.shape import Labels, title_text
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.words import plural

SPLIT = "protocol.split"


class LevelFlag(NamedTuple):
    """Why no order is claimed of a level, and whether the error of its mean is ``measured``."""

    why: str
    measured: bool


def flagged_levels(
    levels: Sequence[str], contexts: Sequence[Labels], scored: Mapping[tuple[str, Labels], Row], seeds: int
) -> dict[str, LevelFlag]:
    """Levels over so many seeds with a flag in a combination of the other axes, or all where these hold several splits.

    Folds share most of their training groups, so that their scores are not as many independent ones; what the mean
    over them varies by without that is not known (Nadeau and Bengio 2003). Nor is it where a training has collapsed,
    which fewer than :data:`FEWEST_SEEDS` cannot show.
    """
    splits = {dict(context).get(SPLIT) for context in contexts}
    if len(splits) > 1:
        why = f"the mean is over {plural(len(splits), 'split')}, whose training sets overlap"
        return dict.fromkeys(levels, LevelFlag(why, measured=False))
    if seeds < FEWEST_SEEDS:
        return {}
    found: dict[str, LevelFlag] = {}
    for context in contexts:
        flags = flags_of({level: scored[level, context] for level in levels}, together=True)
        for level, one in flags.items():
            if one.why:
                why = f"{one.why}, with {title_text(context)}" if len(contexts) > 1 else one.why
                first = found.get(level, LevelFlag(why, measured=True))
                found[level] = first._replace(measured=first.measured and not one.share.count)
    return found


def flag_remarks(flags: Mapping[str, LevelFlag], among: int) -> list[str]:
    """Which of so many levels are flagged and why, those of one reason together, unnamed where all have it."""
    by_flag: dict[LevelFlag, list[str]] = {}
    for level, flag in flags.items():
        by_flag.setdefault(flag, []).append(level)
    remarks = []
    for flag, levels in by_flag.items():
        unknown = "" if flag.measured else "; the error of the mean over all is not known"
        named = f" for {', '.join(levels)}" if len(levels) < among else ""
        remarks.append(f"No order claimed{named}: {flag.why}{unknown}.")
    return remarks
