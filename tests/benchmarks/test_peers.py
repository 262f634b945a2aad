"""The same work done with what others use: loaders with augmentation, samplers of crops, sliding windows.

Every peer does what its own documentation shows, on the images of ``test_data_path.py``. Each is left out, with a word
why, where it is not installed: ``pip install 'defectbench[peers]'``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from figures import interleaved
from test_data_path import BATCH, SIZE, WORKERS, Pairs, bank, biased, cuts, index, pairs  # noqa: F401  (fixtures)
from torch.utils.data import DataLoader, Dataset

from bench.component import build
from bench.crops.bank import Bank
from bench.crops.cuts import Cuts
from bench.crops.tiles import grid
from bench.machine import emulates_bf16
from bench.train.delivery import Mapped
from bench.train.forward import place
from bench.train.predict import predict_image
from bench.types import Task

FEW, MANY = 16, 320
"""Crops of a peer that decodes a file for each, and of one that has images in memory."""

Told = Callable[..., None]
LeftOut = Callable[[str, str], None]


def peer(name: str, left_out: LeftOut) -> ModuleType | None:
    """A peer's module; where it cannot be imported that is told, and it is None."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # a broken installation too
        left_out(name, f"{type(error).__name__}: {error}")
        return None


class Decoded(Dataset[Any]):
    """As tutorials write it: an item decodes an image and its mask, then a random crop and flips."""

    def __init__(self, pairs: Pairs, change: Callable[[Any, Any], Any], items: int, *, kept: bool) -> None:  # noqa: F811
        self.pairs, self.change, self.items = pairs, change, items
        self.ids = [record.id for record in pairs.records()]
        self.samples = [pairs.load(id) for id in self.ids[:4]] if kept else None

    def __len__(self) -> int:
        return self.items

    def __getitem__(self, item: int) -> Any:
        if self.samples is not None:
            sample = self.samples[item % len(self.samples)]
        else:
            sample = self.pairs.load(self.ids[item % len(self.ids)])
        return self.change(sample.image, sample.mask)


def albumented(albumentations: ModuleType) -> Callable[[Any, Any], Any]:
    """Random crop and flips of albumentations."""
    change = albumentations.Compose(
        [
            albumentations.RandomCrop(SIZE, SIZE),
            albumentations.HorizontalFlip(p=0.5),
            albumentations.VerticalFlip(p=0.5),
        ]
    )

    def changed(image: Any, mask: Any) -> Any:
        made = change(image=image, mask=mask)
        return torch.from_numpy(made["image"]).permute(2, 0, 1).contiguous(), torch.from_numpy(made["mask"])

    return changed


def transformed() -> Callable[[Any, Any], Any]:
    """Random crop and flips of torchvision's second transforms, which move image and mask together."""
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    change = v2.Compose([v2.RandomCrop(SIZE), v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()])

    def changed(image: Any, mask: Any) -> Any:
        moved = change(
            tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1)), tv_tensors.Mask(torch.from_numpy(mask))
        )
        return moved[0].contiguous(), moved[1].contiguous()

    return changed


def test_loaders_with_augmentation(
    benchmark: Any,
    pairs: Pairs,  # noqa: F811
    cuts: Cuts,  # noqa: F811
    catalog: Any,
    report: Told,
    left_out: LeftOut,
) -> None:
    flips = build(catalog.find("augment", "flips").component, settings={})
    rows = np.random.default_rng(0).permutation(len(cuts))[:MANY].reshape(-1, BATCH)
    generator = torch.Generator().manual_seed(0)

    def ours() -> None:
        for images, masks in Mapped(cuts).batches(rows):
            flips(images.permute(0, 3, 1, 2).float(), masks, generator)

    changes = {"torchvision_v2": transformed()}
    albumentations = peer("albumentations", left_out)
    if albumentations is not None:
        changes["albumentations"] = albumented(albumentations)
    rivals, crops = {}, {}
    for name, change in changes.items():
        for kind, kept, items, workers in (
            ("decoding", False, FEW, 0),
            ("in_memory", True, MANY, 0),
            ("in_memory_2_workers", True, MANY, 2),
        ):
            loader = DataLoader(
                Decoded(pairs, change, items, kept=kept), BATCH, num_workers=workers, persistent_workers=workers > 0
            )
            rivals[f"{name}_{kind}"] = lambda loader=loader: [images.float() for images, _ in loader]
            crops[f"{name}_{kind}"] = items
    taken = interleaved(benchmark, ours, rivals, 5)
    rate = MANY / taken["ours"]
    times = {f"times_{name}": rate * taken[name] / items for name, items in crops.items()}
    report("augmented batches", crops_per_s=rate, **times)


def test_samplers_of_crops(
    benchmark: Any,
    pairs: Pairs,  # noqa: F811
    biased: Any,  # noqa: F811
    cuts: Cuts,  # noqa: F811
    report: Told,
    left_out: LeftOut,
) -> None:
    """Crops biased to bright windows, from images in memory; no bank, no store of crops."""
    sample = pairs.load("image00")
    image, mask = sample.image[..., 0], sample.mask
    rng = np.random.default_rng(0)
    batch, marks = np.empty((BATCH, SIZE, SIZE, 1), np.uint8), np.empty((BATCH, SIZE, SIZE), np.uint8)
    rows = np.random.default_rng(0).permutation(len(cuts))[:MANY].reshape(-1, BATCH)

    def ours() -> None:
        for some in rows:
            cuts.read(some, batch, marks)

    def rejected() -> None:
        for number in range(MANY):
            while True:
                top, left = rng.integers(0, image.shape[0] - SIZE + 1), rng.integers(0, image.shape[1] - SIZE + 1)
                window = image[top : top + SIZE, left : left + SIZE]
                if window.mean() > 10:
                    break
            batch[number % BATCH, ..., 0] = window
            marks[number % BATCH] = mask[top : top + SIZE, left : left + SIZE]

    copied = np.ascontiguousarray(np.broadcast_to(image[:SIZE, :SIZE, None], batch.shape))

    def memcpy() -> None:
        for _ in rows:
            np.copyto(batch, copied)
            np.copyto(marks, copied[..., 0])

    rivals: dict[str, Callable[[], Any]] = {"rejection": rejected, "memcpy": memcpy}
    crops = {"rejection": MANY}
    if peer("monai.transforms", left_out) is not None:
        rivals |= monai_samplers(image, mask)
        crops |= dict.fromkeys(monai_samplers(image, mask), FEW)
    if peer("torchio", left_out) is not None:
        rivals["torchio_weighted_queue"] = torchio_queue(image, mask)
        crops["torchio_weighted_queue"] = FEW
    taken = interleaved(benchmark, ours, rivals, 5)
    rate = MANY / taken["ours"]
    times = {f"times_{name}": rate * taken[name] / items for name, items in crops.items()}
    report("crops without a bank", crops_per_s=rate, share_of_memcpy=taken["memcpy"] / taken["ours"], **times)


def monai_samplers(image: Any, mask: Any) -> dict[str, Callable[[], Any]]:
    """MONAI's two samplers of crops on one image, weighted by brightness and by class."""
    from monai.transforms import RandCropByPosNegLabeld, RandWeightedCropd

    item = {
        "image": torch.from_numpy(image)[None],
        "label": torch.from_numpy(mask)[None],
        "weight": torch.from_numpy((image > 10).astype(np.float32))[None],
    }
    keys, size = ["image", "label"], (SIZE, SIZE)
    weighted = RandWeightedCropd(keys, w_key="weight", spatial_size=size, num_samples=FEW)
    classes = RandCropByPosNegLabeld(keys, label_key="label", spatial_size=size, num_samples=FEW)
    return {"monai_weighted": lambda: weighted(item), "monai_pos_neg": lambda: classes(item)}


def torchio_queue(image: Any, mask: Any) -> Callable[[], Any]:
    """TorchIO's weighted sampler behind its queue, without workers."""
    import torchio

    subject = torchio.Subject(
        image=torchio.ScalarImage(tensor=torch.from_numpy(image)[None, ..., None]),
        label=torchio.LabelMap(tensor=torch.from_numpy(mask)[None, ..., None]),
        weight=torchio.Image(tensor=torch.from_numpy((image > 10).astype(np.float32))[None, ..., None], type="weight"),
    )
    sampler = torchio.WeightedSampler((SIZE, SIZE, 1), "weight")
    queue = torchio.Queue(
        torchio.SubjectsDataset([subject]), max_length=FEW, samples_per_volume=FEW, sampler=sampler, num_workers=0
    )
    loader = torchio.SubjectsLoader(queue, batch_size=BATCH, num_workers=0)
    return lambda: [None for _ in loader]


def test_ffcv_reads_batches(benchmark: Any, bank: Bank, tmp_path: Path, report: Told) -> None:  # noqa: F811
    """Crops in ffcv's own file, read in random order as its documentation shows."""
    pytest.importorskip("ffcv", reason="it builds only where the headers of OpenCV and libturbojpeg are")
    from ffcv.fields import NDArrayField
    from ffcv.fields.decoders import NDArrayDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.transforms import ToTensor
    from ffcv.writer import DatasetWriter

    path, byte = str(tmp_path / "crops.beton"), np.dtype("uint8")
    images, masks = bank.image.copy(), bank.mask.copy()
    fields = {"image": NDArrayField(byte, (SIZE, SIZE, 1)), "mask": NDArrayField(byte, (SIZE, SIZE))}
    DatasetWriter(path, fields, num_workers=WORKERS).from_indexed_dataset(list(zip(images, masks, strict=True)))
    steps = {name: [NDArrayDecoder(), ToTensor()] for name in fields}
    loader = Loader(path, BATCH, num_workers=WORKERS, order=OrderOption.RANDOM, pipelines=steps)
    rows = np.random.default_rng(0).permutation(len(images)).reshape(-1, BATCH)
    image, mask = np.empty((BATCH, SIZE, SIZE, 1), np.uint8), np.empty((BATCH, SIZE, SIZE), np.uint8)

    def read() -> None:
        for some in rows:
            bank.read(some, image, mask)

    taken = interleaved(benchmark, read, {"ffcv": lambda: [None for _ in loader]}, 15)
    report("bank reading", times_ffcv=taken["ffcv"] / taken["ours"])


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_tiled_inference_against_monai(
    benchmark: Any, precision: Any, catalog: Any, report: Told, left_out: LeftOut
) -> None:
    if precision == "bf16" and emulates_bf16():
        pytest.skip("this processor emulates bf16")
    if peer("monai.inferers", left_out) is None:
        pytest.skip("MONAI is not installed")
    from monai.inferers import SlidingWindowInferer

    side, tile, overlap, tiles_at_once = 640, 256, 0.25, 8  # both lay the same nine tiles
    component = catalog.find("model", "unet").component
    settings = {"encoder": "resnet18", "pretrained": False}
    torch.manual_seed(0)
    plain = build(component, Task(1, 1), settings=settings).eval()
    model = build(component, Task(1, 1), settings=settings).eval()
    model.load_state_dict(plain.state_dict())
    model = place(model, torch.device("cpu"))
    image = np.random.default_rng(0).integers(0, 256, (side, side, 1), dtype=np.uint8)
    inferer = SlidingWindowInferer((tile, tile), tiles_at_once, overlap, mode="constant")
    seen: list[int] = []

    def ours() -> Any:
        return predict_image(
            model, image, mean=[127.5], std=[73.6], size=tile, overlap=overlap, batch=tiles_at_once,
            precision=precision, device=torch.device("cpu"),
        )  # fmt: skip

    def probabilities(tiles: torch.Tensor) -> torch.Tensor:
        seen.append(len(tiles))
        return plain(tiles).softmax(dim=1)

    def monai() -> Any:
        seen.clear()
        with torch.inference_mode():
            batch = (torch.from_numpy(image).permute(2, 0, 1)[None].float() - 127.5) / 73.6
            return inferer(batch, probabilities).numpy()[0]

    taken = interleaved(benchmark, ours, {"monai": monai}, 3)
    assert sum(seen) == len(grid(side, side, tile, overlap))
    if precision == "float32":
        np.testing.assert_allclose(ours(), monai(), atol=1e-4)
    rate = side * side / 1e6 / taken["ours"]
    times = taken["monai"] / taken["ours"]
    report("tiled inference", **{f"megapixels_per_s_{precision}": rate, f"times_monai_{precision}": times})
