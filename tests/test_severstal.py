"""Severstal: run lengths against encoders and decoders of our own, both forms of the table, and the real files."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as sometimes
from hypothesis import strategies as st
from PIL import Image

from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.data.splits import assign
from bench.errors import DataError, SettingsError
from bench.types import SPLITS, Dataset

Opened = Callable[..., Dataset]
NEW, OLD = "ImageId,ClassId,EncodedPixels", "ImageId_ClassId,EncodedPixels"
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
def miniature(pristine: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(pristine, tmp_path / "severstal"))


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "plain.jpg"
    Image.new("RGB", (1600, 256), (90, 90, 90)).save(path)
    return path


@pytest.fixture
def single(picture: Path, tmp_path: Path) -> Callable[..., Path]:
    """A release of one image with these lines of ``train.csv``."""

    def write(*lines: str, header: str = NEW) -> Path:
        (tmp_path / "train_images").mkdir(exist_ok=True)
        shutil.copy(picture, tmp_path / "train_images" / f"{ONE}.jpg")
        (tmp_path / "train.csv").write_text("".join(f"{line}\n" for line in (header, *lines)))
        return tmp_path

    return write


def encoded(mask: np.ndarray) -> str:
    """Run lengths by walking down every column, pixel by pixel of the few columns that are marked."""
    pixels = [x * SHAPE[0] + y + 1 for x in np.flatnonzero(mask.any(axis=0)) for y in np.flatnonzero(mask[:, x])]
    runs = [list(run) for _, run in groupby(enumerate(pixels), key=lambda pair: pair[1] - pair[0])]
    return " ".join(f"{run[0][1]} {len(run)}" for run in runs)


def painted(runs: str) -> np.ndarray:
    """Decode run lengths one run at a time, row and column of each pixel by division."""
    numbers = [int(word) for word in runs.split()]
    mask = np.zeros(SHAPE, bool)
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        column, row = np.divmod(np.arange(start - 1, start - 1 + length), SHAPE[0])
        mask[row, column] = True
    return mask


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def expected(rows: Sequence[dict[str, str]], id: str) -> np.ndarray:
    """The mask that the rows of one image spell out."""
    mask = np.zeros(SHAPE, np.uint8)
    for row in rows:
        if row["ImageId"] == f"{id}.jpg":
            mask[painted(row["EncodedPixels"])] = int(row["ClassId"])
    return mask


def older(table: Path) -> None:
    """Rewrite a table into the older form: four rows for every image beside it."""
    runs = {(row["ImageId"], row["ClassId"]): row["EncodedPixels"] for row in rows_of(table)}
    names = sorted(path.name for path in (table.parent / "train_images").glob("*.jpg"))
    lines = [f"{name}_{k},{runs.get((name, k), '')}" for name in names for k in "1234"]
    table.write_text("\n".join([OLD, *lines, ""]))


rectangles = st.lists(
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 1599), st.integers(1, 4)), min_size=1, max_size=6
)


@sometimes(max_examples=40)
@given(rectangles=rectangles)
def test_whatever_mask_is_encoded_is_what_the_reader_decodes(opened, picture, tmp_path_factory, rectangles):
    root = tmp_path_factory.mktemp("release")
    mask = np.zeros(SHAPE, bool)
    for top, bottom, left, wide in rectangles:
        mask[min(top, bottom) : max(top, bottom) + 1, left : left + wide] ^= True
    assume(mask.any())
    (root / "train_images").mkdir()
    (root / "train_images" / f"{ONE}.jpg").hardlink_to(picture)
    (root / "train.csv").write_text(f"{NEW}\n{ONE}.jpg,3,{encoded(mask)}\n")
    assert np.array_equal(opened(root).load(ONE).mask, mask * np.uint8(3))


def test_runs_count_from_one_down_the_columns(opened, single):
    mask = opened(single(f"{ONE}.jpg,2,1 2 256 1 257 1 409600 1")).load(ONE).mask
    assert {tuple(place) for place in np.argwhere(mask == 2).tolist()} == {
        (0, 0), (1, 0), (255, 0), (0, 1), (255, 1599),
    }  # fmt: skip


def test_one_run_may_cover_the_whole_image_and_runs_may_touch(opened, single):
    assert (opened(single(f"{ONE}.jpg,4,1 409600")).load(ONE).mask == 4).all()
    assert opened(single(f"{ONE}.jpg,4,5 3 8 2")).load(ONE).mask[4:9, 0].tolist() == [4] * 5


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ("1 2 3", "3 numbers; runs are pairs"),
        ("0 2", "the run 0 2 does not lie in pixels 1 to 409600"),
        ("5 0", "the run 5 0 does not lie in pixels"),
        ("409600 2", "the run 409600 2 does not lie in pixels"),
        ("10 5 14 3", "the run at 14 begins before the one at 10 ends"),
        ("30 2 10 5", "the run at 10 begins before the one at 30 ends"),
        ("10 5 10 5", "the run at 10 begins before the one at 10 ends"),
        ("-3 5", "'-3' is neither a pixel nor a length"),
        ("1 2.0", "'2.0' is neither"),
        ("1 1_0", "'1_0' is neither"),
        ("١ 2", "'١' is neither"),
        ("99999999999999999999999 2", "'99999999999999999999' is neither"),
        ("[1 2]", r"'\[1' is neither"),
    ],
)
def test_runs_that_are_not_valid_are_refused_naming_the_line(opened, single, runs, message):
    root = single("0007a71bf.jpg,1,7 7", f"{ONE}.jpg,2,{runs}")
    with pytest.raises(DataError, match=rf"train\.csv:3: {message}"):
        opened(root).load(ONE)


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (NEW, f"{ONE}.jpg,5,1 1", rf"'{ONE}\.jpg_5' is not an image like 0002cc93b\.jpg with a class from 1 to 4"),
        (NEW, f"{ONE}.jpg,0,1 1", ".*is not an image like"),
        (NEW, f"{ONE}.png,1,1 1", ".*is not an image like"),
        (NEW, f"../{ONE}.jpg,1,1 1", ".*is not an image like"),
        (NEW, f"{ONE}.jpg,1,", "no runs, but this form of the file has rows for defects only"),
        (NEW, f"{ONE}.jpg,1", r"2 values under 3 columns"),
        (OLD, f"{ONE}.jpg,1 1", ".*is not an image like"),
        (OLD, f"{ONE}.jpg_2,1 1", f"{ONE}.jpg has rows for 1 of 4 classes"),
    ],
)
def test_a_row_that_is_not_valid_is_refused_naming_the_line(opened, single, header, row, message):
    with pytest.raises(DataError, match=rf"train\.csv:2: {message}"):
        opened(single(row, header=header)).records()


def test_a_class_that_stands_twice_is_refused_naming_both_lines(opened, single):
    root = single(f"{ONE}.jpg,1,1 1", f"{ONE}.jpg,2,3 1", f"{ONE}.jpg,1,9 1")
    with pytest.raises(DataError, match=rf"train\.csv:4: class 1 of {ONE}\.jpg stands on line 2 already"):
        opened(root).records()


def test_a_table_of_another_kind_is_refused(opened, single):
    with pytest.raises(DataError, match=r"train\.csv:1: the columns are \['image', 'EncodedPixels'\]"):
        opened(single("a,1 1", header="image,EncodedPixels")).records()


def test_a_table_without_rows_is_refused_and_not_taken_for_clean_images(opened, single):
    with pytest.raises(DataError, match=r"train\.csv: has no rows"):
        opened(single()).records()


def test_a_table_cut_off_inside_its_last_row_is_refused_though_half_of_its_runs_are_valid(opened, miniature):
    table = miniature / "train.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:-1], " ".join(lines[-1].split(" ")[:-4])]))
    with pytest.raises(DataError, match=rf"train\.csv:{len(lines)}: the last line does not end"):
        opened(miniature).records()


def test_a_missing_table_is_named(opened, miniature):
    (miniature / "train.csv").unlink()
    with pytest.raises(DataError, match=r"train\.csv: the file is missing"):
        opened(miniature).records()


def test_pixels_of_two_classes_are_refused_unless_the_rule_is_stated(opened, single):
    root = single(f"{ONE}.jpg,4,4 3", f"{ONE}.jpg,1,1 4")
    with pytest.raises(DataError, match=r"train\.csv:2: 1 pixel of class 4 are marked as class 1 too"):
        opened(root).load(ONE)
    assert opened(root, overlap="highest").load(ONE).mask[:7, 0].tolist() == [1, 1, 1, 4, 4, 4, 0]


def test_the_miniature_is_what_its_rows_spell_out(opened, pristine):
    rows, dataset = rows_of(pristine / "train.csv"), opened(pristine)
    records = dataset.records()
    for record in records:
        sample = dataset.load(record.id)
        assert np.array_equal(sample.mask, expected(rows, record.id))
        assert np.array_equal(sample.image, np.asarray(Image.open(record.files[0])))
    assert [record.id for record in records] == sorted(path.stem for path in pristine.glob("train_images/*.jpg"))
    assert len(records) == 18


def test_the_miniature_shows_every_class_in_every_split_and_two_on_one_image(opened, pristine):
    index = build_index("severstal", opened(pristine))
    assignment = assign(index, "grouped")
    for k in range(1, 5):
        assert {assignment[entry.id] for entry in index.entries if entry.pixels[k]} == set(SPLITS)
    assert Counter(sum(count > 0 for count in entry.pixels[1:]) for entry in index.entries) == {0: 5, 1: 12, 2: 1}


def test_every_image_is_a_group_and_depends_on_the_table_even_if_clean(opened, pristine):
    for record in opened(pristine).records():
        assert (record.group, record.split) == (record.id, None)
        assert [path.name for path in record.files] == [f"{record.id}.jpg", "train.csv"]


def test_the_older_form_gives_the_same_masks(opened, miniature):
    before = build_index("severstal", opened(miniature))
    older(miniature / "train.csv")
    assert build_index("severstal", opened(miniature)).entries == before.entries


def test_the_older_form_must_have_rows_for_every_image(opened, miniature):
    older(miniature / "train.csv")
    lines = (miniature / "train.csv").read_text().splitlines(keepends=True)
    (miniature / "train.csv").write_text("".join(line for line in lines if not line.startswith(ONE)))
    with pytest.raises(DataError, match=rf"train\.csv: no rows for {ONE}\.jpg \(1 such image"):
        opened(miniature).records()


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends_quotes_a_byte_order_mark_and_more_columns_change_nothing(opened, miniature, ending):
    before = build_index("severstal", opened(miniature)).entries
    lines = [
        f'{row["ClassId"]},x,"{row["EncodedPixels"]}",{row["ImageId"]}' for row in rows_of(miniature / "train.csv")
    ]
    text = ending.join(["ClassId,note,EncodedPixels,ImageId", *lines, ""])
    (miniature / "train.csv").write_bytes(text.encode("utf-8-sig"))
    assert build_index("severstal", opened(miniature)).entries == before


def test_rows_of_absent_images_are_allowed_as_in_a_subset(opened, miniature):
    (miniature / "train_images" / f"{ONE}.jpg").unlink()
    assert len(opened(miniature).records()) == 17


def test_stray_files_and_the_test_images_are_not_read(opened, miniature):
    before = opened(miniature).records()
    assert (miniature / "train_images" / "Thumbs.db").exists()
    assert any((miniature / "test_images").iterdir())
    for name in (f"{ONE} (copy).jpg", f"._{ONE}.jpg", "notes.jpg", f"{ONE}.png"):
        (miniature / "train_images" / name).write_bytes(b"")
    assert opened(miniature).records() == before


def test_the_folder_may_lie_one_level_deeper(opened, miniature):
    assert [r.id for r in opened(miniature.parent).records()] == [r.id for r in opened(miniature).records()]


@pytest.mark.parametrize("size", [(800, 128), (256, 1600), (1600, 255)])
def test_an_image_of_another_size_is_refused_as_run_lengths_do_not_fit_it(opened, miniature, size):
    Image.new("RGB", size).save(miniature / "train_images" / f"{ONE}.jpg")
    with pytest.raises(
        DataError, match=rf"{ONE}\.jpg: {size[0]}x{size[1]} pixels; images of the release have 1600x256"
    ):
        opened(miniature).load(ONE)


@pytest.mark.parametrize("share", [0, 0.2, 0.9])
def test_an_image_that_is_cut_off_is_refused_by_name(opened, miniature, share):
    path = miniature / "train_images" / f"{ONE}.jpg"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=rf"train_images/{ONE}\.jpg"):
        opened(miniature).load(ONE)


@pytest.mark.parametrize("id", ["ffffffff0", ONE.upper(), f"{ONE}.jpg", f"../test_images/{ONE}", ""])
def test_an_unknown_id_is_refused(opened, pristine, id):
    with pytest.raises(DataError):
        opened(pristine).load(id)


def test_absent_data_say_how_to_get_them_and_building_does_not_look(opened, tmp_path):
    (tmp_path / "train_images").mkdir()
    for root in (tmp_path, tmp_path / "absent"):
        dataset = opened(root)
        with pytest.raises(DataError, match="kaggle competitions download"):
            dataset.records()


def test_settings_that_cannot_be_met_are_refused(opened, pristine):
    for masks in ("train_images", ".", "masks/../train_images/"):
        with pytest.raises(SettingsError, match="must name a folder of its own"):
            opened(pristine, masks=masks)
    with pytest.raises(SettingsError, match="overlap"):
        opened(pristine, overlap="lowest")


@pytest.fixture(scope="session")
def real(shared_data: Path) -> Path:
    if not (shared_data / "severstal").is_dir():
        pytest.skip("the sample data hold no severstal/")
    return shared_data / "severstal"


def test_real_images_and_masks_equal_an_independent_decoding(opened, real):
    rows, dataset = rows_of(real / "train.csv"), opened(real)
    records = dataset.records()
    for record in records:
        sample = dataset.load(record.id)
        assert np.array_equal(sample.mask, expected(rows, record.id))
        # Two JPEG decoders may round differently by one grey level.
        assert np.abs(sample.image.astype(int) - cv2.imread(str(record.files[0]))[..., ::-1]).max() <= 1
        assert (sample.image == sample.image[..., :1]).all()
    defective = [record.id for record in records if dataset.load(record.id).mask.any()]
    assert (len(records), len(defective)) == (11, 9)
    assert set(np.unique([dataset.load(id).mask for id in defective])) == {0, 1, 3, 4}


def test_687_real_rows_of_664_images_decode_as_they_are_spelled(opened, shared_data, picture, tmp_path):
    source = shared_data / "severstal_rle_rows" / "train.csv"
    if not source.is_file():
        pytest.skip("the sample data hold no severstal_rle_rows/")
    rows = rows_of(source)
    ids = sorted({row["ImageId"].removesuffix(".jpg") for row in rows})
    (tmp_path / "train_images").mkdir()
    for id in ids:
        (tmp_path / "train_images" / f"{id}.jpg").hardlink_to(picture)
    shutil.copy(source, tmp_path)
    dataset = opened(tmp_path)
    assert [record.id for record in dataset.records()] == ids
    by_image: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_image.setdefault(row["ImageId"][:-4], []).append(row)
    for id in ids:  # none of them has a pixel of two classes, or this would be refused
        assert np.array_equal(dataset.load(id).mask, expected(by_image[id], id))
    assert (len(rows), len(ids)) == (687, 664)


def test_the_release_counts_are_those_of_the_list_of_classes(catalog, shared_data):
    listing = shared_data / "severstal_index" / "defect_types.csv"
    if not listing.is_file():
        pytest.skip("the sample data hold no severstal_index/")
    rows = rows_of(listing)
    release = catalog.find("dataset", "severstal").component.release
    assert release.images == len(rows)
    assert release.defective == sum(any(row[k] == "1" for k in "1234") for row in rows)
