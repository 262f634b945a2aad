"""The first Kolektor set: the reader on a miniature and on the real files, masks against a decoder of our own."""

from __future__ import annotations

import shutil
import struct
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
from bench.errors import DataError, SettingsError
from bench.suite.schema import Fold
from bench.types import SPLITS, Dataset

Opened = Callable[..., Dataset]
TWO, THREE = (0, 255), (0, 85, 255)


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build ``ksdd`` on a folder."""

    def build_on(root: Path, **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "ksdd").component, root, settings=settings)
        return dataset

    return build_on


@pytest.fixture(scope="session")
def pristine(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ksdd")
    component = catalog.find("dataset", "ksdd").component
    assert component.example is not None
    component.example(folder)
    return folder


@pytest.fixture
def miniature(pristine: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(pristine, tmp_path / "KolektorSDD"))


def stored(path: Path) -> np.ndarray:
    """The bytes of an uncompressed 8-bit BMP as ``[H, W]``: rows from the bottom up, padded to four bytes."""
    content = path.read_bytes()
    (first,) = struct.unpack_from("<I", content, 10)
    width, height, _, bits, compression = struct.unpack_from("<iihhi", content, 18)
    assert (content[:2], bits, compression) == (b"BM", 8, 0)
    assert height > 0
    rows = np.frombuffer(content, np.uint8, height * (width + 3 & ~3), first).reshape(height, -1)
    return rows[::-1, :width]


def write_mask(path: Path, indices: np.ndarray, grey: tuple[int, ...] | None, colours: int = 256) -> None:
    """A palette BMP with ``colours`` entries, or a grey one where ``grey`` is None."""
    file = Image.fromarray(indices)
    if grey is not None:
        levels = (*grey, *[0] * (colours - len(grey)))
        file.putpalette([level for level in levels for _ in "rgb"])
    file.save(path)


def test_every_mask_of_the_miniature_equals_what_its_bytes_say(opened, pristine):
    dataset = opened(pristine)
    records = dataset.records()
    for record in records:
        sample = dataset.load(record.id)
        image, mask = record.files
        assert np.array_equal(sample.mask, stored(mask) > 0)
        assert np.abs(sample.image[..., 0].astype(int) - cv2.imread(str(image), cv2.IMREAD_GRAYSCALE)).max() <= 1
    assert len(records) == 30
    assert tuple(dataset.classes) == ("defect",)


def test_the_miniature_has_both_kinds_of_palette_and_clean_grey_masks(pristine):
    kinds = {(Image.open(path).mode, int(stored(path).max())) for path in pristine.glob("kos*/*.bmp")}
    assert kinds == {("L", 0), ("P", 1), ("P", 2)}


def test_ids_items_and_parts_come_from_the_names(opened, pristine):
    first, second = opened(pristine).records()[:2]
    assert (first.id, second.id) == ("kos01/Part0", "kos01/Part1")
    assert second.meta == {"item": "kos01", "part": 1}
    assert [path.name for path in second.files] == ["Part1.jpg", "Part1_label.bmp"]
    assert second.split is None


def test_a_folder_is_a_group_and_the_two_items_released_twice_are_one_each(opened, pristine):
    group_of = {record.meta["item"]: record.group for record in opened(pristine).records()}
    copies = {"kos26": "kos01", "kos34": "kos27"}
    assert group_of == {item: copies.get(item, item) for item in group_of}
    assert copies.keys() <= group_of.keys()


@pytest.mark.parametrize("rule", ["grouped", *(Fold(fold=fold, folds=3) for fold in range(3))])
def test_no_item_and_no_image_is_in_two_splits_of_any_fold(opened, pristine, rule):
    index = build_index("ksdd", opened(pristine))
    assignment = assign(index, rule)
    assert duplicates(index, assignment) == []
    defective = {assignment[entry.id] for entry in index.entries if entry.pixels[1]}
    assert defective == set(SPLITS)


@given(indices=st.lists(st.integers(0, 2), min_size=12, max_size=12))
def test_a_palette_mask_and_its_grey_copy_mark_the_same_pixels(opened, pristine, tmp_path_factory, indices):
    root = tmp_path_factory.mktemp("release")
    pattern = np.zeros((8, 4), np.uint8)  # no crack fills half of an image
    pattern[:3] = np.array(indices, np.uint8).reshape(3, 4)
    pattern[7, 0] = 1  # a palette without a crack is no mask of the release
    for item, grey in (("kos01", THREE), ("kos02", None)):
        (root / item).mkdir()
        Image.fromarray(np.zeros(pattern.shape, np.uint8)).save(root / item / "Part0.jpg")
        write_mask(root / item / "Part0_label.bmp", pattern if grey else np.array(THREE, np.uint8)[pattern], grey)
    for item in ("kos01", "kos02"):
        assert np.array_equal(opened(root).load(f"{item}/Part0").mask, pattern > 0)


def test_a_palette_of_two_colours_is_refused_and_not_taken_for_single_bits(opened, miniature):
    mask = miniature / "kos12" / "Part1_label.bmp"
    write_mask(mask, np.minimum(stored(mask), 1), TWO, colours=2)
    with pytest.raises(DataError, match=r"kos12/Part1_label\.bmp: .*an 8-bit BMP with two colours"):
        opened(miniature).load("kos12/Part1")


@pytest.mark.parametrize("value", [1, 64, 128, 254])
def test_a_level_that_the_release_does_not_have_is_refused(opened, miniature, value):
    mask = miniature / "kos12" / "Part1_label.bmp"
    levels = np.array(THREE, np.uint8)[stored(mask)]
    levels[0, 0] = value
    write_mask(mask, levels, None)
    with pytest.raises(DataError, match=rf"kos12/Part1_label\.bmp: the mask holds \[{value}\]"):
        opened(miniature).load("kos12/Part1")


def test_a_mask_that_went_through_lossy_compression_is_refused(opened, miniature):
    mask = miniature / "kos12" / "Part1_label.bmp"
    Image.fromarray((stored(mask) > 0) * np.uint8(255)).save(mask.with_suffix(".jpg"), quality=80)
    Image.open(mask.with_suffix(".jpg")).save(mask)
    with pytest.raises(DataError, match=r"kos12/Part1_label\.bmp: the mask holds \[.*restore the original"):
        opened(miniature).load("kos12/Part1")


def test_the_folder_may_lie_one_level_deeper(opened, miniature):
    assert [r.id for r in opened(miniature.parent).records()] == [r.id for r in opened(miniature).records()]
    assert opened(miniature.parent).load("kos01/Part1").mask.any()


def test_stray_files_and_folders_are_not_read(opened, miniature):
    before = opened(miniature).records()
    assert (miniature / "kos02" / "Thumbs.db").exists()
    assert (miniature / "kos02" / "Part1 (copy).jpg").exists()
    (miniature / "kos02" / "._Part0.jpg").write_bytes(b"")
    (miniature / "kos02" / "Part1_label (copy).bmp").write_bytes(b"")
    (miniature / "__MACOSX" / "kos01").mkdir(parents=True)
    (miniature / "split.pyb").write_bytes(b"")
    assert opened(miniature).records() == before


@pytest.mark.parametrize(("lost", "what"), [("Part1_label.bmp", "mask"), ("Part1.jpg", "image")])
def test_an_image_or_a_mask_that_stands_alone_is_named(opened, miniature, lost, what):
    (miniature / "kos12" / lost).unlink()
    with pytest.raises(DataError, match=rf"kos12/Part1\S*: its {what} {lost} is missing \(1 such"):
        opened(miniature).records()


def test_a_mask_of_another_size_is_refused_naming_both_files(opened, miniature):
    write_mask(miniature / "kos12" / "Part0_label.bmp", np.zeros((20, 50), np.uint8), None)
    with pytest.raises(DataError, match=r"kos12/Part0_label\.bmp: the mask is 50x20 pixels but its image .*Part0\.jpg"):
        opened(miniature).load("kos12/Part0")


@pytest.mark.parametrize("name", ["Part0.jpg", "Part0_label.bmp"])
@pytest.mark.parametrize("kept", [0, 40, 900])
def test_a_file_that_is_cut_off_is_refused_by_name(opened, miniature, name, kept):
    path = miniature / "kos12" / name
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=rf"kos12/{name}"):
        opened(miniature).load("kos12/Part0")


@pytest.mark.parametrize("id", ["kos12/Part77", "kos12", "../kos12/Part0", "kos12/Part0_label"])
def test_an_unknown_id_is_refused(opened, pristine, id):
    with pytest.raises(DataError):
        opened(pristine).load(id)


def test_absent_data_say_how_to_get_them_and_building_does_not_look(opened, tmp_path):
    (tmp_path / "kos01").mkdir()
    for root in (tmp_path, tmp_path / "absent"):
        dataset = opened(root)
        with pytest.raises(DataError, match=r"KolektorSDD\.zip"):
            dataset.records()


def test_there_are_no_settings(opened, pristine):
    with pytest.raises(SettingsError, match="has no setting 'masks'"):
        opened(pristine, masks="boxes")


@pytest.fixture(scope="session")
def real(shared_data: Path) -> Path:
    if not (shared_data / "kolektorsdd").is_dir():
        pytest.skip("the sample data hold no kolektorsdd/")
    return shared_data / "kolektorsdd"


def test_real_masks_equal_an_independent_decoding_and_three_of_ten_images_are_defective(opened, real):
    dataset = opened(real)
    marked = {}
    for record in dataset.records():
        sample = dataset.load(record.id)
        image, mask = record.files
        assert np.array_equal(sample.mask, stored(mask) != 0)
        assert np.abs(sample.image[..., 0].astype(int) - cv2.imread(str(image), cv2.IMREAD_GRAYSCALE)).max() <= 1
        assert sample.image.shape[1:] == (500, 1)
        marked[record.id] = int(sample.mask.sum())
    assert len(marked) == 10
    assert {id: count for id, count in marked.items() if count} == {
        "kos01/Part5": 1143, "kos12/Part5": 903, "kos20/Part4": 3692,
    }  # fmt: skip


def test_real_folders_are_the_groups(opened, real):
    assert {record.group for record in opened(real).records()} == {path.name for path in real.iterdir()}
