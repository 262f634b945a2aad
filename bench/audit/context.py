"""What smaller crops lose: how much a defect and the sound surface look alike in windows of several sizes.

Two windows are compared by :mod:`bench.audit.window_likeness` on means over small blocks, the same at every size. A
defect's look-alike is the window most like it among all that lie in sound surface, at every place of a bounded number
of images. The places are the same for all sizes: those where the largest window is inside the image and touches no
defect.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.audit.window_likeness import blocks_of, moments_of, qualities, sound_corners
from bench.data.index import DatasetIndex, IndexedImage, loaded
from bench.errors import DataError
from bench.threads import Progress, ordered, silent
from bench.types import IGNORED, Dataset, Float32, Float64, Image, Mask, Sample
from bench.words import plural

DEFECTS, IMAGES = 24, 64
"""Defects that are looked at, and images searched for their look-alikes, in even steps through the data set."""
MOST_BLOCKS = 2**23
"""Blocks in all images searched, at most: large images are fewer."""
BLOCKS = 16
"""Blocks along the smallest window, at least."""
Corner = tuple[int, int]
"""Row and column of the top-left pixel of a window."""


@dataclass(frozen=True, slots=True)
class Nest:
    """Windows of several sizes around one place of an image: a corner per size."""

    id: str
    corners: tuple[Corner, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A defect and its look-alike at the smallest size, with the index of the windows around both at every size."""

    defect: Nest
    sound: Nest
    likeness: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What a search found; everything per size is in the order of ``sizes``, ascending.

    ``best`` is ``float64[defects, sizes]``, the index of the best look-alike at each size. ``pair`` is the defect to
    show: of the half with the best look-alikes at the smallest size the one whose look-alike loses most towards the
    largest. ``block`` is the side of the blocks in pixels, ``images`` how many were searched, ``places`` at how many
    places.
    """

    sizes: tuple[int, ...]
    best: Float64
    pair: Pair
    block: int
    images: int
    places: int


@dataclass(frozen=True, slots=True)
class _Template:
    """A defect's windows on the grid of blocks, by size; ``shift`` is from the largest window's corner to theirs."""

    nest: Nest
    windows: tuple[Float32, ...]
    shift: tuple[Corner, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """The best of one image for one defect: ``float64[sizes]``, and the look-alike at the smallest size."""

    best: Float64
    nest: Nest
    likeness: Float64


def context(
    index: DatasetIndex,
    dataset: Dataset,
    sizes: Iterable[int],
    *,
    workers: int = 2,
    progress: Progress = silent,
) -> Context:
    """Search the images of an index; the result is the same for any number of workers.

    Raises:
        DataError: no image is as large as the largest window, none has a defect, or no place is sound.
    """
    ascending = tuple(sorted(set(sizes)))
    block, largest = block_of(ascending), ascending[-1]
    large = [entry for entry in index.entries if min(entry.height, entry.width) >= largest]
    defective = [entry for entry in large if sum(entry.pixels[1:])]
    if not defective:
        raise DataError(_nothing(index, largest, bool(large)))
    samples = [loaded(index.dataset, dataset, entry.id) for entry in spread(defective, DEFECTS)]
    templates = _templates(samples, ascending, block)
    blocks = max((entry.height // block) * (entry.width // block) for entry in large)
    searched = spread(large, max(1, min(IMAGES, MOST_BLOCKS // blocks)))

    def search(entry: IndexedImage) -> tuple[int, list[_Found]]:
        return _search(loaded(index.dataset, dataset, entry.id), templates, ascending, block)

    places, kept = 0, list[_Found]()
    for sound, found in ordered(search, searched, workers, progress):
        places += sound
        kept = list(map(_better, kept, found)) if kept and found else kept or found
    if not kept:
        raise DataError(
            f"{plural(len(searched), 'image')} of {index.dataset!r} have no {largest} x {largest} pixels "
            "without a defect; give smaller --sizes"
        )
    best = np.array([found.best for found in kept])
    return Context(ascending, best, _shown(templates, kept), block, len(searched), places)


def block_of(sizes: Sequence[int]) -> int:
    """Side of the blocks: it divides every size, and the smallest window has at least 16 of them along a side."""
    common = math.gcd(*sizes)
    return max(side for side in range(1, max(1, sizes[0] // BLOCKS) + 1) if common % side == 0)


def spread(entries: Sequence[IndexedImage], most: int) -> list[IndexedImage]:
    """At most so many, in even steps."""
    places = np.linspace(0, len(entries) - 1, min(most, len(entries))).round().astype(int)
    return [entries[place] for place in places]


def window(image: Image, corner: Corner, size: int) -> Image:
    """The pixels of one window."""
    top, left = corner
    return image[top : top + size, left : left + size]


def _shown(templates: Sequence[_Template], kept: Sequence[_Found]) -> Pair:
    """The defect and look-alike of the figure, by the rule of :class:`Context`."""
    likeness = np.array([found.likeness for found in kept])
    alike = likeness[:, 0]
    lost = alike - likeness[:, -1]
    chosen = int(np.argmax(np.where(alike >= np.median(alike), lost, -np.inf)))
    return Pair(templates[chosen].nest, kept[chosen].nest, tuple(likeness[chosen].tolist()))


def _nothing(index: DatasetIndex, size: int, large: bool) -> str:
    if large:
        return f"no image of {index.dataset!r} in this split that is {size} pixels high and wide has a defect"
    most = max((min(entry.height, entry.width) for entry in index.entries), default=0)
    return f"no image of {index.dataset!r} in this split is {size} pixels high and wide; give --sizes of at most {most}"


def _templates(samples: Sequence[Sample], sizes: Sequence[int], block: int) -> list[_Template]:
    """Defects of the images, one each, or several where there are few images: in even steps by area."""
    each = -(-DEFECTS // len(samples))
    found = []
    for sample in samples:
        blocks = blocks_of(sample.image, block)
        found += [_template(sample.id, blocks, centre, sizes, block) for centre in _centres(sample.mask, each)]
    return found[:DEFECTS]


def _centres(mask: Mask, most: int) -> list[Corner]:
    """Centres of the boxes around defects (8-connected)."""
    import cv2

    marked = ((mask != 0) & (mask != IGNORED)).astype(np.uint8)
    found, _, boxes, _ = cv2.connectedComponentsWithStats(marked, connectivity=8)
    order = np.argsort(boxes[1:, cv2.CC_STAT_AREA], kind="stable") + 1
    picked = np.linspace(0, found - 2, min(most, found - 1) + 2).round().astype(int)[1:-1]
    rows = (boxes[order[place]] for place in dict.fromkeys(picked.tolist()))
    return [(int(top + height // 2), int(left + width // 2)) for left, top, width, height, _ in rows]


def _template(id: str, blocks: Float32, centre: Corner, sizes: Sequence[int], block: int) -> _Template:
    """The windows around a centre, on the grid of blocks, moved inside the image."""
    height, width = blocks.shape
    corners, windows = [], []
    for size in sizes:
        side = size // block
        top = min(max(round(centre[0] / block - side / 2), 0), height - side)
        left = min(max(round(centre[1] / block - side / 2), 0), width - side)
        corners.append((top, left))
        windows.append(blocks[top : top + side, left : left + side].copy())
    down, right = corners[-1]
    return _Template(
        nest=Nest(id, tuple((top * block, left * block) for top, left in corners)),
        windows=tuple(windows),
        shift=tuple((top - down, left - right) for top, left in corners),
    )


def _search(
    sample: Sample, templates: Sequence[_Template], sizes: Sequence[int], block: int
) -> tuple[int, list[_Found]]:
    """How many sound places one image has, and the best of them for every defect."""
    sides = [size // block for size in sizes]
    sound = sound_corners(sample.mask, block, sides[-1])
    if not sound.any():
        return 0, []
    blocks = blocks_of(sample.image, block)
    moments = [moments_of(blocks, side) for side in sides]
    tops, lefts = np.nonzero(sound)
    found = []
    for template in templates:
        maps = []
        for window, moment, (down, right) in zip(template.windows, moments, template.shift, strict=True):
            maps.append(qualities(blocks, window, moment)[tops + down, lefts + right])
        likeness = np.stack(maps)
        place = int(np.argmax(likeness[0]))
        top, left = int(tops[place]), int(lefts[place])
        corners = tuple(((top + down) * block, (left + right) * block) for down, right in template.shift)
        found.append(_Found(likeness.max(axis=1), Nest(sample.id, corners), likeness[:, place]))
    return len(tops), found


def _better(old: _Found, new: _Found) -> _Found:
    """The best at every size; of equal look-alikes the earlier one."""
    ahead = new if new.likeness[0] > old.likeness[0] else old
    return _Found(np.maximum(old.best, new.best), ahead.nest, ahead.likeness)
