"""What ``bench start`` says of the data, line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from bench.data.leaks import duplicates, images_of
from bench.data.statistics import copies, is_defective
from bench.start.budget import sides_of
from bench.start.reading import Settled
from bench.start.survey import Survey
from bench.types import SPLITS
from bench.words import plural

MOST_NAMED = 3


def found_lines(settled: Settled, seen: Survey) -> list[str]:
    """Everything found, one line each, the most general first."""
    reading = settled.reading
    return [
        *reading.found,
        _reader(settled),
        *_sizes(seen),
        *_defects(seen),
        *_groups(settled, seen),
        *_split(seen),
        *_leaks(seen),
        *(f"remark: {remark}" for remark in seen.remarks),
        *(f"left out: {sentence}" for sentence in reading.left_out),
        *_sampled(seen),
    ]


def _reader(settled: Settled) -> str:
    reading = settled.reading
    shown = ", ".join(f"{name}: {value}" for name, value in reading.settings.items()) or "its defaults"
    return f"read by the data set {reading.use} with {shown}"


def _sizes(seen: Survey) -> Iterator[str]:
    entries = seen.index.entries
    sizes = Counter((entry.width, entry.height) for entry in entries)
    first = entries[0]
    channels = "grey" if first.channels == 1 else plural(first.channels, "channel")
    kind = f"{channels} of {first.dtype.removeprefix('uint')} bits"
    if len(sizes) == 1:
        [(width, height)] = sizes
        yield f"images of {width} x {height} pixels, {kind}"
    else:
        widths, heights = zip(*sizes, strict=True)
        yield (
            f"images of {len(sizes):,} sizes, {min(widths)} to {max(widths)} wide and {min(heights)} to {max(heights)} "
            f"high, {kind}"
        )


def _defects(seen: Survey) -> Iterator[str]:
    entries = seen.index.entries
    defective = sum(map(is_defective, entries))
    of = "images" if seen.whole else "images looked at"
    yield f"{defective:,} of {len(entries):,} {of} with a defect, {len(entries) - defective:,} clean"
    marked = [fact for fact in seen.facts if fact.areas.size]
    if not marked:
        return
    areas = np.concatenate([fact.areas for fact in marked])
    low, middle, high = (round(float(value)) for value in np.percentile(areas, [5, 50, 95]))
    share = 100 * float(np.median([fact.share for fact in marked]))
    side = round(float(np.percentile(sides_of(seen.facts), 75)))
    yield (
        f"{plural(areas.size, 'defect')} in {plural(len(marked), 'image')} looked at: half are below {middle:,} pixels "
        f"(5 to 95 %: {low:,} to {high:,}), three quarters are up to {side} long; where there is one, {share:.2g} % of "
        "the image is marked (median)"
    )


def _groups(settled: Settled, seen: Survey) -> Iterator[str]:
    groups = len({record.group for record in settled.records})
    if settled.reading.groups_are:
        yield f"groups: {settled.reading.groups_are}"
    if groups == seen.images:
        yield "groups: every image counts as a part of its own; if several show one part, its scores will be too good"
    else:
        yield f"the split deals {plural(groups, 'group')}, never single images: no part is trained on and tested"


def _split(seen: Survey) -> Iterator[str]:
    if isinstance(seen.assignment, str):
        yield f"NO SPLIT: {seen.assignment}"
        return
    sizes = Counter(seen.assignment.values())
    official = any(entry.official for entry in seen.index.entries)
    shown = ", ".join(f"{split} {sizes[split]:,}" for split in SPLITS)
    yield f"split: {shown} images{' (folders or release name the official split)' if official else ''}"


def _leaks(seen: Survey) -> Iterator[str]:
    if isinstance(seen.assignment, str):
        return
    equal = copies(seen.index)
    across = images_of(duplicates(seen.index, seen.assignment))
    if equal:
        yield (
            f"exact copies: {plural(sum(map(len, equal)), 'image')}, as {_named([entry.id for entry in equal[0]])}; "
            f"{across:,} of them in different splits"
        )
    if seen.near:
        best = seen.near[0]
        yield (
            f"near-duplicates in different splits: {plural(len(seen.near), 'pair')} among {seen.compared:,} images "
            f"compared, as {best.first} and {best.second} (likeness {best.likeness:.2f}): if they show one part, say "
            "so with groups"
        )
    if not equal and not seen.near:
        among = "" if seen.whole else " among the images looked at"
        yield f"no exact copies{among}, no near-duplicates in different splits among {seen.compared:,} images compared"


def _sampled(seen: Survey) -> Iterator[str]:
    if not seen.whole:
        yield f"looked at {len(seen.index.entries):,} of {seen.images:,} images to be quick; a run reads all"


def _named(ids: Sequence[str]) -> str:
    return " and ".join(ids[:MOST_NAMED])
