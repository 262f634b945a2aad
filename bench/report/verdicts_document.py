"""Claims and what the records say of them, as a document."""

from __future__ import annotations

from typing import get_args

from bench.document import Document, Points
from bench.report.claims_file import Claim
from bench.report.counts import reliability
from bench.report.measures import heading
from bench.report.order_section import difference_texts
from bench.report.shape import Measure, title_text
from bench.report.verdicts import Judged, Outcome, Verdict
from bench.statistics.comparisons import ALPHA
from bench.words import plural

COUNTED = ("held", "refuted", "undecided")
"""How the outcomes are counted, in their order."""
ALL = 100 * (1 - ALPHA)
MEANING = (
    "Differences are paired over the same groups and averaged over the combinations of the other axes, each counted "
    "equally. Intervals cover seeds and groups, which are crossed; models, thresholds and the split are held fixed."
)


def claims_document(found: Judged) -> Document:
    """A sentence for every claim, and how they were judged."""
    verdicts = found.verdicts
    outcomes = [one.outcome for one in verdicts]
    counts = ", ".join(
        f"{outcomes.count(outcome)} {word}" for outcome, word in zip(get_args(Outcome), COUNTED, strict=True)
    )
    title = f"{found.suite}: {plural(len(verdicts), 'claim')}, {counts}"
    told = [MEANING, _family(len(verdicts))]
    if found.of_others:
        told.append(f"{plural(found.of_others, 'claim')} of this file on other suites: not looked at.")
    return Document(title, [Points([sentence(one) for one in verdicts]), Points(told)])


def _family(claims: int) -> str:
    each = 100 * (1 - ALPHA / claims)
    together = f", {each:.4g} % each" if claims > 1 else ""
    return (
        f"The intervals hold together at {ALL:.0f} %{together} (Bonferroni). A claim holds where its interval lies "
        "above the margin, and does not where it lies below; p is that of the margin, adjusted alike."
    )


def sentence(one: Verdict) -> str:
    """``holds: crop B beats A by at least 2 points of F1_T (model U-Net): +7.9 [+4.1, +11.7], p 0.001, ...``."""
    parts = [f"{one.outcome}: {said(one.claim, one.measure)}{_evidence(one)}"]
    parts += [reason.removesuffix(".") for reason in one.reasons]
    if one.outcome == "not decided" and one.found is not None:
        parts.append(_undecided(one, one.found))
    unsure = reliability(one.defective_groups) if one.interval is not None else ""
    if unsure:
        parts.append(f"{unsure[0].upper()}{unsure[1:]}")
    return f"{'. '.join(parts)}."


def _undecided(one: Verdict, found: float) -> str:
    """What these seeds and groups could have decided, and which would decide this."""
    seeds = "no number of seeds" if one.seeds_wanted is None else plural(one.seeds_wanted, "seed")
    distance = f"{100 * found:.1f} points" if one.measure.percent else f"{found:.3g}"
    return (
        f"Found in 8 of 10 repetitions: {distance} from the margin; if the difference stays as it is, {seeds} on these "
        "groups would decide"
    )


def said(claim: Claim, measure: Measure) -> str:
    """What is claimed, in words."""
    unit = "points of " if measure.percent else ""
    margin = f"by at least {claim.by:g} {unit}" if claim.by else "on "
    where = title_text((axis, " or ".join(labels)) for axis, labels in claim.where.items())
    named = f"{title_text(claim.better.items())} beats {', '.join(claim.than.values())}"
    return f"{named} {margin}{heading(measure, '')}{f' ({where})' if where else ''}"


def _evidence(one: Verdict) -> str:
    """The figures that decide; nothing where there are none."""
    if one.difference is None:
        return ""
    difference, interval, p = difference_texts(one.difference, one.interval, one.p, one.measure)
    combinations = f"{plural(one.combinations, 'combination')}, " if one.combinations > 1 else ""
    of = f"{combinations}{plural(one.seeds, 'seed')}, {plural(one.groups, 'group')}"
    if one.interval is None:
        return f": {difference}, no interval; {of}"
    return f": {difference} {interval}, p {p}; {of}, {one.defective_groups} with defects"
