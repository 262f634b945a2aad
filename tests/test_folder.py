"""Any pair of folders as a data set: pairing, meaning of masks, groups, official splits, refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.api import DataError, SettingsError, write_png
from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.data.splits import assign
from bench.types import SPLITS, Dataset

Opened = Callable[..., Dataset]


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build the component ``folder`` on a folder."""

    def build_on(root: Path, **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "folder").component, root, settings=settings)
        return dataset

    return build_on


def pair(root: Path, name: str, values: tuple[int, ...] = (0, 255), *, suffix: str = "", size: int = 4) -> None:
    """An image and a mask whose columns hold the given values."""
    write_png(root / "images" / f"{name}.png", np.full((size, len(values), 1), 50, np.uint8))
    write_png(root / "masks" / f"{name}{suffix}.png", np.tile(np.array(values, np.uint8), (size, 1)))


def test_the_example_is_read_with_the_default_settings_and_split(catalog, opened, tmp_path):
    example = catalog.find("dataset", "folder").component.example
    assert example is not None
    example(tmp_path)
    index = build_index("folder", opened(tmp_path, groups=r"^(part\d+)_"))
    assert (len(index.entries), len({entry.group for entry in index.entries})) == (24, 12)
    assert sum(entry.pixels[1] > 0 for entry in index.entries) == 6
    assert set(assign(index, "grouped").values()) == set(SPLITS)


def test_ids_are_paths_without_file_type_in_a_stable_order(opened, tmp_path):
    for name in ("b/2", "a", "b/1.5"):
        pair(tmp_path, name)
    records = opened(tmp_path).records()
    assert [record.id for record in records] == ["a", "b/1.5", "b/2"]
    assert [path.parent.name for path in records[0].files] == ["images", "masks"]
    assert all(record.group == record.id and record.split is None for record in records)


def test_image_and_mask_may_be_of_different_types_and_hidden_and_other_files_are_left_out(opened, tmp_path):
    pair(tmp_path, "a")
    (tmp_path / "images" / "a.png").unlink()
    Image.fromarray(np.full((4, 2, 3), 90, np.uint8)).save(tmp_path / "images" / "a.JPG")
    (tmp_path / "images" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "images" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "images" / ".ipynb_checkpoints" / "a.png").write_bytes(b"x")
    [record] = opened(tmp_path).records()
    assert record.id == "a"
    assert opened(tmp_path).load("a").image.shape == (4, 2, 3)


def test_binary_masks_are_cut_at_the_threshold(opened, tmp_path):
    pair(tmp_path, "a", (0, 100, 127, 128, 255))
    assert opened(tmp_path).load("a").mask[0].tolist() == [0, 0, 0, 1, 1]
    assert opened(tmp_path, mask_threshold=100).load("a").mask[0].tolist() == [0, 1, 1, 1, 1]


def test_masks_of_classes_are_taken_as_they_are_and_255_is_ignored(opened, tmp_path):
    pair(tmp_path, "a", (0, 1, 2, 255))
    dataset = opened(tmp_path, masks_are="classes", classes=["dent", "scratch"])
    assert dataset.load("a").mask[0].tolist() == [0, 1, 2, 255]
    [entry] = build_index("folder", dataset).entries
    assert (entry.pixels, entry.ignored) == ((4, 4, 4), 4)


def test_a_class_number_beyond_the_classes_is_refused_naming_the_mask(opened, tmp_path):
    pair(tmp_path, "a", (0, 1, 2))
    with pytest.raises(DataError, match=r"masks/a\.png\) holds the values \[2\]"):
        build_index("folder", opened(tmp_path, masks_are="classes"))


def test_class_numbers_read_as_binary_are_refused_and_not_taken_for_a_clean_image(opened, tmp_path):
    pair(tmp_path, "a", (0, 1))
    with pytest.raises(DataError, match=r"masks/a\.png: its largest value is 1, .* set 'masks_are: classes'"):
        opened(tmp_path).load("a")


def test_palette_masks_are_read_as_class_numbers(opened, tmp_path):
    pair(tmp_path, "a", (0, 1))
    palette = Image.fromarray(np.array([[0, 1]] * 4, np.uint8), mode="L").convert("P")
    palette.putdata([0, 1] * 4)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(tmp_path / "masks" / "a.png")
    assert opened(tmp_path, masks_are="classes").load("a").mask[0].tolist() == [0, 1]


def test_a_missing_mask_is_refused_unless_it_is_said_to_mean_clean(opened, tmp_path):
    pair(tmp_path, "a")
    pair(tmp_path, "b")
    (tmp_path / "masks" / "b.png").unlink()
    with pytest.raises(DataError, match=r"images/b\.png: its mask .*masks/b\.png is missing \(1 such.*clean: empty"):
        opened(tmp_path).records()
    dataset = opened(tmp_path, clean="empty")
    assert [len(record.files) for record in dataset.records()] == [2, 1]
    assert not dataset.load("b").mask.any()


def test_a_mask_without_an_image_is_refused(opened, tmp_path):
    pair(tmp_path, "a")
    write_png(tmp_path / "masks" / "ghost.png", np.zeros((4, 2), np.uint8))
    with pytest.raises(DataError, match=r"masks/ghost\.png: this mask has no image"):
        opened(tmp_path, clean="empty").records()


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_two_files_that_differ_only_in_type_are_refused(opened, tmp_path, kind):
    pair(tmp_path, "a")
    Image.fromarray(np.zeros((4, 2), np.uint8)).save(tmp_path / kind / "a.bmp")
    with pytest.raises(DataError, match=rf"{kind}/a\.png: a\.bmp beside it has the same name"):
        opened(tmp_path).records()


def test_a_mask_of_another_size_is_refused_naming_both_files(opened, tmp_path):
    pair(tmp_path, "a")
    write_png(tmp_path / "masks" / "a.png", np.zeros((9, 2), np.uint8))
    with pytest.raises(DataError, match=r"masks/a\.png: the mask is 2x9 pixels but its image .*images/a\.png is 2x4"):
        opened(tmp_path).load("a")


def test_masks_may_carry_a_suffix_and_lie_beside_the_images(opened, tmp_path):
    pair(tmp_path, "a", suffix="_label")
    assert [record.id for record in opened(tmp_path, suffix="_label").records()] == ["a"]
    for kind in ("images", "masks"):
        for path in (tmp_path / kind).iterdir():
            path.rename(tmp_path / path.name)
    [record] = opened(tmp_path, images=".", masks=".", suffix="_label").records()
    assert [path.name for path in record.files] == ["a.png", "a_label.png"]


@pytest.mark.parametrize("validation", ["val", "validation"])
def test_sub_folders_named_after_splits_are_the_official_splits(opened, tmp_path, validation):
    for name in ("train", validation, "test"):
        pair(tmp_path, f"{name}/deep/a")
    records = opened(tmp_path).records()
    assert {r.id.partition("/")[0]: r.split for r in records} == {
        "train": "train", validation: "validation", "test": "test",
    }  # fmt: skip


def test_validation_is_dealt_where_only_train_and_test_are_official(opened, tmp_path):
    for number in range(10):
        pair(tmp_path, f"train/{number}")
    pair(tmp_path, "test/0")
    assignment = assign(build_index("folder", opened(tmp_path)), "grouped")
    assert sorted(assignment.values()) == ["test"] + ["train"] * 8 + ["validation"] * 2


@pytest.mark.parametrize("stray", ["loose", "extra/a"])
def test_images_outside_the_split_folders_are_refused(opened, tmp_path, stray):
    for name in ("train/a", "test/a", stray):
        pair(tmp_path, name)
    with pytest.raises(DataError, match=rf"named after splits, '{stray}' and 0 more do not"):
        opened(tmp_path).records()


def test_other_sub_folders_say_nothing_about_splits(opened, tmp_path):
    for name in ("left/a", "right/a"):
        pair(tmp_path, name)
    assert {record.split for record in opened(tmp_path).records()} == {None}


def test_groups_come_from_a_table(opened, tmp_path):
    for name in "abc":
        pair(tmp_path, name)
    (tmp_path / "groups.csv").write_text("id,group\na,1\nb,1\nc,2\nabsent,3\n")
    assert [record.group for record in opened(tmp_path, groups="groups.csv").records()] == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,group\na,1\n", r"groups\.csv: no row for image 'b' \(1 such"),
        ("id,group\na,1\na,2\nb,1\n", r"groups\.csv:3: image 'a' stands here twice"),
        ("id,group\na,1\nb\n", r"groups\.csv:3: 1 value under 2 columns"),
        ("name,group\na,1\n", r"groups\.csv:1: the columns are"),
        (None, r"groups\.csv: the file is missing"),
    ],
)
def test_mistakes_of_a_table_of_groups_are_named(opened, tmp_path, text, message):
    for name in "ab":
        pair(tmp_path, name)
    if text is not None:
        (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        opened(tmp_path, groups="groups.csv").records()


def test_groups_come_from_a_pattern_and_an_image_it_does_not_fit_is_named(opened, tmp_path):
    for name in ("part1_top", "part1_side", "part2_top"):
        pair(tmp_path, name)
    assert {r.id: r.group for r in opened(tmp_path, groups=r"^(part\d+)_").records()} == {
        "part1_side": "part1", "part1_top": "part1", "part2_top": "part2",
    }  # fmt: skip
    with pytest.raises(DataError, match=r"'part1_side': the pattern '.*' of the setting 'groups' finds no group"):
        opened(tmp_path, groups="(.*)_top").records()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"groups": "part"}, "one pair of brackets, it has 0"),
        ({"groups": "(a)(b)"}, "one pair of brackets, it has 2"),
        ({"groups": "(a"}, "neither a .csv file nor a valid pattern"),
        ({"classes": ["a", "b"]}, "binary masks know one class"),
        ({"mask_threshold": 0}, "must be 1 to 255"),
        ({"masks": "images"}, "set 'suffix'"),
        ({"masks": "images/masks"}, "one lies in the other"),
        ({"images": "."}, "one lies in the other"),
        ({"masks_are": "colours"}, "masks_are"),
        ({"mask": "masks"}, "Did you mean 'masks'"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_anything_is_read(opened, tmp_path, settings, message):
    with pytest.raises(SettingsError, match=message):
        opened(tmp_path, **settings)


def test_missing_and_empty_folders_are_named(opened, tmp_path):
    with pytest.raises(DataError, match="images: the folder is missing"):
        opened(tmp_path).records()
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match="images: holds no image"):
        opened(tmp_path).records()


def test_an_unknown_id_is_refused(opened, tmp_path):
    pair(tmp_path, "a")
    with pytest.raises(DataError, match=r"no image '\.\./secret'"):
        opened(tmp_path).load("../secret")


def test_masks_of_classes_saved_as_jpeg_are_refused(opened, tmp_path):
    pair(tmp_path, "a")
    (tmp_path / "masks" / "a.png").unlink()
    Image.fromarray(np.ones((4, 2), np.uint8)).save(tmp_path / "masks" / "a.jpg")
    with pytest.raises(DataError, match=r"a\.jpg: files of type \.jpg may change class numbers"):
        opened(tmp_path, masks_are="classes").load("a")


def test_a_link_to_a_folder_among_the_images_is_refused(opened, tmp_path):
    pair(tmp_path, "a")
    (tmp_path / "images" / "again").symlink_to(".")
    with pytest.raises(DataError, match="again: a link to a folder"):
        opened(tmp_path).records()


def test_masks_that_all_end_alike_are_answered_with_the_setting_that_pairs_them(opened, tmp_path):
    for name in ("a", "ab"):
        pair(tmp_path, name)
        (tmp_path / "masks" / f"{name}.png").rename(tmp_path / "masks" / f"{name}_GT.png")
    with pytest.raises(DataError, match="set 'suffix: _GT'"):
        opened(tmp_path).records()
    assert len(opened(tmp_path, suffix="_GT").records()) == 2
