"""The image store gives back what preprocessing made, checks every image before its use, and can be read by others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.crops.images import IMAGES, Images, build_images, open_images, verify_images
from bench.errors import DataError, StoreError
from crops_worlds import World, world
from sampling import whole_run
from tiny import bench, write_world

SHARED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def stored(path: Path, made: World, *chain: Any, workers: int = 2) -> Images:
    """Write the images of a world and open them."""
    build_images(
        path, key="k", index=made.index(), source=made.source(*chain), provenance={"by": "test"}, workers=workers
    )
    return open_images(path)


def doubled(image: Any) -> Any:
    """A step that keeps the channels."""
    return image * np.array(2, image.dtype)


def stacked(image: Any) -> Any:
    """A step that makes three times as many channels."""
    return np.concatenate([image, image // 2, image // 4], axis=2)


def wide(image: Any) -> Any:
    """A step to 16 bits."""
    return image.astype(np.uint16) * 200


@SHARED
@given(
    shapes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=4),
    channels=st.sampled_from([1, 3, 5]),
    chain=st.lists(st.sampled_from([doubled, stacked, wide]), max_size=3, unique=True),
)
def test_every_image_comes_back_as_preprocessing_made_it(
    tmp_path: Path, shapes: list[tuple[int, int]], channels: int, chain: list[Any]
) -> None:
    made = world(3, shapes, channels)
    images = stored(tmp_path / IMAGES, made, *chain)
    for number in range(len(shapes)):
        expected, found = (source.prepared(f"image {number}") for source in (made.source(*chain), images))
        for name in ("image", "guide", "mask"):
            before, after = getattr(expected, name), getattr(found, name)
            assert before.dtype == after.dtype
            assert np.array_equal(before, after)
        assert (expected.guide is expected.image) == (found.guide is found.image)
    assert images.format.channels == channels * (3 if stacked in chain else 1)


def test_the_file_has_the_same_bytes_for_any_number_of_workers(tmp_path: Path) -> None:
    for workers in (1, 3):
        stored(tmp_path / f"{workers}.h5", world(channels=3), stacked, workers=workers)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "3.h5").read_bytes()


def test_another_reader_of_hdf5_finds_flat_pixels_and_where_each_image_begins(tmp_path: Path) -> None:
    made = world(channels=3)
    stored(tmp_path / IMAGES, made)
    with h5py.File(tmp_path / IMAGES, "r") as file:
        assert file["image"].chunks is None
        assert file["image"].compression is None
        assert [name.decode() for name in file["sources/group"][()]] == ["part 0", "part 1", "part 2"]
        for number, expected in enumerate(made.images):
            height, width, start = file["height"][number], file["width"][number], file["offset"][number]
            pixels = file["image"][3 * start : 3 * (start + height * width)].reshape(height, width, 3)
            assert np.array_equal(pixels, expected)


def test_a_damaged_image_is_refused_when_it_is_used_and_no_other(tmp_path: Path) -> None:
    stored(tmp_path / IMAGES, world())
    with h5py.File(tmp_path / IMAGES, "r+") as file:
        file["mask"][file["offset"][1] + 5] ^= 1
    images = open_images(tmp_path / IMAGES)
    images.prepared("image 0")
    images.check(np.array([0, 2]))
    with pytest.raises(StoreError, match=r"'image 1'.*bench cache gc"):
        images.prepared("image 1")
    with pytest.raises(StoreError, match=r"'image 1'.*bench cache gc"):
        images.check(np.array([2, 1]))
    (problem,) = verify_images(tmp_path / IMAGES)
    assert "image 1" in problem


@pytest.mark.parametrize("table", ["offset", "height", "channels", "sources/id"])
def test_a_changed_table_is_refused_when_the_file_is_opened(tmp_path: Path, table: str) -> None:
    stored(tmp_path / IMAGES, world())
    with h5py.File(tmp_path / IMAGES, "r+") as file:
        values = file[table][()]
        values[0] = b"other" if table == "sources/id" else values[0] + 1
        file[table][...] = values
    with pytest.raises(StoreError, match="bench cache gc"):
        open_images(tmp_path / IMAGES)
    assert verify_images(tmp_path / IMAGES)


@SHARED
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    whole = tmp_path / "whole.h5"
    if not whole.exists():
        stored(whole, world())
    content = whole.read_bytes()
    (tmp_path / IMAGES).write_bytes(content[: int(share * len(content))])
    with pytest.raises(StoreError, match="bench cache gc"):
        open_images(tmp_path / IMAGES)


def test_images_of_other_channels_after_preprocessing_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"channels? of .*others have"):
        stored(tmp_path / IMAGES, world(), lambda image: stacked(image) if image.shape[1] > 40 else image)
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_is_not_there_is_refused(tmp_path: Path) -> None:
    images = stored(tmp_path / IMAGES, world())
    with pytest.raises(StoreError, match="no image 'image 9'"):
        images.prepared("image 9")


@whole_run
def test_all_cells_of_a_run_share_one_store_and_gc_keeps_it(tmp_path: Path) -> None:
    write_world(tmp_path)
    arguments = ("--plugin", "models.py", "-x", "recipe.epochs=1", "-x", "axes.seed=[0, 1]")
    assert bench(tmp_path, "run", "tiny.yaml", *arguments).returncode == 0
    (folder,) = (tmp_path / "home" / "stages" / "images").glob("[!.]*")
    assert "images" in bench(tmp_path, "cache", "ls").stdout
    assert bench(tmp_path, "cache", "verify").returncode == 0
    bench(tmp_path, "cache", "gc", "--days", "0", "--keep", "runs/tiny")
    assert (folder / IMAGES).is_file()
    with h5py.File(folder / IMAGES, "r+") as file:
        file["image"][0] ^= 1
    assert bench(tmp_path, "cache", "verify").returncode == 3
    assert "damaged" in bench(tmp_path, "cache", "gc").stdout
    assert not folder.exists()
