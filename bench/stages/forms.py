"""In which form images and crops are kept: what is on disk serves, what is not follows ``runtime.delivery``."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from bench.crops.bank import Bank, bank_bytes, open_bank
from bench.crops.cuts import DRAW, Cuts, open_cuts
from bench.crops.images import Images
from bench.crops.prepare import ImageSource
from bench.stages.cell_run import CROPS, TILES, CellRun
from bench.stages.graph import stores_bank
from bench.stages.images import stored_images
from bench.store.store import stage_note

Stored: TypeAlias = Bank | Cuts
"""Crops that can be read: from their bank, or cut from the image store."""


def image_source(run: CellRun) -> ImageSource:
    """Where preprocessed images come from: the image store, or the data set where none is wanted and none is there."""
    return stored_images(run) if _has_images(run) else run.decoded


def wants_bank(run: CellRun, source: ImageSource, crops: int, size: int) -> bool:
    """Whether a draw is to be stored with its pixels."""
    if not isinstance(source, Images):
        return True
    return stores_bank(run.job.delivery, bank_bytes(crops, size, source.format))


def serves(run: CellRun, folder: Path) -> bool:
    """Whether a finished draw can be used: a bank always, positions where there are or may be images to cut."""
    return not (folder / DRAW).is_file() or _has_images(run)


def stored(run: CellRun, kind: str) -> Stored:
    """The finished ``tiles`` or ``crops`` of a cell."""
    folder = run.folder(kind)
    bank = folder / (TILES if kind == "tiles" else CROPS)
    return open_bank(bank) if bank.is_file() else open_cuts(folder / DRAW, stored_images(run))


def _has_images(run: CellRun) -> bool:
    return run.job.delivery != "crops" or stage_note(run.folder("images")) is not None
