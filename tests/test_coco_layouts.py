"""COCO: the layouts that Roboflow exports and that COCO 2017 has, with a folder of images for each split."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from bench.api import DataError
from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.types import Dataset
from coco_files import HEIGHT, IMAGE, REGION, WIDTH, listing, marked

Opened = Callable[..., Dataset]

ROBOFLOW = [
    {"id": 0, "name": "defects", "supercategory": "none"},
    {"id": 1, "name": "dent", "supercategory": "defects"},
    {"id": 2, "name": "scratch", "supercategory": "defects"},
]
EXPORT = {
    "splits": {
        "train": "train/_annotations.coco.json",
        "validation": "valid/_annotations.coco.json",
        "test": "test/_annotations.coco.json",
    },
    "images": {"train": "train", "validation": "valid", "test": "test"},
}
COCO_2017 = {
    "splits": {"train": "annotations/instances_train2017.json", "validation": "annotations/instances_val2017.json"},
    "images": {"train": "train2017", "validation": "val2017"},
}


@pytest.fixture
def opened(catalog: Catalog, tmp_path: Path) -> Opened:
    """Build the component ``coco`` on the folder of the test."""

    def build_on(**settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "coco").component, tmp_path, settings=settings)
        return dataset

    return build_on


def region(column: int, category: int) -> dict[str, Any]:
    """A square of 4 pixels a side, 3 below the top."""
    corners = [column, 3, column + 4, 3, column + 4, 7, column, 7]
    return {**REGION, "category_id": category, "segmentation": [corners]}


def write_jpeg(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.full((HEIGHT, WIDTH, 3), level, np.uint8)).save(path)


def write_split(root: Path, file: str, folder: str, column: int, categories: Any, name: str = "000001.jpg") -> None:
    """One split: an image as bright as ``column`` with a square there of category 2, and a clean one."""
    images = [{**IMAGE, "file_name": name}, {**IMAGE, "id": 2, "file_name": f"clean{column}.jpg"}]
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(listing(region(column, 2), images=images, categories=categories)))
    for image in images:
        write_jpeg(root / folder / image["file_name"], column)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export of Roboflow whose splits all have an image ``000001.jpg``, with the square elsewhere in each."""
    for column, folder in ((1, "train"), (5, "valid"), (9, "test")):
        write_split(tmp_path, f"{folder}/_annotations.coco.json", folder, column, ROBOFLOW)
    (tmp_path / "README.dataset.txt").write_text("exported")
    return tmp_path


@pytest.fixture
def coco2017(tmp_path: Path) -> Path:
    categories = [{"id": 2, "name": "bicycle"}, {"id": 90, "name": "toothbrush"}]
    for column, split in ((1, "train"), (5, "val")):
        write_split(tmp_path, f"annotations/instances_{split}2017.json", f"{split}2017", column, categories)
    return tmp_path


def test_an_export_of_roboflow_is_read_with_its_splits(opened, export):
    records = {record.id: record for record in opened(**EXPORT).records()}
    assert {id: record.split for id, record in records.items()} == {
        "train/000001": "train",
        "train/clean1": "train",
        "valid/000001": "validation",
        "valid/clean5": "validation",
        "test/000001": "test",
        "test/clean9": "test",
    }
    assert records["valid/000001"].files == (export / "valid/000001.jpg", export / "valid/_annotations.coco.json")


@pytest.mark.parametrize(("folder", "column"), [("train", 1), ("valid", 5), ("test", 9)])
def test_equal_names_in_two_folders_are_two_images_each_with_its_own_mask(opened, export, folder, column):
    sample = opened(**EXPORT).load(f"{folder}/000001")
    assert sample.image.mean() == pytest.approx(column, abs=1)
    assert np.array_equal(sample.mask, 3 * marked(slice(3, 7), slice(column, column + 4)))
    assert not opened(**EXPORT).load(f"{folder}/clean{column}").mask.any()


def test_coco_2017_is_read_with_its_splits_and_masks(opened, coco2017):
    dataset = opened(**COCO_2017, overlap="later")
    assert dataset.classes == ("bicycle", "toothbrush")
    assert {record.id: (record.split, record.files[0].parent.name) for record in dataset.records()} == {
        "train2017/000001": ("train", "train2017"),
        "train2017/clean1": ("train", "train2017"),
        "val2017/000001": ("validation", "val2017"),
        "val2017/clean5": ("validation", "val2017"),
    }
    for id, column in (("train2017/000001", 1), ("val2017/000001", 5)):
        assert np.array_equal(dataset.load(id).mask, marked(slice(3, 7), slice(column, column + 4)))


def test_a_category_that_no_annotation_uses_is_a_class_without_pixels(opened, export):
    index = build_index("coco", opened(**EXPORT))
    assert index.classes == ("defects", "dent", "scratch")
    assert [sum(entry.pixels[k] for entry in index.entries) for k in (1, 2, 3)] == [0, 0, 3 * 16]


def test_the_augmented_copies_of_an_export_are_one_group(opened, tmp_path):
    for column, folder in ((1, "train"), (5, "valid")):
        write_split(tmp_path, f"{folder}.json", folder, column, ROBOFLOW, name=f"part1_jpg.rf.{column}ab.jpg")
        write_jpeg(tmp_path / folder / f"clean{column}.jpg", 5)
    for folder in ("train", "valid"):
        content = (tmp_path / f"{folder}.json").read_text()
        (tmp_path / f"{folder}.json").write_text(content.replace("clean", "part2_jpg.rf."))
        for path in (tmp_path / folder).glob("clean*"):
            path.rename(path.with_name(path.name.replace("clean", "part2_jpg.rf.")))
    settings = {
        "splits": {"train": "train.json", "validation": "valid.json"},
        "images": {"train": "train", "validation": "valid"},
    }
    records = opened(**settings, groups=r"([^/]+)\.rf\.").records()
    assert [record.group for record in records] == ["part1_jpg", "part2_jpg"] * 2


def test_splits_that_share_one_folder_keep_the_ids_of_its_files(opened, tmp_path):
    for column, split in ((1, "train"), (5, "test")):
        write_split(tmp_path, f"{split}.json", "images", column, ROBOFLOW, name=f"{split}.jpg")
    splits = {"train": "train.json", "test": "test.json"}
    ids = [record.id for record in opened(splits=splits).records()]
    assert ids == ["clean1", "clean5", "test", "train"]
    for other in ({"train": "images", "test": "images"}, {"train": "images/", "test": "./images"}):
        assert [record.id for record in opened(splits=splits, images=other).records()] == ids


def test_an_image_in_two_splits_of_one_of_several_folders_is_refused(opened, export):
    settings = {**EXPORT, "images": {"train": "train", "validation": "train", "test": "test"}}
    with pytest.raises(DataError, match=r"valid/.*image 1: '000001\.jpg' has the name of .*train/_ann.*image 1"):
        opened(**settings).records()


def test_one_file_reached_through_two_folders_is_refused(opened, export):
    content = (export / "valid/_annotations.coco.json").read_text().replace("000001", "train/000001")
    (export / "valid/_annotations.coco.json").write_text(content)
    settings = {**EXPORT, "images": {"train": "train", "validation": ".", "test": "test"}}
    with pytest.raises(DataError, match=r"'train/000001\.jpg' has the name of"):
        opened(**settings).records()


def test_an_image_missing_from_the_folder_of_its_split_is_named(opened, export):
    (export / "valid" / "000001.jpg").unlink()
    with pytest.raises(DataError, match=r"image 1: its file .*valid/000001\.jpg is missing"):
        opened(**EXPORT).records()
