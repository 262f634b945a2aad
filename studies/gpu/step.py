"""Training throughput beside the script that a user would write, and beside the same step on one constant batch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from studies.gpu.data import Pairs, stored_crops, write_pairs
from studies.gpu.figures import Part, interleaved
from studies.gpu.sizes import Sizes

WORKERS = min(8, os.cpu_count() or 1)
"""Processes of the script's DataLoader."""


def measure(part: Part, sizes: Sizes) -> None:
    """Crops per second of the script, of it with images in memory, of ``fit`` compiled or not, of a constant batch."""
    folder = part.place
    pairs = write_pairs(folder / "pairs", sizes)
    plain = _script(pairs, sizes, in_memory=False)
    part.figure("script: smp, DataLoader, files", plain, f"{plain:,.0f} crops/s, {WORKERS} processes")
    in_memory = _script(pairs, sizes, in_memory=True)
    part.figure("script, images in memory", in_memory, f"{in_memory:,.0f} crops/s")
    ours = _fit(pairs, folder, sizes, "none")
    part.figure("bench, validation left out", ours, f"{ours:,.0f} crops/s")
    for backend in ("inductor", "cudagraphs") if device_here().type == "cuda" else ("inductor",):
        quick = _fit(pairs, folder / backend, sizes, backend)
        part.figure(f"bench, recipe.compile: {backend}", quick, f"{quick:,.0f} crops/s, {quick / ours:.2f} x none")
    constant = _constant(sizes)
    part.figure("the same step on one constant batch", constant, f"{constant:,.0f} crops/s")
    part.figure("bench against the script", ours / plain, f"{ours / plain:.2f} x", 5.0)
    part.figure("bench against the script in memory", ours / in_memory, f"{ours / in_memory:.2f} x", 2.0)
    part.figure("bench against a constant batch", ours / constant, f"{ours / constant:.3f}", 0.98)
    changed = "albumentations" if find_spec("albumentations") else "NumPy, as albumentations is not installed"
    part.note(
        f"Crops of {sizes.crop}, batch {sizes.batch}, bench in {sizes.precision}; the script flips with {changed}."
    )


class Script:
    """The data set of the script: a random crop of a random image, flipped."""

    def __init__(self, pairs: Pairs, sizes: Sizes, *, in_memory: bool) -> None:
        self.pairs, self.sizes = pairs, sizes
        self.ids = [record.id for record in pairs.records()]
        self.samples = [pairs.load(id) for id in self.ids] if in_memory else None
        self.change = _albumentations() or _flip

    def __len__(self) -> int:
        return self.sizes.steps * self.sizes.batch

    def __getitem__(self, number: int) -> Any:
        import torch

        rng = np.random.default_rng(number)
        chosen = int(rng.integers(len(self.ids)))
        sample = self.samples[chosen] if self.samples else self.pairs.load(self.ids[chosen])
        row, column = rng.integers(0, self.sizes.side - self.sizes.crop + 1, 2)
        window = slice(row, row + self.sizes.crop), slice(column, column + self.sizes.crop)
        image, mask = self.change(sample.image[window], sample.mask[window])
        return torch.from_numpy(image.transpose(2, 0, 1) / np.float32(255)), torch.from_numpy(mask[None].astype("f4"))


def _albumentations() -> Callable[[Any, Any], tuple[Any, Any]] | None:
    if find_spec("albumentations") is None:
        return None
    albumentations = import_module("albumentations")
    change = albumentations.Compose([albumentations.HorizontalFlip(), albumentations.VerticalFlip()])

    def changed(image: Any, mask: Any) -> tuple[Any, Any]:
        answer = change(image=image, mask=mask)
        return answer["image"], answer["mask"]

    return changed


def _flip(image: Any, mask: Any) -> tuple[Any, Any]:
    return np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(mask[:, ::-1])


def device_here() -> Any:
    """The GPU, or the processor where there is none."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _script(pairs: Pairs, sizes: Sizes, *, in_memory: bool) -> float:
    """Crops per second of the loop of the smp examples, from its second step on."""
    import segmentation_models_pytorch as smp
    import torch

    device = device_here()
    encoder = sizes.unet["encoder"].replace("resnet10t", "resnet18")
    model = smp.Unet(encoder, encoder_weights=None, in_channels=1, classes=1).to(device).train()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3)
    dice = smp.losses.DiceLoss("binary")
    items: Any = Script(pairs, sizes, in_memory=in_memory)
    workers = WORKERS if sizes.steps > WORKERS else 0
    batches = torch.utils.data.DataLoader(items, sizes.batch, num_workers=workers, pin_memory=device.type == "cuda")
    started, seen = 0.0, 0
    for number, (images, masks) in enumerate(batches):
        logits = model(images.to(device))
        loss = dice(logits, masks.to(device)) + torch.nn.functional.binary_cross_entropy_with_logits(
            logits, masks.to(device)
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()  # the examples print it
        if number == 0:
            started = time.perf_counter()
        else:
            seen += len(images)
    return seen / (time.perf_counter() - started)


def _parts(sizes: Sizes) -> tuple[Any, Any, Any, list[Any]]:
    """Model, recipe, loss and augmentation as a run would build them."""
    from bench.catalog import load_catalog
    from bench.component import build
    from bench.suite.schema import Recipe
    from bench.types import Task

    catalog = load_catalog()
    model = build(catalog.find("model", "unet").component, Task(1, 1), settings=sizes.unet)
    epochs = sizes.rounds + 2
    recipe = Recipe.model_validate(
        {
            "epochs": epochs,
            "epoch_crops": sizes.steps * sizes.batch,
            "batch": sizes.batch,
            "precision": sizes.precision,
            "validate_every": epochs,
        }
    )
    loss = build(catalog.find("loss", recipe.loss.use).component, settings=recipe.loss.settings)
    augment = [build(catalog.find("augment", ref.use).component, settings=ref.settings) for ref in recipe.augment]
    return model, recipe, loss, augment


def _fit(pairs: Pairs, folder: Path, sizes: Sizes, backend: str) -> float:
    """Crops per second of the median epoch but the first and the last, which warm up, compile and validate."""
    from bench.train.device import settle
    from bench.train.loop import fit
    from bench.types import Task

    settle(threads=1)
    model, recipe, loss, augment = _parts(sizes)
    recipe = recipe.model_copy(update={"compile": backend})
    crops, tiles = stored_crops(pairs, folder, sizes, recipe.epoch_crops)
    ends: list[float] = []
    fit(
        model=model,
        crops=crops,
        tiles=tiles,
        constants=(tiles.mean, tiles.std),
        recipe=recipe,
        loss=loss,
        augment=augment,
        task=Task(1, 1),
        seed=0,
        device=device_here(),
        progress=lambda event: ends.append(event["seconds"]),
    )
    return float(recipe.epoch_crops / median(np.diff(ends[:-1])))


def _constant(sizes: Sizes) -> float:
    """Crops per second of forward, loss, backward and optimiser on a batch that lies on the device."""
    import torch

    from bench.train.device import synchronise
    from bench.train.forward import forward, place, precise
    from bench.train.optimise import optimiser_of

    device = device_here()
    model, recipe, loss, _ = _parts(sizes)
    model = place(model, device).train()
    optimiser = optimiser_of(model, recipe)
    shape = sizes.batch, sizes.crop, sizes.crop
    images = torch.rand((sizes.batch, 1, *shape[1:]), device=device).contiguous(memory_format=torch.channels_last)
    targets = torch.zeros(shape, dtype=torch.int64, device=device)

    def epoch() -> None:
        for _ in range(sizes.steps):
            with precise(recipe.precision, device):
                logits = forward(model, images)
            value = loss(logits, targets)
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            optimiser.step()
        synchronise(device)

    (seconds,) = interleaved([epoch], sizes.rounds)
    return sizes.steps * sizes.batch / seconds
