"""Crops by image, at fixed places, and mixtures of strategies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.component import build, complete, mistakes_in
from bench.crops.draw import Frame, draw, fitted
from bench.crops.sampling import plan_crops
from bench.crops.tiles import grid
from bench.errors import DataError, PluginError, SettingsError
from crops_worlds import World, world

SIZE = 6
CLASSES = ("scratch", "dent")


def _strategy(catalog, name, size=SIZE, **chosen):
    return build(catalog.find("crop", name).component, size, settings=chosen)


def _mask(seed, shares=(0.9, 0.08, 0.01, 0.01), height=16, width=14):
    return np.random.default_rng(seed).choice(np.array([0, 1, 2, 255], np.uint8), (height, width), p=shares)


def _world(*masks):
    images = [np.random.default_rng(n).integers(0, 256, (*mask.shape, 1), np.uint8) for n, mask in enumerate(masks)]
    return World(images, masks, classes=CLASSES)


def _drawn(strategy, made, crops=60, size=SIZE):
    frame = Frame(made.index(), made.source(), size)
    return draw(plan_crops(fitted(strategy, frame), frame.index, crops, 0), frame)


@settings(max_examples=20)
@given(temperature=st.sampled_from([0.01, 0.3, 2.0, 1e6]), least=st.sampled_from([1, 3, 12]))
def test_classes_are_drawn_by_their_rarity_and_shown_by_image_and_window(catalog, temperature, least):
    made = _world(_mask(0), _mask(1, (0.98, 0.01, 0.01, 0.0)), _mask(2, (1.0, 0.0, 0.0, 0.0)))
    counts = np.array([[(mask == kind).sum() for kind in (0, 1, 2)] for mask in made.masks])
    classes = [kind for kind in (0, 1, 2) if (counts[:, kind] >= least).any()]
    chances = np.exp((1 - counts.sum(axis=0)[classes] / counts.sum() - 1) / temperature)
    frame = Frame(made.index(), made.source(), SIZE)
    parts = fitted(_strategy(catalog, "rare-class", temperature=temperature, pixels=least), frame).given
    assert [part.share for part in parts] == pytest.approx((chances / chances.sum()).tolist())
    for kind, part in zip(classes, parts, strict=True):
        assert part.images(made.index()).tolist() == (counts[:, kind] >= least).tolist()
        for image, mask in zip(made.images, made.masks, strict=True):
            held = np.lib.stride_tricks.sliding_window_view(mask == kind, (SIZE, SIZE)).sum(axis=(2, 3))
            assert np.array_equal(part.positions(image, mask), held >= least)


def test_a_low_temperature_never_draws_the_background_and_a_high_one_draws_all_alike(catalog):
    made = _world(_mask(0), _mask(1))
    cold = _drawn(_strategy(catalog, "rare-class"), made)
    for source, (top, left) in zip(cold.source.tolist(), cold.corner.tolist(), strict=True):
        window = made.masks[source][top : top + SIZE, left : left + SIZE]
        assert (window == 2).any()
    warm = _drawn(_strategy(catalog, "rare-class", temperature=1e6), made)
    assert np.bincount(warm.part).tolist() == [20, 20, 20]


def test_rare_classes_are_unknown_before_the_masks_were_seen(catalog):
    with pytest.raises(PluginError, match="fit"):
        _strategy(catalog, "rare-class").parts()


def test_more_pixels_than_any_image_has_of_a_class_are_refused(catalog):
    made = _world(_mask(0))
    with pytest.raises(DataError, match="lower 'pixels'"):
        fitted(_strategy(catalog, "rare-class", pixels=9999), Frame(made.index(), made.source(), SIZE))


@given(clean=st.integers(1, 9), defective=st.integers(1, 9))
@settings(max_examples=10)
def test_clean_images_take_turns_and_get_half_of_the_crops(catalog, clean, defective):
    masks = [np.full((9, 9), n < defective, np.uint8) for n in range(clean + defective)]
    drawn = _drawn(_strategy(catalog, "balanced-negatives"), _world(*masks), crops=2 * clean * defective)
    counts = np.bincount(drawn.source, minlength=len(masks))
    assert counts[:defective].tolist() == [clean] * defective
    assert counts[defective:].tolist() == [defective] * clean


def test_crops_of_defective_images_show_the_defect_only_where_asked_for(catalog):
    made = world()
    shown = _strategy(catalog, "balanced-negatives", window="defect").parts()[0]
    anywhere = _strategy(catalog, "balanced-negatives").parts()[0]
    image, mask = made.images[0], made.masks[0]
    held = np.lib.stride_tricks.sliding_window_view(mask == 1, (SIZE, SIZE)).any(axis=(2, 3))
    assert np.array_equal(shown.positions(image, mask), held)
    assert anywhere.positions(image, mask).all()


def test_without_clean_images_there_is_nothing_to_balance(catalog):
    with pytest.raises(DataError, match="without a defect"):
        _drawn(_strategy(catalog, "balanced-negatives"), _world(np.ones((9, 9), np.uint8)))


@settings(max_examples=40)
@given(
    height=st.integers(1, 40), width=st.integers(1, 40), size=st.integers(1, 16), overlap=st.sampled_from([0, 0.3, 0.9])
)
def test_the_grid_is_that_of_the_test_tiles(catalog, height, width, size, overlap):
    mask = np.zeros((max(height, size), max(width, size)), np.uint8)
    strategy = _strategy(catalog, "grid", size, overlap=float(overlap))
    found = strategy.parts()[0].positions(mask[:, :, None], mask)
    assert np.argwhere(found).tolist() == grid(height, width, size, overlap).tolist()


def test_every_window_of_the_grid_is_drawn_equally_often_over_all_images(catalog):
    made = _world(np.zeros((12, 18), np.uint8), np.zeros((6, 6), np.uint8), np.zeros((3, 12), np.uint8))
    drawn = _drawn(_strategy(catalog, "grid"), made, crops=9 * 20)
    assert np.bincount(drawn.source).tolist() == [120, 20, 40]


def test_a_whole_image_is_the_only_window_of_its_canvas(catalog):
    made = world()
    drawn = _drawn(_strategy(catalog, "whole-image", 64), made, size=64)
    assert not drawn.corner.any()
    assert np.bincount(drawn.source).tolist() == [20, 20, 20]
    assert (drawn.admissible, drawn.inert) == (1.0, False)


def test_an_image_larger_than_the_canvas_is_refused_with_the_size_that_is_needed(catalog):
    with pytest.raises(DataError, match=r"'image 0' is 50x40 pixels, the canvas is 48; a crop_size of 64"):
        _drawn(_strategy(catalog, "whole-image", 48), world(), size=48)


def _mixed(*parts):
    return {"parts": [{"use": use, "share": share, "settings": chosen} for use, share, chosen in parts]}


def test_a_mixture_draws_its_strategies_by_share_and_each_as_it_would_alone(catalog):
    chosen = _mixed(("forced-foreground", 0.6, {"share": 0.5}), ("intensity-bias", 0.4, {"threshold": 100.0}))
    parts = _strategy(catalog, "mixture", **chosen).parts()
    assert [part.share for part in parts] == pytest.approx([0.3, 0.3, 0.4])
    alone = [
        *_strategy(catalog, "forced-foreground", share=0.5).parts(),
        *_strategy(catalog, "intensity-bias", threshold=100.0).parts(),
    ]
    made = world()
    for part, other in zip(parts, alone, strict=True):
        assert np.array_equal(part.images(made.index()), other.images(made.index()))
        for image, mask in zip(made.images, made.masks, strict=True):
            assert np.array_equal(part.positions(image, mask), other.positions(image, mask))


def test_strategies_of_a_mixture_are_fitted_each_to_its_own_row(catalog):
    quantile = {"threshold": {"quantile": 0.5}}
    members = ("uniform", 0.25, {}), ("intensity-bias", 0.25, quantile), ("rare-class", 0.5, {"temperature": 1.0})
    made = world()
    frame = Frame(made.index(), made.source(), SIZE)
    together = fitted(_strategy(catalog, "mixture", **_mixed(*members)), frame).parts()
    alone = [
        *_strategy(catalog, "uniform").parts(),
        *fitted(_strategy(catalog, "intensity-bias", **quantile), frame).parts(),
        *fitted(_strategy(catalog, "rare-class", temperature=1.0), frame).parts(),
    ]
    assert sum(part.share for part in together) == pytest.approx(1)
    image, mask = made.images[0], made.masks[0]
    for part, other in zip(together, alone, strict=True):
        assert np.array_equal(part.positions(image, mask), other.positions(image, mask))


def test_a_mixture_that_must_be_fitted_has_no_parts_before(catalog):
    with pytest.raises(PluginError, match="fit"):
        _strategy(catalog, "mixture", **_mixed(("rare-class", 1.0, {}))).parts()


def test_the_settings_of_a_mixture_are_completed_with_the_defaults_of_its_strategies(catalog):
    component = catalog.find("crop", "mixture").component
    short = complete(component, {"parts": [{"use": "defect-centred", "share": 1.0}]})
    full = complete(component, _mixed(("defect-centred", 1.0, {"share": 1.0, "jitter": 0})))
    assert short == full


@pytest.mark.parametrize(
    "part",
    [
        {"use": "unifrom", "share": 1.0},
        {"use": "mixture", "share": 1.0},
        {"use": "uniform"},
        {"use": "uniform", "share": 0.0},
        {"use": "uniform", "share": "1.0"},
        {"use": "uniform", "share": 1.0, "settings": {"jitter": 1}},
        {"use": "defect-centred", "share": 1.0, "settings": {"jitter": -1}},
        {"use": "defect-centred", "share": 1.0, "settings": {"jitter": "1"}},
    ],
)
def test_a_part_of_a_mixture_that_means_nothing_is_refused(catalog, part):
    with pytest.raises(SettingsError):
        _strategy(catalog, "mixture", parts=[part])


def test_every_shipped_strategy_can_be_mixed(catalog):
    mixture = catalog.find("crop", "mixture").component
    for name in catalog.names("crop"):
        if name != "mixture":
            assert complete(mixture, {"parts": [{"use": name, "share": 1.0}]})["parts"][0]["settings"] == complete(
                catalog.find("crop", name).component, {}
            )


def test_a_mistake_inside_a_mixture_is_found_where_it_stands(catalog):
    mixture = catalog.find("crop", "mixture").component
    wrong = _mixed(("uniform", 0.5, {}), ("defect-centred", 0.5, {"jitter": -1}))
    ((path, sentence),) = mistakes_in(mixture, wrong)
    assert [step for step in path if step in ("parts", 1, "settings", "jitter")] == ["parts", 1, "settings", "jitter"]
    assert "-1" in sentence
