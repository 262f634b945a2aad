"""Crops by what a window holds, and by a weight map: every window is looked at one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.component import build
from bench.crops.draw import Frame, draw
from bench.crops.sampling import plan_crops
from crops_worlds import World, world

SIZE = 5
seeds = st.integers(0, 999)


def _part(catalog, name, size=SIZE, **chosen):
    return build(catalog.find("crop", name).component, size, settings=chosen).parts()[0]


def _mask(seed, height=12, width=9, rare=0.06, ignored=0.1):
    shares = (1 - 2 * rare - ignored, rare, rare, ignored)
    mask = np.random.default_rng(seed).choice(np.array([0, 1, 2, 255], np.uint8), (height, width), p=shares)
    mask[0, 0] = 1
    return mask


def _image(mask, seed=0, channels=1, dtype=np.uint8):
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top, (*mask.shape, channels), dtype, endpoint=True)


def _windows(array, size=SIZE):
    """Every window of an array, ``[rows, columns, size, size]``."""
    return np.lib.stride_tricks.sliding_window_view(array, (size, size))


def _normal(weights):
    return weights.astype(np.float64) / weights.sum(dtype=np.float64)


def _defect(mask):
    return (mask > 0) & (mask < 255)


@settings(max_examples=25)
@given(seed=seeds, size=st.integers(1, 9))
def test_every_window_that_holds_a_defect_pixel_is_equally_likely(catalog, seed, size):
    mask = _mask(seed)
    found = _part(catalog, "defect-anywhere", size).positions(_image(mask), mask)
    assert found.dtype == np.bool_
    assert np.array_equal(found, _windows(_defect(mask), size).any(axis=(2, 3)))


@settings(max_examples=20)
@given(seed=seeds, size=st.integers(1, 9))
def test_by_pixel_a_defect_pixel_is_drawn_and_then_any_window_over_it(catalog, seed, size):
    mask = _mask(seed)
    expected = np.zeros((12 - size + 1, 9 - size + 1))
    pixels = np.argwhere(_defect(mask)).tolist()
    for row, column in pixels:
        over = np.zeros(expected.shape, bool)
        over[max(0, row - size + 1) : row + 1, max(0, column - size + 1) : column + 1] = True
        expected += over / over.sum() / len(pixels)
    found = _part(catalog, "defect-anywhere", size, by="pixel").positions(_image(mask), mask)
    np.testing.assert_allclose(_normal(found), expected, atol=1e-6)
    assert np.array_equal(found > 0, expected > 0)


@settings(max_examples=20)
@given(seed=seeds, size=st.integers(1, 9))
def test_by_defect_small_defects_are_as_likely_as_large_ones(catalog, seed, size):
    from scipy.ndimage import label

    mask = _mask(seed)
    labels, defects = label(_defect(mask), np.ones((3, 3)))
    holding = [_windows(labels == number, size).any(axis=(2, 3)) for number in range(1, defects + 1)]
    expected = sum(windows / windows.sum() for windows in holding) / defects
    found = _part(catalog, "defect-anywhere", size, by="defect").positions(_image(mask), mask)
    np.testing.assert_allclose(_normal(found), expected, atol=1e-6)
    assert np.array_equal(found > 0, expected > 0)


def _largest(mask, size=SIZE):
    """Share of the largest category of every window, and how many categories; as mmsegmentation counts them."""
    largest, categories = np.zeros((2, mask.shape[0] - size + 1, mask.shape[1] - size + 1))
    for place in np.ndindex(largest.shape):
        window = mask[place[0] : place[0] + size, place[1] : place[1] + size]
        labels, counts = np.unique(window[window != 255], return_counts=True)
        categories[place] = len(labels)
        largest[place] = counts.max() / counts.sum() if len(labels) else 1.0
    return largest, categories


@settings(max_examples=25)
@given(seed=seeds, limit=st.sampled_from([0.4, 0.6, 0.72, 0.8, 1.0]), ignored=st.sampled_from([0.0, 0.3]))
def test_no_category_has_as_much_as_the_limit_of_an_admitted_window(catalog, seed, limit, ignored):
    mask = _mask(seed, 80, 9, rare=0.15, ignored=ignored)
    largest, categories = _largest(mask)
    found = _part(catalog, "category-limit", limit=limit, fallback="skip").positions(_image(mask), mask)
    assert np.array_equal(found, (largest < limit) & (categories > 1))


@pytest.mark.parametrize("fallback", ["uniform", "most-mixed", "skip"])
def test_where_every_window_is_of_one_category_the_stated_fallback_is_taken(catalog, fallback):
    mask = _mask(5, rare=0.02, ignored=0.0)
    part = _part(catalog, "category-limit", limit=0.5, fallback=fallback)
    found = part.positions(_image(mask), mask)
    largest, _ = _largest(mask)
    expected = {
        "uniform": np.ones(largest.shape),
        "most-mixed": largest == largest.min(),
        "skip": np.zeros(largest.shape),
    }
    assert largest.min() > 0.5
    assert np.array_equal(found, expected[fallback])
    if found.any():
        assert part.falls_back(_image(mask), mask, found)
    mixed = np.tile(np.array([[0, 1]], np.uint8), (12, 5))
    admitted = _part(catalog, "category-limit", limit=0.7, fallback=fallback)
    assert not admitted.falls_back(_image(mixed), mixed, admitted.positions(_image(mixed), mixed))


def _pixel_weights(of, image, mask, reach):
    from scipy.ndimage import distance_transform_edt

    grey = image.astype(np.float64).mean(axis=2) / np.iinfo(image.dtype).max
    weights = {
        "intensity": lambda: grey,
        "darkness": lambda: 1 - grey,
        "gradient": lambda: np.sqrt(sum(slope**2 for slope in np.gradient(grey))),
        "distance": lambda: np.exp(-distance_transform_edt(~_defect(mask)) / reach),
    }[of]()
    return np.where(mask == 255, 0, weights)


@settings(max_examples=25)
@given(
    seed=seeds,
    of=st.sampled_from(["intensity", "darkness", "gradient", "distance"]),
    power=st.sampled_from([0.5, 1.0, 3.0]),
    kind=st.sampled_from([(1, np.uint8), (3, np.uint8), (2, np.uint16)]),
)
def test_a_window_weighs_what_its_pixels_weigh_together(catalog, seed, of, power, kind):
    mask = _mask(seed)
    image = _image(mask, seed, *kind)
    weights = _pixel_weights(of, image, mask, 4.0) ** power
    found = _part(catalog, "weight-map", of=of, power=power, reach=4.0).positions(image, mask)
    np.testing.assert_allclose(_normal(found), _normal(_windows(weights).sum(axis=(2, 3))), rtol=2e-5)


@settings(max_examples=25)
@given(seed=seeds, size=st.sampled_from([4, 5, 9]))
def test_over_the_centre_no_weight_is_lost_at_the_border(catalog, seed, size):
    mask = _mask(seed)
    image = _image(mask, seed)
    weights = _pixel_weights("intensity", image, mask, 1.0)
    expected = np.zeros((12 - size + 1, 9 - size + 1))
    for row, column in np.ndindex(mask.shape):
        top, left = np.clip((row - size // 2, column - size // 2), 0, np.array(expected.shape) - 1)
        expected[top, left] += weights[row, column]
    found = _part(catalog, "weight-map", size, over="centre").positions(image, mask)
    np.testing.assert_allclose(_normal(found), _normal(expected), rtol=2e-5)


@given(row=st.integers(0, 11), column=st.integers(0, 8), size=st.integers(1, 9))
@pytest.mark.parametrize("over", ["window", "centre"])
def test_a_single_pixel_with_a_weight_is_reached_wherever_it_lies(catalog, over, row, column, size):
    mask = np.zeros((12, 9), np.uint8)
    image = np.zeros((12, 9, 1), np.uint8)
    image[row, column] = 1
    corners = np.argwhere(_part(catalog, "weight-map", size, over=over).positions(image, mask))
    assert len(corners)
    assert ((corners <= (row, column)) & ((row, column) < corners + size)).all()


def test_a_faint_pixel_beside_a_bright_one_keeps_a_weight(catalog):
    image, mask = np.zeros((12, 12, 1), np.uint16), np.zeros((12, 12), np.uint8)
    image[0, 0], image[11, 11] = 65535, 1
    found = _part(catalog, "weight-map", 1, power=4.0).positions(image, mask)
    assert np.argwhere(found).tolist() == [[0, 0], [11, 11]]


def test_a_black_image_gives_any_window_or_is_skipped(catalog):
    mask = np.zeros((12, 9), np.uint8)
    black = np.zeros((12, 9, 1), np.uint8)
    part = _part(catalog, "weight-map")
    found = part.positions(black, mask)
    assert found.all()
    assert part.falls_back(black, mask, found)
    assert not _part(catalog, "weight-map", fallback="skip").positions(black, mask).any()
    made = World([black, _image(mask)], [mask, mask])
    strategy = build(catalog.find("crop", "weight-map").component, SIZE, settings={"fallback": "skip"})
    drawn = draw(plan_crops(strategy, made.index(), 20, 0), Frame(made.index(), made.source(), SIZE))
    assert drawn.skipped == ("image 0",)
    assert set(drawn.source.tolist()) == {1}


@pytest.mark.parametrize(
    "name", ["defect-anywhere", "category-limit", "weight-map", "forced-foreground", "positive-negative"]
)
def test_a_fallback_is_told_from_a_map_that_admits_something(catalog, name):
    made = world()
    for image, mask in zip(made.images, made.masks, strict=True):
        part = _part(catalog, name)
        found = part.positions(image, mask)
        admits = name == "weight-map" or bool(mask.any())
        assert part.falls_back(image, mask, found) == (not admits)
