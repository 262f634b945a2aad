"""Figures that show images: predictions of chosen cells, corresponding viewpoints, context (supplement, figures 1-4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from bench.audit.context import context
from bench.audit.context_table import context_figure
from bench.audit.views import correspondence, shown
from bench.data.splits import assign, restricted
from bench.errors import DataError
from bench.figures.choice import Choice, Panel
from bench.figures.drawing import Drawing, stem
from bench.figures.source import Images, NothingToDraw, Source
from bench.pictures.gallery import OUTLINE, Thumbnail, outlined, thumbnail, toned
from bench.pictures.overlay import COLOURS, TONES, Colour, codes, coloured, colours, grey, overlay
from bench.pictures.plate import Head, Row, Tile, pixels, plate, tile_width
from bench.pictures.sheet import CHOSEN, LEGEND, Pick, fitted
from bench.pictures.style import lettered
from bench.report.measures import percent
from bench.score.evidence_file import read_evidence
from bench.stages.shown import SHOWN, picks, read_shown
from bench.suite.cells import Cell
from bench.suite.schema import Ref
from bench.types import Bool, Sample
from bench.words import plural

PREDICTIONS = (
    "Predictions on images of the test split of {on}, the same for all cells: spread evenly over the images with a "
    "defect. Above: the images, and with the true defects outlined in magenta. Below: true positives green, false "
    "positives red, false negatives blue; under each the F1 of that image alone."
)
VIEWS = "The same objects from the same viewpoints in {first} (left of each pair) and {second} (right)."
CONTEXT = (
    "Smaller crops lose context. Above: a defect of the training split of {on}; below: the window of sound surface "
    "most like it at {smallest} pixels; both in crops of {sizes} pixels, whose places the squares show. Under each: the "
    "likeness of the two (universal quality index, 1 for equal windows), and the median over {defects} of that of the "
    "best look-alike."
)
ONE_CURVE = "All pictures go through one tone curve, so that a darker one stays the darker one."
INSTANCES, WIDE_PAIR = 4, 1.5
"""Objects of a figure of viewpoints, and inches that a pair takes at least."""
SHARES = (1.0, 0.75, 0.5)
"""Of the run's crop size, where it has one alone: the supplement's 256, 192 and 128."""


def predictions(source: Source, choices: list[Choice], width: float) -> Iterator[Drawing]:
    """A figure for each data set: test images in columns; the image, the truth and one row for each cell.

    Raises:
        BenchError: the images or what was predicted of them is gone, or may not be printed.
        DataError: more rows than fit a page.
    """
    for choice in choices:
        first = choice.panels[0]
        made = first.record.provenance
        images = source.images(first.cell.dataset, made and made.data_fingerprint)
        found = [_predicted(source, panel) for panel in choice.panels]
        ids = [id for id in found[0] if all(id in other for other in found)]
        if not ids:
            raise NothingToDraw(f"no image of the test split of {choice.on} has a defect")
        samples = [images.load(id) for id in ids]
        side = pixels(tile_width(len(ids), width))
        rows = [
            Row("image", [Tile(_reduced(_greyed(one), side)) for one in samples]),
            Row("truth", [Tile(_truth(one, side)) for one in samples]),
        ]
        for number, (panel, masks) in enumerate(zip(choice.panels, found, strict=True)):
            rows.append(Row(lettered(number, panel.name), _tiles(samples, masks, side)))
        legend = [("true outline", OUTLINE), *zip(LEGEND, COLOURS[1:], strict=True)]
        shades = [(name, (int(red), int(green), int(blue))) for name, (red, green, blue) in legend]
        caption = [
            PREDICTIONS.format(on=choice.on), f"From left to right: {', '.join(ids)}.", *choice.told, TONES,
            images.told, source.told,
        ]  # fmt: skip
        name = stem("predictions", choice.on, [one.on for one in choices])
        yield Drawing(name, plate(rows, width, legend=shades), caption)


def _predicted(source: Source, panel: Panel) -> Mapping[str, tuple[Pick, Bool]]:
    """The images that every cell of a data set shows, with the binary prediction of this one."""
    folder = source.stage(panel.record, "predict")
    test, masks = read_evidence(folder / "test.npz"), read_shown(folder / SHOWN)
    index = panel.record.of_split("validation")["threshold_index"]
    return {pick.id: (pick, masks[pick.id]) for pick in picks(test, index) if pick.why == CHOSEN}


def _tiles(samples: list[Sample], masks: Mapping[str, tuple[Pick, Bool]], side: int) -> list[Tile]:
    tiles = []
    for sample in samples:
        pick, predicted = masks[sample.id]
        picture = overlay(sample.image, sample.mask, predicted)
        tiles.append(Tile(_reduced(picture, side), f"F1 {percent(pick.f1)} %"))
    return tiles


def _reduced(picture: Colour, side: int) -> Colour:
    """The picture as it is, unless print shows fewer pixels."""
    return picture if max(picture.shape[:2]) <= side else fitted(picture, side)


def _greyed(sample: Sample) -> Colour:
    return np.repeat(grey(sample.image)[:, :, None], 3, axis=2)


def _truth(sample: Sample, side: int) -> Colour:
    """The true defects outlined, after the picture is reduced: the line is as wide as print shows."""
    marked = codes(sample.mask, (sample.mask > 0))
    small = colours(_reduced(coloured(grey(sample.image), marked), side)) > 0
    return outlined(_reduced(_greyed(sample), side), small)


def views(source: Source, width: float) -> Iterator[Drawing]:
    """A figure for each two data sets of the run that show the same objects from the same viewpoints.

    Raises:
        BenchError: a data set is gone or may not be printed.
        NothingToDraw: no two of them correspond.
    """
    refs = _datasets(source)
    if len(refs) < 2:
        raise NothingToDraw("the run has one data set, and viewpoints correspond between two")
    opened = {name: source.images(ref, None) for name, ref in refs.items()}
    pairs = []
    for names in combinations(opened, 2):
        try:
            correspondence(opened[names[0]].records, opened[names[1]].records, names)
            pairs.append(names)
        except DataError:
            continue  # most data sets have nothing to do with each other
    if not pairs:
        raise NothingToDraw("no two data sets of the run show the same groups from the same viewpoints")
    texts = [" and ".join(names) for names in pairs]
    for names, text in zip(pairs, texts, strict=True):
        yield _views(source, {name: opened[name] for name in names}, stem("views", text, texts), width)


def _views(source: Source, opened: Mapping[str, Images], name: str, width: float) -> Drawing:
    (first, one), (second, other) = opened.items()
    found = correspondence(one.records, other.records, (first, second))
    across = max(1, int(width / WIDE_PAIR))
    side = pixels(tile_width(2 * across, width))

    def small(images: Images, id: str) -> Thumbnail:
        sample = images.load(id)
        return thumbnail(sample, min(side, max(sample.mask.shape)))

    chosen = shown(
        found, (lambda id: small(one, id), lambda id: small(other, id)), instances=INSTANCES, viewpoints=across
    )
    tiles = [tile for strip in chosen.strips for tile in strip.tiles]
    left = iter(toned([tile.picture for tile in tiles if tile]))
    rows = []
    for number, strip in enumerate(chosen.strips):
        rows.append(Row(lettered(number, strip.heading), [Tile(next(left)) if tile else None for tile in strip.tiles]))
    heads = [
        [Head(f"viewpoint {viewpoint}", 2) for viewpoint in chosen.viewpoints],
        [Head(label) for label in (first, second)] * len(chosen.viewpoints),
    ]
    groups = {pair.group for pair in found.pairs}
    counted = f"{plural(len(found.pairs), 'viewpoint')} of {plural(len(groups), 'group')} are in both."
    whose = dict.fromkeys((one.told, other.told))
    caption = [VIEWS.format(first=first, second=second), counted, ONE_CURVE, TONES, *whose, source.told]
    return Drawing(name, plate(rows, width, heads=heads), caption)


def _datasets(source: Source) -> dict[str, Ref]:
    """The data sets that the run trains on or comes from, by their labels."""
    refs: dict[str, Ref] = {}
    for cell in source.suite.cells:
        refs.setdefault(cell.labels.get("dataset", cell.dataset.use), cell.dataset)
        if cell.pretrain is not None and cell.pretrain.dataset not in refs.values():
            refs.setdefault(cell.pretrain.dataset.use, cell.pretrain.dataset)
    return refs


def contexts(source: Source, choices: list[Choice], width: float) -> Iterator[Drawing]:
    """A figure for each data set: what is lost by crops of the sizes of the run.

    Raises:
        BenchError: a data set is gone or may not be printed.
        DataError: no image of it is as large as the largest crop, or none has a defect.
    """
    for choice in choices:
        first = choice.panels[0]
        made = first.record.provenance
        images = source.images(first.cell.dataset, made and made.data_fingerprint)
        split = restricted(images.index, assign(images.index, first.cell.protocol.split), "train")
        cells = [panel.cell for panel in choice.panels]
        found = context(split, _Loading(images), _sizes(source, cells))
        caption = [
            CONTEXT.format(
                on=choice.on, smallest=found.sizes[0], sizes=", ".join(map(str, found.sizes)),
                defects=plural(len(found.best), "defect"),
            ),
            f"Defect: {found.pair.defect.id}; look-alike: {found.pair.sound.id}; searched {found.places:,} places of "
            f"{plural(found.images, 'image')}, compared on blocks of {found.block} x {found.block} pixels.",
            ONE_CURVE, TONES, images.told, source.told,
        ]  # fmt: skip
        name = stem("context", choice.on, [one.on for one in choices])
        yield Drawing(name, context_figure(found, images.load, width), caption)


def _sizes(source: Source, cells: list[Cell]) -> list[int]:
    """The crop sizes of the run; where it has one, that and the shares of it that the supplement took."""
    labels = {cell.labels.get("dataset") for cell in cells}
    sizes = {cell.crop_size for cell in source.suite.cells if cell.labels.get("dataset") in labels}
    if len(sizes) > 1:
        return sorted(sizes)
    largest = sizes.pop()
    return [round(share * largest) // 8 * 8 for share in SHARES]


class _Loading:
    """Images as the search for look-alikes takes them."""

    def __init__(self, images: Images) -> None:
        self.classes = images.index.classes
        self.load = images.load
        self.records = lambda: images.records
