"""Levels of an axis of which no order is claimed, because of what was averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.flags import flags_of
from bench.report.rows import Row
from bench.report.shape import Labels, title_text
from bench.words import plural

SPLIT = "protocol.split"


def flagged_levels(
    levels: Sequence[str], contexts: Sequence[Labels], scored: Mapping[tuple[str, Labels], Row]
) -> dict[str, str]:
    """Levels with the reason: a flag in one of the combinations of the other axes, or several splits among these.

    Folds share most of their training groups, so that their scores are not as many independent ones; what the mean
    over them varies by without that is not known (Nadeau and Bengio 2003).
    """
    splits = {dict(context).get(SPLIT) for context in contexts}
    if len(splits) > 1:
        return dict.fromkeys(levels, f"the mean is over {plural(len(splits), 'split')}, whose training sets overlap")
    found: dict[str, str] = {}
    for context in contexts:
        flags = flags_of({level: scored[level, context] for level in levels}, together=True)
        for level, one in flags.items():
            if one.why:
                found.setdefault(level, f"{one.why}, with {title_text(context)}" if len(contexts) > 1 else one.why)
    return found


def flag_remarks(flags: Mapping[str, str]) -> list[str]:
    """Which levels are flagged and why, levels of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for level, why in flags.items():
        by_reason.setdefault(why, []).append(level)
    return [f"No order claimed for {', '.join(levels)}: {why}." for why, levels in by_reason.items()]
