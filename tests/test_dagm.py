"""DAGM 2007: the reader on a miniature, on the real files, and on the complete real lists."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from bench.api import DataError, SettingsError, write_png
from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.data.splits import assign
from bench.errors import UnusableImages
from bench.types import Dataset

CLASSES = tuple(f"class{k}" for k in range(1, 11))

Opened = Callable[..., Dataset]


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build the component ``dagm`` on a folder."""

    def build_on(root: Path, **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "dagm").component, root, settings=settings)
        return dataset

    return build_on


@pytest.fixture(scope="session")
def pristine(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dagm")
    component = catalog.find("dataset", "dagm").component
    assert component.example is not None
    component.example(folder)
    return folder


@pytest.fixture
def miniature(pristine: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(pristine, tmp_path / "home" / "dagm"))


def listed(half: Path) -> dict[str, str | None]:
    """What ``Labels.txt`` says, read here without the reader's code: mask name by image name."""
    rows = [line.split() for line in (half / "Label" / "Labels.txt").read_text().splitlines()[1:]]
    return {row[2]: row[4] if row[1] == "1" else None for row in rows}


def check_every_pixel(dataset: Dataset, root: Path) -> Counter[str]:
    """Compare every image and mask with an independent decoding; count what was compared."""
    seen: Counter[str] = Counter()
    for record in dataset.records():
        folder, half, number = record.id.split("/")
        mask_name = listed(root / folder / half)[f"{number}.PNG"]
        sample = dataset.load(record.id)
        stored = cv2.imread(str(root / folder / half / f"{number}.PNG"), cv2.IMREAD_UNCHANGED)
        expected = np.zeros(stored.shape, np.uint8)
        if mask_name is not None:
            marked = cv2.imread(str(root / folder / half / "Label" / mask_name), cv2.IMREAD_UNCHANGED)
            expected[marked == 255] = int(folder.removeprefix("Class"))
        assert np.array_equal(sample.image[..., 0], stored)
        assert np.array_equal(sample.mask, expected)
        seen["defective" if expected.any() else "clean"] += 1
    return seen


def labels(root: Path, half: str = "Class3/Train") -> Path:
    return root / half / "Label" / "Labels.txt"


def ids(dataset: Dataset) -> list[str]:
    return [record.id for record in dataset.records()]


def test_the_miniature_equals_an_independent_decoding(opened, pristine):
    assert check_every_pixel(opened(pristine), pristine) == {"defective": 40, "clean": 30}


def test_images_come_by_texture_then_train_before_test_then_number(opened, pristine):
    found = ids(opened(pristine))
    assert found[:6] == [*(f"Class1/Train/05{n}" for n in (76, 77, 78, 79, 80)), "Class1/Test/0041"]
    assert list(dict.fromkeys(id.partition("/")[0] for id in found)) == [f"Class{k}" for k in range(1, 11)]


def test_folders_are_the_official_split_and_every_image_is_a_group(opened, pristine):
    for record in opened(pristine).records():
        folder, half, _ = record.id.split("/")
        assert record.split == {"Train": "train", "Test": "test"}[half]
        assert record.group == record.id
        assert record.meta == {"texture": int(folder.removeprefix("Class"))}


def test_a_record_names_its_image_its_list_and_its_mask_if_there_is_one(opened, pristine):
    for record in opened(pristine).records():
        half = pristine / record.id.rpartition("/")[0]
        mask = listed(half)[f"{record.id[-4:]}.PNG"]
        expected = [half / f"{record.id[-4:]}.PNG", half / "Label" / "Labels.txt"]
        assert list(record.files) == expected + ([half / "Label" / mask] if mask else [])


def test_the_official_test_images_stay_and_validation_is_dealt_with_every_texture_in_it(opened, pristine):
    index = build_index("dagm", opened(pristine))
    assignment = assign(index, "grouped")
    assert all((entry.official == "test") == (assignment[entry.id] == "test") for entry in index.entries)
    for split in ("train", "validation", "test"):
        pixels = np.sum([entry.pixels[1:] for entry in index.entries if assignment[entry.id] == split], axis=0)
        assert np.all(pixels > 0)


def test_classes_are_the_ten_textures_whatever_is_read(opened, pristine):
    for settings in ({}, {"textures": [4]}, {"textures": [10, 2]}):
        assert tuple(opened(pristine, **settings).classes) == CLASSES


def test_some_textures_are_read_in_their_own_order_and_keep_their_number(opened, pristine):
    dataset = opened(pristine, textures=[10, 2])
    assert [id for id in ids(opened(pristine)) if id.split("/")[0] in ("Class2", "Class10")] == ids(dataset)
    assert set(np.unique(dataset.load("Class10/Train/1151").mask)) == {0, 10}


@pytest.mark.parametrize("textures", [[], [0], [11], [2, 2]])
def test_textures_that_make_no_sense_are_refused(opened, pristine, textures):
    with pytest.raises(SettingsError, match="name some of 1 to 10, each once"):
        opened(pristine, textures=textures)


def test_a_texture_that_is_asked_for_and_absent_is_refused(opened, miniature):
    shutil.rmtree(miniature / "Class7")
    assert len(ids(opened(miniature))) == 63
    with pytest.raises(DataError, match=r"no folder Class7 .*download Class1\.zip"):
        opened(miniature, textures=[6, 7]).records()


def test_only_one_half_of_a_texture_may_be_there(opened, miniature):
    shutil.rmtree(miniature / "Class1" / "Train")
    assert [id for id in ids(opened(miniature)) if id.startswith("Class1/")] == ["Class1/Test/0041", "Class1/Test/0042"]


def test_the_release_may_lie_one_folder_deeper(opened, miniature):
    assert ids(opened(miniature.parent)) == ids(opened(miniature))


@pytest.mark.parametrize("textures", [range(1, 11), range(3, 6)])
def test_archives_unpacked_each_into_its_own_folder_are_read_alike(opened, miniature, pristine, textures):
    for texture in textures:
        name = f"Class{texture}"
        (miniature / name).rename(miniature / "moved")
        (miniature / name).mkdir()
        (miniature / "moved").rename(miniature / name / name)
    for root in (miniature, miniature.parent):
        assert ids(opened(root)) == ids(opened(pristine))
        found, stored = opened(root).load("Class4/Train/0576"), opened(pristine).load("Class4/Train/0576")
        assert np.array_equal(found.mask, stored.mask)


def test_a_texture_that_is_there_twice_is_refused(opened, miniature):
    shutil.copytree(miniature / "Class2", miniature / "copy")
    (miniature / "copy").rename(miniature / "Class2" / "Class2")
    with pytest.raises(DataError, match=r"Class2: holds Class2, and .*Class2/Class2 holds it again"):
        opened(miniature).records()


def test_line_ends_without_carriage_return_and_lost_trailing_tabs_are_read_alike(opened, miniature, pristine):
    for path in miniature.rglob("Labels.txt"):
        assert b"\t0\t\r\n" in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(b"\t\r\n", b"\n").replace(b"\r\n", b"\n"))
    assert ids(opened(miniature)) == ids(opened(pristine))


def test_suffixes_in_small_letters_are_read_alike(opened, miniature, pristine):
    for path in list(miniature.rglob("*.PNG")):
        path.rename(path.with_suffix(".png"))
    for path in miniature.rglob("Labels.txt"):
        path.write_bytes(path.read_bytes().replace(b".PNG", b".png"))
    assert ids(opened(miniature)) == ids(opened(pristine))
    assert opened(miniature).load("Class1/Train/0576").mask.any()


def test_one_number_with_both_suffixes_is_refused(opened, miniature):
    image = miniature / "Class3" / "Train" / "0576.PNG"
    shutil.copy(image, image.with_suffix(".png"))
    if len(list(image.parent.glob("0576.*"))) == 1:
        pytest.skip("this file system does not tell capitals apart")
    with pytest.raises(DataError, match=r"0576\.\w+: 0576\.\w+ beside it stands for the same"):
        opened(miniature).records()


def test_stray_files_are_not_read(opened, miniature, pristine):
    half = miniature / "Class5" / "Test"
    for name in ("0041 (copy).PNG", "._0041.PNG", ".DS_Store", "Thumbs.db", "10301.PNG"):
        (half / name).write_bytes(b"x")
        (half / "Label" / name).write_bytes(b"x")
    assert (miniature / "Class1" / "Train" / "0576 (copy).PNG").exists()
    assert ids(opened(miniature)) == ids(opened(pristine))


def test_rows_of_images_that_are_not_there_are_allowed(opened, miniature):
    for path in (miniature / "Class3" / "Train").rglob("0576*.PNG"):
        path.unlink()
    assert len(ids(opened(miniature))) == 69


def test_a_defective_image_without_its_mask_is_refused(opened, miniature):
    (miniature / "Class3" / "Train" / "Label" / "0576_label.PNG").unlink()
    with pytest.raises(DataError, match=r"Class3/Train/0576\.PNG: its mask .*0576_label\.PNG is missing"):
        opened(miniature).records()


def test_a_mask_without_its_image_is_refused(opened, miniature):
    (miniature / "Class3" / "Train" / "0576.PNG").unlink()
    with pytest.raises(DataError, match=r"Label/0576_label\.PNG: its image .*0576\.PNG is missing"):
        opened(miniature).records()


def test_a_mask_for_an_image_listed_without_defect_is_refused(opened, miniature):
    masks = miniature / "Class3" / "Train" / "Label"
    shutil.copy(masks / "0576_label.PNG", masks / "0579_label.PNG")
    with pytest.raises(DataError, match=r"0579_label\.PNG: a mask, but .*Labels\.txt lists its image as free"):
        opened(miniature).records()


def test_an_image_that_is_not_listed_is_refused(opened, miniature):
    half = miniature / "Class3" / "Train"
    shutil.copy(half / "0579.PNG", half / "0581.PNG")
    with pytest.raises(DataError, match=r"0581\.PNG: not listed in .*Labels\.txt"):
        opened(miniature).records()


def test_without_its_list_a_texture_is_refused_and_not_taken_for_clean(opened, miniature):
    labels(miniature).unlink()
    with pytest.raises(DataError, match=r"Class3/Train/Label/Labels\.txt: the file is missing, so an image that lost"):
        opened(miniature).records()


@pytest.mark.parametrize(
    "row",
    [
        "576\t1\t0576.PNG\t0\t0",  # defective without a mask
        "576\t0\t0576.PNG\t0\t0576_label.PNG",  # clean with a mask
        "576\t2\t0576.PNG\t0\t0576_label.PNG",
        "576\t1\t0577.PNG\t0\t0576_label.PNG",
        "576\t1\t0576.PNG\t0\t0577_label.PNG",
        "576\t1\t0576.PNG\t1\t0576_label.PNG",
        "576\t1\t0576.PNG\t0",
        "576\t1\t0576.PNG\t0\t0576_label.PNG\t1",
        "576 1 0576.PNG 0 0576_label.PNG",
        "²\t1\t0576.PNG\t0\t0576_label.PNG",
        "576",
        "9" * 5000,
    ],
)
def test_a_malformed_row_is_refused_naming_the_line(opened, miniature, row):
    path = labels(miniature)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], row, *lines[2:]]), encoding="utf-8")
    with pytest.raises(DataError, match=r"Class3/Train/Label/Labels\.txt:2: .* is not a number, 0 or 1"):
        opened(miniature).records()


def test_a_row_that_stands_twice_and_a_wrong_first_line_are_refused(opened, miniature):
    path = labels(miniature)
    intact = path.read_text()
    path.write_text(intact + intact.splitlines()[1] + "\n")
    with pytest.raises(DataError, match=r"Labels\.txt:7: image 0576 stands here twice"):
        opened(miniature).records()
    path.write_text(intact.partition("\n")[2])
    with pytest.raises(DataError, match=r"Labels\.txt:1: the first line is '576.*must be '1'"):
        opened(miniature).records()
    path.write_bytes(b"\xff\xfe1")
    with pytest.raises(DataError, match=r"Labels\.txt: cannot be read as text"):
        opened(miniature).records()


@examples(max_examples=20)
@given(
    flags=st.dictionaries(st.integers(1, 9999), st.booleans(), min_size=1, max_size=5),
    end=st.sampled_from(["\n", "\r\n"]),
    tail=st.sampled_from(["", "\t"]),
)
def test_exactly_the_images_listed_as_defective_have_a_mask(opened, flags, end, tail):
    with tempfile.TemporaryDirectory() as folder:
        half = Path(folder) / "Class9" / "Test"
        rows = ["1"]
        for number, has_defect in flags.items():
            name = f"{number:04d}"
            write_png(half / f"{name}.PNG", np.full((3, 4), 9, np.uint8))
            if has_defect:
                write_png(half / "Label" / f"{name}_label.PNG", np.eye(3, 4, dtype=np.uint8) * 255)
            rows.append(
                f"{number}\t{int(has_defect)}\t{name}.PNG\t0\t{f'{name}_label.PNG' if has_defect else '0'}{tail}"
            )
        (half / "Label").mkdir(exist_ok=True)
        (half / "Label" / "Labels.txt").write_bytes(end.join(rows).encode())
        dataset = opened(Path(folder))
        assert {int(id[-4:]): bool(dataset.load(id).mask.any()) for id in ids(dataset)} == flags


def test_a_mask_of_another_size_is_refused_naming_both_files(opened, miniature):
    write_png(miniature / "Class3" / "Train" / "Label" / "0576_label.PNG", np.full((64, 63), 255, np.uint8))
    with pytest.raises(DataError, match=r"0576_label\.PNG: the mask is 63x64 .*0576\.PNG is 64x64"):
        opened(miniature).load("Class3/Train/0576")


@pytest.mark.parametrize("value", [1, 3, 254])
def test_a_mask_value_other_than_0_and_255_is_refused(opened, miniature, value):
    path = miniature / "Class3" / "Train" / "Label" / "0576_label.PNG"
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    mask[0, 0] = value
    cv2.imwrite(str(path), mask)
    with pytest.raises(DataError, match=rf"0576_label\.PNG: the mask holds \[{value}\]; it may hold 0, 255"):
        opened(miniature).load("Class3/Train/0576")


def test_a_mask_that_marks_nothing_is_refused_and_not_taken_for_a_clean_image(opened, miniature):
    write_png(miniature / "Class3" / "Train" / "Label" / "0576_label.PNG", np.zeros((64, 64), np.uint8))
    with pytest.raises(DataError, match=r"0576_label\.PNG: marks nothing, but Labels\.txt"):
        opened(miniature).load("Class3/Train/0576")


def test_truncated_emptied_and_coloured_files_are_all_named(opened, miniature):
    half = miniature / "Class3" / "Train"
    (half / "0576.PNG").write_bytes((half / "0576.PNG").read_bytes()[:200])
    (half / "Label" / "0577_label.PNG").write_bytes(b"")
    write_png(half / "0579.PNG", np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    with pytest.raises(UnusableImages, match=r"3 of 70 images .*/0576\.PNG") as caught:
        build_index("dagm", opened(miniature))
    assert "0577_label.PNG" in caught.value.mistakes[1]
    assert "0579.PNG: in colour" in caught.value.mistakes[2]


def test_an_unknown_image_is_refused(opened, pristine):
    for id in ("Class1/Train/0001", "Class1/Test/0576", "", "Class1/Train/../Train/0576"):
        with pytest.raises(DataError, match="no image"):
            opened(pristine).load(id)
    with pytest.raises(DataError, match="no image 'Class1/Train/0576'"):
        opened(pristine, textures=[2]).load("Class1/Train/0576")


def test_a_folder_that_is_missing_or_something_else_says_how_to_get_the_data(opened, tmp_path):
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match=r"download Class1\.zip to Class10\.zip from https://zenodo"):
            opened(root).records()


def test_the_release_is_counted_as_published(catalog):
    release = catalog.find("dataset", "dagm").component.release
    assert release is not None
    assert (release.images, release.defective, dict(release.splits)) == (16_100, 2_100, {"train": 8_050, "test": 8_050})
    assert [download.folder for download in release.downloads] == [f"Class{k}" for k in range(1, 11)]


def test_every_real_image_and_mask_equals_an_independent_decoding(opened, shared_data):
    root = shared_data / "dagm"
    assert check_every_pixel(opened(root), root) == {"defective": 71, "clean": 30}


def test_the_real_sample_keeps_its_split_and_a_mask_of_two_pixels(opened, shared_data):
    dataset = opened(shared_data / "dagm")
    assert Counter(record.split for record in dataset.records()) == {"train": 36, "test": 65}
    assert Counter(int(record.meta["texture"]) for record in dataset.records()) == {
        1: 36,
        2: 1,
        3: 1,
        4: 1,
        5: 1,
        8: 61,
    }
    assert np.count_nonzero(dataset.load("Class8/Train/1951").mask == 8) == 2


def test_lists_without_images_are_refused(opened, shared_data):
    with pytest.raises(DataError, match=r"dagm_labels_full: holds no image named like Class1/Train/0576\.PNG"):
        opened(shared_data / "dagm_labels_full").records()


def test_the_complete_real_lists_give_the_official_counts_without_decoding_an_image(opened, shared_data, tmp_path):
    for path in (shared_data / "dagm_labels_full").rglob("Labels.txt"):
        half = tmp_path / path.parent.parent.relative_to(shared_data / "dagm_labels_full")
        (half / "Label").mkdir(parents=True)
        shutil.copy(path, half / "Label")
        for image, mask in listed(half).items():
            (half / image).touch()
            if mask is not None:
                (half / "Label" / mask).touch()
    records = opened(tmp_path).records()
    assert Counter(record.split for record in records) == {"train": 8_050, "test": 8_050}
    assert sum(len(record.files) == 3 for record in records) == 2_100
    sizes = Counter(int(record.meta["texture"]) for record in records)
    assert sizes == {**dict.fromkeys(range(1, 7), 1_150), **dict.fromkeys(range(7, 11), 2_300)}
