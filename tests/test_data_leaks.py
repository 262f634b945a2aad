"""Leaks between splits are found and, where a group is torn, refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.index import DatasetIndex, IndexedImage
from bench.data.leaks import check, duplicates, shared_groups
from bench.errors import DataError
from bench.types import SPLITS, Split


def image(id: str, group: str, pixels: str = "", mask: str = "m") -> IndexedImage:
    digest = (pixels or id).ljust(32, "0") + mask.ljust(32, "0")
    return IndexedImage(id, group, None, 1, 1, 1, "uint8", (1, 0), 0, (0.0,), (0.0,), digest, {})


def index_of(*entries: IndexedImage) -> DatasetIndex:
    return DatasetIndex("parts", ("defect",), entries, "fingerprint")


TORN = index_of(image("left", "tile"), image("right", "tile"), image("other", "other"))


def test_a_group_in_two_splits_is_found_with_its_images():
    assignment: dict[str, Split] = {"left": "test", "right": "train", "other": "train"}
    [leak] = shared_groups(TORN, assignment)
    assert (leak.what, leak.images) == ("tile", (("left", "test"), ("right", "train")))
    assert leak.splits == ("train", "test")


def test_a_group_in_two_splits_is_refused_by_name():
    with pytest.raises(DataError, match=r"group 'tile' .*'right' in train, 'left' in test"):
        check(TORN, {"left": "test", "right": "train", "other": "train"})


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(SPLITS)), max_size=8))
def test_a_check_passes_exactly_when_no_group_is_shared(placed):
    index = index_of(*(image(str(n), group) for n, (group, _) in enumerate(placed)))
    assignment = {str(n): split for n, (_, split) in enumerate(placed)}
    torn = any(len({s for g, s in placed if g == group}) > 1 for group in "abc")
    assert bool(shared_groups(index, assignment)) == torn
    if not torn:
        check(index, assignment)


def test_equal_pixels_in_two_splits_are_found_whatever_masks_and_groups_say():
    index = index_of(image("a", "1", "same", "x"), image("b", "2", "same", "y"), image("c", "3", "same"))
    [leak] = duplicates(index, {"a": "train", "b": "validation", "c": "train"})
    assert [id for id, _ in leak.images] == ["a", "b", "c"]


def test_equal_pixels_in_one_split_are_no_leak():
    index = index_of(image("a", "1", "same"), image("b", "2", "same"), image("c", "3"))
    assert duplicates(index, {"a": "train", "b": "train", "c": "test"}) == []
