"""Figures that show images of data sets: corresponding viewpoints, context lost (supplement, figures 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import combinations

from bench.audit.context import context
from bench.audit.context_table import context_figure
from bench.audit.views import correspondence, shown
from bench.data.splits import assign, restricted
from bench.errors import DataError
from bench.figures.choice import Choice
from bench.figures.drawing import Drawing, stem
from bench.figures.source import Images, NothingToDraw, Source
from bench.pictures.gallery import Thumbnail, thumbnail, toned
from bench.pictures.overlay import TONES
from bench.pictures.plate import Head, Row, Tile, pixels, plate, tile_width
from bench.pictures.style import lettered
from bench.suite.cells import Cell
from bench.suite.schema import Ref
from bench.words import plural

VIEWS = "The same objects from the same viewpoints in {first} (left of each pair) and {second} (right)."
CONTEXT = (
    "Smaller crops lose context: (a) a defect of the training split of {on}; (b) the window of sound surface "
    "most like it at {smallest} pixels; both in crops of {sizes} pixels, at the squares in the images. Under each: the "
    "likeness of the two (universal quality index, 1 for equal windows), and the median over {defects} of that of the "
    "best look-alike."
)
ONE_CURVE = "All pictures go through one tone curve, so that a darker one stays the darker one."
INSTANCES, WIDE_PAIR = 4, 1.5
"""Objects of a figure of viewpoints, and inches that a pair takes at least."""
SHARES = (1.0, 0.75, 0.5)
"""Of the run's crop size, where it has one alone: the supplement's 256, 192 and 128."""


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

    chosen = shown(found, (partial(small, one), partial(small, other)), instances=INSTANCES, viewpoints=across)
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
