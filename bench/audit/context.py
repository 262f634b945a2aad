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
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from bench.audit.window_likeness import blocks_of, moments_of, qualities, sound_corners
from bench.data.index import DatasetIndex, IndexedImage, loaded, spread
from bench.errors import DataError
from bench.threads import ordered
from bench.types import IGNORED, Dataset, Float32, Float64, Mask, Sample
from bench.words import plural

DEFECTS, IMAGES = 24, 64
"""Defects that are looked at, and images searched for their look-alikes, in even steps through the data set."""
MOST_BLOCKS = 2**23
"""Blocks in all images searched, at most: large images are fewer."""
BLOCKS = 16
"""Blocks along the smallest window, at least."""
AnyPixel = TypeVar("AnyPixel", bound=np.generic)
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
    """A defect's windows by size, and their corners ``int64[sizes, 2]``, on the grid of blocks."""

    id: str
    corners: npt.NDArray[np.int64]
    windows: tuple[Float32, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """The best of one image: ``float64[defects, sizes]``, and of each defect the look-alike at the smallest size."""

    places: int
    best: Float64
    pairs: Sequence[Pair]


def context(
    index: DatasetIndex,
    dataset: Dataset,
    sizes: Iterable[int],
    *,
    workers: int = 2,
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

    def search(entry: IndexedImage) -> _Found | None:
        return _search(loaded(index.dataset, dataset, entry.id), templates, block)

    kept = [found for found in ordered(search, searched, workers) if found]
    if not kept:
        raise DataError(
            f"{plural(len(searched), 'image')} of {index.dataset!r} have no {largest} x {largest} pixels "
            "without a defect; give smaller --sizes"
        )
    best = np.max([found.best for found in kept], axis=0)
    by_defect = zip(*(found.pairs for found in kept), strict=True)
    pairs = [max(alike, key=lambda pair: pair.likeness[0]) for alike in by_defect]
    places = sum(found.places for found in kept)
    return Context(ascending, best, _shown(pairs), block, len(searched), places)


def block_of(sizes: Sequence[int]) -> int:
    """Side of the blocks: it divides every size, and the smallest window has at least 16 of them along a side."""
    common = math.gcd(*sizes)
    return max(side for side in range(1, max(1, sizes[0] // BLOCKS) + 1) if common % side == 0)


def window(image: npt.NDArray[AnyPixel], corner: Iterable[int], size: int) -> npt.NDArray[AnyPixel]:
    """The pixels of one window."""
    top, left = corner
    return image[top : top + size, left : left + size]


def _shown(pairs: Sequence[Pair]) -> Pair:
    """The defect and look-alike of the figure, by the rule of :class:`Context`."""
    likeness = np.array([pair.likeness for pair in pairs])
    alike = likeness[:, 0]
    lost = alike - likeness[:, -1]
    return pairs[int(np.argmax(np.where(alike >= np.median(alike), lost, -np.inf)))]


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
    _, _, stats, _ = cv2.connectedComponentsWithStats(marked, connectivity=8)
    boxes = stats[1:][np.argsort(stats[1:, cv2.CC_STAT_AREA], kind="stable")]
    steps = np.linspace(0, len(boxes) - 1, min(most, len(boxes)) + 2).round().astype(int)
    picked = boxes[np.unique(steps[1:-1])].tolist()
    return [(top + height // 2, left + width // 2) for left, top, width, height, _ in picked]


def _template(id: str, blocks: Float32, centre: Corner, sizes: Sequence[int], block: int) -> _Template:
    """The windows around a centre, on the grid of blocks, moved inside the image."""
    sides = np.array(sizes)[:, None] // block
    corners = np.rint(np.array(centre) / block - sides / 2).clip(0, np.array(blocks.shape) - sides).astype(int)
    windows = [window(blocks, corner, side).copy() for corner, side in zip(corners, sides[:, 0], strict=True)]
    return _Template(id, corners, tuple(windows))


def _search(sample: Sample, templates: Sequence[_Template], block: int) -> _Found | None:
    """The best of all sound places of one image for every defect; None where it has no such place."""
    sides = [len(window) for window in templates[0].windows]
    sound = np.argwhere(sound_corners(sample.mask, block, sides[-1]))
    if not len(sound):
        return None
    blocks = blocks_of(sample.image, block)
    moments = [moments_of(blocks, side) for side in sides]
    best, pairs = [], []
    for template in templates:
        shifts = template.corners - template.corners[-1]
        maps = []
        for window, moment, shift in zip(template.windows, moments, shifts, strict=True):
            maps.append(qualities(blocks, window, moment)[tuple((sound + shift).T)])
        likeness = np.stack(maps, axis=1)
        place = int(np.argmax(likeness[:, 0]))
        defect = _nest(template.id, template.corners * block)
        pairs.append(Pair(defect, _nest(sample.id, (sound[place] + shifts) * block), tuple(likeness[place].tolist())))
        best.append(likeness.max(axis=0))
    return _Found(len(sound), np.array(best), pairs)


def _nest(id: str, corners: npt.NDArray[np.int64]) -> Nest:
    return Nest(id, tuple((top, left) for top, left in corners.tolist()))
