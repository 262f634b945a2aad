"""Crops around a pixel of a chosen class: probabilities of every corner against a walk over all pixels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.component import build, why_not
from bench.crops.draw import Frame, draw
from bench.crops.sampling import plan_crops
from bench.errors import DataError, SettingsError
from crops_worlds import World

SIZE = 5
CLASSES = ("scratch", "dent")
seeds = st.integers(0, 999)


def _strategy(catalog, name, size=SIZE, **chosen):
    return build(catalog.find("crop", name).component, size, settings=chosen)


def _mask(seed, height=11, width=9, shares=(0.6, 0.15, 0.15, 0.1)):
    return np.random.default_rng(seed).choice(np.array([0, 1, 2, 255], np.uint8), (height, width), p=shares)


def _image(mask, seed=0, channels=1):
    return np.random.default_rng(seed).integers(0, 256, (*mask.shape, channels), np.uint8)


def _world(*masks):
    return World([_image(mask) for mask in masks], masks, classes=CLASSES)


def _corner(mask, pixel, size):
    """The window centred on a pixel, moved inside by MONAI."""
    from monai.transforms.utils import correct_crop_centers

    centre = correct_crop_centers(list(pixel), (size, size), mask.shape, allow_smaller=False)
    return tuple(int(at) - size // 2 for at in centre)


def _probabilities(mask, chances, size=SIZE):
    """Chance of every corner when a class is drawn by ``chances``, then a pixel of it, then the window around it."""
    found = np.zeros((mask.shape[0] - size + 1, mask.shape[1] - size + 1))
    total = sum(chances.values())
    for kind, chance in chances.items():
        pixels = np.argwhere(mask == kind).tolist()
        for pixel in pixels:
            found[_corner(mask, pixel, size)] += Fraction(chance) / Fraction(total) / len(pixels)
    return found


def _normal(weights):
    return weights.astype(np.float64) / weights.sum(dtype=np.float64)


@settings(max_examples=25)
@given(seed=seeds, size=st.sampled_from([4, 5, 9]))
def test_forced_foreground_draws_a_present_class_and_then_a_pixel_of_it(catalog, seed, size):
    mask = _mask(seed)
    part = _strategy(catalog, "forced-foreground", size).parts()[0]
    chances = {kind: 1 for kind in (1, 2) if (mask == kind).any()}
    np.testing.assert_allclose(
        _normal(part.positions(_image(mask), mask)), _probabilities(mask, chances, size), atol=1e-6
    )


def test_a_third_of_the_crops_is_forced_by_default(catalog):
    assert [part.share for part in _strategy(catalog, "forced-foreground").parts()] == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize("name", ["forced-foreground", "positive-negative", "class-ratios", "defect-anywhere"])
@settings(max_examples=15)
@given(row=st.integers(0, 10), column=st.integers(0, 8), size=st.integers(1, 9))
def test_a_single_defect_pixel_is_in_every_crop_meant_for_it_wherever_it_lies(catalog, name, row, column, size):
    mask = np.zeros((11, 9), np.uint8)
    mask[row, column] = 1
    chosen = {"class-ratios": {"ratios": [0.0, 1.0]}}.get(name, {})
    part = _strategy(catalog, name, size, **chosen).parts()[0]
    corners = np.argwhere(part.positions(_image(mask), mask))
    assert len(corners)
    assert ((corners <= (row, column)) & ((row, column) < corners + size)).all()


def test_an_image_without_a_defect_gives_any_window_and_is_counted_as_a_fallback(catalog):
    clean, marked = np.zeros((11, 9), np.uint8), _mask(3)
    made = _world(marked, clean)
    for name, chosen in (("forced-foreground", {"share": 1.0}), ("defect-anywhere", {})):
        strategy = _strategy(catalog, name, **chosen)
        (part,) = strategy.parts()
        assert part.positions(_image(clean), clean).all()
        drawn = draw(plan_crops(strategy, made.index(), 40, 0), Frame(made.index(), made.source(), SIZE))
        assert (drawn.fallback, drawn.skipped) == (0.5, ())


@pytest.mark.parametrize("name", ["forced-foreground", "defect-anywhere"])
def test_clean_images_are_left_out_where_they_are_to_be_skipped(catalog, name):
    made = _world(_mask(3), np.zeros((11, 9), np.uint8))
    strategy = _strategy(catalog, name, share=1.0, fallback="skip")
    drawn = draw(plan_crops(strategy, made.index(), 40, 0), Frame(made.index(), made.source(), SIZE))
    assert (set(drawn.source.tolist()), drawn.fallback) == ({0}, 0.0)


@settings(max_examples=25)
@given(seed=seeds, size=st.sampled_from([4, 5]))
def test_positive_and_negative_centres_agree_with_monai(catalog, seed, size):
    mask = _mask(seed)
    parts = _strategy(catalog, "positive-negative", size, positive=3.0, negative=1.0).parts()
    assert [part.share for part in parts] == [0.75, 0.25]
    defect = ((mask > 0) & (mask < 255)).astype(np.uint8)
    for part, flags in zip(parts, (defect, (mask == 0).astype(np.uint8)), strict=True):
        found = _normal(part.positions(_image(mask), mask))
        np.testing.assert_allclose(found, _probabilities(flags, {1: 1}, size), atol=1e-6)


@settings(max_examples=15)
@given(seed=seeds, level=st.integers(0, 255), channels=st.sampled_from([1, 3]))
def test_negative_centres_keep_to_bright_pixels_as_monai_finds_them(catalog, seed, level, channels):
    from monai.transforms.utils import map_binary_to_indices

    mask = _mask(seed, shares=(0.8, 0.1, 0.1, 0.0))
    image = _image(mask, seed, channels)
    grey = image.astype(np.float64).mean(axis=2)
    _, background = map_binary_to_indices(mask[None], grey[None], image_threshold=float(level))
    flags = np.zeros(mask.size, np.uint8)
    flags[np.asarray(background)] = 1
    strategy = _strategy(catalog, "positive-negative", brighter_than=float(level), fallback="skip")
    found = strategy.parts()[1].positions(image, mask)
    if flags.any():
        np.testing.assert_allclose(_normal(found), _probabilities(flags.reshape(mask.shape), {1: 1}), atol=1e-6)
    else:
        assert not found.any()


def test_where_one_side_is_missing_the_other_is_taken_or_the_image_is_skipped(catalog):
    clean, full = np.zeros((11, 9), np.uint8), np.ones((11, 9), np.uint8)
    for mask, side in ((clean, 0), (full, 1)):
        part, other = (_strategy(catalog, "positive-negative").parts()[place] for place in (side, 1 - side))
        found = part.positions(_image(mask), mask)
        assert np.array_equal(found, other.positions(_image(mask), mask))
        assert part.falls_back(_image(mask), mask, found)
        assert not other.falls_back(_image(mask), mask, found)
    positive, negative = _strategy(catalog, "positive-negative", fallback="skip").parts()
    index = _world(clean, full).index()
    assert (positive.images(index).tolist(), negative.images(index).tolist()) == ([0, 1], [1, 0])


@settings(max_examples=25)
@given(seed=seeds, ratios=st.tuples(*[st.integers(0, 3)] * 3).filter(any), shares=st.sampled_from([0.2, 0.0]))
def test_class_ratios_are_shared_by_the_classes_that_an_image_shows(catalog, seed, ratios, shares):
    mask = _mask(seed, shares=(0.8 - shares, shares, 0.2, 0.0))
    (part,) = _strategy(catalog, "class-ratios", ratios=[float(ratio) for ratio in ratios]).parts()
    found = part.positions(_image(mask), mask)
    chances = {kind: ratio for kind, ratio in enumerate(ratios) if ratio and (mask == kind).any()}
    if chances:
        np.testing.assert_allclose(_normal(found), _probabilities(mask, chances), atol=1e-6)
    else:
        assert not found.any()


def test_without_ratios_every_class_of_the_image_is_as_likely_as_the_others(catalog):
    mask = _mask(1)
    (part,) = _strategy(catalog, "class-ratios").parts()
    found = _normal(part.positions(_image(mask), mask))
    np.testing.assert_allclose(found, _probabilities(mask, {0: 1, 1: 1, 2: 1}), atol=1e-6)


def test_ratios_hold_over_all_crops_where_a_missing_class_is_sought_elsewhere(catalog):
    masks = [np.where(_mask(n) == kind, kind, 0).astype(np.uint8) for n, kind in enumerate((1, 1, 2))]
    made = _world(*masks)
    strategy = _strategy(catalog, "class-ratios", ratios=[0.0, 1.0, 3.0], absent="elsewhere")
    drawn = draw(plan_crops(strategy, made.index(), 40, 0), Frame(made.index(), made.source(), SIZE))
    assert np.bincount(drawn.source, minlength=3).tolist() == [5, 5, 30]


@pytest.mark.parametrize("absent", ["others", "elsewhere"])
def test_as_many_ratios_are_needed_as_there_are_classes(catalog, absent):
    strategy = _strategy(catalog, "class-ratios", ratios=[1.0, 1.0], absent=absent)
    with pytest.raises(DataError, match="2 ratios, but this data set has 3 classes: background, scratch, dent"):
        plan_crops(strategy, _world(_mask(0)).index(), 5, 0)


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("positive-negative", {"positive": 0.0, "negative": 0.0}),
        ("class-ratios", {"ratios": [0.0, 0.0]}),
        ("class-ratios", {"absent": "elsewhere"}),
        ("intensity-bias", {"threshold": {"quantile": 0.5}, "statistic": "percentile"}),
        ("mixture", {"parts": [{"use": "uniform", "share": 0.4}]}),
        ("mixture", {"parts": [{"use": "class-ratios", "share": 1.0, "settings": {"absent": "elsewhere"}}]}),
    ],
)
def test_what_cannot_be_is_known_before_any_image_is_read(catalog, name, chosen):
    component = catalog.find("crop", name).component
    reason = why_not(component, SIZE, settings=chosen)
    assert reason
    with pytest.raises(SettingsError) as error:
        build(component, SIZE, settings=chosen)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("forced-foreground", {"share": 1.0, "fallback": "skip"}),
        ("positive-negative", {"fallback": "skip"}),
        ("class-ratios", {"ratios": [0.0, 1.0, 1.0]}),
        ("defect-anywhere", {"fallback": "skip"}),
        ("weight-map", {"of": "distance", "fallback": "skip"}),
        ("balanced-negatives", {}),
    ],
)
def test_a_data_set_without_any_defect_is_refused_by_name(catalog, name, chosen):
    made = _world(np.zeros((11, 9), np.uint8))
    with pytest.raises(DataError, match=f"{name} crops need a training image"):
        plan_crops(_strategy(catalog, name, **chosen), made.index(), 5, 0)
