"""What is remarked of a data set, from the rows of its index alone."""

from __future__ import annotations

from typing import Any

import pytest

from bench.data.index import DatasetIndex, IndexedImage
from bench.data.remarks import remarks
from bench.types import Split

ALL = 1000
"""Pixels of every image."""


def image(id: str, *defect: int, ignored: int = 0) -> IndexedImage:
    """An image of its own group with so many pixels of class 1, class 2, ..., and of value 255."""
    pixels = (ALL - sum(defect) - ignored, *defect)
    return IndexedImage(id, id, None, 20, 50, 1, "uint8", pixels, ignored, (1.0,), (1.0,), id * 40, {})


def index_of(*entries: IndexedImage, classes: tuple[str, ...] = ("scratch",)) -> DatasetIndex:
    return DatasetIndex("parts", classes, entries, "fingerprint")


def images(count: int, *defect: int, start: int = 0) -> list[IndexedImage]:
    return [image(f"p{number}", *defect) for number in range(start, start + count)]


def said(index: DatasetIndex, word: str, settings: dict[str, Any] | None = None, **splits: Split) -> list[str]:
    """The remarks that hold ``word``."""
    return [text for text in remarks(index, settings or {}, splits or None) if word in text]


SOUND = index_of(*images(40, 20))


def test_a_sound_data_set_is_not_remarked() -> None:
    assert remarks(SOUND, {}) == ()


def test_a_data_set_without_a_defect_pixel_is_remarked_once_and_nothing_else_of_it() -> None:
    index = index_of(*images(7, 0))
    assert len(remarks(index, {}, dict.fromkeys((entry.id for entry in index.entries), "train"))) == 1
    assert said(index, "None of the 7 images has a defect pixel")


@pytest.mark.parametrize(
    ("split", "consequence"),
    [("train", "nothing can be learned"), ("validation", "cannot be chosen by score"), ("test", "no score")],
)
def test_a_split_without_a_defect_pixel_is_remarked_with_what_follows(split: Split, consequence: str) -> None:
    index = index_of(image("clean", 0), *images(40, 20))
    others: Split = "test" if split == "train" else "train"
    third: Split = "validation" if split != "validation" else "test"
    assignment: dict[str, Split] = {entry.id: others for entry in index.entries}
    assignment |= {"clean": split, "p0": third}
    (text,) = said(index, "has no defect pixel", **assignment)
    assert consequence in text


def test_a_class_that_never_occurs_in_training_is_named() -> None:
    entries = [*images(40, 20, 0), *images(40, 20, 5, start=40)]
    assignment: dict[str, Split] = {e.id: "train" if e.pixels[2] == 0 else "test" for e in entries[:-1]}
    assignment[entries[-1].id] = "validation"
    index = index_of(*entries, classes=("scratch", "dent"))
    assert said(index, "split has no", **assignment) == ["The train split has no dent: nothing of it is learned."]


def test_masks_that_mark_most_of_most_images_look_inverted() -> None:
    assert said(index_of(*images(40, 980)), "look inverted: most pixels are defect in all 40 marked images")
    mixed = index_of(*images(30, 980), *images(10, 20, start=30))
    assert said(mixed, "look inverted: most pixels are defect in 30 of 40")


def test_pixels_that_are_ignored_do_not_hide_an_inverted_mask() -> None:
    few, many = ([image(f"p{n}", 440, ignored=ignored) for n in range(40)] for ignored in (100, 140))
    assert said(index_of(*few), "inverted") == []  # 440 of 900
    assert said(index_of(*many), "inverted")  # 440 of 860


def test_an_inverted_mask_among_sound_ones_is_named() -> None:
    index = index_of(*images(40, 20), image("odd one", 700), image("clean", 0))
    (text,) = said(index, "inverted")
    assert "1 of 41 marked images ('odd one')" in text
    assert "look inverted" not in text


def test_what_a_sound_mask_leaves_unmarked_counts_for_nothing() -> None:
    assert said(index_of(*images(40, 980), *images(400, 0, start=40)), "look inverted")


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({}, "'bench data card'"),
        ({"invert": False}, "give it the setting 'invert: true'"),
        ({"invert": True}, "leave out its setting 'invert: true'"),
    ],
)
def test_the_setting_that_inverts_masks_is_offered_where_the_reader_has_it(
    settings: dict[str, bool], advice: str
) -> None:
    (text,) = said(index_of(*images(40, 980)), "inverted", settings)
    assert advice in text


def test_more_ignored_pixels_than_defects_are_remarked() -> None:
    few, many = (index_of(*images(39, 20), image("x", 20, ignored=ignored)) for ignored in (800, 801))
    assert said(few, "ignored") == []
    (text,) = said(many, "ignored")
    assert text.startswith("801 pixels in 1 of 40 images are ignored (255), more than the 800 of defects")


def test_ignored_pixels_without_any_defect_are_remarked() -> None:
    index = index_of(image("a", 0, ignored=3), image("b", 0))
    assert said(index, "3 pixels in 1 of 2 images are ignored (255), and none is a defect")


def test_ignored_pixels_in_images_without_a_defect_only_are_remarked() -> None:
    index = index_of(*images(20, 300), image("odd", 0, ignored=40))
    (text,) = said(index, "are ignored (255)")
    assert "in images without a defect only" in text
    assert said(index_of(*images(20, 300), image("both", 200, ignored=40)), "are ignored (255)") == []
