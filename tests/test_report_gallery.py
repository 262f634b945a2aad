"""Thumbnails, outlines and rows of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as PILImage
from PIL import ImageDraw
from scipy import ndimage

from bench.pictures.gallery import OUTLINE, Strip, Tile, gallery, outlined, thumbnail, toned
from bench.pictures.sheet import cut
from bench.types import Sample

masks = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 0, 1, 2, 255]))


@given(masks)
def test_the_outline_covers_no_inner_pixel_of_a_defect_and_touches_every_defect(mask: Any) -> None:
    marked = mask == 1
    drawn = (outlined(np.zeros((*mask.shape, 3), np.uint8), marked) == OUTLINE).all(axis=2)
    assert not drawn[1:-1, 1:-1][marked[1:-1, 1:-1]].any()
    labels, found = ndimage.label(marked, np.ones((3, 3)))
    near = ndimage.binary_dilation(drawn, np.ones((3, 3)))
    assert all(near[labels == number].any() for number in range(1, found + 1))


@given(st.integers(1, 900), st.integers(1, 900), st.data())
@settings(max_examples=40, deadline=None)
def test_a_thumbnail_fits_and_keeps_a_defect_of_one_pixel(height: int, width: int, data: st.DataObject) -> None:
    mask = np.zeros((height, width), np.uint8)
    mask[data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))] = 2
    small = thumbnail(Sample("x", np.zeros((height, width, 1), np.uint8), mask), 200)
    assert max(small.marked.shape) <= 200
    assert small.pixels.shape[:2] == small.marked.shape
    assert small.marked.any()


def test_only_the_class_asked_for_is_marked_and_ignored_pixels_never() -> None:
    sample = Sample("x", np.zeros((1, 4, 1), np.uint8), np.array([[0, 1, 2, 255]], np.uint8))
    assert thumbnail(sample, 4).marked.tolist() == [[False, True, True, False]]
    assert thumbnail(sample, 4, 2).marked.tolist() == [[False, False, True, False]]


def test_one_tone_curve_keeps_the_darker_picture_darker_whatever_their_types() -> None:
    rng = np.random.default_rng(0)
    dark = rng.integers(0, 60, (30, 30, 1)).astype(np.uint8)
    blank = np.zeros((30, 30), np.uint8)
    pictures = [
        thumbnail(Sample("d", dark, blank), 30),
        thumbnail(Sample("b", dark.astype(np.uint16) * 514, blank), 30),
        thumbnail(Sample("c", np.repeat(dark, 3, axis=2), blank), 30),
    ]
    low, high, colour = toned(pictures)
    assert (low <= high).all()
    assert low.mean() < high.mean()
    assert np.array_equal(low, colour)


def test_colour_stays_colour_and_a_stack_becomes_its_mean() -> None:
    blank = np.zeros((8, 8), np.uint8)
    red = np.zeros((8, 8, 3), np.uint8)
    red[:, 4:, 0] = 255
    stack = np.stack([np.full((8, 8), value, np.uint8) for value in (0, 100, 200, 100)], axis=2)
    (shown,) = toned([thumbnail(Sample("r", red, blank), 8)])
    assert shown[0, -1].tolist() == [255, 0, 0]
    assert (thumbnail(Sample("s", stack, blank), 8).pixels == 100 * 257).all()


def test_an_empty_place_of_a_gallery_stays_white_and_a_short_heading_is_written() -> None:
    tile = Tile(thumbnail(Sample("x", np.zeros((9, 9, 1), np.uint8), np.zeros((9, 9), np.uint8)), 200), "x")
    sheet = gallery([Strip("c", (tile, None))])
    assert (sheet[:, sheet.shape[1] // 2 + 10 :] == 255).all()
    assert (sheet[10:28, 10:25] < 128).any()


def test_a_caption_with_a_line_break_or_another_control_character_is_shown_escaped() -> None:
    draw = ImageDraw.Draw(PILImage.new("RGB", (10, 10)))
    assert cut(draw, "a\nb\x1b\udcff", 1000) == r"a\nb\x1b\udcff"
    tile = Tile(thumbnail(Sample("x", np.zeros((9, 9, 1), np.uint8), np.zeros((9, 9), np.uint8)), 200), "a\nb")
    escaped = Tile(tile.picture, r"a\nb")
    assert np.array_equal(gallery([Strip("", (tile,))]), gallery([Strip("", (escaped,))]))
