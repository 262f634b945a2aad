"""Severstal with mask images of one class each instead of run lengths."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.catalog import Catalog
from bench.component import build
from bench.errors import DataError
from bench.types import Dataset

Opened = Callable[..., Dataset]
SHAPE = (256, 1600)
ONE = "0002cc93b"


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build ``severstal`` on a folder."""

    def build_on(root: Path, **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "severstal").component, root, settings=settings)
        return dataset

    return build_on


@pytest.fixture(scope="session")
def pristine(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("severstal")
    component = catalog.find("dataset", "severstal").component
    assert component.example is not None
    component.example(folder)
    return folder


@pytest.fixture
def with_masks(opened: Opened, pristine: Path, tmp_path: Path) -> Path:
    """The miniature with mask images instead of ``train.csv``."""
    root = Path(shutil.copytree(pristine, tmp_path / "severstal", ignore=shutil.ignore_patterns("train.csv")))
    dataset = opened(pristine)
    (root / "masks").mkdir()
    for record in dataset.records():
        mask = dataset.load(record.id).mask
        for k in np.unique(mask[mask > 0]):
            cv2.imwrite(str(root / "masks" / f"{record.id}_{k}.png"), (mask == k) * np.uint8(255))
    return root


def test_mask_images_of_one_class_each_give_the_same_masks(opened, pristine, with_masks):
    by_rows, by_files = opened(pristine), opened(with_masks, masks="masks")
    for record in by_files.records():
        assert np.array_equal(by_files.load(record.id).mask, by_rows.load(record.id).mask)
        assert len(record.files) == 1 + len(np.unique(by_files.load(record.id).mask)[1:])


def test_a_mask_stored_as_0_and_1_reads_as_one_of_0_and_255(opened, with_masks):
    path = with_masks / "masks" / f"{ONE}_1.png"
    before = opened(with_masks, masks="masks").load(ONE).mask
    cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) // 255)
    assert np.array_equal(opened(with_masks, masks="masks").load(ONE).mask, before)


def test_a_mask_file_that_disappears_is_an_error_not_a_clean_image(opened, with_masks):
    dataset = opened(with_masks, masks="masks")
    dataset.records()
    (with_masks / "masks" / f"{ONE}_1.png").unlink()
    with pytest.raises(DataError, match=rf"{ONE}_1\.png: the file is missing"):
        dataset.load(ONE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((128, 800), np.uint8), "the mask is 800x128 pixels but its image"),
        (np.full(SHAPE, 7, np.uint8), r"the mask holds \[7\]; it may hold 0, 1, 255"),
    ],
)
def test_a_mask_file_that_does_not_fit_is_refused_by_name(opened, with_masks, content, message):
    cv2.imwrite(str(with_masks / "masks" / f"{ONE}_1.png"), content)
    with pytest.raises(DataError, match=rf"{ONE}_1\.png: {message}"):
        opened(with_masks, masks="masks").load(ONE)


def test_a_mask_file_without_its_image_is_refused(opened, with_masks):
    (with_masks / "train_images" / f"{ONE}.jpg").unlink()
    with pytest.raises(DataError, match=rf"masks/{ONE}_1\.png: its image {ONE}\.jpg is missing"):
        opened(with_masks, masks="masks").records()


@pytest.mark.parametrize("masks", ["absent", "test_images"])
def test_a_folder_that_holds_no_masks_is_refused_and_not_taken_for_clean_images(opened, pristine, masks):
    with pytest.raises(DataError, match=rf"{masks}: "):
        opened(pristine, masks=masks).records()
