"""The second Kolektor set: the reader on a miniature, and on the names of the whole release."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.data.leaks import duplicates
from bench.data.splits import assign
from bench.errors import DataError
from bench.types import SPLITS, Dataset

Opened = Callable[[Path], Dataset]


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build ``ksdd2`` on a folder."""

    def build_on(root: Path) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "ksdd2").component, root, settings={})
        return dataset

    return build_on


@pytest.fixture(scope="session")
def pristine(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ksdd2")
    component = catalog.find("dataset", "ksdd2").component
    assert component.example is not None
    component.example(folder)
    return folder


@pytest.fixture
def miniature(pristine: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(pristine, tmp_path / "KolektorSDD2"))


def test_every_pixel_of_the_miniature_equals_an_independent_decoding(opened, pristine):
    dataset = opened(pristine)
    for record in dataset.records():
        sample = dataset.load(record.id)
        image, mask = (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in record.files)
        assert np.array_equal(sample.image, image[..., ::-1])
        assert np.array_equal(sample.mask, mask // 255)
    assert tuple(dataset.classes) == ("defect",)


def test_the_official_test_images_stay_test_and_validation_is_dealt_from_train(opened, pristine):
    index = build_index("ksdd2", opened(pristine))
    assignment = assign(index, "grouped")
    official = {entry.id: entry.official for entry in index.entries}
    assert official == {id: id.partition("/")[0] for id in official}
    assert {id for id, split in assignment.items() if split == "test"} == {
        id for id, split in official.items() if split == "test"
    }
    assert {assignment[entry.id] for entry in index.entries if entry.pixels[1]} == set(SPLITS)
    assert {assignment[entry.id] for entry in index.entries if not entry.pixels[1]} == set(SPLITS)
    assert duplicates(index, assignment) == []


def test_every_image_is_a_group_with_two_files(opened, pristine):
    for record in opened(pristine).records():
        assert record.group == record.id
        assert [path.name for path in record.files] == [f"{record.id[-5:]}.png", f"{record.id[-5:]}_GT.png"]


def test_images_differ_in_size(opened, pristine):
    assert len({(entry.height, entry.width) for entry in build_index("ksdd2", opened(pristine)).entries}) > 8


def test_the_stray_copies_of_the_archive_are_not_read(opened, miniature):
    before = opened(miniature).records()
    assert {path.name for path in miniature.glob("train/*copy*")} == {"10301 (copy).png", "10301_GT (copy).png"}
    for name in ("10301 (copy)_GT.png", "._10000.png", "010000.png", "1000.png", "split_16.pyb"):
        (miniature / "train" / name).write_bytes(b"")
    assert opened(miniature).records() == before
    assert [record.id for record in before if "10301" in record.id] == ["train/10301"]


def test_the_folder_may_lie_one_level_deeper(opened, miniature):
    assert [r.id for r in opened(miniature.parent).records()] == [r.id for r in opened(miniature).records()]
    assert opened(miniature.parent).load("train/10021").mask.any()


def test_one_split_alone_is_a_subset(opened, miniature):
    shutil.rmtree(miniature / "test")
    assert {record.split for record in opened(miniature).records()} == {"train"}


@pytest.mark.parametrize(("lost", "what"), [("20000_GT.png", "mask"), ("20000.png", "image")])
def test_an_image_or_a_mask_that_stands_alone_is_named(opened, miniature, lost, what):
    (miniature / "test" / lost).unlink()
    with pytest.raises(DataError, match=rf"test/20000\S*: its {what} {lost} is missing \(1 such"):
        opened(miniature).records()


@pytest.mark.parametrize(("place", "number"), [("train", 20000), ("train", 12331), ("test", 10000), ("test", 21004)])
def test_an_image_in_the_wrong_split_is_refused(opened, miniature, place, number):
    for suffix in (".png", "_GT.png"):
        shutil.copy(miniature / "train" / f"10000{suffix}", miniature / place / f"{number}{suffix}")
    with pytest.raises(DataError, match=rf"{place}/{number}\.png: not an image of the {place} split, which has"):
        opened(miniature).records()


@given(value=st.integers(0, 255))
def test_masks_hold_0_and_255_only(opened, pristine, tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("release") / "train"
    folder.mkdir()
    shutil.copy(pristine / "train" / "10021.png", folder)
    mask = np.zeros(cv2.imread(str(folder / "10021.png"), 0).shape, np.uint8)
    mask[3:5, 4] = 255
    mask[6, 4] = value
    cv2.imwrite(str(folder / "10021_GT.png"), mask)
    if value in (0, 255):
        assert np.array_equal(opened(folder.parent).load("train/10021").mask, mask > 0)
    else:
        with pytest.raises(DataError, match=rf"10021_GT\.png: the mask holds \[{value}\]"):
            opened(folder.parent).load("train/10021")


def test_a_mask_of_another_size_is_refused_naming_both_files(opened, miniature):
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(miniature / "train" / "10000_GT.png")
    with pytest.raises(DataError, match=r"10000_GT\.png: the mask is 30x20 pixels but its image .*train/10000\.png"):
        opened(miniature).load("train/10000")


@pytest.mark.parametrize("name", ["10021.png", "10021_GT.png"])
@pytest.mark.parametrize("share", [0, 0.5, 0.97])
def test_a_file_that_is_cut_off_is_refused_by_name(opened, miniature, name, share):
    path = miniature / "train" / name
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=rf"train/{name}"):
        opened(miniature).load("train/10021")


@pytest.mark.parametrize("id", ["train/10004", "10000", "validation/10000", "test/10000", "train/10301 (copy)"])
def test_an_unknown_id_is_refused(opened, pristine, id):
    with pytest.raises(DataError):
        opened(pristine).load(id)


def test_absent_data_say_how_to_get_them_and_building_does_not_look(opened, tmp_path):
    (tmp_path / "train").mkdir()
    for root in (tmp_path, tmp_path / "absent"):
        dataset = opened(root)
        with pytest.raises(DataError, match=r"KolektorSDD2\.zip"):
            dataset.records()


@pytest.fixture(scope="session")
def listed(shared_data: Path) -> list[dict[str, str]]:
    """Every file of the release by name, split, size and defects."""
    if not (shared_data / "ksdd2_index").is_dir():
        pytest.skip("the sample data hold no ksdd2_index/")
    with (shared_data / "ksdd2_index" / "images.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_names_of_the_whole_release_give_its_official_counts(catalog, opened, listed, tmp_path):
    for row in listed:
        (tmp_path / row["split"]).mkdir(exist_ok=True)
        for name in (row["image"], row["image"].replace(".png", "_GT.png")):
            (tmp_path / row["split"] / name).touch()
    records = opened(tmp_path).records()
    named = {f"{row['split']}/{row['image'][:5]}" for row in listed}
    release = catalog.find("dataset", "ksdd2").component.release
    assert len(listed) == 3336
    assert [record.id for record in records] == sorted(named, key=lambda name: name[-5:])
    assert Counter(record.split for record in records) == dict(release.splits) == {"train": 2331, "test": 1004}
    assert release.images == len(records)
    assert release.defective == sum(int(row["defect_objects"]) > 0 for row in listed) == 246 + 110
