"""The data path against its limits: every rival runs before every round, so that shares are of one run.

A crop is 256 x 256 grey with its mask (131 kB), an image 2448 x 2048, a batch 16 crops; medians of the rounds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from figures import interleaved

from bench.component import build
from bench.crops.bank import Bank, build_bank, open_bank
from bench.crops.cuts import Cuts, build_draw, open_cuts
from bench.crops.images import build_images, open_images
from bench.crops.prepare import Source
from bench.crops.sampling import draw_corners, row_index
from bench.data.index import DatasetIndex, build_index
from bench.images import read_image, read_mask
from bench.threads import ordered
from bench.types import Record, Sample

Told = Callable[..., None]
SIZE, BATCH, CROPS, PAIRS, WORKERS = 256, 16, 800, 16, os.cpu_count() or 1


@dataclass(frozen=True)
class Pairs:
    """PNG pairs on disk."""

    root: Path
    classes = ("scratch",)

    def records(self) -> list[Record]:
        return [Record(path.stem, path.stem, files=(path,)) for path in sorted(self.root.glob("image*.png"))]

    def load(self, id: str, /) -> Sample:
        return Sample(
            id, read_image(self.root / f"{id}.png"), read_mask(self.root / f"{id.replace('image', 'mask')}.png")
        )


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    """Bright parts on dark ground with sensor noise; defects are small."""
    root = tmp_path_factory.mktemp("pairs")
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[0:2048, 0:2448]
    for number in range(PAIRS):
        centre = generator.integers(700, 1400, 2)
        part = 60.0 * (np.hypot(rows - centre[0], columns - centre[1]) < 500)
        image = np.clip(part + generator.normal(4, 2, part.shape), 0, 255).astype(np.uint8)
        mask = np.zeros(image.shape, np.uint8)
        mask[centre[0] : centre[0] + 30, centre[1] : centre[1] + 40] = 1
        cv2.imwrite(str(root / f"image{number:02}.png"), image)
        cv2.imwrite(str(root / f"mask{number:02}.png"), mask)
    return Pairs(root)


@pytest.fixture(scope="session")
def index(pairs: Pairs) -> DatasetIndex:
    return build_index("pairs", pairs, workers=WORKERS)


@pytest.fixture(scope="session")
def biased(catalog: Any) -> Any:
    return build(catalog.find("crop", "intensity-bias").component, SIZE, settings={"threshold": 10})


def _build(path: Path, pairs: Pairs, index: DatasetIndex, strategy: Any) -> None:
    build_bank(
        path, key="k", index=index, source=Source(pairs), strategy=strategy, size=SIZE, crops=CROPS, seed=0,
        provenance={}, workers=WORKERS,
    )  # fmt: skip


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory, pairs: Pairs, index: DatasetIndex, biased: Any) -> Bank:
    path = tmp_path_factory.mktemp("bank") / "bank.h5"
    _build(path, pairs, index, biased)
    return open_bank(path)


def test_decode(benchmark: Any, report: Told, pairs: Pairs) -> None:
    paths = [pairs.root / f"image{number:02}.png" for number in range(4)]
    megapixels = len(paths) * 2048 * 2448 / 1e6
    taken = interleaved(
        benchmark,
        lambda: [read_image(path) for path in paths],
        {"two threads": lambda: list(ordered(read_image, paths, 2)), "bytes": lambda: [p.read_bytes() for p in paths]},
        5,
    )
    report(
        "decode PNG", megapixels_per_s=megapixels / taken["ours"],
        two_threads_gain=taken["ours"] / taken["two threads"],
    )  # fmt: skip


def test_exact_sampling(benchmark: Any, report: Told, pairs: Pairs, biased: Any) -> None:
    sample = pairs.load("image00")
    part = biased.parts()[0]
    positions = part.positions(sample.image, sample.mask)
    rows = row_index(positions)
    buffer = np.empty_like(sample.image)
    taken = interleaved(
        benchmark,
        lambda: row_index(part.positions(sample.image, sample.mask)),
        {
            "one pass": lambda: np.copyto(buffer, sample.image),
            "draw": lambda: draw_corners(positions, rows, 20_000, np.random.default_rng(0)),
            "draw few": lambda: draw_corners(positions, rows, 50, np.random.default_rng(0)),
        },
        15,
    )
    report(
        "exact sampling", megapixels_per_s=sample.mask.size / 1e6 / taken["ours"],
        milliseconds_per_image=1e3 * taken["ours"], index_kilobytes=rows.nbytes / 1e3,
        draws_per_s=20_000 / taken["draw"], draws_per_s_of_50=50 / taken["draw few"],
    )  # fmt: skip


def test_bank_building(
    benchmark: Any, report: Told, tmp_path: Path, pairs: Pairs, index: DatasetIndex, biased: Any, catalog: Any
) -> None:
    source, ids = Source(pairs), [entry.id for entry in index.entries]
    uniform = build(catalog.find("crop", "uniform").component, SIZE, settings={})
    taken = interleaved(
        benchmark,
        lambda: _build(tmp_path / "biased.h5", pairs, index, biased),
        {
            "decode": lambda: [None for _ in ordered(source.prepared, ids, WORKERS)],
            "uniform": lambda: _build(tmp_path / "uniform.h5", pairs, index, uniform),
        },
        5,
    )
    report(
        "bank building", crops_per_s=CROPS / taken["ours"], share_of_decode=taken["decode"] / taken["ours"],
        uniform_share_of_decode=taken["decode"] / taken["uniform"],
    )  # fmt: skip


def test_bank_reading(benchmark: Any, report: Told, tmp_path: Path, bank: Bank) -> None:
    rows = np.random.default_rng(0).permutation(CROPS).reshape(-1, BATCH)
    image, mask = np.empty((BATCH, SIZE, SIZE, 1), np.uint8), np.empty((BATCH, SIZE, SIZE), np.uint8)
    images, masks = bank.image.copy(), bank.mask.copy()
    with h5py.File(tmp_path / "lzf.h5", "w") as file:
        for name, array in (("image", images), ("mask", masks)):
            file.create_dataset(name, data=array, chunks=(1, *array.shape[1:]), compression="lzf")

    def memcpy() -> None:
        for start in range(0, CROPS, BATCH):
            np.copyto(image, images[start : start + BATCH])
            np.copyto(mask, masks[start : start + BATCH])

    def read() -> None:
        for batch in rows:
            bank.read(batch, image, mask)

    from torch.utils.data import DataLoader

    loader: Any = DataLoader(
        _Stored(tmp_path / "lzf.h5", CROPS), BATCH, shuffle=True, num_workers=2, persistent_workers=True
    )  # type: ignore[arg-type]
    few = rows.ravel()[: CROPS // 8].tolist()
    with h5py.File(tmp_path / "lzf.h5", "r") as file:
        lzf_image, lzf_mask = file["image"], file["mask"]
        taken = interleaved(
            benchmark, read,
            {
                "memcpy": memcpy, "lzf": lambda: [(lzf_image[row], lzf_mask[row]) for row in few],
                "loader": lambda: [None for _ in loader],
            }, 15,
        )  # fmt: skip
    report(
        "bank reading", crops_per_s=CROPS / taken["ours"], share_of_memcpy=taken["memcpy"] / taken["ours"],
        times_lzf=8 * taken["lzf"] / taken["ours"], times_loader_over_hdf5=taken["loader"] / taken["ours"],
    )  # fmt: skip


@pytest.fixture(scope="session")
def cuts(tmp_path_factory: pytest.TempPathFactory, pairs: Pairs, index: DatasetIndex, biased: Any) -> Cuts:
    folder = tmp_path_factory.mktemp("store")
    build_images(folder / "images.h5", key="i", index=index, source=Source(pairs), provenance={}, workers=WORKERS)
    images = open_images(folder / "images.h5")
    build_draw(
        folder / "draw.h5", key="k", index=index, source=images, strategy=biased, size=SIZE, crops=CROPS, seed=0,
        provenance={}, workers=WORKERS,
    )  # fmt: skip
    return open_cuts(folder / "draw.h5", images)


class _Stored:
    """Crops of a compressed HDF5 file as items of a DataLoader; each process opens the file itself."""

    def __init__(self, path: Path, items: int) -> None:
        self.path, self.items = path, items
        self.file: Any = None

    def __len__(self) -> int:
        return self.items

    def __getitem__(self, row: int) -> tuple[Any, Any]:
        if self.file is None:
            self.file = h5py.File(self.path, "r")
        return self.file["image"][row], self.file["mask"][row]


class _Items:
    """The crops as items of a DataLoader."""

    def __init__(self, cuts: Cuts) -> None:
        self.cuts = cuts

    def __len__(self) -> int:
        return len(self.cuts)

    def __getitem__(self, row: int) -> tuple[Any, Any]:
        image, mask = np.empty((1, SIZE, SIZE, 1), np.uint8), np.empty((1, SIZE, SIZE), np.uint8)
        self.cuts.read(np.array([row]), image, mask)
        return image[0], mask[0]


def test_cutting(benchmark: Any, report: Told, bank: Bank, cuts: Cuts) -> None:
    import torch
    from torch.utils.data import DataLoader

    from bench.train.delivery import Mapped, Streamed

    rows = np.random.default_rng(0).permutation(CROPS).reshape(-1, BATCH)
    image, mask = np.empty((BATCH, SIZE, SIZE, 1), np.uint8), np.empty((BATCH, SIZE, SIZE), np.uint8)
    images, masks = bank.image.copy(), bank.mask.copy()
    loader: Any = DataLoader(_Items(cuts), BATCH, num_workers=2, persistent_workers=True)  # type: ignore[arg-type]

    def memcpy() -> None:
        for start in range(0, CROPS, BATCH):
            np.copyto(image, images[start : start + BATCH])
            np.copyto(mask, masks[start : start + BATCH])

    def read(crops: Bank | Cuts) -> None:
        for batch in rows:
            crops.read(batch, image, mask)

    def drain(form: Mapped | Streamed) -> None:
        for _ in form.batches(rows):
            pass

    taken = interleaved(
        benchmark, lambda: read(cuts),
        {
            "memcpy": memcpy, "bank": lambda: read(bank), "mapped": lambda: drain(Mapped(cuts)),
            "ahead": lambda: drain(Streamed(cuts, torch.device("cpu"))), "processes": lambda: [None for _ in loader],
        }, 15,
    )  # fmt: skip
    report(
        "cutting", crops_per_s=CROPS / taken["ours"], share_of_memcpy=taken["memcpy"] / taken["ours"],
        share_of_bank=taken["bank"] / taken["ours"], mapped_crops_per_s=CROPS / taken["mapped"],
        thread_ahead_crops_per_s=CROPS / taken["ahead"], two_processes_crops_per_s=CROPS / taken["processes"],
    )  # fmt: skip


def test_image_store_building(benchmark: Any, report: Told, tmp_path: Path, pairs: Pairs, index: DatasetIndex) -> None:
    source, ids = Source(pairs), [entry.id for entry in index.entries]
    taken = interleaved(
        benchmark,
        lambda: build_images(
            tmp_path / "images.h5", key="i", index=index, source=source, provenance={}, workers=WORKERS
        ),
        {"decode": lambda: [None for _ in ordered(source.prepared, ids, WORKERS)]},
        5,
    )
    megapixels = PAIRS * 2048 * 2448 / 1e6
    report(
        "image store building", megapixels_per_s=megapixels / taken["ours"],
        share_of_decode=taken["decode"] / taken["ours"],
    )  # fmt: skip


def test_bank_opening(benchmark: Any, report: Told, bank: Bank) -> None:
    taken = interleaved(benchmark, lambda: open_bank(bank.path), {"bytes": bank.path.read_bytes}, 7)
    gigabytes = bank.path.stat().st_size / 1e9
    report(
        "bank opening", gigabytes_per_s=gigabytes / taken["ours"],
        share_of_reading=taken["bytes"] / taken["ours"],
    )  # fmt: skip
