"""Resizing and pooling by products: torch's own numbers and gradients, for whatever model asks."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from bench.catalog import load_catalog
from bench.component import build
from bench.train.forward import resizing
from bench.train.products import Products
from bench.types import Task
from test_models import LIGHT as LIGHT_HEADS
from test_models_smp import LIGHT as LIGHT_DECODERS

TOLERANCE = {torch.float64: 1e-13, torch.float32: 2e-6, torch.bfloat16: 2**-8}
"""Of the largest value: rounding of sums in another order; for bf16 one unit in the last place."""

sides = st.integers(1, 12)
factors = st.sampled_from([0.5, 0.7, 1.0, 1.5, 2.0, 3.3])
dtypes = st.sampled_from(list(TOLERANCE))


def images_of(height, width, dtype, channels_last):
    generator = torch.Generator().manual_seed(height * 100 + width)
    images = torch.randn(2, 3, height, width, dtype=torch.float64, generator=generator).to(dtype)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return images.contiguous(memory_format=layout).requires_grad_()


def check_equal(change, images):
    """Values and gradients of ``change`` are torch's within the tolerance of the type."""
    expected = change(images)
    with Products():
        answer = change(images)
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    wanted, reached = (torch.autograd.grad(found, images, weights.to(found.dtype))[0] for found in (expected, answer))
    assert answer.dtype == expected.dtype
    summed = max(1.0, expected[0, 0].numel() / images[0, 0].numel())  # a gradient is a sum of so many, each rounded
    for one, other, count in ((answer, expected, 1.0), (reached, wanted, summed)):
        assert one.shape == other.shape
        atol = TOLERANCE[images.dtype] * float(other.detach().abs().max()) * count**0.5
        assert torch.allclose(one.double(), other.double(), rtol=0, atol=4 * atol)


@given(sides, sides, sides, sides, st.booleans(), st.booleans(), dtypes)
@settings(max_examples=150)
def test_resizing_to_a_size_is_torchs_with_its_gradient(height, width, down, right, aligned, channels_last, dtype):
    check_equal(
        lambda images: F.interpolate(images, size=(down, right), mode="bilinear", align_corners=aligned),
        images_of(height, width, dtype, channels_last),
    )


@given(st.integers(2, 12), st.integers(2, 12), factors, factors, st.booleans(), st.sampled_from([None, True]))
@settings(max_examples=100)
def test_resizing_by_factors_is_torchs_whether_they_are_computed_anew_or_not(height, width, down, right, aligned, anew):
    check_equal(
        lambda images: F.interpolate(
            images, None, (down, right), "bilinear", align_corners=aligned, recompute_scale_factor=anew
        ),
        images_of(height, width, torch.float64, False),
    )


@given(sides, sides, st.one_of(sides, st.tuples(st.none() | sides, st.none() | sides)), dtypes)
@settings(max_examples=100)
def test_adaptive_pooling_is_torchs_with_its_gradient(height, width, size, dtype):
    check_equal(lambda images: F.adaptive_avg_pool2d(images, size), images_of(height, width, dtype, False))


def test_modules_and_one_factor_for_both_axes_are_replaced_too():
    for module in (
        torch.nn.Upsample(scale_factor=2, mode="bilinear"),
        torch.nn.UpsamplingBilinear2d(scale_factor=4),
        torch.nn.AdaptiveAvgPool2d(3),
    ):
        images = images_of(6, 9, torch.float64, False)
        check_equal(module, images)
        with Products(), Operations() as asked:
            module(images).sum().backward()
        assert not asked.names & UNSETTLED


@pytest.mark.parametrize("options", [{"mode": "nearest"}, {"mode": "bicubic"}, {"mode": "bilinear", "antialias": True}])
def test_what_is_not_bilinear_stays_torchs_own_to_the_bit(options):
    images = images_of(6, 9, torch.float32, False)
    with Products():
        answer = F.interpolate(images, size=(8, 5), **options)
    assert torch.equal(answer, F.interpolate(images, size=(8, 5), **options))


def test_under_autocast_float32_is_not_rounded_to_bf16():
    def change(images):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return F.interpolate(images, size=(20, 30), mode="bilinear")

    check_equal(change, images_of(6, 9, torch.float32, False))


def test_the_processor_keeps_torchs_own_kernels_and_no_other_device_does():
    assert not isinstance(resizing(torch.device("cpu")), Products)
    assert isinstance(resizing(torch.device("cuda")), Products)


LOSSES = load_catalog().names("loss")
MODELS = {**LIGHT_HEADS, **LIGHT_DECODERS}
UNFITTED = {offer.component.name for offer in load_catalog().offers("model") if not offer.component.learns}
UNSETTLED = {
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
    "_upsample_bicubic2d_aa_backward",
    "_upsample_bilinear2d_aa_backward",
    "adaptive_max_pool2d_backward",
    "avg_pool3d_backward",
    "fractional_max_pool2d_backward",
    "grid_sampler_2d_backward",
    "kthvalue",
    "max_unpool2d",
    "nll_loss2d_forward",
    "reflection_pad2d_backward",
    "replication_pad2d_backward",
    "upsample_bicubic2d_backward",
    "upsample_bilinear2d_backward",
    "upsample_linear1d_backward",
    "cumsum of floats",
}
"""Operations of images that torch has in no deterministic form on CUDA: those of the documentation of
``torch.use_deterministic_algorithms`` that a model or a loss of images may call."""


class Operations(TorchDispatchMode):
    """The names of all operations inside."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.add(function._overloadpacket.__name__)
        if function._overloadpacket.__name__ == "cumsum" and args[0].is_floating_point():
            self.names.add("cumsum of floats")
        return function(*args, **(kwargs or {}))


def test_every_model_on_offer_is_here():
    assert set(load_catalog().names("model")) == set(MODELS)


@pytest.mark.parametrize("name", sorted(set(MODELS) - UNFITTED))
def test_every_operation_of_a_trained_model_has_a_deterministic_form(catalog, name):
    model = build(catalog.find("model", name).component, Task(1, 1), settings=MODELS[name])
    with Products(), Operations() as asked:
        model(torch.zeros(2, 1, 64, 64)).sum().backward()
    assert asked.names >= {"convolution_backward"}
    assert not asked.names & UNSETTLED


@pytest.mark.parametrize("name", sorted(UNFITTED))
def test_every_operation_of_a_baseline_has_a_deterministic_form(catalog, name):
    model = build(catalog.find("model", name).component, Task(1, 1), settings={})
    with Products(), Operations() as asked:
        model(torch.arange(2.0 * 64 * 64).reshape(2, 1, 64, 64))
    assert not asked.names & UNSETTLED


@pytest.mark.parametrize("name", LOSSES)
def test_every_operation_of_a_loss_has_a_deterministic_form(catalog, name):
    loss = build(catalog.find("loss", name).component, settings={})
    logits = torch.zeros(2, 3, 8, 8, requires_grad=True)
    with Operations() as asked:
        loss(logits, torch.randint(3, (2, 8, 8))).backward()
    assert not asked.names & UNSETTLED
