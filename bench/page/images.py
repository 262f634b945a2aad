"""The test images of a page: what every cell got right and wrong of each, and pictures of those whose maps are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.canonical import digest
from bench.catalog import Catalog
from bench.component import why_withheld
from bench.data.verified import Verified
from bench.errors import BenchError, DataError
from bench.page.learning import evidence_of
from bench.page.run import PageRun
from bench.pictures.layers import Scale, codes_layer, image_layer, map_layer, truth_layer
from bench.pictures.overlay import codes
from bench.record import Record
from bench.score.evidence import Evidence
from bench.stages.indexing import known_index, locate, open_dataset
from bench.stages.shown import SHOWN, Map, positive, read_shown
from bench.store.home import Places
from bench.suite.schema import Ref
from bench.types import JsonValue, Sample

MOST_COUNTS = 300_000
"""Images times cells of which the counts are told; of more, only the images in which cells differ most."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pictures: their longer side in pixels, and how many of each cell; ``permitted`` are data sets whose owner
    lets them be passed on.
    """

    side: int
    each: int
    permitted: Collection[str] = ()


@dataclass(slots=True)
class ImageSet:
    """The test images that several cells share. Pictures (bytes) and sides (width, height) are by number of image."""

    dataset: Ref
    ids: Sequence[str]
    groups: Sequence[str]
    why: str = ""
    types: list[list[str]] = field(default_factory=list)
    areas: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    sides: dict[int, tuple[int, int]] = field(default_factory=dict)
    images: dict[int, bytes] = field(default_factory=dict)
    truths: dict[int, bytes] = field(default_factory=dict)
    cells: dict[str, CellImages] = field(default_factory=dict)


@dataclass(slots=True)
class CellImages:
    """Of each told image TP, FP and FN; overlays and maps by the number of the image."""

    counts: list[list[int]]
    overlays: dict[int, bytes] = field(default_factory=dict)
    maps: dict[int, bytes] = field(default_factory=dict)


def image_sets(run: PageRun, catalog: Catalog, places: Places, wanted: Wanted) -> list[ImageSet]:
    """The sets of test images of a run, each with the cells that were scored on it."""
    sets: dict[str, ImageSet] = {}
    for id, record in run.done().items():
        counted = record.of_split("test").image_counts
        if counted is None or record.cell is None:
            continue
        name = digest([record.axes.get("dataset", ""), list(counted.ids)])
        if name not in sets:
            sets[name] = ImageSet(Ref.model_validate(record.cell.axes["dataset"]), counted.ids, counted.groups)
        sets[name].cells[id] = CellImages([list(counts[:3]) for counts in counted.counts])
    for one in sets.values():
        _limit(one)
        _picture(one, run.records, catalog, places, wanted)
    return list(sets.values())


def _limit(found: ImageSet) -> None:
    """Choose the images whose counts are told: all, or those in which the wrong pixels of cells differ most."""
    most = max(50, MOST_COUNTS // max(1, len(found.cells)))
    wrong = np.array([[fp + fn for _, fp, fn in cell.counts] for cell in found.cells.values()])
    by_spread = np.argsort(-np.ptp(wrong, axis=0), kind="stable")
    found.told = sorted(by_spread[:most].tolist())


def _picture(found: ImageSet, records: Mapping[str, Record], catalog: Catalog, places: Places, wanted: Wanted) -> None:
    """Say what lies in every image, and draw those that are kept."""
    try:
        offer = catalog.find("dataset", found.dataset.use)
        located = locate(catalog, found.dataset, places)
        index = located.index or known_index(Path(located.data.index))
        if located.problem or index is None:
            raise DataError(located.problem or "the data set is not indexed here")
        dataset = Verified(open_dataset(catalog, located.data), index, Path(located.data.index))
    except BenchError as error:
        found.why = str(error)
        return
    if not wanted.each:
        found.why = "none were asked for"
    else:
        found.why = why_withheld(found.dataset.use, offer.component.about, wanted.permitted)
    evidence = _evidence(found, records, places)
    if evidence is None:
        found.why = found.why or "their evidence is no longer in the cache"
        return
    _describe(found, evidence)
    if not found.why:
        _draw(found, records, places, dataset, wanted)


def _evidence(found: ImageSet, records: Mapping[str, Record], places: Places) -> Evidence | None:
    for id in found.cells:
        evidence = evidence_of(records[id], places)
        if evidence is not None:
            return evidence
    return None


def _describe(found: ImageSet, evidence: Evidence) -> None:
    """Types of the defects in each image, and the area of the largest."""
    types: list[set[str]] = [set() for _ in found.ids]
    areas = [0] * len(found.ids)
    defects = evidence.defects
    for image, kind, area in zip(defects.image.tolist(), defects.kind.tolist(), defects.area.tolist(), strict=True):
        types[image].add(evidence.classes[kind - 1])
        areas[image] = max(areas[image], area)
    found.types = [sorted(one) for one in types]
    found.areas = areas


def _draw(found: ImageSet, records: Mapping[str, Record], places: Places, dataset: Verified, wanted: Wanted) -> None:
    """Draw the layers of the images whose maps are kept, each image decoded once."""
    numbers = {id: number for number, id in enumerate(found.ids)}
    kept = {id: _maps(records[id], places) for id in found.cells}
    for image in _most_shared(kept.values(), found.ids):
        having = {id: maps[image] for id, maps in kept.items() if image in maps}
        having = {id: one for id, one in having.items() if len(found.cells[id].overlays) < wanted.each}
        if not having:
            continue
        with suppress(BenchError, OSError):  # the counts of an image are told without its picture
            sample = dataset.load(image)
            _draw_image(found, numbers[image], sample, having, wanted.side)


def _draw_image(found: ImageSet, number: int, sample: Sample, maps: Mapping[str, Map], side: int) -> None:
    scale = Scale.to(side, *sample.mask.shape)
    height, width = sample.mask.shape
    found.sides[number] = -(-width // scale.factor), -(-height // scale.factor)
    found.images[number] = image_layer(sample.image, scale)
    found.truths[number] = truth_layer(sample.mask, scale)
    for id, one in maps.items():
        cell = found.cells[id]
        cell.overlays[number] = codes_layer(codes(sample.mask, positive(one)), scale)
        cell.maps[number] = map_layer(one, scale)


def _maps(record: Record, places: Places) -> dict[str, Map]:
    try:
        return read_shown(places.stage("predict", record.keys["predict"]) / SHOWN)
    except (BenchError, OSError):
        return {}


def _most_shared(kept: Iterable[Mapping[str, Map]], ids: Sequence[str]) -> list[str]:
    """The images of which maps are kept, those of most cells first: only these can be compared."""
    counts = dict.fromkeys(ids, 0)
    for maps in kept:
        for id in maps:
            if id in counts:
                counts[id] += 1
    having = [id for id, count in counts.items() if count]
    return sorted(having, key=counts.__getitem__, reverse=True)


def set_row(found: ImageSet, name: str) -> dict[str, JsonValue]:
    """A set as the page knows it, without its pictures; lists are by the number of the told image."""
    told = found.told
    return {
        "name": name,
        "why": found.why,
        "total": len(found.ids),
        "ids": [found.ids[number] for number in told],
        "groups": [found.groups[number] for number in told],
        "types": [found.types[number] for number in told] if found.types else [],
        "sides": {place: found.sides[number] for place, number in enumerate(told) if number in found.sides},
        "areas": [found.areas[number] for number in told] if found.areas else [],
        "cells": {id: [cell.counts[number] for number in told] for id, cell in found.cells.items()},
    }


def layers_of(found: ImageSet) -> Iterator[tuple[Sequence[Any], str, bytes]]:
    """Every picture: its place (kind, number of the told image, cell or nothing), its type, its bytes."""
    places = {number: place for place, number in enumerate(found.told)}
    for kind, pictures, type in (("image", found.images, "webp"), ("truth", found.truths, "png")):
        for number, content in pictures.items():
            if number in places:
                yield (kind, places[number], ""), type, content
    for id, cell in found.cells.items():
        for kind, pictures in (("overlay", cell.overlays), ("map", cell.maps)):
            for number, content in pictures.items():
                if number in places:
                    yield (kind, places[number], id), "png", content
