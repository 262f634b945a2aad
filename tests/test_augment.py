"""Flips, rotations, and preprocessing of grey levels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.component import build
from bench.errors import DataError, SettingsError

AUGMENT = ["flips", "rotations"]


def augment(catalog, name, **chosen):
    return build(catalog.find("augment", name).component, settings=chosen)


def preprocess(catalog, name, **chosen):
    return build(catalog.find("preprocess", name).component, settings=chosen)


def batch(count: int, height: int = 6, width: int = 6):
    """Images whose first channel is their mask, every pixel of a batch distinct up to 256."""
    masks = torch.arange(count * height * width).reshape(count, height, width) % 256
    images = torch.stack([masks, masks + 0.5], dim=1).float().contiguous(memory_format=torch.channels_last)
    return images, masks.to(torch.uint8)


def all_turns(image):
    return [turn for k in range(4) for turn in (image.rot90(k, (-2, -1)), image.flip(-1).rot90(k, (-2, -1)))]


@pytest.mark.parametrize("name", AUGMENT)
@given(st.integers(0, 2**31), st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_image_and_mask_turn_together_and_keep_every_pixel(catalog, name, seed, count):
    images, masks = batch(count)
    turned, turned_masks = augment(catalog, name)(images, masks, torch.Generator().manual_seed(seed))
    assert torch.equal(turned[:, 0], turned_masks.float())
    assert turned.dtype == torch.float32
    assert turned_masks.dtype == torch.uint8
    for before, after in zip(images, turned, strict=True):
        assert any(torch.equal(after, way) for way in all_turns(before))


@pytest.mark.parametrize(("name", "ways"), [("flips", 4), ("rotations", 4)])
def test_every_way_is_equally_likely_and_decided_per_image(catalog, name, ways):
    images, masks = batch(1)
    images, masks = images.expand(4000, -1, -1, -1), masks.expand(4000, -1, -1)
    turned, _ = augment(catalog, name)(images, masks, torch.Generator().manual_seed(0))
    counts = torch.unique(turned.flatten(1), dim=0, return_counts=True)[1]
    assert len(counts) == ways
    assert ((counts - 1000).abs() < 150).all()  # five standard deviations


def test_rotations_are_rotations_and_never_mirror(catalog):
    images, masks = batch(1)
    turned, _ = augment(catalog, "rotations")(
        images.expand(64, -1, -1, -1), masks.expand(64, -1, -1), torch.Generator().manual_seed(0)
    )
    quarter_turns = [images[0].rot90(k, (-2, -1)) for k in range(4)]
    assert all(any(torch.equal(image, way) for way in quarter_turns) for image in turned)


def test_images_that_are_not_square_keep_their_shape(catalog):
    images, masks = batch(8, 4, 6)
    turned, turned_masks = augment(catalog, "rotations")(images, masks, torch.Generator().manual_seed(0))
    assert turned.shape == images.shape
    assert turned_masks.shape == masks.shape
    assert not torch.equal(turned, images)


@pytest.mark.parametrize("name", AUGMENT)
def test_the_same_generator_gives_the_same_turns(catalog, name):
    images, masks = batch(8)
    first, second = (augment(catalog, name)(images, masks, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_flips_of_probability_0_and_1_are_certain(catalog):
    images, masks = batch(5)
    turned, _ = augment(catalog, "flips", horizontal=1.0, vertical=0.0)(images, masks, torch.Generator())
    assert torch.equal(turned, images.flip(-1))
    with pytest.raises(SettingsError, match=r"within 0\.\.1"):
        augment(catalog, "flips", horizontal=1.5)


@given(st.integers(0, 2**31), st.sampled_from([np.uint8, np.uint16]), st.floats(-4, 4))
@settings(max_examples=25, deadline=None)
def test_exposure_is_its_formula(catalog, seed, dtype, ev):
    top = np.iinfo(dtype).max
    image = np.random.default_rng(seed).integers(0, top + 1, (5, 7, 2)).astype(dtype)
    exposed = preprocess(catalog, "exposure", ev=ev)(image)
    expected = np.clip(image.astype(np.float64) * 2.0**ev, 0, top)
    assert exposed.dtype == dtype
    assert np.abs(exposed - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("domain", ["encoded", "linear"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exposure_of_0_changes_nothing_and_more_is_never_darker(catalog, domain, dtype):
    image = np.arange(np.iinfo(dtype).max + 1).astype(dtype)[None, :, None]
    assert (preprocess(catalog, "exposure", ev=0.0, domain=domain)(image) == image).all()
    brighter = preprocess(catalog, "exposure", ev=1.0, domain=domain)(image)
    assert (brighter >= image).all()
    assert (np.diff(brighter[0, :, 0].astype(int)) >= 0).all()


def test_doubling_linear_light_is_less_than_doubling_grey_levels(catalog):
    """sRGB: twice the light of grey 64 is grey 90 (IEC 61966-2-1)."""
    image = np.full((1, 1, 1), 64, np.uint8)
    assert preprocess(catalog, "exposure", ev=1.0)(image).item() == 128
    assert preprocess(catalog, "exposure", ev=1.0, domain="linear")(image).item() == 90


def test_stretch_uses_the_whole_scale_and_keeps_the_order(catalog):
    image = np.linspace(40, 60, 400).round().astype(np.uint8).reshape(20, 20, 1)
    stretched = preprocess(catalog, "stretch", low=0.0, high=100.0)(image)
    assert (stretched.min(), stretched.max()) == (0, 255)
    assert (np.diff(stretched.ravel().astype(int)) >= 0).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_stretch_leaves_an_image_of_one_grey_level(catalog, dtype):
    image = np.full((4, 4, 3), 77, dtype)
    assert (preprocess(catalog, "stretch")(image) == image).all()
    with pytest.raises(SettingsError, match="low < high"):
        preprocess(catalog, "stretch", low=50.0, high=50.0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_becomes_three_equal_channels_and_comes_back(catalog, dtype):
    grey = np.random.default_rng(4).integers(0, np.iinfo(dtype).max, (9, 7, 1)).astype(dtype)
    colour = preprocess(catalog, "channels", count=3)(grey)
    assert colour.shape == (9, 7, 3)
    assert colour.dtype == dtype
    assert all(np.array_equal(colour[:, :, k], grey[:, :, 0]) for k in range(3))
    assert np.array_equal(preprocess(catalog, "channels", count=1)(colour), grey)


def test_colour_becomes_its_rounded_mean(catalog):
    colour = np.array([[[0, 1, 1], [255, 255, 254], [10, 11, 12]]], np.uint8)
    assert preprocess(catalog, "channels", count=1)(colour)[:, :, 0].tolist() == [[1, 255, 11]]


def test_an_exposure_stack_has_no_layout_to_be_brought_to(catalog):
    with pytest.raises(DataError, match="takes images of 1 or 3 channels, this one has 9"):
        preprocess(catalog, "channels", count=3)(np.zeros((4, 4, 9), np.uint8))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("domain", ["encoded", "linear"])
def test_an_exposure_stack_is_its_exposures_in_ascending_order(catalog, dtype, domain):
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (7, 5, 3), dtype=dtype)
    stacked = preprocess(catalog, "exposure-stack", evs=[-2.0, 0.0, 1.5], domain=domain)(image)
    single = [preprocess(catalog, "exposure", ev=ev, domain=domain)(image) for ev in (-2.0, 0.0, 1.5)]
    assert stacked.dtype == dtype
    assert np.array_equal(stacked, np.dstack(single))
    assert np.array_equal(stacked[:, :, 3:6], image)


@pytest.mark.parametrize("evs", [[], [1.0, 0.0], [0.0, 0.0]])
def test_exposures_that_do_not_ascend_are_refused(catalog, evs):
    with pytest.raises(SettingsError, match="evs must ascend"):
        preprocess(catalog, "exposure-stack", evs=evs)
