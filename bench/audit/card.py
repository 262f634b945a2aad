"""A data card: what a data set is, what it holds, what to beware of. The same data give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.audit.card_pictures import SHOWN_CLASSES
from bench.audit.pixels import DARK, Int64, PixelFacts, five_numbers
from bench.component import About, Release
from bench.data.index import DatasetIndex
from bench.data.leaks import duplicates, images_of, shared_groups
from bench.data.remarks import AssignmentOrWhy, remarks
from bench.data.statistics import (
    CROPS,
    FEW_VALUES,
    ClassCount,
    MetaField,
    class_counts,
    copies,
    defective_groups,
    is_defective,
    meta_fields,
    split_counts,
    unmarked_of_defective_groups,
)
from bench.document import Block, Code, Document, Heading, Link, Listing, Paragraph, Picture, Points, Table, Text
from bench.report.measures import NOTHING, percent, plain, share_text
from bench.report.naming import written
from bench.report.tables import plain_table
from bench.types import JsonValue
from bench.words import plural

MOST_LISTED = 60
"""Images named one by one in a list at most."""
MOST_CHANNELS = 9
"""Channels shown one by one; of more only the range is told."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """All that a card is written from.

    ``name`` is the data set with its settings in short; ``settings`` are complete. ``pictures`` maps the parts
    ``sizes``, ``levels``, ``areas`` and ``examples`` to file names; a part without a picture is left out.
    """

    name: str
    version: int
    badge: str | None
    about: About | None
    release: Release | None
    settings: Mapping[str, JsonValue]
    index: DatasetIndex
    pixels: PixelFacts
    assignment: AssignmentOrWhy
    pictures: Mapping[str, str]


def card(facts: CardFacts) -> Document:
    """The whole card."""
    index = facts.index
    blocks = [
        *([Paragraph([facts.about.summary])] if facts.about else []),
        *_points("To beware of", beware(facts)),
        Heading("Origin"),
        _origin(facts),
        Heading("Images"),
        _images(index),
        *_picture(
            facts,
            "sizes",
            "Width and height of the images; what lies outside a dotted corner is padded for crops of that size",
        ),
        Heading("Grey levels"),
        Paragraph([_dark_sentence(facts.pixels)]),
        _channels(index, facts.pixels),
        *_picture(facts, "levels", "Share of all pixels at each grey level; what is left of the dotted line is dark"),
        Heading("Classes"),
        _classes(index),
        _defects(index, facts.pixels),
        Paragraph(["Defects are 8-connected components of the pixels of one class."]),
        *_picture(facts, "areas", "Areas of the defects of each class on a logarithmic axis; the line is the median"),
        Heading("Splits"),
        *_splits(facts),
        Heading("Copies"),
        Paragraph([_copies(facts)]),
        *_unmarked(index),
        *_metadata(index),
        *_examples(facts),
    ]
    return Document(facts.name, blocks, level=1)


def beware(facts: CardFacts) -> list[str]:
    """The badge, the remarks on images and splits, and how many copies lie in different splits."""
    found = [f"Badge: {facts.badge}."] if facts.badge else []
    found += remarks(facts.index, facts.settings, facts.assignment)
    if not isinstance(facts.assignment, str) and (leaks := duplicates(facts.index, facts.assignment)):
        found.append(f"Exact copies lie in different splits: {plural(images_of(leaks), 'image')}.")
    return found


def _origin(facts: CardFacts) -> Listing:
    about = facts.about or About("")
    settings = ", ".join(f"{name}: {written(value)}" for name, value in facts.settings.items())
    told: dict[str, Text] = {
        "licence": about.licence or "not stated",
        "citation": about.citation or "not stated",
        "how to obtain": about.obtain,
        "here": _release(facts.release, len(facts.index.entries)),
        "settings": settings or "none",
        "reader version": str(facts.version),
        "content fingerprint": facts.index.fingerprint,
        "home": Link(about.home) if about.home.startswith("http") else about.home or "not stated",
    }
    return Listing([(name, text) for name, text in told.items() if text])


def _release(release: Release | None, here: int) -> str:
    if release is None or release.images is None:
        return plural(here, "image")
    if release.images == here:
        return f"all {plural(here, 'image')} of the release"
    return f"{plural(here, 'image')}; the whole release has {release.images:,}"


def _images(index: DatasetIndex) -> Table:
    entries = index.entries
    images, groups = len(entries), len({entry.group for entry in entries})
    defective = sum(map(is_defective, entries))
    heights, widths = np.array([(entry.height, entry.width) for entry in entries]).T
    shorter = np.minimum(heights, widths)
    rows = {
        "images": plain(images),
        "images with a marked defect": share_text(defective, images),
        "images without": share_text(images - defective, images),
        "groups (physical objects)": plain(groups),
        "groups with a marked defect": share_text(len(defective_groups(entries)), groups),
        "width: least, median, most": _three(widths),
        "height: least, median, most": _three(heights),
    }
    rows |= {f"shorter edge below {side}": share_text(int(sum(shorter < side)), images) for side in CROPS}
    rows["channels, type"] = f"{entries[0].channels} x {entries[0].dtype}"
    rows["ignored pixels"] = share_text(sum(entry.ignored for entry in entries), int(heights @ widths))
    return plain_table(("", "count"), rows.items())


def _three(values: Int64) -> str:
    return ", ".join(map(plain, five_numbers(values)[::2]))


def _dark_sentence(pixels: PixelFacts) -> str:
    equal = " All channels are equal." if pixels.equal_channels and len(pixels.levels) > 1 else ""
    return (
        f"{percent(pixels.dark / pixels.pixels)} % of all pixels are dark: mean of the channels at most {DARK} "
        f"on the scale 0..255.{equal}"
    )


def _channels(index: DatasetIndex, pixels: PixelFacts) -> Table:
    """Mean and standard deviation per channel on the images' own scale."""
    means, squares = np.array([(entry.sums, entry.squares) for entry in index.entries]).sum(axis=0) / pixels.pixels
    spreads = np.sqrt(np.maximum(squares - means**2, 0))
    pairs = enumerate(zip(means, spreads, strict=True), start=1)
    rows: list[Sequence[str]] = [(str(channel), f"{mean:.1f}", f"{spread:.1f}") for channel, (mean, spread) in pairs]
    if len(rows) > MOST_CHANNELS:
        ends = (f"{values.min():.1f} to {values.max():.1f}" for values in (means, spreads))
        rows = [(f"{len(means)} channels", *ends)]
    return plain_table(("channel", "mean", "standard deviation"), rows)


def _classes(index: DatasetIndex) -> Table:
    counts = dict(zip(index.classes, class_counts(index.entries, len(index.classes)), strict=True))
    positive = sum(count.pixels for count in counts.values())
    pixels = sum(sum(entry.pixels) for entry in index.entries)
    rows = [_class_row(name, count, positive, pixels) for name, count in counts.items()]
    if len(index.classes) > 1:
        groups, images = len(defective_groups(index.entries)), sum(map(is_defective, index.entries))
        rows.append(_class_row("any", ClassCount(images, groups, positive), positive, pixels))
    header = ("class", "images", "groups", "positive pixels", "of all positive [%]", "of all pixels [%]")
    return plain_table(header, rows)


def _class_row(name: str, count: ClassCount, positive: int, pixels: int) -> tuple[str, ...]:
    share = NOTHING if not positive else percent(count.pixels / positive)
    among = f"{100 * count.pixels / pixels:.3g}" if pixels else NOTHING
    return name, plain(count.images), plain(count.groups), plain(count.pixels), share, among


def _defects(index: DatasetIndex, pixels: PixelFacts) -> Table:
    rows = []
    for name, areas in zip(index.classes, pixels.areas, strict=True):
        numbers = map(plain, five_numbers(areas)) if areas.size else (NOTHING,) * 5
        rows.append((name, plain(areas.size), *numbers))
    header = ("class", "defects", "smallest [pixels]", "lower quartile", "median", "upper quartile", "largest")
    return plain_table(header, rows)


def _splits(facts: CardFacts) -> Iterator[Block]:
    """Two tables: what lies in each split, and the classes of each."""
    if isinstance(facts.assignment, str):
        yield Paragraph([f"The rule 'grouped' gives no split: {facts.assignment}"])
        return
    index, splits = facts.index, split_counts(facts.index, facts.assignment)
    official = sum(entry.official is not None for entry in index.entries)
    yield Paragraph(
        [
            "Under the rule 'grouped', where a group is never split. The data set's own split is kept where it has "
            f"one: {official:,} of {plural(len(index.entries), 'image')}."
        ]
    )
    sizes = [(s.split, *map(plain, (s.images, s.groups, s.defective_groups))) for s in splits]
    yield plain_table(("split", "images", "groups", "groups with defects"), sizes)
    header, rows = ["class"], [[name] for name in index.classes]
    for split in splits:
        header += [f"{split.split} groups", f"{split.split} pixels"]
        for row, count in zip(rows, split.classes, strict=True):
            row += [plain(count.groups), plain(count.pixels)]
    yield plain_table(header, rows)


def _copies(facts: CardFacts) -> str:
    """Equal images wherever they are, and groups torn apart by the data set's own split."""
    found = copies(facts.index)
    strangers = sum(len({entry.group for entry in entries}) > 1 for entries in found)
    text = "No two images are equal pixel by pixel."
    if found:
        text = (
            f"Exact copies: {plural(sum(map(len, found)), 'image')} in {plural(len(found), 'set')} of equal ones, "
            f"of which {plural(strangers, 'set')} with images of different groups."
        )
    if isinstance(facts.assignment, str):
        return text
    across = duplicates(facts.index, facts.assignment)
    torn = shared_groups(facts.index, facts.assignment)
    return f"{text} Across splits: {plural(images_of(across), 'copied image')}, {plural(len(torn), 'shared group')}."


def _unmarked(index: DatasetIndex) -> list[Block]:
    found = unmarked_of_defective_groups(index)
    items: list[Text] = [(Code(entry.id), " (group ", Code(entry.group), ")") for entry in found[:MOST_LISTED]]
    if len(found) > MOST_LISTED:
        items.append(f"and {len(found) - MOST_LISTED:,} more")
    return _points(f"Images without a marked defect in groups that have one: {len(found):,}", items)


def _metadata(index: DatasetIndex) -> Iterator[Block]:
    """A table per field of few values, a line for each of the others."""
    fields = meta_fields(index)
    if fields:
        yield Heading("Metadata")
    lines = []
    for field in fields:
        if 1 < len(field.values) <= FEW_VALUES:
            rows = [(_value(one.value), *map(plain, (one.images, one.defective))) for one in field.values]
            yield plain_table((field.name, "images", "with a marked defect"), rows)
        else:
            lines.append(_in_a_line(field))
    yield Points(lines)


def _in_a_line(field: MetaField) -> str:
    present = [value.value for value in field.values if value.value is not None]
    if len(field.values) == 1:
        return f"{field.name}: {present[0]} for all images"
    return f"{field.name}: {plural(len(present), 'different value')}, from {present[0]} to {present[-1]}"


def _value(value: str | int | float | None) -> str:
    return NOTHING if value is None else str(value)


def _examples(facts: CardFacts) -> list[Block]:
    shown = sum(count.images > 0 for count in class_counts(facts.index.entries, len(facts.index.classes)))
    pictures: list[Block] = [*_picture(facts, "examples", "Images of each class, what the mask marks is outlined")]
    if pictures and shown > SHOWN_CLASSES:
        pictures.insert(0, Paragraph([f"Pictures show the first {SHOWN_CLASSES} of {shown} classes."]))
    return [Heading("Examples"), *pictures] if pictures else []


def _picture(facts: CardFacts, part: str, text: str) -> list[Picture]:
    return [Picture(facts.pictures[part], text)] if part in facts.pictures else []


def _points(title: str, items: Sequence[Text]) -> list[Block]:
    return [Heading(title), Points(items)] if items else []
