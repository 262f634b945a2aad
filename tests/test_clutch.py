"""RealClutch and SynthClutch: their documented layout, pairs of viewpoints, and the mistakes of a table."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.audit.views import correspondence
from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.data.splits import assign
from bench.errors import DataError, SettingsError
from bench.types import SPLITS, Dataset

Opened = Callable[..., Dataset]
NAMES = ("realclutch", "synthclutch")


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build one of the two on a folder."""

    def build_on(root: Path, name: str = "realclutch", **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", name).component, root, settings=settings)
        return dataset

    return build_on


@pytest.fixture(scope="session")
def examples(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The miniature of either, by name."""
    folders = {name: tmp_path_factory.mktemp(name) for name in NAMES}
    for name, folder in folders.items():
        example = catalog.find("dataset", name).component.example
        assert example is not None
        example(folder)
    return folders


@pytest.fixture
def miniature(examples: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the photographs that a test may damage."""
    return Path(shutil.copytree(examples["realclutch"], tmp_path / "clutch"))


def written(root: Path, *rows: str, values: tuple[int, ...] = (0, 255), names: tuple[str, ...] = ("a", "b")) -> Path:
    """Images and masks of the given columns of values, and a table of these lines."""
    for name in names:
        for folder, levels in (("images", [50] * len(values)), ("masks", values)):
            path = root / folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.tile(np.array(levels, np.uint8), (4, 1))).save(path)
    (root / "views.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    return root


HEADER, ONE, TWO = "image,instance,viewpoint", "a.png,7,1", "b.png,7,2"


@pytest.mark.parametrize("name", NAMES)
def test_every_record_says_what_table_and_files_say(opened, examples, name):
    root = examples[name]
    dataset = opened(root, name)
    records = {record.id: record for record in dataset.records()}
    with (root / "views.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(records)
    for row in rows:
        record, sample = records[row["image"].removesuffix(".png")], dataset.load(row["image"].removesuffix(".png"))
        assert (record.group, record.split) == (row["instance"], None)
        assert record.meta == {key: value for key, value in row.items() if key != "image"}
        mask = cv2.imread(str(root / "masks" / row["image"]), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(sample.mask, mask // 255)
        assert np.array_equal(
            sample.image[..., 0], cv2.imread(str(root / "images" / row["image"]), cv2.IMREAD_UNCHANGED)
        )
    assert dataset.classes == ("defect",)


@pytest.mark.parametrize("name", NAMES)
def test_instances_are_dealt_whole_to_all_splits(opened, examples, name):
    index = build_index(name, opened(examples[name], name))
    assignment = assign(index, "grouped")
    splits_of: dict[str, set[str]] = {}
    for entry in index.entries:
        splits_of.setdefault(entry.group, set()).add(assignment[entry.id])
    assert all(len(splits) == 1 for splits in splits_of.values())
    assert set(assignment.values()) == set(SPLITS)


def test_photographs_and_renderings_of_one_instance_and_viewpoint_correspond(opened, examples):
    real, synth = (opened(examples[name], name).records() for name in NAMES)
    found = correspondence(real, synth, NAMES)
    assert (len(found.pairs), found.alone_in_first, found.alone_in_second, found.several) == (24, 0, 0, 24)
    assert all(pair.second == f"{pair.first}_ev-1" for pair in found.pairs)


def test_a_table_names_images_with_or_without_file_type_and_below_folders(opened, tmp_path):
    root = written(tmp_path, HEADER, "deep/a.1.png,x,1", "b,x,2", names=("deep/a.1", "b"))
    assert [(r.id, r.meta["viewpoint"]) for r in opened(root).records()] == [("b", "2"), ("deep/a.1", "1")]


def test_values_are_text_without_the_spaces_around_them(opened, tmp_path):
    root = written(tmp_path, HEADER + " , exposure", " a.png, 03 ,1 ,-1", "b.png,3,1,-1")
    first, second = opened(root).records()
    assert (first.group, second.group) == ("03", "3")
    assert first.meta == {"instance": "03", "viewpoint": "1", "exposure": "-1"}


def test_a_part_of_the_data_is_read_with_the_table_of_the_whole(opened, miniature):
    whole = opened(miniature).records()
    for folder in ("images", "masks"):
        (miniature / folder / "03" / "02.png").unlink()
    assert [r.id for r in opened(miniature).records()] == [r.id for r in whole if r.id != "03/02"]


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("images/03/02.png", r"masks/03/02\.png: this mask has no image"),
        ("masks/03/02.png", r"images/03/02\.png: its mask .*masks/03/02\.png is missing \(1 such.*a mask of zeros"),
        ("views.csv", r"no folder images with views\.csv beside it.*to get it, ask its authors"),
    ],
)
def test_a_file_that_is_missing_is_named(opened, miniature, lost, message):
    (miniature / lost).unlink()
    with pytest.raises(DataError, match=message):
        opened(miniature).records()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((HEADER, ONE), r"images/b\.png: .*views\.csv has no row for this image \(1 such"),
        ((HEADER, ONE, TWO, "a,7,3"), r"views\.csv:4: image 'a' stands in line 2 already"),
        ((HEADER, ONE, TWO, "absent,1,1", "absent,1,2"), r"views\.csv:5: image 'absent' stands in line 4 already"),
        ((HEADER, ONE, "b.png,7,1"), r"views\.csv:3: instance '7', viewpoint '1' stands in line 2 .*column 'exposure'"),
        ((HEADER, ONE, "b.png,,1"), r"views\.csv:3: its instance is empty"),
        ((HEADER, ONE, "b.png,7, "), r"views\.csv:3: its viewpoint is empty"),
        ((HEADER, ONE, ",7,1"), r"views\.csv:3: its image is empty"),
        ((HEADER, ONE, "b.png,7"), r"views\.csv:3: 2 values under 3 columns"),
        (("image,instance", "a.png,7"), r"views\.csv:1: the columns are .*image, instance, viewpoint"),
        ((HEADER + ",exposure", ONE + ",0", TWO + ","), r"views\.csv:3: its exposure is empty"),
        (
            (HEADER + ",exposure", ONE + ",0", "b.png,7,1,0"),
            r"views\.csv:3: instance '7', viewpoint '1', exposure '0' stands in line 2 already",
        ),
    ],
)
def test_mistakes_of_the_table_are_named_with_their_line(opened, tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        opened(written(tmp_path, *rows)).records()


def test_several_exposures_of_one_viewpoint_are_told_apart_by_a_column(opened, tmp_path):
    root = written(tmp_path, HEADER + ",exposure", ONE + ",0", "b.png,7,1,1")
    assert [record.meta["exposure"] for record in opened(root).records()] == ["0", "1"]


@given(values=st.lists(st.integers(0, 255), min_size=1, max_size=9), threshold=st.integers(1, 255))
def test_masks_are_cut_at_the_threshold_and_never_all_below_it(opened, tmp_path_factory, values, threshold):
    root = written(tmp_path_factory.mktemp("cut"), HEADER, ONE, values=tuple(values), names=("a",))
    dataset = opened(root, mask_threshold=threshold)
    if 0 < max(values) < threshold:
        wanted = (
            f"every pixel of it is {max(values)}" if len(set(values)) == 1 else f"largest value is {max(values)}, so"
        )
        with pytest.raises(DataError, match=rf"masks/a\.png: .*{wanted}"):
            dataset.load("a")
        return
    try:
        assert dataset.load("a").mask[0].tolist() == [int(value >= threshold) for value in values]
    except DataError as error:
        named = re.search(r"flat areas of grey ([\d, ]+) would", str(error))
        assert named
        assert threshold == 128
        assert all(values.count(int(level)) > 1 for level in named[1].split(", ")[:-1])


def test_settings_name_folders_and_table(opened, miniature):
    before = [(record.id, record.group) for record in opened(miniature).records()]
    for old, new in (("images", "rgb"), ("masks", "truth"), ("views.csv", "cameras.csv")):
        (miniature / old).rename(miniature / new)
    dataset = opened(miniature, images="rgb", masks="truth", table="cameras.csv")
    assert [(record.id, record.group) for record in dataset.records()] == before
    assert dataset.load("02/01").mask.any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"images": "masks"}, "must be folders beside each other"),
        ({"masks": "images/masks"}, "must be folders beside each other"),
        ({"images": "."}, "must be folders beside each other"),
        ({"images": "../other"}, "images is '../other'; name a path below"),
        ({"masks": ""}, "masks is ''; name a path below"),
        ({"table": "/views.csv"}, "table is '/views.csv'; name a path below"),
        ({"mask_threshold": 0}, "must be 1 to 255"),
        ({"mask_threshold": 256}, "must be 1 to 255"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_settings_that_cannot_be_met_are_refused_before_anything_is_read(opened, tmp_path, name, settings, message):
    with pytest.raises(SettingsError, match=message):
        opened(tmp_path, name, **settings)


def test_two_images_that_differ_only_in_type_are_refused(opened, miniature):
    (miniature / "images" / "02" / "01.bmp").write_bytes(b"x")
    with pytest.raises(DataError, match=r"images/02/01\.png: 01\.bmp beside it has the same name"):
        opened(miniature).records()


def test_image_and_mask_may_be_of_different_types(opened, miniature):
    path = miniature / "images" / "02" / "01.png"
    Image.open(path).save(path.with_suffix(".bmp"))
    path.unlink()
    table = miniature / "views.csv"
    table.write_text(table.read_text().replace("02/01.png", "02/01.bmp"))
    assert opened(miniature).load("02/01").mask.any()


def test_stray_and_hidden_files_are_not_read(opened, miniature):
    before = opened(miniature).records()
    for name in ("images/Thumbs.db", "images/02/._01.png", "masks/.cache/01.png", "masks/notes.txt"):
        (miniature / name).parent.mkdir(exist_ok=True)
        (miniature / name).write_bytes(b"stray")
    assert opened(miniature).records() == before


def test_the_folder_may_lie_one_level_deeper(opened, miniature):
    assert [r.id for r in opened(miniature.parent).records()] == [r.id for r in opened(miniature).records()]


def test_a_mask_of_another_size_is_refused_naming_both_files(opened, miniature):
    Image.new("L", (64, 49)).save(miniature / "masks" / "02" / "01.png")
    with pytest.raises(DataError, match=r"masks/02/01\.png: the mask is 64x49 .*images/02/01\.png is 64x48"):
        opened(miniature).load("02/01")


def test_a_truncated_image_is_refused(opened, miniature):
    path = miniature / "images" / "02" / "01.png"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DataError, match=r"images/02/01\.png: cannot be decoded"):
        opened(miniature).load("02/01")


def test_an_unknown_id_is_refused(opened, miniature):
    with pytest.raises(DataError, match=r"no image '\.\./masks/02/01'"):
        opened(miniature).load("../masks/02/01")


def test_a_missing_mask_folder_is_named(opened, miniature):
    shutil.rmtree(miniature / "masks")
    with pytest.raises(DataError, match=r"masks: the folder is missing \(.* holds the folders images\); images"):
        opened(miniature).records()


@pytest.mark.parametrize("name", NAMES)
def test_absent_data_say_how_to_lay_them_out(opened, tmp_path, name):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match=f"ask its authors .*--data {name}=path/to/{name}"):
            opened(folder, name).records()
