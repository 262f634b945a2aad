"""CSEM-MISD: the reader on a miniature of the release; no copy of the real images could be had."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.data.leaks import shared_groups
from bench.data.splits import assign
from bench.errors import BenchError, DataError, SettingsError
from bench.types import SPLITS, Dataset

Opened = Callable[..., Dataset]

LIGHTS = [100 * elevation + azimuth for elevation in range(1, 10) for azimuth in range(1, 13)]
FEW = {"illuminations": [101, 905]}


def grey(path: Path) -> np.ndarray:
    """The stored values, by another decoder than the reader's."""
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build ``csem-misd`` on a folder."""

    def build_on(root: Path, **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "csem-misd").component, root, settings=settings)
        return dataset

    return build_on


@pytest.fixture(scope="session")
def pristine(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("csem")
    component = catalog.find("dataset", "csem-misd").component
    assert component.example is not None
    component.example(folder)
    return folder


@pytest.fixture
def washer(pristine: Path, tmp_path: Path) -> Path:
    """A copy of one part that a test may damage."""
    shutil.copytree(pristine / "Washer", tmp_path / "csem" / "Washer")
    return tmp_path / "csem" / "Washer"


def test_every_sample_has_108_images_that_share_one_mask_and_one_group(opened, pristine):
    dataset = opened(pristine)
    records = dataset.records()
    by_group = Counter(record.group for record in records)
    assert set(by_group.values()) == {108}
    assert len(by_group) == 15
    one = [record for record in records if record.group == "Washer/Train/001"]
    assert sorted(record.meta["illumination"] for record in one) == LIGHTS
    assert {record.files[1] for record in one} == {pristine / "Washer/Train/001/washer_001_mask.png"}


def test_a_light_is_named_by_its_elevation_and_azimuth(opened, pristine):
    for record in opened(pristine).records():
        light = int(record.id[-3:])
        meta = record.meta
        assert (meta["illumination"], meta["elevation"], meta["azimuth"]) == (light, light // 100, light % 100)
        assert f"/{meta['part'].capitalize()}/" in str(record.files[0])
        assert record.files[0].name == f"{meta['part']}_{meta['sample']}_{light}.png"


def test_images_and_masks_equal_an_independent_decoding(opened, pristine):
    dataset = opened(pristine, **FEW)
    for record in dataset.records():
        sample = dataset.load(record.id)
        assert np.array_equal(sample.image[..., 0], grey(record.files[0]))
        assert np.array_equal(sample.mask, (grey(record.files[1]) >= 128).astype(np.uint8))


def test_train_and_test_are_official_and_unannotated_samples_are_not_read(opened, pristine):
    records = opened(pristine, **FEW).records()
    assert {(record.id.split("/")[1], record.split) for record in records} == {("Train", "train"), ("Test", "test")}
    assert not any("Unannotated" in record.id for record in records)


def test_validation_is_dealt_by_sample_and_no_sample_is_torn_apart(opened, pristine):
    index = build_index("csem-misd", opened(pristine, **FEW))
    assignment = assign(index, "grouped")
    assert set(assignment.values()) == set(SPLITS)
    assert shared_groups(index, assignment) == []


def test_the_miniature_has_intact_and_defective_samples_in_both_splits_of_every_part(opened, pristine):
    dataset = opened(pristine, illuminations=[101])
    found = {(r.meta["part"], r.split, bool(dataset.load(r.id).mask.any())) for r in dataset.records()}
    assert found == {(p, s, d) for p in ("gear", "screw", "washer") for s in ("train", "test") for d in (True, False)}


def test_lights_as_channels_are_stacked_in_the_order_asked_for(opened, pristine):
    lights = [905, 101, 512]
    dataset = opened(pristine, illuminations=lights, illuminations_are="channels")
    for record in dataset.records():
        assert record.id == record.group
        folder = pristine / record.id
        names = [f"{record.meta['part']}_{record.meta['sample']}_{light}.png" for light in lights]
        expected = np.stack([grey(folder / name) for name in names], axis=2)
        assert np.array_equal(dataset.load(record.id).image, expected)


def test_all_lights_as_channels_go_through_the_elevations_of_one_azimuth_before_the_next(opened, pristine):
    dataset = opened(pristine, parts=["gear"], illuminations_are="channels")
    image = dataset.load("Gear/Train/001").image
    assert image.shape[2] == 108
    for channel, light in ((0, 101), (1, 201), (8, 901), (9, 102), (107, 912)):
        assert np.array_equal(image[..., channel], grey(pristine / f"Gear/Train/001/gear_001_{light}.png"))


@settings(max_examples=25)
@given(lights=st.lists(st.sampled_from(LIGHTS), min_size=1, max_size=4, unique=True))
def test_one_stack_holds_the_same_pixels_as_its_images_one_by_one(opened, pristine, lights):
    stack = opened(pristine, illuminations=lights, illuminations_are="channels").load("Screw/Test/004")
    single = opened(pristine, illuminations=lights)
    for channel, light in enumerate(lights):
        sample = single.load(f"Screw/Test/004/{light}")
        assert np.array_equal(stack.image[..., channel], sample.image[..., 0])
        assert np.array_equal(stack.mask, sample.mask)


def test_every_file_that_is_read_stands_in_the_record(opened, pristine):
    stacked = opened(pristine, illuminations_are="channels", outside="ignore", parts=["screw"])
    assert [len(record.files) for record in stacked.records()] == [110] * 5
    assert [len(r.files) for r in opened(pristine, illuminations=[101], parts=["screw"]).records()] == [2] * 5


def test_pixels_outside_the_foreground_may_be_ignored(opened, pristine):
    folder = pristine / "Washer/Train/001"
    defect, inside = (grey(folder / f"washer_001_{name}.png") >= 128 for name in ("mask", "segmentation"))
    kept = opened(pristine, outside="keep").load("Washer/Train/001/101").mask
    ignored = opened(pristine, outside="ignore").load("Washer/Train/001/101").mask
    assert np.array_equal(kept, defect.astype(np.uint8))
    assert np.array_equal(ignored == 255, ~inside & ~defect)
    assert np.array_equal(ignored == 1, defect)


def test_a_defect_that_the_automatic_foreground_leaves_out_stays_a_defect(opened, washer):
    mask = washer / "Train/001/washer_001_mask.png"
    marked = grey(mask)
    marked[0, 0] = 255
    cv2.imwrite(str(mask), marked)
    found = opened(washer.parent, outside="ignore", **FEW).load("Washer/Train/001/101").mask
    assert (found[0, 0], found[0, 1]) == (1, 255)


def test_the_threshold_decides_what_is_marked_and_a_mask_below_it_is_refused(opened, washer):
    mask = washer / "Train/001/washer_001_mask.png"
    cv2.imwrite(str(mask), np.tile(np.array([0, 1, 2, 3] * 8, np.uint8), (32, 1)))
    marked = opened(washer.parent, mask_threshold=2, **FEW).load("Washer/Train/001/101").mask
    assert marked[0, :4].tolist() == [0, 0, 1, 1]
    with pytest.raises(DataError, match=r"washer_001_mask\.png: its largest value is 3, so no pixel reaches"):
        opened(washer.parent, **FEW).load("Washer/Train/001/101")


def test_masks_with_an_alpha_channel_are_read_as_the_authors_read_them(opened, washer):
    mask = washer / "Train/001/washer_001_mask.png"
    values = grey(mask)
    Image.fromarray(values).convert("LA").save(mask)
    assert np.array_equal(opened(washer.parent, **FEW).load("Washer/Train/001/101").mask, values >= 128)


def test_some_parts_may_be_asked_for_and_one_part_alone_may_be_there(opened, pristine, washer):
    asked = opened(pristine, parts=["screw", "gear"], **FEW).records()
    assert list(dict.fromkeys(record.meta["part"] for record in asked)) == ["screw", "gear"]
    assert {record.meta["part"] for record in opened(washer.parent, **FEW).records()} == {"washer"}
    with pytest.raises(DataError, match=r"Gear: the folder is missing, but 'parts' asks for it; fetch .*5513768"):
        opened(washer.parent, parts=["gear"]).records()


def test_the_folder_may_lie_one_level_deeper_and_be_written_small(opened, washer):
    washer.rename(washer.with_name("washer"))
    records = opened(washer.parent.parent, **FEW).records()
    assert {record.group.split("/")[0] for record in records} == {"Washer"}
    assert {record.meta["part"] for record in records} == {"washer"}


def test_one_part_in_two_folders_is_refused(opened, washer):
    shutil.copytree(washer, washer.with_name("washer"))
    with pytest.raises(DataError, match=r"washer: Washer beside it stands for the same; keep one"):
        opened(washer.parent).records()


def test_samples_of_one_number_in_train_and_test_are_two_objects(opened, washer):
    shutil.copytree(washer / "Train/001", washer / "Test/001")
    groups = {record.group for record in opened(washer.parent, **FEW).records()}
    assert {"Washer/Train/001", "Washer/Test/001"} <= groups


def test_names_of_samples_may_hold_an_underline(opened, washer):
    old = washer / "Train/001"
    new = old.rename(old.with_name("defect_001"))
    for path in new.iterdir():
        path.rename(new / path.name.replace("washer_001", "washer_defect_001"))
    ids = [record.id for record in opened(washer.parent, **FEW).records()]
    assert {"Washer/Train/defect_001/101", "Washer/Train/defect_001/905"} <= set(ids)


def test_stray_files_are_not_read(opened, washer):
    before = [record.id for record in opened(washer.parent).records()]
    sample = washer / "Train/001"
    assert (sample / "washer_001_101 (copy).png").exists()
    for name in ("Thumbs.db", "._washer_001_101.png", "washer_001_113.png", "washer_001_100.png", "washer_002_101.png"):
        (sample / name).write_bytes(b"x")
    (washer / "readme.txt").write_text("hello")
    (washer / "Train" / ".DS_Store").write_bytes(b"x")
    dataset = opened(washer.parent)
    assert [record.id for record in dataset.records()] == before
    assert np.array_equal(dataset.load("Washer/Train/001/101").image[..., 0], grey(sample / "washer_001_101.png"))


def test_a_missing_image_is_named_unless_its_light_is_not_asked_for(opened, washer):
    (washer / "Test/005/washer_005_310.png").unlink()
    with pytest.raises(DataError, match=r"Test/005: its image washer_005_310\.png is missing \(1 such"):
        opened(washer.parent).records()
    assert len(opened(washer.parent, **FEW).records()) == 10


def test_a_missing_mask_is_refused_unless_it_is_said_to_mean_clean(opened, washer):
    (washer / "Test/005/washer_005_mask.png").unlink()
    with pytest.raises(DataError, match=r"005: its mask washer_005_mask\.png is missing; .* set 'clean: empty'"):
        opened(washer.parent, **FEW).records()
    dataset = opened(washer.parent, clean="empty", **FEW)
    assert not dataset.load("Washer/Test/005/101").mask.any()
    [record] = [record for record in dataset.records() if record.id == "Washer/Test/005/101"]
    assert len(record.files) == 1


def test_a_missing_foreground_matters_only_where_it_is_used(opened, washer):
    (washer / "Test/005/washer_005_segmentation.png").unlink()
    assert len(opened(washer.parent, **FEW).records()) == 10
    with pytest.raises(DataError, match=r"005: its foreground washer_005_segmentation\.png is missing"):
        opened(washer.parent, outside="ignore", **FEW).records()


def test_two_pictures_of_one_light_are_refused(opened, washer):
    sample = washer / "Train/001"
    shutil.copy(sample / "washer_001_101.png", sample / "old_001_101.png")
    with pytest.raises(DataError, match=r"washer_001_101\.png: old_001_101\.png beside it stands for the same"):
        opened(washer.parent).records()


def test_a_mask_that_belongs_to_another_part_is_refused_and_not_taken_for_the_lost_one(opened, washer):
    mask = washer / "Train/001/washer_001_mask.png"
    mask.rename(mask.with_name("gear_001_mask.png"))
    with pytest.raises(DataError, match=r"001/washer_001_101\.png: gear_001_mask\.png beside it has another beginning"):
        opened(washer.parent).records()


@pytest.mark.parametrize("name", ["mask", "segmentation", "905"])
def test_a_file_of_another_size_is_refused_naming_both_files(opened, washer, name):
    cv2.imwrite(str(washer / f"Train/001/washer_001_{name}.png"), np.full((32, 31), 255, np.uint8))
    dataset = opened(washer.parent, outside="ignore", illuminations_are="channels", **FEW)
    with pytest.raises(DataError, match=rf"washer_001_{name}\.png: .*31x32 .*washer_001_101\.png"):
        dataset.load("Washer/Train/001")


@pytest.mark.parametrize("name", ["mask", "segmentation", "101"])
@pytest.mark.parametrize("left", [0, 60])
def test_a_truncated_file_is_named(opened, washer, name, left):
    path = washer / f"Train/001/washer_001_{name}.png"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DataError, match=rf"washer_001_{name}\.png: .*copy it anew"):
        opened(washer.parent, outside="ignore", **FEW).load("Washer/Train/001/101")


def test_colour_and_16_bits_are_refused(opened, washer):
    path = washer / "Train/001/washer_001_101.png"
    cv2.imwrite(str(path), np.full((32, 32), 4000, np.uint16))
    with pytest.raises(DataError, match=r"washer_001_101\.png: pixels of type uint16"):
        opened(washer.parent, **FEW).load("Washer/Train/001/101")
    cv2.imwrite(str(path), np.tile(np.array([10, 20, 30], np.uint8), (32, 32, 1)))
    with pytest.raises(DataError, match=r"washer_001_101\.png: in colour"):
        opened(washer.parent, **FEW).load("Washer/Train/001/101")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"illuminations": []}, "illuminations is"),
        ({"illuminations": [101, 101]}, "each once"),
        ({"illuminations": [113]}, "name 101 to 112"),
        ({"illuminations": [1001]}, "name 101 to 112"),
        ({"illuminations": "some"}, "illuminations"),
        ({"parts": ["bolt"]}, "parts"),
        ({"parts": ["gear", "gear"]}, "name some of gear, screw, washer, each once"),
        ({"parts": []}, "name some of gear, screw, washer, each once"),
        ({"mask_threshold": 0}, "must be 1 to 255"),
        ({"illuminations_are": "layers"}, "illuminations_are"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_anything_is_read(opened, tmp_path, settings, message):
    with pytest.raises(SettingsError, match=message):
        opened(tmp_path, **settings)


def test_a_folder_that_is_missing_or_something_else_says_how_to_get_the_data(opened, tmp_path):
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match=r"https://doi\.org/10\.5281/zenodo\.5513768"):
            opened(root).records()


@pytest.mark.parametrize("id", ["Washer/Train/001", "Washer/Train/001/113", "../secret", ""])
def test_an_unknown_id_is_refused(opened, pristine, id):
    with pytest.raises(BenchError, match="no image"):
        opened(pristine).load(id)
