"""Where the crops of a strategy and the tiles of a grid lie, before a pixel of them is cut."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from bench.crops.draw import Draw, Frame, fitted
from bench.crops.sampling import Int32, Plan, plan_crops
from bench.crops.statistics import mean_and_deviation
from bench.crops.tables import Tables, sources_of
from bench.crops.tiles import grid
from bench.errors import DataError
from bench.threads import Progress
from bench.types import CropStrategy, Index, JsonValue
from bench.words import plural


def planned(
    frame: Frame, strategy: CropStrategy, crops: int, other_groups: Collection[str], progress: Progress
) -> tuple[CropStrategy, Plan]:
    """The strategy as fitted to the images of the frame, and part and image of every crop.

    Raises:
        DataError: a training group is in ``other_groups``, or nothing can be drawn.
        PluginError: the strategy broke its contract.
    """
    _refuse_shared_groups(frame.index, other_groups)
    ready = fitted(strategy, frame, progress)
    return ready, plan_crops(ready, frame.index, crops, frame.seed)


def crop_tables(frame: Frame, strategy: CropStrategy, drawn: Draw, provenance: dict[str, JsonValue]) -> Tables:
    """A finished draw; under ``draw`` the provenance gets what the fitted strategy had to choose from."""
    return Tables(
        drawn.source,
        drawn.corner,
        drawn.part,
        sources_of(frame.index, "train"),
        provenance={**provenance, "draw": {"strategy": repr(strategy), **drawn.facts()}},
    )


def tile_tables(
    training: Frame, validation: Frame, provenance: dict[str, JsonValue], progress: Progress
) -> tuple[Tables, Int32]:
    """The fixed grid over the validation images, with mean and deviation of the training images, and what tiles share.

    The second is ``int32[T, 2]``: so many first rows and columns of a tile lie in earlier ones of its image.

    Raises:
        DataError: a group is in both splits, a split is empty, or training images differ in kind.
    """
    entries = validation.index.entries
    _refuse_shared_groups(training.index, {entry.group for entry in entries})
    if not training.index.entries or not entries:
        raise DataError(
            f"{len(training.index.entries):,} training and {plural(len(entries), 'validation image')}: "
            "neither split may be empty; check the split"
        )
    mean, std = mean_and_deviation(training, progress)
    corners = [grid(entry.height, entry.width, validation.size, 0.0) for entry in entries]
    tables = Tables(
        np.repeat(np.arange(len(corners), dtype=np.int32), [len(each) for each in corners]),
        np.concatenate(corners),
        np.zeros(sum(len(each) for each in corners), np.uint8),
        sources_of(validation.index, "validation"),
        provenance,
        mean,
        std,
    )
    return tables, np.concatenate([seen_before(each, validation.size) for each in corners])


def seen_before(corners: Int32, size: int) -> Int32:
    """How many first rows and columns of each tile of one grid earlier tiles cover, ``int32[T, 2]``."""
    seen = np.zeros_like(corners)
    for axis in range(2):
        starts = np.unique(corners[:, axis])
        shared = np.append(0, starts[:-1] + size - starts[1:])
        seen[:, axis] = shared[np.searchsorted(starts, corners[:, axis])]
    return seen


def _refuse_shared_groups(index: Index, others: Collection[str]) -> None:
    shared = sorted({entry.group for entry in index.entries} & set(others))
    if shared:
        more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
        raise DataError(
            f"group {shared[0]!r}{more} would be in the training crops and in another split; split by group"
        )
