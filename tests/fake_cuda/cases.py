"""What is tried on the fake device: a function for each kind of case, which a test calls by its name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import torch

from bench.catalog import load_catalog
from bench.component import build
from bench.crops.bank import build_bank, open_bank
from bench.crops.cuts import build_draw, open_cuts
from bench.crops.images import build_images, open_images
from bench.suite.schema import Recipe, Ref
from bench.train.delivery import Crops
from bench.train.forward import place
from bench.train.loop import fit
from bench.train.predict import predict_image
from bench.types import Task
from crops_worlds import Given, Mixture, world
from fake_cuda import planted
from fake_cuda.device import CUDA
from fake_cuda.sizes import BATCH, EPOCHS, SIDE, STEPS, VALIDATION_BATCHES
from light_models import LIGHT

CATALOG = load_catalog()
RECIPE = Recipe(epochs=EPOCHS, epoch_crops=STEPS * BATCH, batch=BATCH, validate_every=EPOCHS, precision="float32")


@dataclass(frozen=True)
class Streaming:
    """Crops that are neither in a bank nor cut from stored images, so that no device holds them."""

    crops: Crops

    def __len__(self) -> int:
        return len(self.crops)

    @property
    def size(self) -> int:
        return self.crops.size

    @property
    def format(self) -> Any:
        return self.crops.format

    def read(self, rows: Any, image_out: Any, mask_out: Any) -> None:
        self.crops.read(rows, image_out, mask_out)


@cache
def stored(form: str, channels: int = 1, bits: int = 8, batches: int = VALIDATION_BATCHES) -> Any:
    """So many batches of crops in the form that its name tells."""
    folder = Path(mkdtemp())
    made = world(channels=channels)
    index, source = made.index(), made.source(*([wide] if bits == 16 else []))
    drawing = {
        "key": "", "index": index, "strategy": Mixture([Given(everywhere)]), "size": SIDE, "crops": batches * BATCH,
        "seed": 0, "provenance": {},
    }  # fmt: skip
    if form == "bank":
        build_bank(folder / "bank.h5", source=source, **drawing)
        return open_bank(folder / "bank.h5")
    build_images(folder / "images.h5", key="", index=index, source=source, provenance={})
    images = open_images(folder / "images.h5")
    build_draw(folder / "draw.h5", source=images, **drawing)
    cuts = open_cuts(folder / "draw.h5", images)
    return Streaming(cuts) if form == "streamed" else cuts


def wide(image: Any) -> Any:
    """Eight bits as sixteen."""
    return image.astype(np.uint16) * 200


def everywhere(image: Any, mask: Any) -> Any:
    """All positions."""
    return np.ones((image.shape[0] - SIDE + 1, image.shape[1] - SIDE + 1), bool)


def part(kind: str, name: str, *context: Any, **settings: Any) -> Any:
    """A component of bench's own, built."""
    return build(CATALOG.find(kind, name).component, *context, settings=settings)


def train(
    model: torch.nn.Module | None = None,
    loss: Any = None,
    augment: Any = (),
    crops: Any = None,
    task: Task = Task(1, 1),  # noqa: B008 - frozen
    **recipe: Any,
) -> None:
    """A whole training on the device, of one convolution unless a model is given."""
    fit(
        model=model or torch.nn.Conv2d(task.channels, 1 + task.classes, 3, padding=1),
        crops=crops or stored("bank", task.channels),
        tiles=crops or stored("images", task.channels),
        constants=([60.0] * task.channels, [40.0] * task.channels),
        recipe=RECIPE.model_copy(update=recipe),
        loss=loss or part("loss", "bce"),
        augment=augment,
        task=task,
        seed=0,
        device=CUDA,
        progress=lambda event: None,
    )


def model(name: str) -> None:
    """Train a model for one step and validate it by one batch, in bfloat16 as by default."""
    short = {"epochs": 1, "epoch_crops": BATCH, "precision": "bf16"}
    train(part("model", name, Task(1, 1), **LIGHT[name]), crops=stored("bank", batches=1), **short)


def prediction(name: str, batches: int) -> None:
    """Predict an image in so many batches of tiles."""
    predict_image(
        place(part("model", name, Task(1, 1), **LIGHT[name]), CUDA),
        np.zeros((SIDE, batches * BATCH * SIDE, 1), np.uint8),
        mean=[60.0], std=[40.0], size=SIDE, overlap=0.0, batch=BATCH, precision="bf16", device=CUDA,
    )  # fmt: skip


def loss(name: str, classes: int) -> None:
    """Train by a loss."""
    train(loss=part("loss", name), task=Task(1, classes))


def optimiser(name: str) -> None:
    """Train by an optimiser."""
    train(optimiser=Ref(use=name))


def augment(name: str) -> None:
    """Train on augmented crops."""
    train(augment=[part("augment", name)])


def delivery(form: str, channels: int, bits: int) -> None:
    """Train on crops and validate on tiles that come to the device in one form."""
    train(crops=stored(form, channels, bits), task=Task(channels, 1))


def fault(name: str) -> None:
    """Train with something planted that makes the host wait in every step."""
    planted_here = getattr(planted, name)
    train(loss=planted_here) if name.startswith("loss") else train(augment=[planted_here])
