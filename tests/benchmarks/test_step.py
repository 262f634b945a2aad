"""Training against its limits, in turns within one run: its own bare step, and the loop that smp's examples show.

Crops are 128 x 128 grey in memory. Seconds are of the process's own processor time: all of it is one thread of work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import segmentation_models_pytorch as smp
import torch

from bench.component import build
from bench.crops.prepare import Format
from bench.suite.schema import Recipe
from bench.train.device import settle
from bench.train.forward import forward, normalisation, place, targets_of
from bench.train.loop import fit
from bench.train.optimise import optimiser_of
from bench.train.randomness import initialised
from bench.types import Task

SIDE, BATCH, STEPS, ROUNDS = 128, 8, 2, 9
ENCODER = "resnet18"
CPU = torch.device("cpu")
TASK = Task(1, 1)
RECIPE = Recipe(
    epochs=ROUNDS, epoch_crops=STEPS * BATCH, batch=BATCH, precision="float32", validate_every=ROUNDS, warmup_steps=0
)


@dataclass(frozen=True)
class Noise:
    """Crops of noise with a square each."""

    images: np.ndarray
    size = SIDE
    format = Format(1, "uint8")

    def __len__(self) -> int:
        return len(self.images)

    def read(self, rows: np.ndarray, image_out: np.ndarray, mask_out: np.ndarray) -> None:
        image_out[...] = self.images[rows]
        mask_out[...] = self.images[rows, ..., 0] > 200


def bare_steps(model: torch.nn.Module, loss: Any, crops: Noise) -> Callable[[], None]:
    """The step itself, on one batch that is ready."""
    model = place(model, CPU).train()
    optimiser = optimiser_of(model, RECIPE)
    images, masks = np.empty((BATCH, SIDE, SIDE, 1), np.uint8), np.empty((BATCH, SIDE, SIDE), np.uint8)
    crops.read(np.arange(BATCH), images, masks)
    batch = normalisation([128.0], [74.0], CPU)(torch.from_numpy(images))
    targets = targets_of(torch.from_numpy(masks), TASK)

    def steps() -> None:
        for _ in range(STEPS):
            value = loss(forward(model, batch), targets)
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            optimiser.step()

    return steps


def plain_steps(crops: Noise) -> Callable[[], None]:
    """A loop as in smp's examples: float32, NCHW, a DataLoader over arrays, Dice, Adam."""

    class Pairs(torch.utils.data.Dataset[tuple[np.ndarray, np.ndarray]]):
        def __len__(self) -> int:
            return STEPS * BATCH

        def __getitem__(self, row: int) -> tuple[np.ndarray, np.ndarray]:
            image, mask = np.empty((1, SIDE, SIDE, 1), np.uint8), np.empty((1, SIDE, SIDE), np.uint8)
            crops.read(np.array([row]), image, mask)
            return (image[0].astype(np.float32) / 255).transpose(2, 0, 1), mask.astype(np.float32)

    model = smp.Unet(ENCODER, encoder_weights=None, in_channels=1, classes=1).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
    loss = smp.losses.DiceLoss("binary", from_logits=True)
    loader = torch.utils.data.DataLoader(Pairs(), batch_size=BATCH, shuffle=True)

    def steps() -> None:
        for images, masks in loader:
            value = loss(model(images), masks)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()

    return steps


def test_training_step(benchmark: Any, catalog: Any, report: Callable[..., None]) -> None:
    settle(1)
    crops = Noise(np.random.default_rng(0).integers(256, size=(64, SIDE, SIDE, 1), dtype=np.uint8))

    def unet() -> torch.nn.Module:
        component = catalog.find("model", "unet").component
        return initialised(lambda: build(component, TASK, settings={"encoder": ENCODER}), seed=0)

    loss = build(catalog.find("loss", "bce-dice").component, settings={})
    augment = [build(catalog.find("augment", name).component, settings={}) for name in ("flips", "rotations")]
    rivals = {"bare": bare_steps(unet(), loss, crops), "plain": plain_steps(crops)}
    seconds: dict[str, list[float]] = {name: [] for name in ("ours", *rivals)}
    clock = [0.0]

    def lap() -> float:
        before, clock[0] = clock[0], process_time()
        return (clock[0] - before) / STEPS

    def epoch_ended(event: dict[str, Any]) -> None:
        """After an epoch of ours as many steps of each rival; the last epoch has a validation in it."""
        if "validation_s" not in event:
            seconds["ours"].append(lap())
            for name, steps in rivals.items():
                steps()
                seconds[name].append(lap())

    def train() -> None:
        lap()
        fit(
            model=unet(), crops=crops, tiles=crops, constants=([128.0], [74.0]), recipe=RECIPE, loss=loss,
            augment=augment, task=TASK, seed=0, device=CPU, progress=epoch_ended,
        )  # fmt: skip

    benchmark.pedantic(train, rounds=1)
    later = {name: taken[1:] for name, taken in seconds.items()}  # the first round of each is slower
    pace = median(bare / ours for bare, ours in zip(later["bare"], later["ours"], strict=True))
    gain = median(plain / ours for plain, ours in zip(later["plain"], later["ours"], strict=True))
    report("training step", step_s=median(later["ours"]), share_of_bare_step=pace, times_plain_loop=gain)
    assert pace >= 0.9, "0.97 is aimed at"
