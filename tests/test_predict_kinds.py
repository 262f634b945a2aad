"""A picture is taken by a model that was trained on pictures of its kind, and scaled only where that is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.crops.bank import build_tiles
from bench.crops.prepare import Source
from bench.data.index import build_index
from bench.errors import DataError
from bench.stages.kinds import Kind, White, fitted, kind_of, kinds_taken
from bench.types import Record, Sample

GREY, COLOUR, SIXTEEN = Kind(1, "uint8", grey=True), Kind(3, "uint8"), Kind(1, "uint16", grey=True)


def noise(channels=1, dtype=np.uint8, top=256):
    return np.random.default_rng(0).integers(0, top, (20, 30, channels)).astype(dtype)


def taken(image, *kinds, white=None):
    return fitted(image, kinds, white, "photo.png")


@pytest.mark.parametrize("kind", [GREY, COLOUR, SIXTEEN])
def test_a_picture_of_the_kind_of_the_training_images_is_taken_as_it_is(kind):
    image = noise(kind.channels, kind.dtype)
    assert taken(image, kind) is image


def test_sixteen_bits_are_refused_by_a_model_of_eight_with_the_remedy():
    with pytest.raises(DataError, match=r"photo\.png: 16 bits .* 8 bits; .*--white 65535") as refused:
        taken(noise(dtype=np.uint16, top=60_000), GREY)
    assert "\n" not in str(refused.value)


def test_eight_bits_are_refused_by_a_model_of_sixteen_with_the_remedy():
    with pytest.raises(DataError, match=r"photo\.png: 8 bits .* 16 bits; .*--white 255"):
        taken(noise(), SIXTEEN)


@pytest.mark.parametrize(
    ("white", "levels", "expected"),
    [
        (White(65535), [0, 128, 257, 65535], [0, 0, 1, 255]),
        (White(4095), [0, 2048, 4095], [0, 128, 255]),
        (White(1000, 100), [0, 500, 1000], [0, 50, 100]),
    ],
)
def test_white_scales_sixteen_bits_to_eight(white, levels, expected):
    scaled = taken(np.array(levels, np.uint16).reshape(1, -1, 1), GREY, white=white)
    assert scaled.dtype == np.uint8
    assert scaled.ravel().tolist() == expected


def test_a_picture_widened_to_sixteen_bits_comes_back_as_it_was():
    image = noise()
    assert (taken(image.astype(np.uint16) * 257, GREY, white=White(65535)) == image).all()


def test_white_scales_eight_bits_to_what_the_training_images_had():
    scaled = taken(np.array([[[0], [255]]], np.uint8), SIXTEEN, white=White(255, 4095))
    assert scaled.dtype == np.uint16
    assert scaled.ravel().tolist() == [0, 4095]


@pytest.mark.parametrize(
    ("image", "white", "reason"),
    [
        (noise(dtype=np.uint16, top=5_000), White(4095), "highest level"),
        (noise(), White(4095), "8 bits has no level 4095"),
        (noise(), White(255, 4095), "trained on levels up to 255"),
    ],
)
def test_a_white_that_cannot_be_meant_is_refused(image, white, reason):
    with pytest.raises(DataError, match=rf"photo\.png: .*{reason}"):
        taken(image, GREY, white=white)


def test_colour_with_equal_channels_is_grey():
    image = noise()
    assert (taken(image.repeat(3, axis=2), GREY) == image).all()


def test_colour_is_refused_by_a_model_of_grey():
    with pytest.raises(DataError, match=r"photo\.png: in colour, .*grey"):
        taken(noise(3), GREY)


def test_grey_is_repeated_where_the_training_images_had_equal_channels():
    image = noise()
    assert (taken(image, Kind(3, "uint8", grey=True)) == image.repeat(3, axis=2)).all()


def test_grey_is_refused_by_a_model_of_true_colour():
    with pytest.raises(DataError, match=r"photo\.png: grey, .*colour"):
        taken(noise(), COLOUR)


def test_a_model_of_images_that_no_file_holds_says_so():
    with pytest.raises(DataError, match=r"photo\.png: 3 channels, .* images of 5"):
        taken(noise(3), Kind(5, "uint8"))


def test_nothing_is_refused_where_the_kind_is_unknown():
    image = noise(dtype=np.uint16)
    assert taken(image) is image
    with pytest.raises(DataError, match="unknown"):
        taken(image, white=White(4095))


class Pictures:
    """A data set of two images in memory."""

    classes = ("defect",)

    def __init__(self, image):
        self.image = image

    def records(self):
        return [Record(id, id) for id in "ab"]

    def load(self, id):
        return Sample(id, self.image, np.zeros(self.image.shape[:2], np.uint8))


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (noise(), GREY),
        (noise(3), COLOUR),
        (noise().repeat(3, axis=2), Kind(3, "uint8", grey=True)),
        (noise(dtype=np.uint16), SIXTEEN),
    ],
)
def test_the_kind_of_a_data_set_is_that_of_its_images(image, kind):
    assert kind_of(build_index("pictures", Pictures(image))) == kind


def tiles_of(folder, image, chain):
    """A bank of tiles, as a cell leaves it."""
    index, path = build_index("pictures", Pictures(image)), folder / "tiles.h5"
    training, validation = (only(index, id) for id in "ab")
    source = Source(Pictures(image), chain)
    build_tiles(path, key="0", training=training, validation=validation, source=source, size=16, provenance={})
    return path


def only(index, id):
    return replace(index, entries=tuple(entry for entry in index.entries if entry.id == id), stamps=())


def test_what_is_noted_is_what_is_taken(tmp_path):
    noted = {"channels": 3, "dtype": "uint16", "grey": True}
    assert kinds_taken(noted, tmp_path / "absent.h5", []) == (Kind(3, "uint16", grey=True),)


def test_without_a_note_the_tiles_say_what_is_taken(tmp_path):
    path = tiles_of(tmp_path, noise(dtype=np.uint16), [])
    assert kinds_taken(None, path, []) == (SIXTEEN,)


def test_without_a_note_everything_is_taken_that_preprocessing_turns_into_such_tiles(tmp_path):
    def lowered(image):
        return image[..., :1] if image.dtype == np.uint8 else (image[..., :1] >> 8).astype(np.uint8)

    path = tiles_of(tmp_path, noise(), [lowered])
    assert {(kind.channels, kind.dtype) for kind in kinds_taken(None, path, [lowered])} == {
        (1, "uint8"), (3, "uint8"), (1, "uint16"), (3, "uint16"),
    }  # fmt: skip
