"""NEU-Seg: the reader on a miniature of both layouts and on the real files."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from bench.api import DataError, write_png
from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.data.splits import assign
from bench.errors import UnusableImages
from bench.types import Dataset

Opened = Callable[[Path], Dataset]


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build the component ``neu-seg`` on a folder."""

    def build_on(root: Path) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "neu-seg").component, root, settings={})
        return dataset

    return build_on


@pytest.fixture(scope="session")
def pristine(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("neu")
    component = catalog.find("dataset", "neu-seg").component
    assert component.example is not None
    component.example(folder)
    return folder


@pytest.fixture
def miniature(pristine: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(pristine, tmp_path / "home" / "neu"))


def in_second_layout(root: Path) -> Path:
    """Rename a miniature: other folder names, three splits, numbers told apart by ``_test``."""
    for old, new, suffix in (("images", "img_dir", ".jpg"), ("annotations", "ann_dir", ".png")):
        (root / old).rename(root / new)
        (root / new / "training").rename(root / new / "train")
        (root / new / "val").mkdir()
        (root / new / "train" / f"000912{suffix}").rename(root / new / "val" / f"000912{suffix}")
        (root / new / "test" / f"000003{suffix}").rename(root / new / "test" / f"000003_test{suffix}")
    return root


def check_every_pixel(dataset: Dataset) -> None:
    """Compare every image and mask with an independent decoding."""
    for record in dataset.records():
        image, mask = record.files
        sample = dataset.load(record.id)
        assert np.array_equal(sample.mask, cv2.imread(str(mask), cv2.IMREAD_UNCHANGED))
        # Two JPEG decoders may round differently by one grey level.
        stored = cv2.imread(str(image), cv2.IMREAD_COLOR)[..., ::-1]
        assert np.abs(sample.image.astype(int) - stored).max() <= 1


def ids(dataset: Dataset) -> list[str]:
    return [record.id for record in dataset.records()]


def test_the_miniature_equals_an_independent_decoding(opened, pristine):
    dataset = opened(pristine)
    check_every_pixel(dataset)
    index = build_index("neu-seg", dataset)
    assert (len(index.entries), {(entry.channels, entry.dtype) for entry in index.entries}) == (19, {(3, "uint8")})
    assert tuple(dataset.classes) == ("inclusions", "patches", "scratches")


def test_folders_are_the_official_split_and_every_image_is_a_group(opened, pristine):
    records = opened(pristine).records()
    assert [record.id for record in records] == sorted(record.id for record in records)
    assert {(record.id.partition("/")[0], record.split) for record in records} == {
        ("training", "train"),
        ("test", "test"),
    }
    assert all(record.group == record.id for record in records)


def test_validation_is_dealt_from_training_where_the_release_has_none(opened, pristine):
    index = build_index("neu-seg", opened(pristine))
    assignment = assign(index, "grouped")
    assert all((entry.official == "test") == (assignment[entry.id] == "test") for entry in index.entries)
    for split in ("train", "validation", "test"):
        assert np.all(np.sum([e.pixels[1:] for e in index.entries if assignment[e.id] == split], axis=0) > 0)


def test_the_second_layout_has_an_official_validation_split(opened, miniature):
    dataset = opened(in_second_layout(miniature))
    check_every_pixel(dataset)
    assert Counter(record.split for record in dataset.records()) == {"train": 12, "validation": 1, "test": 6}
    assert {"train/000901", "val/000912", "test/000003_test"} <= set(ids(dataset))


def test_equal_numbers_in_two_folders_are_two_images(opened, miniature):
    for folder, suffix in (("images", ".jpg"), ("annotations", ".png")):
        shutil.copy(miniature / folder / "test" / f"000001{suffix}", miniature / folder / "training")
    assert {"test/000001", "training/000001"} <= set(ids(opened(miniature)))


@pytest.mark.parametrize("second", [False, True])
def test_the_folder_may_lie_one_level_deeper(opened, miniature, second):
    if second:
        in_second_layout(miniature)
    assert ids(opened(miniature.parent)) == ids(opened(miniature))


def test_two_layouts_side_by_side_are_refused(opened, miniature, pristine):
    in_second_layout(miniature)
    shutil.copytree(pristine, miniature, dirs_exist_ok=True)
    with pytest.raises(DataError, match="in two layouts, images and img_dir; keep one of them"):
        opened(miniature).records()


def test_stray_files_are_not_read(opened, miniature, pristine):
    assert (miniature / "images" / "training" / "000213 (copy).jpg").exists()
    for name in ("Thumbs.db", "._000901.jpg", "901.jpg", "000901.txt", "000901.jpeg.part"):
        (miniature / "images" / "training" / name).write_bytes(b"x")
    (miniature / "annotations" / "training" / "000901_vis.png").write_bytes(b"x")
    assert ids(opened(miniature)) == ids(opened(pristine))


@pytest.mark.parametrize(("folder", "suffix", "other"), [("images", ".jpg", ".png"), ("annotations", ".png", ".jpg")])
def test_an_image_or_a_mask_that_stands_alone_is_named(opened, miniature, folder, suffix, other):
    (miniature / folder / "training" / f"000903{suffix}").unlink()
    what = "image" if folder == "images" else "mask"
    with pytest.raises(DataError, match=rf"000903\{other}: its {what} .*{folder}/training/000903\{suffix} is missing"):
        opened(miniature).records()


def test_a_missing_folder_of_masks_is_refused(opened, miniature):
    shutil.rmtree(miniature / "annotations" / "test")
    with pytest.raises(DataError, match=r"images/test/000001\.jpg: its mask .* is missing \(6 such"):
        opened(miniature).records()


def test_a_mask_of_another_size_is_refused_naming_both_files(opened, miniature):
    write_png(miniature / "annotations" / "test" / "000001.png", np.ones((50, 49), np.uint8))
    with pytest.raises(DataError, match=r"000001\.png: the mask is 49x50 .*000001\.jpg is 50x50"):
        opened(miniature).load("test/000001")


@pytest.mark.parametrize("value", [4, 255])
def test_a_fourth_kind_and_ignored_pixels_are_refused_as_no_mask_of_the_release_holds_them(opened, miniature, value):
    path = miniature / "annotations" / "test" / "000001.png"
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    mask[0, 0] = value
    cv2.imwrite(str(path), mask)
    with pytest.raises(DataError, match=rf"000001\.png: the mask holds \[{value}\]; it may hold 0, 1, 2, 3"):
        opened(miniature).load("test/000001")


def test_a_mask_that_marks_nothing_is_refused_as_every_image_has_a_defect(opened, miniature):
    write_png(miniature / "annotations" / "test" / "000001.png", np.zeros((50, 50), np.uint8))
    with pytest.raises(DataError, match=r"000001\.png: marks nothing, but every image of the release has a defect"):
        opened(miniature).load("test/000001")


def test_damaged_files_are_all_named_when_the_index_is_made(opened, miniature):
    image = miniature / "images" / "training" / "000901.jpg"
    mask = miniature / "annotations" / "training" / "000902.png"
    image.write_bytes(image.read_bytes()[:400])
    mask.write_bytes(b"")
    with pytest.raises(UnusableImages, match=r"2 of 19 images .*000901\.jpg") as caught:
        build_index("neu-seg", opened(miniature))
    assert "000902.png" in caught.value.mistakes[1]


def test_a_grey_copy_of_an_image_is_read_with_three_equal_channels(opened, miniature):
    image = miniature / "images" / "training" / "000901.jpg"
    Image.open(image).convert("L").save(image)
    read = opened(miniature).load("training/000901").image
    assert np.array_equal(read, np.repeat(np.asarray(Image.open(image))[:, :, None], 3, axis=2))


def test_an_unknown_image_is_refused(opened, pristine):
    for id in ("training/000001", "000901", "", "training/000213 (copy)"):
        with pytest.raises(DataError, match="no image"):
            opened(pristine).load(id)


def test_a_folder_that_is_missing_or_something_else_says_how_to_get_the_data(opened, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match=r"git clone https://github\.com/DHW-Master/NEU_Seg"):
            opened(root).records()


def test_empty_folders_of_the_release_are_refused(opened, tmp_path):
    for folder in ("images", "annotations"):
        (tmp_path / folder / "test").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no image named like"):
        opened(tmp_path).records()


def test_the_badge_says_that_the_published_split_leaks(catalog):
    assert "leaky split" in (catalog.find("dataset", "neu-seg").component.badge or "")


@pytest.fixture(scope="session")
def real(opened: Opened, shared_data: Path) -> Dataset:
    if not (shared_data / "neu_seg").is_dir():
        pytest.skip("the sample data hold no neu_seg/")
    return opened(shared_data / "neu_seg")


def test_every_real_image_and_mask_equals_an_independent_decoding(real):
    check_every_pixel(real)


def test_401_real_images_of_three_equal_channels_all_with_a_defect(real):
    index = build_index("neu-seg", real)
    assert Counter(entry.official for entry in index.entries) == {"train": 280, "validation": 80, "test": 41}
    assert all(any(entry.pixels[1:]) for entry in index.entries)
    assert {(e.height, e.width, e.channels, e.ignored) for e in index.entries} == {(200, 200, 3, 0)}
    assert all(len(set(entry.sums)) == 1 for entry in index.entries)
    holding = np.sum([[count > 0 for count in entry.pixels[1:]] for entry in index.entries], axis=0)
    assert holding.tolist() == [156, 173, 150]


@pytest.mark.parametrize(
    ("tested", "trained", "turns"),
    [("test/002942", "train/001202", 2), ("test/004071", "train/003991", 1), ("val/003446", "train/001706", 2)],
)
def test_a_real_held_out_image_is_a_training_image_turned(real, tested, trained, turns):
    held_out, training = (real.load(id).image[..., 0].astype(int) for id in (tested, trained))
    assert np.abs(held_out - training).mean() > 5
    assert np.abs(held_out - np.rot90(training, turns)).mean() < 1
