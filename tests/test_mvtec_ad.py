"""MVTec AD as a segmentation set: the reader on a miniature, its settings, and the split that the core deals."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.api import DataError, SettingsError, write_png
from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.data.splits import assign
from bench.errors import UnusableImages
from bench.suite.schema import Fold
from bench.types import SPLITS, Dataset

CATEGORIES = (
    "bottle", "cable", "capsule", "carpet", "grid", "hazelnut", "leather", "metal_nut",
    "pill", "screw", "tile", "toothbrush", "transistor", "wood", "zipper",
)  # fmt: skip

Opened = Callable[..., Dataset]


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build the component ``mvtec-ad`` on a folder."""

    def build_on(root: Path, **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "mvtec-ad").component, root, settings=settings)
        return dataset

    return build_on


@pytest.fixture(scope="session")
def pristine(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mvtec")
    component = catalog.find("dataset", "mvtec-ad").component
    assert component.example is not None
    component.example(folder)
    return folder


@pytest.fixture
def miniature(pristine: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(pristine, tmp_path / "home" / "mvtec"))


def ids(dataset: Dataset) -> list[str]:
    return [record.id for record in dataset.records()]


def test_every_image_and_mask_equals_an_independent_decoding(opened, pristine):
    dataset = opened(pristine, good="all")
    for id in ids(dataset):
        category, half, type, number = id.split("/")
        sample = dataset.load(id)
        stored = cv2.imread(str(pristine / category / half / type / f"{number}.png"), cv2.IMREAD_UNCHANGED)
        expected = np.zeros(stored.shape[:2], np.uint8)
        if type != "good":
            mask = pristine / category / "ground_truth" / type / f"{number}_mask.png"
            expected[cv2.imread(str(mask), cv2.IMREAD_UNCHANGED) > 0] = CATEGORIES.index(category) + 1
            assert expected.any()
        colour = stored[..., ::-1] if stored.ndim == 3 else np.dstack([stored] * 3)
        assert np.array_equal(sample.image, colour)
        assert np.array_equal(sample.mask, expected)


def test_grey_and_coloured_categories_are_mixed_and_all_read_with_three_channels(opened, pristine):
    stored = {cv2.imread(str(path), cv2.IMREAD_UNCHANGED).ndim for path in pristine.glob("*/test/good/000.png")}
    assert stored == {2, 3}
    assert {entry.channels for entry in build_index("mvtec-ad", opened(pristine)).entries} == {3}


@pytest.mark.parametrize(("good", "defective", "clean"), [("test", 90, 30), ("all", 90, 60), ("none", 90, 0)])
def test_good_says_which_clean_images_are_read(opened, pristine, good, defective, clean):
    index = build_index("mvtec-ad", opened(pristine, good=good))
    assert Counter(any(entry.pixels[1:]) for entry in index.entries) == Counter({True: defective, False: clean})


def test_records_are_sorted_and_name_category_type_and_files_but_no_official_split(opened, pristine):
    records = opened(pristine, good="all").records()
    assert [record.id for record in records] == sorted(record.id for record in records)
    for record in records:
        category, half, type, number = record.id.split("/")
        assert (record.split, record.group) == (None, record.id)
        assert record.meta == {"category": category, "type": type}
        mask = [] if type == "good" else [pristine / category / "ground_truth" / type / f"{number}_mask.png"]
        assert list(record.files) == [pristine / category / half / type / f"{number}.png", *mask]


@pytest.mark.parametrize("good", ["test", "all", "none"])
@pytest.mark.parametrize("rule", ["grouped", Fold(fold=3)])
def test_every_category_has_defects_in_all_three_splits(opened, pristine, good, rule):
    index = build_index("mvtec-ad", opened(pristine, good=good))
    assignment = assign(index, rule)
    for split in SPLITS:
        marked = np.sum([entry.pixels[1:] for entry in index.entries if assignment[entry.id] == split], axis=0)
        assert np.all(marked > 0)


def test_clean_images_meant_for_training_are_dealt_too_and_fill_all_three_splits(opened, pristine):
    index = build_index("mvtec-ad", opened(pristine, good="all"))
    assignment = assign(index, "grouped")
    assert {assignment[id] for id in assignment if "/train/good/" in id} == set(SPLITS)


def test_the_badge_and_the_summary_say_that_this_is_not_the_published_protocol(catalog):
    component = catalog.find("dataset", "mvtec-ad").component
    assert component.badge is not None
    assert "not the anomaly-detection protocol" in component.badge
    assert component.about is not None
    assert component.badge in component.about.summary


def test_the_release_counts_the_images_of_the_default_settings(catalog):
    release = catalog.find("dataset", "mvtec-ad").component.release
    assert release is not None
    assert (release.images, release.defective, release.splits) == (5_354 - 3_629, 1_258, ())


def test_classes_are_the_fifteen_categories_whatever_is_read(opened, pristine):
    for settings in ({}, {"categories": ["zipper"]}, {"good": "none"}):
        assert tuple(opened(pristine, **settings).classes) == CATEGORIES


def test_some_categories_are_read_and_keep_their_number(opened, pristine):
    dataset = opened(pristine, categories=["zipper", "grid"])
    assert ids(dataset) == [id for id in ids(opened(pristine)) if id.split("/")[0] in ("grid", "zipper")]
    assert set(np.unique(dataset.load("zipper/test/rough/001").mask)) == {0, 15}


@pytest.mark.parametrize("categories", [[], ["Bottle"], ["grid", "grid"]])
def test_categories_that_make_no_sense_are_refused(opened, pristine, categories):
    with pytest.raises(SettingsError, match=r"name some of bottle, cable, .*each once"):
        opened(pristine, categories=categories)


def test_an_unknown_choice_of_clean_images_is_refused(opened, pristine):
    with pytest.raises(SettingsError, match="good"):
        opened(pristine, good="train")


def test_a_category_that_is_absent_is_refused_only_if_asked_for(opened, miniature):
    shutil.rmtree(miniature / "cable")
    assert len(ids(opened(miniature))) == 14 * 8
    with pytest.raises(DataError, match=r"cable: no folder test in it; get the data: accept the licence"):
        opened(miniature, categories=["bottle", "cable"]).records()


def test_the_folder_may_lie_one_level_deeper(opened, miniature):
    assert ids(opened(miniature.parent)) == ids(opened(miniature))


def test_stray_files_are_not_read(opened, miniature, pristine):
    assert (miniature / "bottle" / "test" / "good" / "000 (copy).png").exists()
    assert (miniature / "grid" / "license.txt").exists()
    for place in ("test/bent", "ground_truth/bent", "test", "ground_truth"):
        for name in ("Thumbs.db", "._000.png", ".DS_Store", "0000.png", "000_mask (copy).png"):
            (miniature / "grid" / place / name).write_bytes(b"x")
    assert ids(opened(miniature, good="all")) == ids(opened(pristine, good="all"))


def test_a_defective_image_without_its_mask_is_refused(opened, miniature):
    (miniature / "grid" / "ground_truth" / "bent" / "001_mask.png").unlink()
    with pytest.raises(DataError, match=r"test/bent/001\.png: its mask .*ground_truth/bent/001_mask\.png is missing"):
        opened(miniature).records()


def test_without_the_folder_of_masks_a_category_is_refused_and_not_taken_for_clean(opened, miniature):
    shutil.rmtree(miniature / "grid" / "ground_truth")
    with pytest.raises(DataError, match=r"test/bent/000\.png: its mask .* is missing"):
        opened(miniature).records()


def test_a_mask_without_its_image_is_refused(opened, miniature):
    (miniature / "grid" / "test" / "bent" / "001.png").unlink()
    with pytest.raises(DataError, match=r"ground_truth/bent/001_mask\.png: its image .*test/bent/001\.png is missing"):
        opened(miniature).records()


@pytest.mark.parametrize("good", ["test", "none"])
def test_a_mask_for_a_clean_image_is_refused(opened, miniature, good):
    write_png(miniature / "grid" / "ground_truth" / "good" / "000_mask.png", np.zeros((60, 60), np.uint8))
    with pytest.raises(DataError, match=r"good/000_mask\.png: a mask for images without defect"):
        opened(miniature, good=good).records()


def test_a_mask_of_another_size_is_refused_naming_both_files(opened, miniature):
    write_png(miniature / "grid" / "ground_truth" / "bent" / "001_mask.png", np.full((60, 59), 255, np.uint8))
    with pytest.raises(DataError, match=r"001_mask\.png: the mask is 59x60 .*001\.png is 60x60"):
        opened(miniature).load("grid/test/bent/001")


@pytest.mark.parametrize("value", [1, 128])
def test_a_mask_value_other_than_0_and_255_is_refused(opened, miniature, value):
    path = miniature / "grid" / "ground_truth" / "bent" / "001_mask.png"
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    mask[0, 0] = value
    cv2.imwrite(str(path), mask)
    with pytest.raises(DataError, match=rf"001_mask\.png: the mask holds \[{value}\]; it may hold 0, 255"):
        opened(miniature).load("grid/test/bent/001")


def test_a_mask_that_marks_nothing_is_refused_and_not_taken_for_a_clean_image(opened, miniature):
    write_png(miniature / "grid" / "ground_truth" / "bent" / "001_mask.png", np.zeros((60, 60), np.uint8))
    with pytest.raises(DataError, match=r"001_mask\.png: marks nothing, but its image lies in the folder of a defect"):
        opened(miniature).load("grid/test/bent/001")


def test_damaged_files_are_all_named_when_the_index_is_made(opened, miniature):
    image = miniature / "bottle" / "test" / "good" / "001.png"
    mask = miniature / "zipper" / "ground_truth" / "rough" / "002_mask.png"
    image.write_bytes(image.read_bytes()[:300])
    mask.write_bytes(b"")
    with pytest.raises(UnusableImages, match=r"2 of 120 images .*good/001\.png") as caught:
        build_index("mvtec-ad", opened(miniature))
    assert "rough/002_mask.png" in caught.value.mistakes[1]


def test_an_unknown_image_is_refused(opened, pristine):
    for id in ("bottle/test/good/999", "", "bottle/train/good/000", "bottle/test/good/000 (copy)"):
        with pytest.raises(DataError, match="no image"):
            opened(pristine).load(id)
    assert opened(pristine, good="all").load("bottle/train/good/000").image.shape == (60, 60, 3)


def test_a_folder_that_is_missing_or_something_else_says_how_to_get_the_data(opened, tmp_path):
    (tmp_path / "bottle").mkdir()
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match=r"accept the licence at https://www\.mvtec\.com"):
            opened(root).records()


def test_categories_without_images_are_refused(opened, tmp_path):
    (tmp_path / "bottle" / "test").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no image named like"):
        opened(tmp_path).records()
