"""What a GPU must do as the processor does, and do twice alike: run by ``make gpu``, skipped where no GPU is.

``BENCH_GPU_DRY=1`` runs them on the processor, to see that they run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from bench.catalog import Catalog
from bench.component import build
from bench.suite.schema import Recipe
from bench.train.delivery import Mapped, Streamed, in_order
from bench.train.device import prove, settle
from bench.train.loop import fit
from bench.train.memory import DEVICE, PeakMemory
from bench.train.predict import predict_image
from bench.train.randomness import initialised
from bench.train.resident import ResidentImages
from bench.types import Task
from studies.gpu.data import stored_crops, write_pairs
from studies.gpu.sizes import DRY

ON_GPU = torch.cuda.is_available()

pytestmark = pytest.mark.skipif(
    not ON_GPU and not os.environ.get("BENCH_GPU_DRY"), reason="no GPU that torch can use is here"
)

MODELS = {
    "fcn": {"encoder": "resnet10t", "depth": 3},
    "unet": {"encoder": "resnet10t", "depth": 3, "decoder": [32, 16, 8]},
    "deeplabv3": {"encoder": "resnet10t", "depth": 3, "aspp": 32},
}


@pytest.fixture(scope="module")
def device() -> Iterator[torch.device]:
    threads = torch.get_num_threads()
    settle(threads=1)
    yield torch.device("cuda" if ON_GPU else "cpu")
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("default")


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    folder = tmp_path_factory.mktemp("crops")
    return stored_crops(write_pairs(folder / "pairs", DRY), folder, DRY, 12)


def fitted(catalog: Catalog, name: str, crops: tuple[Any, Any], device: torch.device, precision: str) -> Any:
    """Weights, validation losses and the probabilities of an image after few steps."""
    recipe = Recipe.model_validate(
        {"epochs": 2, "epoch_crops": 8, "batch": 4, "precision": precision, "validate_every": 1, "warmup_steps": 1}
    )
    drawn, tiles = crops
    model = initialised(lambda: build(catalog.find("model", name).component, Task(1, 1), settings=MODELS[name]), seed=0)
    answer = fit(
        model=model,
        crops=drawn,
        tiles=tiles,
        constants=(tiles.mean, tiles.std),
        recipe=recipe,
        loss=build(catalog.find("loss", recipe.loss.use).component, settings=recipe.loss.settings),
        augment=[build(catalog.find("augment", ref.use).component, settings=ref.settings) for ref in recipe.augment],
        task=Task(1, 1),
        seed=0,
        device=device,
        progress=lambda event: None,
    )
    image = np.random.default_rng(0).integers(0, 255, (100, 90, 1), dtype=np.uint8)
    probabilities = predict_image(
        model, image, mean=tiles.mean, std=tiles.std, size=64, overlap=0.25, batch=4, precision=recipe.precision,
        device=device,
    )  # fmt: skip
    return answer.last_state, [event["validation_loss"] for event in answer.history], probabilities


@pytest.mark.parametrize("precision", ["float32", "bf16"] if ON_GPU else ["float32"])
@pytest.mark.parametrize("name", MODELS)
def test_training_validation_and_prediction_give_the_same_twice(
    catalog: Catalog, name: str, precision: str, crops: tuple[Any, Any], device: torch.device
) -> None:
    one, two = (fitted(catalog, name, crops, device, precision) for _ in range(2))
    assert all(torch.equal(tensor, two[0][key]) for key, tensor in one[0].items())
    assert one[1] == two[1]
    assert np.array_equal(one[2], two[2])
    assert np.isfinite(one[2]).all()


def test_every_form_delivers_the_batches_of_the_processor(crops: tuple[Any, Any], device: torch.device) -> None:
    drawn, _ = crops
    rows = [*in_order(len(drawn), 5), np.random.default_rng(0).integers(0, len(drawn), 7)]
    expected = list(Mapped(drawn).batches(rows))
    for form in (Streamed(drawn, device), ResidentImages.of(drawn, device)):
        for (image, mask), (images, masks) in zip(expected, form.batches(rows), strict=True):
            assert images.device.type == device.type
            assert torch.equal(images.cpu(), image)
            assert torch.equal(masks.cpu(), mask)


def test_the_device_proves_itself(device: torch.device) -> None:
    prove(device)


def test_the_peak_of_memory_is_that_of_the_device(device: torch.device) -> None:
    peak = PeakMemory(device)
    held = torch.ones(10**6, device=device)
    found = peak.read()
    assert found.bytes >= held.numel() * held.element_size()
    assert (found.of == DEVICE) == ON_GPU


@pytest.mark.parametrize("size", [(31, 9), (7, 64)])
def test_resizing_and_pooling_by_products_are_torchs_own_on_the_processor(
    size: tuple[int, int], device: torch.device
) -> None:
    from bench.train.products import Products

    def both(images: torch.Tensor) -> list[torch.Tensor]:
        images.requires_grad_()
        resized = torch.nn.functional.interpolate(images, size, mode="bilinear", align_corners=False)
        pooled = torch.nn.functional.adaptive_avg_pool2d(images, (3, 5))
        (gradient,) = torch.autograd.grad((resized**2).sum() + (pooled**2).sum(), images)
        return [resized, pooled, gradient]

    images = torch.rand(2, 3, 17, 23, generator=torch.Generator().manual_seed(0))
    with Products():
        here, again = (both(images.clone().to(device)) for _ in range(2))
    for expected, found, same in zip(both(images.clone()), here, again, strict=True):
        assert torch.equal(found, same)
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4)
