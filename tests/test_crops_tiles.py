"""Padding, cutting and stitching keep every pixel where it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.crops.prepare import Source, padded
from bench.crops.tiles import cut, grid, pad, stitch
from bench.errors import DataError, PluginError
from crops_worlds import World

sides = st.integers(1, 45)
overlaps = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 0.99])


@settings(max_examples=80, deadline=None)
@given(height=sides, width=sides, size=st.integers(1, 20), overlap=overlaps, seed=st.integers(0, 99))
def test_stitching_what_was_cut_gives_the_image_back_bit_by_bit(height, width, size, overlap, seed):
    image = np.random.default_rng(seed).random((height, width, 3), np.float32)
    large = np.pad(image, ((0, max(0, size - height)), (0, max(0, size - width)), (0, 0)))
    corners = grid(height, width, size, overlap)
    tiles = cut(large, corners, size).transpose(0, 3, 1, 2)
    assert np.array_equal(stitch(tiles, corners, height, width), image.transpose(2, 0, 1))


@settings(max_examples=80, deadline=None)
@given(height=sides, width=sides, size=st.integers(1, 20), overlap=overlaps)
def test_a_grid_covers_every_pixel_stays_inside_and_overlaps_as_asked(height, width, size, overlap):
    corners = grid(height, width, size, overlap)
    covered = np.zeros((max(height, size), max(width, size)), int)
    for top, left in corners:
        covered[top : top + size, left : left + size] += 1
    assert covered.min() >= 1
    assert (corners >= 0).all()
    assert (corners + size <= covered.shape).all()
    for axis in (0, 1):
        gaps = np.diff(np.unique(corners[:, axis]))
        assert (gaps <= max(1, np.floor(size * (1 - overlap) + 1e-6))).all()


def test_a_stitched_pixel_is_the_mean_of_the_tiles_that_show_it():
    tiles = np.random.default_rng(0).random((9, 2, 4, 4), np.float32)
    corners = grid(8, 8, 4, 0.5)
    total, count = np.zeros((2, 8, 8)), np.zeros((8, 8))
    for tile, (top, left) in zip(tiles, corners, strict=True):
        total[:, top : top + 4, left : left + 4] += tile
        count[top : top + 4, left : left + 4] += 1
    assert np.allclose(stitch(tiles, corners, 8, 8), total / count, atol=1e-6)


def test_a_pixel_that_no_tile_covers_is_an_error_not_a_zero():
    with pytest.raises(DataError, match=r"pixel \(0, 4\).*no tile"):
        stitch(np.ones((1, 1, 4, 4), np.float32), np.zeros((1, 2), np.int32), 4, 5)


def test_a_tile_over_the_border_is_refused_not_shortened():
    with pytest.raises(DataError, match="pad it first"):
        cut(np.zeros((8, 8)), np.array([[5, 0]], np.int32), 4)


@pytest.mark.parametrize("overlap", [1.0, -0.1, float("nan")])
def test_an_overlap_outside_its_range_is_refused(overlap):
    with pytest.raises(DataError, match="overlap"):
        grid(10, 10, 4, overlap)


def _zigzag(side, length):
    """0 1 2 1 0 1 2 ... for a side of 3."""
    period = max(1, 2 * (side - 1))
    return np.array([min(place % period, -place % period) for place in range(length)])


@settings(max_examples=50, deadline=None)
@given(height=st.integers(1, 12), width=st.integers(1, 12), size=st.integers(1, 40))
def test_padding_reflects_as_often_as_needed_and_is_ignored_in_the_mask(height, width, size):
    image = np.arange(height * width, dtype=np.uint8).reshape(height, width, 1)
    mask = np.ones((height, width), np.uint8)
    big, marked = pad(image, mask, size)
    rows, columns = _zigzag(height, max(height, size)), _zigzag(width, max(width, size))
    assert np.array_equal(big, image[rows][:, columns])
    assert (marked[:height, :width] == 1).all()
    assert (marked == 255).sum() == marked.size - height * width


def test_an_image_that_is_large_enough_is_not_copied():
    image, mask = np.zeros((8, 9, 1), np.uint8), np.zeros((8, 9), np.uint8)
    same_image, same_mask = pad(image, mask, 8)
    assert same_image is image
    assert same_mask is mask


def _chain(*steps):
    image = np.full((3, 4, 1), 100, np.uint8)
    return Source(World([image], [np.zeros((3, 4), np.uint8)]), steps).prepared("image 0")


def test_crop_strategies_see_the_image_before_its_channels_multiply():
    darker = lambda image: image // 2  # noqa: E731
    stack = lambda image: np.concatenate([image, image * 2], axis=2)  # noqa: E731
    prepared = _chain(darker, stack, darker)
    assert (prepared.guide == 50).all()
    assert prepared.guide.shape == (3, 4, 1)
    assert prepared.image[0, 0].tolist() == [25, 50]


def test_without_a_change_of_channels_crop_strategies_see_what_the_model_sees():
    prepared = _chain(lambda image: image // 2)
    assert prepared.guide is prepared.image
    again = padded(prepared, 8)
    assert again.guide is again.image


def test_padding_pads_the_guide_like_the_image():
    prepared = padded(_chain(lambda image: np.repeat(image, 3, axis=2)), 8)
    assert prepared.image.shape == (8, 8, 3)
    assert prepared.guide.shape == (8, 8, 1)
    assert prepared.mask.shape == (8, 8)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (lambda image: image[1:], "must keep height and width"),
        (lambda image: image.astype(np.float32), "float32"),
        (lambda image: image[:, :, 0], r"\[3, 4\]"),
        (lambda image: None, "NoneType"),
    ],
)
def test_a_preprocessing_step_that_breaks_its_contract_is_named(step, said):
    with pytest.raises(PluginError, match=said) as caught:
        _chain(step)
    assert "image 0" in str(caught.value)
