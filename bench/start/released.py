"""Whether a folder is one of the published data sets, in the layout of its release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.catalog import Catalog, Offer
from bench.errors import BenchError, DataError
from bench.start.reading import Reading, opened
from bench.types import JsonValue
from bench.words import plural

OWN = ("folder", "listed", "coco")
"""Readers of people's own data: they take nearly any folder."""


@dataclass(frozen=True, slots=True)
class _Match:
    offer: Offer
    images: int


def released(catalog: Catalog, root: Path) -> Reading | None:
    """The published data set whose reader lists images in this folder; None where none does.

    Raises:
        DataError: several do, without one to be preferred.
    """
    found = [match for offer in catalog.offers("dataset") if (match := _matched(catalog, offer, root))]
    plain = [match for match in found if match.offer.component.badge is None]
    chosen = plain or found
    if not chosen:
        return None
    if len(chosen) > 1:
        names = " or ".join(f"--as {match.offer.component.name}" for match in chosen)
        raise DataError(f"{root}: is read by several data sets; say which: {names}, or --as folder for none of them")
    [match] = chosen
    return named(catalog, match.offer.component.name, root, {}, match.images)


def named(
    catalog: Catalog, use: str, root: Path, settings: Mapping[str, JsonValue], images: int | None = None
) -> Reading:
    """The reading of a data set that is known by its name; ``images`` is how many its reader lists."""
    component = catalog.find("dataset", use).component
    of_release = ""
    if images is not None and component.release and component.release.images:
        of_release = f", {images:,} of {plural(component.release.images, 'image')} of its release"
    found = f"layout of the data set {use}{of_release}" if images is not None else f"data set {use}, as you said"
    groups = "groups and official splits are those of the data set"
    return Reading(use, root, dict(settings), {}, (found,), groups_are=groups)


def _matched(catalog: Catalog, offer: Offer, root: Path) -> _Match | None:
    name = offer.component.name
    if name in OWN:
        return None
    try:
        _, records = opened(catalog, Reading(name, root, {}, {}, ()))
    except BenchError:
        return None
    files = [file for record in records for file in record.files]
    inside = (
        bool(files) and all(record.files for record in records) and all(file.is_relative_to(root) for file in files)
    )
    return _Match(offer, len(records)) if inside and all(file.is_file() for file in files[:20]) else None
