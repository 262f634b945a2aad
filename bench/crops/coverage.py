"""What a draw of crops contains of the defects, known before anything is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.crops.draw import Draw, Frame, draw, fitted
from bench.crops.prepare import Source
from bench.crops.sampling import Int32, plan_crops
from bench.threads import Progress, ordered, silent
from bench.types import IGNORED, Bool, CropStrategy, Image, JsonValue, Mask

if TYPE_CHECKING:
    from bench.data.index import DatasetIndex

OBJECT_LEVEL = 10.0
"""Mean grey level over the channels, 0..255, above which a pixel counts as object and not as background."""
OBJECT_SHARE = 0.25
SHARES = {
    "admissible": "admissible_share",
    "fallback": "fallback_share",
    "defect_pixels_seen": "defect_pixels_seen_share",
    "defects_seen": "defects_seen_share",
    "defects_whole": "defects_seen_whole_share",
    "cut": "cut_by_border_share",
    "empty": "empty_crops_share",
    "positive": "positive_pixels_share",
    "with_object": "crops_with_object_share",
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Figures of one draw over the training images; shares are 0..1, None where there is nothing to share.

    Defects are 8-connected components of pixels of any defect class. ``cut`` is the share of occurrences of a
    defect in a crop in which the crop's border cuts it; ``empty`` that of crops without a defect pixel;
    ``positive`` the mean share of defect pixels among a crop's valid pixels; ``with_object`` the share of crops
    with more than a quarter of their real pixels above ``object_level``. ``admissible``, ``fallback`` and ``inert``
    are those of :class:`bench.crops.draw.Draw` over all images, ``skipped`` the number of images without a position.
    """

    images: int
    crops: int
    size: int
    admissible: float
    inert: bool
    fallback: float
    skipped: int
    defects: int
    smallest_defect: int | None
    defect_pixels_seen: float | None
    defects_seen: float | None
    defects_whole: float | None
    cut: float | None
    empty: float
    positive: float
    with_object: float
    object_level: float

    def as_dict(self) -> dict[str, JsonValue]:
        """Plain JSON values by name; names of shares end in ``share``, which tables print in percent."""
        return {SHARES.get(name, name): value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class _Counts:
    """Sums over some images; every field but the smallest defect adds."""

    defects: int = 0
    pixels: int = 0
    pixels_seen: int = 0
    seen: int = 0
    whole: int = 0
    occurrences: int = 0
    cut: int = 0
    empty: int = 0
    positive: float = 0.0
    with_object: int = 0
    smallest: int | None = None

    def plus(self, other: _Counts) -> _Counts:
        smallest = min((each.smallest for each in (self, other) if each.smallest is not None), default=None)
        added = {name: getattr(self, name) + getattr(other, name) for name in self.__slots__ if name != "smallest"}
        return _Counts(**added, smallest=smallest)


def coverage(
    index: DatasetIndex,
    source: Source,
    strategy: CropStrategy,
    size: int,
    crops: int,
    seed: int,
    *,
    object_level: float = OBJECT_LEVEL,
    workers: int = 2,
    progress: Progress = silent,
) -> Coverage:
    """Draw as :func:`bench.crops.bank.build_bank` does with the same arguments, and count what the crops show.

    Every training image is decoded twice, once for its positions and once for its defects.

    Raises:
        DataError: as for a bank.
        PluginError: as for a bank.
    """
    frame = Frame(index, source, size, seed, workers)
    plan = plan_crops(fitted(strategy, frame, progress), index, crops, seed)
    drawn = draw(plan, frame, look_at=range(len(index.entries)), progress=progress)
    return _coverage(drawn, frame, _counted(drawn, frame, object_level, progress), object_level)


def _counted(drawn: Draw, frame: Frame, object_level: float, progress: Progress) -> _Counts:
    def count(number: int) -> _Counts:
        prepared = frame.load(number)
        corners = drawn.corner[drawn.source == number]
        defects = _defects(prepared.mask, corners, frame.size)
        return defects.plus(_contents(prepared.guide, prepared.mask, corners, frame.size, object_level))

    total = _Counts()
    for each in ordered(count, range(len(frame.index.entries)), frame.workers, progress):
        total = total.plus(each)
    return total


def _defects(mask: Mask, corners: Int32, size: int) -> _Counts:
    """Which defects, and which of their pixels, the windows at ``corners`` show."""
    import cv2

    defect = _is_defect(mask)
    found, labels, stats, _ = cv2.connectedComponentsWithStats(defect.astype(np.uint8), connectivity=8)
    if found == 1:
        return _Counts()
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.int64)
    seen_pixels = np.zeros(mask.shape, bool)
    occurrences, whole = np.zeros(found - 1, np.int64), np.zeros(found - 1, np.int64)
    for top, left in corners.tolist():
        window = slice(top, top + size), slice(left, left + size)
        if not defect[window].any():
            continue
        seen_pixels[window] = True
        shown = np.bincount(labels[window].ravel(), minlength=found)[1:]
        occurrences += shown > 0
        whole += shown == areas
    return _Counts(
        defects=found - 1,
        pixels=int(areas.sum()),
        pixels_seen=int(np.count_nonzero(seen_pixels & defect)),
        seen=int(np.count_nonzero(occurrences)),
        whole=int(np.count_nonzero(whole)),
        occurrences=int(occurrences.sum()),
        cut=int((occurrences - whole).sum()),
        smallest=int(areas.min()),
    )


def _contents(guide: Image, mask: Mask, corners: Int32, size: int, object_level: float) -> _Counts:
    """How much defect and how much object the windows at ``corners`` hold."""
    valid = mask != IGNORED
    real = _in_windows(valid, corners, size)
    defect = _in_windows(_is_defect(mask), corners, size)
    thing = _in_windows((_grey(guide) > object_level) & valid, corners, size)
    return _Counts(
        empty=int(np.count_nonzero(defect == 0)),
        positive=float((defect / np.maximum(real, 1)).sum()),
        with_object=int(np.count_nonzero(thing > OBJECT_SHARE * real)),
    )


def _is_defect(mask: Mask) -> Bool:
    defect: Bool = (mask != 0) & (mask != IGNORED)
    return defect


def _grey(guide: Image) -> npt.NDArray[Any]:
    """Mean grey level over the channels on the scale 0..255, ``float32[H, W]``."""
    grey = guide[:, :, 0].astype(np.float32)
    for channel in range(1, guide.shape[2]):
        grey += guide[:, :, channel]
    grey /= guide.shape[2] * (1 if guide.dtype == np.uint8 else 257)
    return grey


def _in_windows(flags: Bool, corners: Int32, size: int) -> Int32:
    """How many flags are set in every window, ``int32[crops]``, from a summed-area table."""
    import cv2

    top, left = corners[:, 0], corners[:, 1]
    bottom, right = top + size, left + size
    table: Int32 = np.asarray(cv2.integral(flags.astype(np.uint8)), np.int32)
    return table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]


def _coverage(drawn: Draw, frame: Frame, counts: _Counts, object_level: float) -> Coverage:
    crops = len(drawn.source)
    return Coverage(
        images=len(frame.index.entries),
        crops=crops,
        size=frame.size,
        admissible=drawn.admissible,
        inert=drawn.inert,
        fallback=drawn.fallback,
        skipped=len(drawn.skipped),
        defects=counts.defects,
        smallest_defect=counts.smallest,
        defect_pixels_seen=_share(counts.pixels_seen, counts.pixels),
        defects_seen=_share(counts.seen, counts.defects),
        defects_whole=_share(counts.whole, counts.defects),
        cut=_share(counts.cut, counts.occurrences),
        empty=counts.empty / crops,
        positive=counts.positive / crops,
        with_object=counts.with_object / crops,
        object_level=object_level,
    )


def _share(part: int, whole: int) -> float | None:
    """None for 0 of 0: neither all nor nothing was seen."""
    return part / whole if whole else None
