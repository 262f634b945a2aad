"""COCO: regions against pycocotools' own encoder and OpenCV, and what is refused before it reaches C code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as sometimes
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench.api import DataError, write_png
from bench.catalog import Catalog
from bench.component import build
from bench.types import Dataset
from coco_files import HEIGHT, IMAGE, REGION, SQUARE, WIDTH, listing, marked, read_whole, runs, text, write_release

Opened = Callable[..., Dataset]
MASKS = arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 1))


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build the component ``coco`` on a folder."""

    def build_on(root: Path, **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "coco").component, root, settings=settings)
        return dataset

    return build_on


@pytest.fixture(scope="session")
def drawn(opened: Opened, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int, Any], np.ndarray]:
    """The mask that the reader makes of one segmentation on an image of this height and width."""
    root = tmp_path_factory.mktemp("drawn")

    def draw(height: int, width: int, segmentation: Any) -> np.ndarray:
        write_png(root / "images" / "a.png", np.zeros((height, width, 1), np.uint8))
        document = listing(
            {**REGION, "segmentation": segmentation}, images=[{**IMAGE, "width": width, "height": height}]
        )
        (root / "annotations.json").write_text(json.dumps(document))
        mask: np.ndarray = opened(root).load("a").mask
        return mask

    return draw


@pytest.fixture
def written(opened: Opened, tmp_path: Path) -> Callable[..., Dataset]:
    """A data set of one image, 16 wide and 12 high, with these annotations, or this document or text."""

    def write(*regions: dict[str, Any], document: Any = None, **settings: object) -> Dataset:
        write_release(tmp_path, listing(*regions) if document is None else document)
        return opened(tmp_path, **settings)

    return write


@sometimes(max_examples=60)
@given(mask=MASKS)
def test_both_forms_of_run_lengths_are_decoded_as_they_were_encoded(drawn, mask):
    for segmentation in (runs(mask), runs(mask, counts=text(mask))):
        if mask.any():
            assert np.array_equal(drawn(*mask.shape, segmentation), mask)
        else:
            with pytest.raises(DataError, match="annotation 7 marks no pixel"):
                drawn(*mask.shape, segmentation)


@pytest.mark.parametrize("length", [1, 15, 16, 17, 511, 512, 513, 16383, 16384, 16385, 524288, 719000])
def test_compressed_runs_of_every_length_are_read_back(drawn, length):
    flat = np.zeros(800 * 900, np.uint8)
    flat[700 : 700 + length] = 1
    flat[-7:-3] = 1
    mask = np.ascontiguousarray(flat.reshape(900, 800).T)
    assert np.array_equal(drawn(800, 900, runs(mask, counts=text(mask))), mask)


@sometimes(max_examples=80)
@given(points=st.lists(st.tuples(st.integers(-10, 70), st.integers(-10, 60)), min_size=3, max_size=3, unique=True))
def test_a_polygon_marks_what_opencv_fills_but_for_its_border(drawn, points):
    outline = np.array(points, np.int32)
    filled, border = np.zeros((2, 90, 100), np.uint8)
    cv2.fillPoly(filled, [outline + 20], 1)
    cv2.polylines(border, [outline + 20], True, 1, thickness=3)
    filled, border = filled[20:70, 20:80], border[20:70, 20:80]  # OpenCV bends what it clips
    try:
        found = drawn(50, 60, [outline.ravel().tolist()])
    except DataError:  # marks no pixel
        found = np.zeros(filled.shape, np.uint8)
    assert np.array_equal(found[border == 0], filled[border == 0])


def test_a_polygon_covers_whole_pixels_between_its_corners(written):
    assert np.array_equal(written(REGION).load("a").mask, marked(slice(3, 7), slice(2, 8)))


def test_the_polygons_of_one_annotation_are_united(written):
    two = [*SQUARE, [6, 5, 12, 5, 12, 9, 6, 9]]
    expected = marked(slice(3, 7), slice(2, 8)) | marked(slice(5, 9), slice(6, 12))
    assert np.array_equal(written({**REGION, "segmentation": two}).load("a").mask, expected)


def test_a_polygon_may_reach_over_the_border_of_its_image(written):
    over = [[-3.5, -2, 5, -2, 5, 4, -3.5, 4]]
    assert np.array_equal(written({**REGION, "segmentation": over}).load("a").mask, marked(slice(0, 4), slice(0, 5)))


FULL = HEIGHT * WIDTH


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ("polygon", "neither a list of polygons"),
        (5, "neither a list of polygons"),
        (SQUARE[0], "neither a list of polygons"),
        ([[]], r"has 0 numbers"),
        ([[2, 3, 8, 7]], r"has 4 numbers"),
        ([[2, 3, 8, 3, 8, 7, 2]], r"has 7 numbers"),
        ([*SQUARE, [2, 3, 8, 7]], r"has 4 numbers"),
        ([[2, 3, 8, 3, 8, None]], "None in a polygon is not a number"),
        ([[2, 3, 8, 3, 8, True]], "True in a polygon is not a number"),
        ([[2, 3, 8, 3, 8, "7"]], "'7' in a polygon is not a number"),
        ([[2, 3, 8, 3, 8, [7]]], r"\[7\] in a polygon is not a number"),
        ([[2, 3, 8, 3, 8, 10**400]], "is far outside its image of 16x12"),
        ([[2, 3, 8, 3, 8, 24.5]], "24.5 in a polygon is far outside"),
        ([[-17, 3, 8, 3, 8, 7]], "-17 in a polygon is far outside"),
        ([[0, 0, 16, 12, 0, 12] * 30_000], "longer than 1,000,000 pixels"),
        ([[20, 3, 28, 3, 28, 7]], "marks no pixel"),
        ([[2, 3, 2, 3, 2, 3]], "marks no pixel"),
        ({}, "'size' is None"),
        ({"size": [HEIGHT, WIDTH]}, "neither a list of whole numbers nor compressed text"),
        ({"size": [WIDTH, HEIGHT], "counts": [0, FULL]}, r"'size' is \[16, 12\]; height and width .* \[12, 16\]"),
        ({"size": [12.0, 16], "counts": [0, FULL]}, "'size' is"),
        ({"size": 192, "counts": [0, FULL]}, "'size' is 192"),
        ({"size": [12, 16], "counts": [0, FULL - 1]}, "runs have 191 pixels together; its image has 192"),
        ({"size": [12, 16], "counts": []}, "runs have 0 pixels"),
        ({"size": [12, 16], "counts": [-1, FULL + 1]}, "a run of -1 pixels"),
        ({"size": [12, 16], "counts": [2**32, FULL]}, "a run of 4294967296 pixels"),
        ({"size": [12, 16], "counts": [int("9" * 4300)] * 2}, r"a run of 9+\.\.\. pixels"),
        ({"size": [12, 16], "counts": [0, 192.0]}, "neither a list of whole numbers"),
        ({"size": [12, 16], "counts": [False, FULL]}, "neither a list of whole numbers"),
        ({"size": [12, 16], "counts": {}}, "neither a list of whole numbers"),
        ({"size": [12, 16], "counts": ""}, "runs have 0 pixels"),
        ({"size": [12, 16], "counts": "0!"}, "hold '!' where it cannot be"),
        ({"size": [12, 16], "counts": "0é"}, "hold 'é' where it cannot be"),
        ({"size": [12, 16], "counts": "0\0"}, r"hold '\\x00' where it cannot be"),
        ({"size": [12, 16], "counts": "0`"}, "end within a number"),
        ({"size": [12, 16], "counts": "o" * 90}, "hold 'o' where it cannot be"),
        ({"size": [12, 16], "counts": "0O"}, "a run of -1 pixels"),
        ({"size": [12, 16], "counts": [FULL]}, "marks no pixel"),
    ],
)  # fmt: skip
def test_a_region_that_is_none_is_refused_naming_file_and_annotation(written, segmentation, message):
    with pytest.raises(DataError, match=rf"annotations\.json: annotation 7.*{message}") as caught:
        read_whole(written({**REGION, "segmentation": segmentation}))
    assert len(str(caught.value)) < 600


def test_a_number_too_large_for_floats_is_refused(written):
    content = json.dumps(listing(REGION)).replace("[[2,", "[[1e999,")
    with pytest.raises(DataError, match="annotation 7: inf in a polygon is far outside"):
        written(document=content).load("a")
