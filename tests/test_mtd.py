"""Magnetic tiles: the reader on a miniature, on the real files, and the frozen split."""

from __future__ import annotations

import csv
import inspect
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.catalog import Catalog
from bench.component import build
from bench.data.index import DatasetIndex, IndexedImage, build_index
from bench.data.leaks import duplicates, shared_groups
from bench.data.splits import assign
from bench.errors import DataError, SettingsError, UnusableImages
from bench.suite.schema import Fold
from bench.types import SPLITS, Dataset, Record

CLASSES = ("blowhole", "break", "crack", "fray", "uneven")

Opened = Callable[..., Dataset]


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build ``mtd`` or another component on a folder."""

    def build_on(root: Path, name: str = "mtd", **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", name).component, root, settings=settings)
        return dataset

    return build_on


@pytest.fixture(scope="session")
def table(catalog: Catalog) -> list[dict[str, str]]:
    """The shipped table, row by row."""
    module = inspect.getfile(catalog.find("dataset", "mtd").component.build)
    with Path(module).with_name("_mtd_groups.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def pristine(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mtd")
    component = catalog.find("dataset", "mtd").component
    assert component.example is not None
    component.example(folder)
    return folder


@pytest.fixture
def miniature(pristine: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(pristine, tmp_path / "mtd"))


def index_of_table(table: list[dict[str, str]]) -> DatasetIndex:
    """The full data set as the table knows it: classes by folder, no official split."""

    def row(file: str, group: str) -> IndexedImage:
        name = file.partition("/")[0].removeprefix("MT_").lower()
        pixels = (1, *(int(name == defect) for defect in CLASSES))
        return IndexedImage(file, group, None, 1, 1, 1, "uint8", pixels, 0, (0.0,), (0.0,), file, {})

    return DatasetIndex("mtd", CLASSES, tuple(row(r["file"], r["group"]) for r in table), "")


def test_the_table_holds_1344_images_of_215_tiles_66_of_them_defective(table):
    classes = defaultdict(set)
    for row in table:
        classes[row["group"]].add(row["file"].partition("/")[0])
    assert (len(table), len({row["file"] for row in table}), len(classes)) == (1344, 1344, 215)
    assert sum(found != {"MT_Free"} for found in classes.values()) == 66
    holding = Counter(name for found in classes.values() for name in found)
    assert holding == {
        "MT_Blowhole": 20, "MT_Break": 16, "MT_Crack": 9, "MT_Fray": 7, "MT_Uneven": 17, "MT_Free": 154,
    }  # fmt: skip


def test_the_frozen_split_and_folds_are_those_that_the_core_deals_over_the_full_list(table):
    index = index_of_table(table)
    assert assign(index, "grouped") == {row["file"]: row["split"] for row in table}
    for fold in range(5):
        tested = {row["file"] for row in table if row["fold"] == str(fold)}
        dealt = assign(index, Fold(fold=fold))
        assert {file for file, split in dealt.items() if split == "test"} == tested


def test_every_kind_of_defect_has_tiles_in_every_frozen_split_and_every_fold(table):
    for name in CLASSES:
        rows = [row for row in table if row["file"].startswith(f"MT_{name.capitalize()}/")]
        assert {row["split"] for row in rows} == set(SPLITS)
        assert {row["fold"] for row in rows} == set("01234")


def test_the_miniature_is_read_as_the_real_thing_is(opened, pristine, table):
    dataset = opened(pristine)
    index = build_index("mtd", dataset)
    rows = {row["file"]: row for row in table}
    assert tuple(dataset.classes) == CLASSES
    assert len(index.entries) == 36
    for record in dataset.records():
        folder, _, stem = record.id.partition("/")
        row = rows[f"{folder}/Imgs/{stem}.jpg"]
        assert (record.group, record.split, record.meta["fold"]) == (row["group"], row["split"], int(row["fold"]))
        assert record.meta["exposure"] == int(stem[3])
    for entry in index.entries:
        name = entry.id.partition("/")[0].removeprefix("MT_").lower()
        assert [bool(count) for count in entry.pixels[1:]] == [name == defect for defect in CLASSES]


def test_a_subset_is_split_as_the_whole_is(opened, miniature):
    whole = assign(build_index("mtd", opened(miniature)), "grouped")
    for path in (miniature / "MT_Free" / "Imgs").glob("exp*"):
        path.unlink()
    part = assign(build_index("mtd", opened(miniature)), "grouped")
    assert part == {id: split for id, split in whole.items() if not id.startswith("MT_Free")}


def test_the_folder_may_lie_one_level_deeper(opened, miniature):
    assert [r.id for r in opened(miniature.parent).records()] == [r.id for r in opened(miniature).records()]


def test_two_copies_side_by_side_are_refused(opened, miniature):
    shutil.copytree(miniature, miniature.parent / "mtd2")
    with pytest.raises(DataError, match="holds several copies of the data set, mtd, mtd2; name one"):
        opened(miniature.parent).records()


def test_stray_files_are_not_read(opened, miniature):
    before = [record.id for record in opened(miniature).records()]
    images = miniature / "MT_Crack" / "Imgs"
    assert (images / "Thumbs.db").exists()
    first = next(images.glob("*.jpg"))
    shutil.copy(first, images / f"{first.stem} (copy).jpg")
    (images / "._notes.png").write_bytes(b"")
    (miniature / "readme.md").write_text("hello")
    assert [record.id for record in opened(miniature).records()] == before


@pytest.mark.parametrize(("lost", "what"), [(".png", "mask"), (".jpg", "image")])
def test_an_image_or_a_mask_that_stands_alone_is_named(opened, miniature, lost, what):
    path = sorted((miniature / "MT_Fray" / "Imgs").glob(f"*{lost}"))[0]
    path.unlink()
    with pytest.raises(DataError, match=rf"{path.stem}\.\w+: its {what} {path.name} is missing"):
        opened(miniature).records()


def test_an_image_that_is_not_in_the_table_is_refused(opened, miniature):
    images = miniature / "MT_Crack" / "Imgs"
    for suffix in (".jpg", ".png"):
        shutil.copy(next(images.glob(f"*{suffix}")), images / f"exp1_num_999999{suffix}")
    with pytest.raises(DataError, match=r"exp1_num_999999.jpg: not one of the 1344 released images.*'folder'"):
        opened(miniature).records()


def test_damaged_files_are_all_named_when_the_index_is_made(opened, miniature):
    image = sorted((miniature / "MT_Break" / "Imgs").glob("*.jpg"))[0]
    mask = sorted((miniature / "MT_Fray" / "Imgs").glob("*.png"))[0]
    image.write_bytes(image.read_bytes()[:300])
    mask.write_bytes(b"")
    with pytest.raises(UnusableImages, match=rf"2 of 36 images .*{image.name}") as caught:
        build_index("mtd", opened(miniature))
    assert [path.name in line for path, line in zip((image, mask), caught.value.mistakes, strict=True)] == [True, True]


def test_a_mark_on_a_tile_filed_as_free_is_refused(opened, miniature):
    mask = sorted((miniature / "MT_Free" / "Imgs").glob("*.png"))[0]
    marked = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE)
    marked[3:5, 3:5] = 255
    cv2.imwrite(str(mask), marked)
    with pytest.raises(DataError, match=rf"{mask.name}: 4 pixels are not 0, but MT_Free"):
        opened(miniature).load(f"MT_Free/{mask.stem}")


def test_a_folder_that_is_missing_or_something_else_says_how_to_get_the_data(opened, tmp_path):
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match=r"git clone https://github\.com/abin24"):
            opened(root).records()


def test_the_mask_threshold_decides_how_much_of_a_soft_edge_is_defect(opened, pristine):
    id = next(record.id for record in opened(pristine).records() if record.id.startswith("MT_Crack"))
    stored = cv2.imread(str(pristine / f"{id.replace('/', '/Imgs/')}.png"), cv2.IMREAD_GRAYSCALE)
    marked = {t: int((opened(pristine, mask_threshold=t).load(id).mask == 3).sum()) for t in (1, 128, 255)}
    assert marked == {t: int((stored >= t).sum()) for t in marked}
    assert marked[1] > marked[128] > marked[255] > 0


@pytest.mark.parametrize("threshold", [0, 256])
def test_a_mask_threshold_that_marks_all_or_nothing_is_refused(opened, pristine, threshold):
    with pytest.raises(SettingsError, match="must be 1 to 255"):
        opened(pristine, mask_threshold=threshold)


def test_the_leaky_variant_takes_every_image_for_a_tile_of_its_own_and_says_so(catalog, opened, pristine):
    records = opened(pristine, "mtd-leaky").records()
    assert all(record.group == record.id for record in records)
    assert "leaky" in (catalog.find("dataset", "mtd-leaky").component.badge or "")
    assert catalog.find("dataset", "mtd").component.badge is None


@pytest.fixture(scope="session")
def real_folder(shared_data: Path) -> Path:
    if not (shared_data / "mtd").is_dir():
        pytest.skip("the sample data hold no mtd/")
    return shared_data / "mtd"


@pytest.fixture(scope="session")
def real(opened: Opened, real_folder: Path) -> DatasetIndex:
    return build_index("mtd", opened(real_folder))


def test_real_tiles_1133_images_328_filed_as_defective_325_with_a_defect(real):
    filed = [entry for entry in real.entries if not entry.id.startswith("MT_Free")]
    assert (len(real.entries), len(filed)) == (1133, 328)
    empty = [entry.id for entry in filed if not any(entry.pixels[1:])]
    assert sorted(empty) == [f"MT_Uneven/{s}" for s in ("exp3_num_45042", "exp4_num_124690", "exp4_num_45057")]
    assert {(entry.channels, entry.dtype, entry.ignored) for entry in real.entries} == {(1, "uint8", 0)}


def test_real_masks_and_images_equal_an_independent_decoding(opened, real_folder):
    dataset = opened(real_folder)
    for record in dataset.records()[::9]:
        found = dataset.load(record.id)
        image, mask = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in record.files)
        folder = record.files[0].parts[-3]
        value = 0 if folder == "MT_Free" else CLASSES.index(folder.removeprefix("MT_").lower()) + 1
        assert np.array_equal(found.mask, (mask >= 128) * np.uint8(value))
        # Two JPEG decoders may round differently by one grey level.
        assert np.abs(found.image[..., 0].astype(int) - image).max() <= 1


def test_real_pixels_per_class_equal_a_count_over_all_mask_files(real, real_folder):
    for k, name in enumerate(CLASSES, start=1):
        files = sorted((real_folder / f"MT_{name.capitalize()}" / "Imgs").glob("*.png"))
        marked = sum(int((cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) >= 128).sum()) for path in files)
        assert sum(entry.pixels[k] for entry in real.entries) == marked


def test_the_real_split_shares_no_tile_and_no_image_in_any_fold(real):
    for rule in ("grouped", *(Fold(fold=fold) for fold in range(5))):
        assignment = assign(real, rule)
        assert shared_groups(real, assignment) == []
        assert duplicates(real, assignment) == []


def test_every_kind_of_defect_in_the_sample_is_trained_on_in_every_fold(real):
    for fold in range(5):
        assignment = assign(real, Fold(fold=fold))
        trained = [entry.pixels[1:] for entry in real.entries if assignment[entry.id] == "train"]
        assert np.all(np.sum(trained, axis=0) > 0)


def test_a_split_by_file_leaks_nearly_every_tile_into_training(opened, real, real_folder):
    loose = opened(real_folder, "mtd-leaky").records()
    rows = zip(real.entries, loose, strict=True)
    entries = tuple(replace(e, id=r.id, group=r.group, official=r.split, meta=r.meta) for e, r in rows)
    assignment = assign(replace(real, entries=entries), "grouped")
    tile = {entry.id: entry.group for entry in real.entries}
    trained = {tile[id] for id, split in assignment.items() if split == "train"}
    tested = [id for id, split in assignment.items() if split == "test"]
    assert sum(tile[id] in trained for id in tested) > 0.9 * len(tested)


def test_a_file_in_the_wrong_class_folder_is_told_where_it_belongs(opened, miniature):
    for path in sorted((miniature / "MT_Crack" / "Imgs").glob("exp*"))[:2]:
        path.rename(miniature / "MT_Fray" / "Imgs" / path.name)
    with pytest.raises(DataError, match=r"MT_Fray/Imgs/exp.*: the release has this image in MT_Crack/Imgs; move"):
        opened(miniature).records()


def test_the_leaky_split_of_a_subset_is_that_of_the_whole(opened, pristine, tmp_path):
    whole = {record.id: record for record in opened(pristine, "mtd-leaky").records()}
    shutil.copytree(pristine / "MT_Break", tmp_path / "MT_Break")
    subset = opened(tmp_path, "mtd-leaky").records()
    assert 0 < len(subset) < len(whole)
    for record in subset:
        assert (record.split, record.meta) == (whole[record.id].split, whole[record.id].meta)


def test_the_leaky_split_deals_three_fifths_to_training_and_tears_tiles_apart(catalog, table):
    module = inspect.getmodule(catalog.find("dataset", "mtd-leaky").component.build)
    records = [Record(row["file"].replace("/Imgs/", "/").removesuffix(".jpg"), row["group"]) for row in table]
    loose = [module._loose(replace(record, meta={"exposure": 1, "fold": 0, "folds": 5})) for record in records]
    shares = {split: sum(record.split == split for record in loose) / len(loose) for split in SPLITS}
    assert abs(shares["train"] - 0.6) < 0.05
    assert abs(shares["test"] - 0.2) < 0.04
    tested = {record.group for record, dealt in zip(records, loose, strict=True) if dealt.split == "test"}
    trained = {record.group for record, dealt in zip(records, loose, strict=True) if dealt.split == "train"}
    assert len(tested & trained) > 0.9 * len(tested)


def test_the_masks_that_the_release_leaves_empty_are_read(opened, miniature):
    original = sorted((miniature / "MT_Uneven" / "Imgs").glob("*.png"))[0]
    for stem in ("exp4_num_45057", "exp5_num_313536"):  # the second lies on a tile of which one mask is empty
        for type in (".png", ".jpg"):
            shutil.copy(original.with_suffix(type), original.with_name(f"{stem}{type}"))
        cv2.imwrite(str(original.with_name(f"{stem}.png")), np.zeros_like(cv2.imread(str(original), 0)))
        assert not opened(miniature).load(f"MT_Uneven/{stem}").mask.any()
