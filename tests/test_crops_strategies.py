"""The shipped crop strategies against brute force over every window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.component import build
from bench.crops.draw import Frame, draw, fitted
from bench.crops.sampling import plan_crops, row_index
from bench.errors import DataError, PluginError, SettingsError
from crops_worlds import World, world

SIZE = 6


def _strategy(catalog, name="intensity-bias", size=SIZE, **chosen):
    return build(catalog.find("crop", name).component, size, settings=chosen)


def _image(seed, height=15, width=13, channels=1, dtype=np.uint8, ignored=0.0):
    generator = np.random.default_rng(seed)
    image = generator.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)
    mask = np.where(generator.random((height, width)) < ignored, 255, 0).astype(np.uint8)
    return image, mask


def _windows(image, mask, size=SIZE):
    """Grey levels of the real pixels of every window, and whether its centre is real; plain loops."""
    grey = image.astype(float).mean(axis=2) * (1 if image.dtype == np.uint8 else 255 / 65535)
    for top in range(mask.shape[0] - size + 1):
        for left in range(mask.shape[1] - size + 1):
            window = slice(top, top + size), slice(left, left + size)
            real = mask[window] != 255
            middle = top + size // 2, left + size // 2
            yield grey[window][real], grey[middle] if mask[middle] != 255 else None


def _positions(strategy, image, mask, part=0):
    return strategy.parts()[part].positions(image, mask)


kinds = st.sampled_from([(1, np.uint8), (3, np.uint8), (1, np.uint16), (3, np.uint16)])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), kind=kinds, ignored=st.sampled_from([0.0, 0.3, 0.9]), threshold=st.integers(110, 145))
def test_the_mean_over_real_pixels_and_channels_decides(catalog, seed, kind, ignored, threshold):
    image, mask = _image(seed, channels=kind[0], dtype=kind[1], ignored=ignored)
    expected = [len(grey) > 0 and grey.mean() > threshold + 1e-9 for grey, _ in _windows(image, mask)]
    found = _positions(_strategy(catalog, threshold=float(threshold), fallback="skip"), image, mask)
    assert found.dtype == np.bool_
    assert found.ravel().tolist() == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_window_sums_do_not_overflow_on_a_white_image(catalog, dtype):
    image = np.full((260, 258, 3), np.iinfo(dtype).max, dtype)
    mask = np.zeros((260, 258), np.uint8)
    assert _positions(_strategy(catalog, size=256, threshold=254.999, fallback="skip"), image, mask).all()
    assert not _positions(_strategy(catalog, size=256, threshold=255.0, fallback="skip"), image, mask).any()


@pytest.mark.parametrize("ignored", [0.0, 0.4])
def test_the_centre_pixel_decides_where_it_is_real(catalog, ignored):
    image, mask = _image(4, channels=3, ignored=ignored)
    expected = [centre is not None and centre > 100 for _, centre in _windows(image, mask)]
    found = _positions(_strategy(catalog, statistic="centre", threshold=100.0, fallback="skip"), image, mask)
    assert found.ravel().tolist() == expected


@pytest.mark.parametrize("ignored", [0.0, 0.4])
def test_the_share_of_bright_pixels_decides(catalog, ignored):
    image, mask = _image(5, channels=3, ignored=ignored)
    expected = [(grey > 120).mean() > 0.5 for grey, _ in _windows(image, mask)]
    strategy = _strategy(catalog, statistic="fraction", level=120.0, threshold=0.5, fallback="skip")
    assert _positions(strategy, image, mask).ravel().tolist() == expected


@pytest.mark.parametrize("percentile", [10.0, 50.0, 90.0, 100.0])
@pytest.mark.parametrize("ignored", [0.0, 0.4])
def test_the_percentile_of_the_window_decides(catalog, percentile, ignored):
    image, mask = _image(6, ignored=ignored)
    values = [np.percentile(grey, percentile, method="inverted_cdf") for grey, _ in _windows(image, mask)]
    threshold = float(np.median(values))
    strategy = _strategy(catalog, statistic="percentile", percentile=percentile, threshold=threshold, fallback="skip")
    assert _positions(strategy, image, mask).ravel().tolist() == [value > threshold for value in values]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999),
    low=st.integers(0, 254),
    high=st.integers(0, 254),
    statistic=st.sampled_from(["mean", "centre", "percentile"]),
    ignored=st.sampled_from([0.0, 0.5]),
)
def test_admissible_sets_are_nested_in_the_threshold(catalog, seed, low, high, statistic, ignored):
    image, mask = _image(seed, ignored=ignored)
    few, many = (
        _positions(_strategy(catalog, statistic=statistic, threshold=float(t), fallback="skip"), image, mask)
        for t in (max(low, high), min(low, high))
    )
    assert not (few & ~many).any()


def test_where_no_window_is_bright_enough_the_brightest_is_taken_and_counted(catalog):
    image, mask = np.full((15, 13, 1), 3, np.uint8), np.zeros((15, 13), np.uint8)
    image[9, 7] = 40
    image[4, 2] = 41
    part = _strategy(catalog, threshold=10.0).parts()[0]
    found = part.positions(image, mask)
    means = np.array([grey.mean() for grey, _ in _windows(image, mask)]).reshape(found.shape)
    assert np.array_equal(found, means == means.max())
    assert part.falls_back(image, mask, found)
    bright = image + np.uint8(9)
    assert not part.falls_back(bright, mask, part.positions(bright, mask))


def test_padding_does_not_darken_or_brighten_a_window(catalog):
    image, mask = np.full((4, 15, 1), 200, np.uint8), np.zeros((4, 15), np.uint8)
    big = np.pad(image, ((0, 2), (0, 0), (0, 0)))
    marked = np.pad(mask, ((0, 2), (0, 0)), constant_values=255)
    assert _positions(_strategy(catalog, threshold=199.0, fallback="skip"), big, marked).all()


def test_a_leak_is_a_uniform_part_of_that_share(catalog):
    parts = _strategy(catalog, threshold=10.0, leak=0.25).parts()
    assert [part.share for part in parts] == [0.75, 0.25]
    image, mask = _image(0)
    assert parts[1].positions(image, mask).all()
    assert [part.share for part in _strategy(catalog, leak=1.0).parts()] == [1.0]


def _fit(catalog, made, **chosen):
    index = made.index()
    return fitted(_strategy(catalog, **chosen), Frame(index, made.source(), SIZE))


@settings(max_examples=20, deadline=None)
@given(quantile=st.floats(0, 0.999), seed=st.integers(0, 99), ignored=st.sampled_from([0.0, 0.3]))
def test_a_quantile_is_that_of_all_training_windows_together(catalog, quantile, seed, ignored):
    pairs = [_image(seed, 15, 13, ignored=ignored), _image(seed + 1, 9, 20, ignored=ignored)]
    made = World([image for image, _ in pairs], [mask for _, mask in pairs])
    threshold = _fit(catalog, made, threshold={"quantile": quantile}).bright.threshold
    means = np.array([grey.mean() for pair in pairs for grey, _ in _windows(*pair)])
    assert (means <= threshold + 1e-9).mean() >= quantile - 1e-12
    assert (means <= threshold - 1 / 256 + 1e-9).mean() <= quantile
    assert threshold * 256 == round(threshold * 256)


def test_a_quantile_of_the_centre_or_of_a_share_is_found_too(catalog):
    image, mask = _image(0, 40, 40)
    centre = _fit(catalog, World([image], [mask]), statistic="centre", threshold={"quantile": 0.5})
    assert _positions(centre, image, mask).mean() == pytest.approx(0.5, abs=0.02)
    share = _fit(catalog, World([image], [mask]), statistic="fraction", threshold={"quantile": 0.5})
    assert 0 < share.bright.threshold < 1
    assert _positions(share, image, mask).mean() <= 0.5


def test_the_quantile_zero_excludes_nothing_and_is_inert(catalog):
    made = world()
    strategy = _fit(catalog, made, threshold={"quantile": 0.0})
    index = made.index()
    assert draw(plan_crops(strategy, index, 9, 0), Frame(index, made.source(), SIZE)).inert


def test_a_quantile_is_unknown_before_the_images_were_seen(catalog):
    with pytest.raises(PluginError, match="fit"):
        _strategy(catalog, threshold={"quantile": 0.5}).parts()


@pytest.mark.parametrize(
    "chosen",
    [
        {"threshold": {"quantile": 1.0}},
        {"threshold": {"quantile": 0.5, "of": "train"}},
        {"threshold": {"quantil": 0.5}},
        {"threshold": "10"},
        {"leak": 1.5},
        {"statistic": "median"},
        {"fallback": "darkest"},
        {"threshold": {"quantile": 0.5}, "statistic": "percentile"},
    ],
)
def test_settings_that_mean_nothing_are_refused(catalog, chosen):
    with pytest.raises(SettingsError):
        _strategy(catalog, **chosen)


def test_uniform_admits_everything_and_is_never_called_inert(catalog):
    made = world()
    index = made.index()
    drawn = draw(plan_crops(_strategy(catalog, "uniform"), index, 9, 0), Frame(index, made.source(), SIZE))
    assert drawn.admissible == 1.0
    assert not drawn.inert
    level = draw(plan_crops(_strategy(catalog, threshold=0.0), index, 9, 0), Frame(index, made.source(), SIZE))
    assert level.admissible == 1.0
    assert level.inert


def _counted(mask, size, jitter=0):
    """Corners by moving every defect pixel's window inside, with MONAI's own clipping of centres."""
    from monai.transforms.utils import correct_crop_centers

    counts = np.zeros((mask.shape[0] - size + 1, mask.shape[1] - size + 1))
    moves = range(-jitter, jitter + 1)
    for row, column in np.argwhere((mask > 0) & (mask < 255)).tolist():
        for down in moves:
            for right in moves:
                centre = np.clip((row + down, column + right), 0, np.array(mask.shape) - 1)
                top, left = correct_crop_centers(centre.tolist(), (size, size), mask.shape, allow_smaller=False)
                counts[top - size // 2, left - size // 2] += 1
    return counts


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("jitter", [0, 2])
def test_defect_centred_crops_agree_with_monai(catalog, size, jitter):
    generator = np.random.default_rng(size)
    mask = generator.choice(np.array([0, 1, 2, 255], np.uint8), (17, 12), p=[0.7, 0.1, 0.1, 0.1])
    strategy = _strategy(catalog, "defect-centred", size, jitter=jitter)
    found = _positions(strategy, np.zeros((17, 12, 1), np.uint8), mask)
    assert found.dtype == np.float32
    assert np.array_equal(found, _counted(mask, size, jitter))


@settings(max_examples=40, deadline=None)
@given(row=st.integers(0, 14), column=st.integers(0, 12), size=st.integers(1, 13))
def test_every_defect_pixel_is_reachable_the_border_included(catalog, row, column, size):
    mask = np.zeros((15, 13), np.uint8)
    mask[row, column] = 1
    found = _positions(_strategy(catalog, "defect-centred", size), np.zeros((15, 13, 1), np.uint8), mask)
    ((top, left),) = np.argwhere(found)
    assert top <= row < top + size
    assert left <= column < left + size
    assert row_index(found)[-1] == 1


def test_images_without_defects_are_left_out_of_the_defect_part_only(catalog):
    made = world()
    index = made.index()
    plan = plan_crops(_strategy(catalog, "defect-centred", share=0.5), index, 60, 0)
    drawn = draw(plan, Frame(index, made.source(), SIZE))
    assert np.bincount(drawn.source[drawn.part == 0], minlength=3).tolist() == [15, 15, 0]
    assert np.bincount(drawn.source[drawn.part == 1], minlength=3).tolist() == [10, 10, 10]
    assert drawn.skipped == ()


def test_defect_centred_crops_without_any_defect_say_so(catalog):
    image, mask = _image(0)
    with pytest.raises(DataError, match="defect"):
        plan_crops(_strategy(catalog, "defect-centred"), World([image], [mask]).index(), 5, 0)
