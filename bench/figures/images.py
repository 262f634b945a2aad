"""Figures that show images of data sets: corresponding viewpoints, context lost (supplement, figures 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from bench.audit.context import context
from bench.audit.context_table import MOST_SIZES, context_figure
from bench.audit.views import correspondence, shown
from bench.data.splits import assign, restricted
from bench.errors import BenchError, DataError
from bench.figures.choice import Choice, of_choices
from bench.figures.drawing import Drawing, Sketch, stem
from bench.figures.source import Images, NothingToDraw, Source
from bench.pictures.gallery import Thumbnail, thumbnail, toned
from bench.pictures.overlay import TONES
from bench.pictures.plate import Head, Row, Tile, pixels, plate, tile_width
from bench.pictures.style import lettered
from bench.report.best import scored_alike
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


def views(source: Source, width: float) -> Iterator[Sketch]:
    """A figure for each two data sets of the run that show the same objects from the same viewpoints.

    Raises:
        BenchError: of the only two one is gone or may not be printed.
        NothingToDraw: no two of them correspond.
    """
    refs = _datasets(source)
    if len(refs) < 2:
        raise NothingToDraw("the run has one data set, and viewpoints correspond between two")
    opened: dict[str, Images] = {}
    for name, ref in refs.items():
        try:
            opened[name] = source.images(ref, None)
        except BenchError:
            if len(refs) == 2:
                raise
    pairs = [names for names in combinations(opened, 2) if _correspond(*(opened[name] for name in names))]
    if not pairs:
        here = plural(len(opened), "data set")
        raise NothingToDraw(f"no two of the {here} that can be shown have the same groups from the same viewpoints")
    texts = [" and ".join(names) for names in pairs]
    for (first, second), text in zip(pairs, texts, strict=True):
        sides = _Side(first, opened[first]), _Side(second, opened[second])
        yield Sketch(stem("views", text, texts), partial(_views, source, sides, width))


@dataclass(frozen=True, slots=True)
class _Side:
    """One of two data sets, by its label."""

    name: str
    images: Images


def _correspond(first: Images, second: Images) -> bool:
    """Whether two data sets have a viewpoint in common: most have nothing to do with each other."""
    try:
        correspondence(first.records, second.records, (first.name, second.name))
    except DataError:
        return False
    return True


def _views(source: Source, sides: tuple[_Side, _Side], width: float) -> Drawing:
    """Draw two data sets side by side.

    Raises:
        BenchError: an image cannot be read.
    """
    first, second = sides
    found = correspondence(first.images.records, second.images.records, (first.name, second.name))
    across = max(1, int(width / WIDE_PAIR))
    side = pixels(tile_width(2 * across, width))
    small = partial(_small, first.images, side), partial(_small, second.images, side)
    chosen = shown(found, small, instances=INSTANCES, viewpoints=across)
    tiles = [tile for strip in chosen.strips for tile in strip.tiles]
    left = iter(toned([tile.picture for tile in tiles if tile]))
    rows = []
    for number, strip in enumerate(chosen.strips):
        rows.append(Row(lettered(number, strip.heading), [Tile(next(left)) if tile else None for tile in strip.tiles]))
    heads = [
        [Head(f"viewpoint {viewpoint}", 2) for viewpoint in chosen.viewpoints],
        [Head(side.name) for side in sides] * len(chosen.viewpoints),
    ]
    groups = {pair.group for pair in found.pairs}
    counted = f"{plural(len(found.pairs), 'viewpoint')} of {plural(len(groups), 'group')} are in both, of all splits."
    whose = dict.fromkeys(side.images.told for side in sides)
    words = VIEWS.format(first=first.name, second=second.name)
    return Drawing(plate(rows, width, heads=heads), [words, counted, ONE_CURVE, TONES, *whose, source.told])


def _small(images: Images, side: int, id: str) -> Thumbnail:
    """An image as it is, unless print shows fewer pixels."""
    sample = images.load(id)
    return thumbnail(sample, min(side, max(sample.mask.shape)))


def _datasets(source: Source) -> dict[str, Ref]:
    """The data sets that the run trains on or comes from, by their labels."""
    refs: dict[str, Ref] = {}
    for cell in source.suite.cells:
        refs.setdefault(cell.labels.get("dataset", cell.dataset.use), cell.dataset)
        if cell.pretrain is not None and cell.pretrain.dataset not in refs.values():
            refs.setdefault(cell.pretrain.dataset.use, cell.pretrain.dataset)
    return refs


def contexts(source: Source, choices: Sequence[Choice], width: float) -> Iterator[Sketch]:
    """A figure for each data set: what is lost by crops of the sizes of the run."""
    return of_choices("context", choices, lambda choice: _context(source, choice, width))


def _context(source: Source, choice: Choice, width: float) -> Drawing:
    """Search and draw.

    Raises:
        BenchError: the data set is gone or may not be printed.
        DataError: no image of it is as large as the largest crop, or none has a defect.
    """
    first = choice.panels[0]
    images = source.scored(first.cell, first.record)
    split = restricted(images.index, assign(images.index, first.cell.protocol.split), "train")
    found = context(split, images.verified, _sizes(source, choice.on))
    sizes, defects = ", ".join(map(str, found.sizes)), plural(len(found.best), "defect")
    searched = (
        f"Defect: {found.pair.defect.id}; look-alike: {found.pair.sound.id}; searched {found.places:,} places of "
        f"{plural(found.images, 'image')}, compared on blocks of {found.block} x {found.block} pixels."
    )
    words = CONTEXT.format(on=choice.on, smallest=found.sizes[0], sizes=sizes, defects=defects)
    caption = [words, searched, ONE_CURVE, TONES, images.told, source.told]
    return Drawing(context_figure(found, images.load, width), caption)


def _sizes(source: Source, on: str) -> list[int]:
    """The crop sizes of the run; where it has one, that and the shares of it that the supplement took."""
    sizes = {cell.crop_size for cell in source.suite.cells if scored_alike(cell.labels) == on}
    if len(sizes) > 1:
        return sorted(sizes)[-MOST_SIZES:]
    largest = sizes.pop()
    return [round(share * largest) // 8 * 8 for share in SHARES]
