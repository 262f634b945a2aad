"""A part of the images for a first run, where measuring on all of them takes longer than a first run may."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.picture_files import is_picture
from bench.start.budget import ENOUGH_CROPS, EPOCHS, TARGET_S, Amount, Budget, budget
from bench.start.facts import sampled
from bench.start.pairs import named_from
from bench.start.reading import Reading, Settled
from bench.types import Record
from bench.words import plural

LEAST_GROUPS = 15
"""Fewer parts than these are too few for a split of three."""
STEP = 0.7
KEPT = frozenset({"masks_are", "mask_threshold", "invert", "palette", "classes", "channels", "exif"})
"""Settings on the values of files, which the data set ``listed`` has too."""


@dataclass(frozen=True, slots=True)
class Fewer:
    """A reading of some of the images, with its table, and the budget for them."""

    reading: Reading
    plan: Budget


def fewer(found: Settled, amount: Amount, whole: Budget, processors: int, table_file: Path) -> Fewer | None:
    """Some of the parts, evenly spread, so that a run fits its time; None where all fit, or too few would be left.

    Only for images and masks that are files of their own.
    """
    reading, records = found.reading, found.records
    groups = list(dict.fromkeys(record.group for record in records))
    if whole.seconds <= TARGET_S or reading.use not in ("folder", "listed") or len(groups) <= LEAST_GROUPS:
        return None
    share, plan = 1.0, whole
    while plan.seconds > TARGET_S or EPOCHS * plan.epoch_crops < ENOUGH_CROPS:
        share *= STEP
        if share * len(groups) < LEAST_GROUPS:
            break
        plan = budget(whole.crop_size, _scaled(amount, share), processors)
    chosen = set(sampled(groups, max(LEAST_GROUPS, round(share * len(groups)))))
    kept = [record for record in records if record.group in chosen]
    plan = budget(whole.crop_size, _scaled(amount, len(kept) / len(records)), processors)
    images = plural(len(records), "image")
    part_text = f"{len(kept):,} of {images}, {plural(len(chosen), 'part')} evenly chosen"
    told = (
        f"{part_text}, so that a first run ends in minutes; bench start --all takes all, in about "
        f"{_duration(whole.seconds)}"
    )
    settings = {name: value for name, value in reading.settings.items() if name in KEPT}
    part = replace(
        reading,
        use="listed",
        root=table_file.parent,
        settings={"table": table_file.name, **settings},
        why={**reading.why, "table": told},
        found=(*reading.found, f"the suite uses {told}"),
        table=_table(kept, table_file.parent),
    )
    return Fewer(part, plan)


def _scaled(amount: Amount, share: float) -> Amount:
    return Amount(
        round(share * amount.images), round(share * amount.validation_pixels), round(share * amount.test_pixels)
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.0f} hours" if seconds > 2 * 3600 else f"{seconds / 60:.0f} minutes"


def _table(records: Sequence[Record], home: Path) -> str:
    """Records of image and mask as a csv file for the data set ``listed``."""
    official = all(record.split for record in records)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "image", "mask", "group", *(["split"] if official else [])])
    for record in records:
        image, *mask = (named_from(home, path) for path in record.files if is_picture(path))
        row = [record.id, image, mask[0] if mask else "", record.group]
        writer.writerow([*row, record.split] if official else row)
    return text.getvalue()
