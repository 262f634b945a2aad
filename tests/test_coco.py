"""COCO: classes, crowds, overlaps, splits, refusals of documents, and files with random bytes changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.api import DataError, SettingsError, write_png
from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.data.splits import assign
from bench.types import SPLITS, Dataset
from coco_files import CATEGORIES, HEIGHT, IMAGE, REGION, WIDTH, listing, marked, refusal_of, runs, write_release

Opened = Callable[..., Dataset]


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build the component ``coco`` on a folder."""

    def build_on(root: Path, **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "coco").component, root, settings=settings)
        return dataset

    return build_on


@pytest.fixture(scope="session")
def pristine(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coco")
    example = catalog.find("dataset", "coco").component.example
    assert example is not None
    example(folder)
    return folder


@pytest.fixture
def written(opened: Opened, tmp_path: Path) -> Callable[..., Dataset]:
    """A data set of one image, 16 wide and 12 high, with these annotations, or this document or text."""

    def write(*regions: dict[str, Any], document: Any = None, **settings: object) -> Dataset:
        write_release(tmp_path, listing(*regions) if document is None else document)
        return opened(tmp_path, **settings)

    return write


def test_the_example_is_read_with_the_default_settings_and_split(opened, pristine):
    index = build_index("coco", opened(pristine, groups=r"^(part\d+)_"))
    assert index.classes == ("scratch", "dent")
    assert (len(index.entries), len({entry.group for entry in index.entries})) == (20, 10)
    assert sum(entry.pixels[1] > 0 for entry in index.entries) == 10
    assert sum(entry.pixels[2] > 0 for entry in index.entries) == 5
    assert [entry.id for entry in index.entries if entry.ignored] == ["part0_front"]
    assert set(assign(index, "grouped").values()) == set(SPLITS)


def test_files_that_no_entry_names_are_not_read(opened, pristine):
    assert (pristine / "images" / "unlabelled.png").is_file()
    assert not any("unlabelled" in record.id for record in opened(pristine).records())


def test_a_record_names_image_and_annotations_in_the_order_of_ids(written, tmp_path):
    write_png(tmp_path / "images" / "B" / "0.png", np.full((HEIGHT, WIDTH, 1), 50, np.uint8))
    records = written(document=listing(images=[IMAGE, {**IMAGE, "id": 0, "file_name": "B/0.png"}])).records()
    assert [(record.id, record.group, record.split) for record in records] == [("B/0", "B/0", None), ("a", "a", None)]
    assert records[1].files == (tmp_path / "images" / "a.png", tmp_path / "annotations.json")


def test_classes_are_numbered_by_the_ids_of_their_categories(written):
    dataset = written(REGION)
    assert dataset.classes == ("scratch", "dent")
    assert set(np.unique(dataset.load("a").mask)) == {0, 1}


def test_an_image_without_annotations_is_clean(written):
    assert not written().load("a").mask.any()


def test_a_crowd_is_ignored_but_for_what_is_outlined_in_it(written):
    crowd = {**REGION, "id": 8, "iscrowd": 1, "segmentation": runs(marked(slice(0, 12), slice(4, 6)))}
    for regions in ((REGION, crowd), (crowd, REGION)):
        mask = written(*regions).load("a").mask
        assert (mask[3:7, 2:8] == 1).all()
        assert set(mask[[0, 1, 2, 7, 11], 4:6].ravel()) == {255}
        assert not mask[:, 8:].any()


def test_pixels_of_two_classes_are_refused_unless_the_later_annotation_may_take_them(written):
    dent = {**REGION, "id": 8, "category_id": 9, "segmentation": [[6, 3, 10, 3, 10, 7, 6, 7]]}
    with pytest.raises(DataError, match=r"annotation 8: 8 pixels of 'dent' are marked as 'scratch' too; set 'over"):
        written(REGION, dent).load("a")
    assert written(REGION, dent, overlap="later").load("a").mask[4].tolist() == [0] * 2 + [1] * 4 + [2] * 4 + [0] * 6
    assert written(dent, REGION, overlap="later").load("a").mask[4].tolist() == [0] * 2 + [1] * 6 + [2] * 2 + [0] * 6


def test_pixels_of_two_annotations_of_one_class_are_no_conflict(written):
    assert written(REGION, {**REGION, "id": 8}).load("a").mask.sum() == 24


def test_groups_come_from_a_pattern_or_a_table(written, tmp_path):
    (tmp_path / "groups.csv").write_text("id,group\na,part1\n")
    assert written(groups="groups.csv").records()[0].group == "part1"
    assert written(groups="^(.)").records()[0].group == "a"
    with pytest.raises(DataError, match="image 'a': the pattern"):
        written(groups="(x)").records()


def test_a_byte_order_mark_and_keys_of_other_tools_are_read_over(written):
    document = {**listing({**REGION, "attributes": {}}), "info": {}, "licenses": []}
    assert written(document=b"\xef\xbb\xbf" + json.dumps(document).encode()).load("a").mask.any()


def test_annotations_without_iscrowd_are_no_crowd(written):
    region = {key: value for key, value in REGION.items() if key != "iscrowd"}
    assert written(region).load("a").mask.max() == 1


@pytest.fixture
def halves(written: Callable[..., Dataset], tmp_path: Path) -> Path:
    """Two files of one image each, both with image 1 and annotation 7 of their own."""
    written()
    shutil.copy(tmp_path / "images" / "a.png", tmp_path / "images" / "b.png")
    (tmp_path / "train.json").write_text(json.dumps(listing(REGION)))
    (tmp_path / "test.json").write_text(json.dumps(listing(REGION, images=[{**IMAGE, "file_name": "b.png"}])))
    return tmp_path


BOTH = {"train": "train.json", "test": "test.json"}


def test_several_files_are_the_official_splits(opened, halves):
    dataset = opened(halves, splits=BOTH)
    records = dataset.records()
    assert {record.id: (record.split, record.files[1].name) for record in records} == {
        "a": ("train", "train.json"),
        "b": ("test", "test.json"),
    }
    assert dataset.load("b").mask.any()


def test_files_with_other_categories_are_refused_naming_both(opened, halves):
    (halves / "test.json").write_text(json.dumps(listing(categories=[{"id": 3, "name": "scratch"}])))
    with pytest.raises(DataError, match=r"test\.json: its categories are not those of .*train\.json"):
        opened(halves, splits=BOTH).records()


def test_an_image_in_two_splits_is_refused(opened, halves):
    (halves / "test.json").write_text(json.dumps(listing()))
    with pytest.raises(DataError, match=r"test\.json: image 1: 'a\.png' has the name of .*train\.json: image 1"):
        opened(halves, splits=BOTH).records()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"splits": {}}, "must name a file for every split"),
        ({"splits": {"train": "a.json", "test": "a.json"}}, "another for each"),
        ({"splits": {"training": "a.json"}}, "splits"),
        ({"splits": BOTH, "annotations": "all.json"}, "annotations and splits both"),
        ({"images": {"train": "train"}}, "names a folder for each split; name the file of each with 'splits'"),
        (
            {"splits": BOTH, "images": {"train": "a", "validation": "b", "test": "c"}},
            "images names 'validation', but splits does",
        ),
        ({"splits": BOTH, "images": {"train": "a"}}, "splits names 'test', but images does not"),
        ({"splits": BOTH, "images": {"train": "a", "test": "../b"}}, r"folder '\.\./b' of 'test' must lie below"),
        ({"splits": BOTH, "images": {"train": "/a", "test": "b"}}, "folder '/a' of 'train' must lie below"),
        ({"splits": BOTH, "images": {"train": "a", "valid": "b"}}, "images"),
        ({"overlap": "first"}, "overlap"),
        ({"groups": "part"}, "one pair of brackets, it has 0"),
        ({"groups": "(a"}, "neither a .csv file nor a valid pattern"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_anything_is_read(opened, tmp_path, settings, message):
    with pytest.raises(SettingsError, match=message):
        opened(tmp_path, **settings)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", r"annotations\.json: not valid JSON"),
        ('{"images": [', "not valid JSON"),
        (b'{"images": "\xff"}', "not valid JSON .*codec"),
        ('{"images": [], "images": []}', "not valid JSON .*'images' twice"),
        ('{"images": NaN}', "NaN is no number"),
        ('{"images": -Infinity}', "-Infinity is no number"),
        ("[" * 100_000, "not valid JSON"),
        ("9" * 5000, "not valid JSON"),
        ("[1]", "not an object with"),
        ('{"images": [], "annotations": []}', "no list 'categories'"),
        ({"images": [IMAGE], "categories": CATEGORIES}, "no list 'annotations'"),
        ({"images": {}, "annotations": [], "categories": CATEGORIES}, "no list 'images'"),
        (listing(images=[]), "lists no image"),
        (listing(images=[3]), r"images\[0\] is 3, not an object"),
        (listing(categories=[]), "0 categories; there must be 1 to 254"),
        (listing(categories=[{"id": k, "name": str(k)} for k in range(255)]), "255 categories"),
        (listing(categories=[{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]), "category 1: another has the name 'a'"),
        (listing(categories=[{"id": 1, "name": " "}]), "category 1: 'name' is ' '"),
        (listing(categories=[*CATEGORIES, CATEGORIES[0]]), "category 9 stands there twice"),
        (listing(images=[IMAGE, IMAGE]), "image 1 stands there twice"),
        (listing(REGION, REGION), "annotation 7 stands there twice"),
        (listing(images=[IMAGE, {**IMAGE, "id": 2}]), r"image 2: 'a\.png' has the name of .*image 1"),
        (listing(images=[IMAGE, {**IMAGE, "id": 2, "file_name": "a.jpg"}]), "file types aside; names must differ"),
        (listing(images=[IMAGE, {**IMAGE, "id": 2, "file_name": "b.png"}]), r"image 2: its file .*b\.png is missing"),
        (listing(images=[{**IMAGE, "file_name": "b" * 3000}]), "image 1: its file .* is missing"),
    ],
)  # fmt: skip
def test_a_document_that_is_no_list_of_annotations_is_refused(written, document, message):
    with pytest.raises(DataError, match=message) as caught:
        written(document=document).records()
    assert "annotations.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["../a.png", "/a.png", "b/../a.png", "..", ".", "", "b\\a.png", "C:a.png", "a\n.png", "a\0.png", "\ud800", 3],
)
def test_a_file_name_that_leads_out_of_the_folder_or_cannot_be_one_is_refused(written, name):
    with pytest.raises(DataError, match=r"annotations\.json: image 1: 'file_name' "):
        written(document=listing(images=[{**IMAGE, "file_name": name}])).records()


@pytest.mark.parametrize("key", ["id", "width", "height"])
@pytest.mark.parametrize("value", [None, True, "16", 16.5, [16]])
def test_numbers_of_an_image_must_be_whole_numbers(written, key, value):
    with pytest.raises(DataError, match=f"'{key}' is .*; it must be a whole number"):
        written(document=listing(images=[{**IMAGE, key: value}])).records()


def test_a_size_of_no_pixels_is_refused(written):
    with pytest.raises(DataError, match="image 1: 0x12 pixels"):
        written(document=listing(images=[{**IMAGE, "width": 0}])).records()


def test_an_image_of_another_size_than_listed_is_refused_naming_both_files(written):
    dataset = written(document=listing(images=[{**IMAGE, "width": HEIGHT, "height": WIDTH}]))
    with pytest.raises(DataError, match=r"images/a\.png: 16x12 pixels, but .*annotations\.json: image 1 is 12x16"):
        dataset.load("a")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 2}, "is of image 2, which is not listed"),
        ({"category_id": 1}, "is of category 1, which is not listed"),
        ({"image_id": "1"}, "'image_id' is '1'"),
        ({"category_id": None}, "'category_id' is None"),
        ({"iscrowd": 2}, "'iscrowd' is 2"),
        ({"iscrowd": "1"}, "'iscrowd' is '1'"),
        ({"iscrowd": None}, "'iscrowd' is None"),
        ({"segmentation": None}, "has no segmentation: a box is no mask"),
        ({"segmentation": []}, "has no segmentation: a box is no mask"),
    ],
)
def test_an_annotation_that_refers_to_nothing_or_has_a_box_only_is_refused(written, change, message):
    with pytest.raises(DataError, match=rf"annotations\.json: annotation 7:? ?{message}"):
        written({**REGION, "bbox": [1, 1, 4, 4], **change}).records()


def test_missing_files_and_unknown_ids_are_named(opened, written, tmp_path):
    with pytest.raises(DataError, match=r"annotations\.json: the file is missing; the data set 'coco' needs"):
        opened(tmp_path).records()
    with pytest.raises(DataError, match=r"no image '\.\./a' is listed"):
        written().load("../a")


def test_a_truncated_image_is_named(written, tmp_path):
    dataset = written()
    path = tmp_path / "images" / "a.png"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=r"images/a\.png"):
        dataset.load("a")


@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_in_the_annotations_give_one_line_or_a_data_set(opened, pristine, tmp_path, seed):
    rng = np.random.default_rng(seed)
    root = Path(shutil.copytree(pristine, tmp_path / "coco"))
    original = (root / "annotations.json").read_bytes()
    refused = 0
    for _ in range(100):
        damaged = bytearray(original)
        for place in rng.integers(len(damaged), size=int(rng.integers(1, 4))):
            damaged[place] = rng.integers(32, 127) if rng.random() < 0.8 else rng.integers(256)
        (root / "annotations.json").write_bytes(bytes(damaged))
        refused += refusal_of(opened(root)) is not None
    assert refused > 30


VALUES = (None, True, 0, -1, 1, 2**31, 2**63, 0.5, "", "a", "../a", [], [[]], [[0] * 6], {}, {"size": [40, 56]})


def test_any_value_in_any_place_gives_one_line_or_a_data_set(opened, pristine, tmp_path):
    rng = np.random.default_rng(5)
    root = Path(shutil.copytree(pristine, tmp_path / "coco"))
    original = json.loads((root / "annotations.json").read_text())
    refused = 0
    for _ in range(200):
        document = deepcopy(original)
        replaced(document, rng)
        (root / "annotations.json").write_text(json.dumps(document))
        refused += refusal_of(opened(root)) is not None
    assert refused > 60


def replaced(node: Any, rng: np.random.Generator) -> None:
    """Put a strange value somewhere below a list or an object."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    key = keys[int(rng.integers(len(keys)))]
    inner = node[key]
    if isinstance(inner, (dict, list)) and inner and rng.random() < 0.9:
        replaced(inner, rng)
    else:
        node[key] = deepcopy(VALUES[int(rng.integers(len(VALUES)))])


def test_a_category_of_crowds_alone_is_refused_until_a_setting_says_what_they_are(written):
    crowd = {**REGION, "iscrowd": 1, "segmentation": runs(marked(slice(2, 6), slice(3, 9)))}
    with pytest.raises(DataError, match=r"annotation 7: every annotation of 'scratch' is a crowd .*'crowds: defect'"):
        written(crowd).records()
    assert set(np.unique(written(crowd, crowds="ignore").load("a").mask)) == {0, 255}
    assert np.array_equal(written(crowd, crowds="defect").load("a").mask == 1, marked(slice(2, 6), slice(3, 9)))


def test_ignored_crowds_are_remarked_in_words(written):
    crowd = {**REGION, "id": 8, "iscrowd": 1, "segmentation": runs(marked(slice(8, 10), slice(4, 6)))}
    [remark] = build_index("coco", written(REGION, crowd)).remarks
    assert remark.startswith("1 of 2 annotations are crowds")
    assert "crowds: defect" in remark
    assert build_index("coco", written(REGION, crowd, crowds="defect")).remarks == ()
    assert build_index("coco", written(REGION)).remarks == ()


def test_pictures_that_no_entry_lists_are_remarked(written, tmp_path):
    dataset = written(REGION)
    write_png(tmp_path / "images" / "later.png", np.full((4, 4), 9, np.uint8))
    [remark] = build_index("coco", dataset).remarks
    assert remark == "1 picture in images (as later.png) not read: no entry lists them"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("images/a.png", r"set 'images: \.'"),
        ("a.jpg", "a.png lies there: correct the entry"),
        ("b.png", "add it, or take"),
    ],
)
def test_a_listed_file_that_is_missing_is_looked_for_nearby(written, name, advice):
    with pytest.raises(DataError, match=f"is missing; .*{advice}"):
        written(document=listing(REGION, images=[{**IMAGE, "file_name": name}])).records()
