"""People's own masks: how they are named, what their values mean, and what is noticed rather than read otherwise."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from bench.api import DataError, SettingsError, write_png
from bench.catalog import Catalog
from bench.component import build
from bench.data.index import build_index
from bench.types import Dataset

Opened = Callable[..., Dataset]


def affixes_module(catalog: Catalog) -> ModuleType:
    """Where the reader finds what names have in common, beside the module that the product finds."""
    reader = catalog.find("dataset", "folder").component.build.__module__
    return import_module(f"{reader.rpartition('.')[0]}._affixes")


VOC = ((0, 0, 0), (128, 0, 0), (0, 128, 0))


@pytest.fixture(scope="session")
def opened(catalog: Catalog) -> Opened:
    """Build the component ``folder`` on a folder."""

    def build_on(root: Path, **settings: object) -> Dataset:
        dataset: Dataset = build(catalog.find("dataset", "folder").component, root, settings=settings)
        return dataset

    return build_on


def marked(value: int = 255, background: int = 0) -> np.ndarray:
    """A mask of 24 x 30 with a rectangle."""
    mask = np.full((24, 30), background, np.uint8)
    mask[5:15, 8:20] = value
    return mask


def pair(root: Path, name: str, mask: np.ndarray, *, image: str | None = None) -> Path:
    """An image and its mask; returns the file of the mask."""
    write_png(root / "images" / f"{image or name}.png", np.full((*mask.shape, 1), 50, np.uint8))
    write_png(root / "masks" / f"{name}.png", mask)
    return root / "masks" / f"{name}.png"


def with_palette(path: Path, indices: np.ndarray, colours: tuple[tuple[int, int, int], ...]) -> None:
    file = Image.frombytes("P", indices.shape[::-1], np.ascontiguousarray(indices).tobytes())
    file.putpalette([channel for colour in colours for channel in colour])
    file.save(path)


@pytest.mark.parametrize(
    ("image", "mask", "settings"),
    [
        ("img_{}", "mask_{}", {"image_prefix": "img_", "prefix": "mask_"}),
        ("{}_image", "{}_label", {"image_suffix": "_image", "suffix": "_label"}),
        ("{}", "{}_GT", {"suffix": "_GT"}),
        ("{}", "mask-{}", {"prefix": "mask-"}),
        ("part{}.top", "part{}.top.mask", {"suffix": ".mask"}),
        ("a {} (1)", "b {} (2)", {"image_prefix": "a ", "image_suffix": " (1)", "prefix": "b ", "suffix": " (2)"}),
    ],
)
def test_names_that_differ_by_affixes_are_answered_with_the_settings_that_pair_them(
    opened, tmp_path, image, mask, settings
):
    for number in ("001", "002", "113"):
        pair(tmp_path, mask.format(number), marked(), image=image.format(number))
    with pytest.raises(DataError) as caught:
        opened(tmp_path).records()
    assert "this mask has no image (3 such)" in str(caught.value)
    for name in settings:
        assert f"{name}: " in str(caught.value)
    assert [len(record.files) for record in opened(tmp_path, **settings).records()] == [2, 2, 2]


@given(
    shared=st.lists(st.integers(0, 999), min_size=2, max_size=6, unique=True),
    ends=st.lists(st.sampled_from(["", "img_", "m_", "IMG", "mask-", "x_"]), min_size=2, max_size=2, unique=True),
    tails=st.lists(st.sampled_from(["", "_GT", "_label", "_img", ".seg"]), min_size=2, max_size=2, unique=True),
)
def test_advised_affixes_pair_every_mask(catalog, shared, ends, tails):
    affixes_of = affixes_module(catalog).affixes_of
    images = [f"{ends[0]}{number:03d}{tails[0]}" for number in shared]
    masks = [f"{ends[1]}{number:03d}{tails[1]}" for number in shared]
    found = affixes_of(images, masks)
    if found is None:
        return
    image, mask = found
    assert {image.within(name) for name in images} >= {mask.within(name) for name in masks} - {None}
    assert None not in {mask.within(name) for name in masks}


def test_no_advice_begins_with_removing_something(opened, tmp_path):
    pair(tmp_path, "a", marked())
    write_png(tmp_path / "masks" / "ghost.png", marked())
    with pytest.raises(DataError) as caught:
        opened(tmp_path).records()
    assert "remove" not in str(caught.value)
    assert "add its image, rename" in str(caught.value)


def test_an_image_whose_name_lacks_the_affix_is_refused_and_not_left_out(opened, tmp_path):
    pair(tmp_path, "mask_1", marked(), image="img_1")
    write_png(tmp_path / "images" / "other.png", np.full((24, 30), 50, np.uint8))
    with pytest.raises(DataError, match=r"other\.png: its name is not of the form img_NAME \(1 such"):
        opened(tmp_path, image_prefix="img_", prefix="mask_").records()


def test_both_forms_of_one_name_in_unicode_match(opened, tmp_path):
    composed, decomposed = normalize("NFC", "prüfling"), normalize("NFD", "prüfling")
    assert composed != decomposed
    pair(tmp_path, composed, marked(), image=decomposed)
    [record] = opened(tmp_path).records()
    assert record.id == composed
    assert opened(tmp_path).load(composed).mask.any()


def test_inverted_masks_are_read_with_the_setting(opened, tmp_path):
    pair(tmp_path, "a", 255 - marked())
    assert opened(tmp_path).load("a").mask.mean() > 0.5
    assert np.array_equal(opened(tmp_path, invert=True).load("a").mask, marked() > 0)


@given(threshold=st.integers(1, 255), value=st.integers(0, 255))
def test_inverting_exchanges_what_the_threshold_divides(opened, tmp_path_factory, threshold, value):
    root = tmp_path_factory.mktemp("data")
    pair(root, "a", np.array([[value, 255], [255, 255]], np.uint8))
    inverted = opened(root, mask_threshold=threshold, invert=True)
    if threshold <= value < 255:
        with pytest.raises(DataError, match=f"its lowest value is {value}, so no pixel reaches"):
            inverted.load("a")
    else:
        assert inverted.load("a").mask.tolist() == [[int(value < threshold), 0], [0, 0]]


@pytest.mark.parametrize("codes", [(76, 150, 226), (38, 75, 113), (127, 255), (85, 170, 255), (1, 255)])
def test_grey_codes_of_classes_are_not_read_as_binary(opened, tmp_path, codes):
    mask = marked(0)
    for number, code in enumerate(codes):
        mask[2 + 6 * number : 6 + 6 * number, 3:12] = code
    pair(tmp_path, "a", mask)
    with pytest.raises(DataError) as caught:
        opened(tmp_path).load("a")
    message = str(caught.value)
    assert str(tmp_path / "masks" / "a.png") in message
    assert f"mask_threshold: {codes[0] if codes[-1] > 127 else codes[-1]}" in message
    assert "masks_are: classes" in message
    assert np.array_equal(opened(tmp_path, mask_threshold=codes[0]).load("a").mask, mask > 0)


def test_thin_lines_of_a_code_are_noticed_as_areas_are(opened, tmp_path):
    mask = marked(255)
    mask[18, 2:28] = 76
    pair(tmp_path, "a", mask)
    with pytest.raises(DataError, match="flat areas of grey 76 would count as background"):
        opened(tmp_path).load("a")


@given(radius=st.floats(0.4, 4), seed=st.integers(0, 2**16), scale=st.sampled_from([1, 2, 3]))
def test_soft_edges_are_no_codes(opened, tmp_path_factory, radius, seed, scale):
    rng = np.random.default_rng(seed)
    mask = np.zeros((60, 80), np.uint8)
    for _ in range(3):
        top, left = rng.integers(5, 40), rng.integers(5, 55)
        mask[top : top + rng.integers(4, 15), left : left + rng.integers(4, 20)] = 255
    size = (80 * scale, 60 * scale)
    soft = np.asarray(Image.fromarray(mask).resize(size, Image.BICUBIC).filter(ImageFilter.GaussianBlur(radius)))
    root = tmp_path_factory.mktemp("soft")
    pair(root, "a", soft)
    if soft.max() >= 128:
        assert np.array_equal(opened(root).load("a").mask, soft >= 128)


@pytest.mark.parametrize("quality", [30, 60, 95])
def test_the_noise_of_jpeg_is_no_code(opened, tmp_path, quality):
    path = pair(tmp_path, "a", marked())
    path.unlink()
    Image.fromarray(marked()).save(path.with_suffix(".jpg"), quality=quality)
    assert np.array_equal(opened(tmp_path).load("a").mask, marked() > 0)


def test_a_photograph_in_the_place_of_a_mask_is_refused(opened, tmp_path):
    photograph = np.random.default_rng(0).normal(110, 25, (24, 30)).clip(0, 255).astype(np.uint8)
    pair(tmp_path, "a", photograph)
    with pytest.raises(DataError, match=r"masks/a\.png: looks like a photograph .*exchange them back"):
        opened(tmp_path).load("a")


CLASSES = {"masks_are": "classes", "classes": ["scratch", "dent"]}


def numbered() -> np.ndarray:
    mask = marked(1)
    mask[18:22, 3:9] = 2
    return mask


def test_a_palette_in_colour_is_read_by_its_indices_where_all_files_agree(opened, tmp_path):
    for name in "ab":
        with_palette(pair(tmp_path, name, numbered()), numbered(), VOC)
    assert np.array_equal(opened(tmp_path, **CLASSES).load("b").mask, numbered())
    with_palette(tmp_path / "masks" / "b.png", numbered(), (VOC[0], VOC[2], VOC[1]))
    with pytest.raises(DataError, match=r"b\.png: index 1 is colour \(0, 128, 0\) here and \(128, 0, 0\) in .*a\.png"):
        opened(tmp_path, **CLASSES).load("b")
    assert np.array_equal(opened(tmp_path, **CLASSES, palette="index").load("b").mask, numbered())


def test_a_palette_whose_background_is_not_black_is_refused_unless_indices_are_asked_for(opened, tmp_path):
    with_palette(pair(tmp_path, "a", numbered()), numbered(), (VOC[1], VOC[0], VOC[2]))
    with pytest.raises(DataError, match=r"a\.png: its palette shows index 0, the background, as colour .*palette: ind"):
        opened(tmp_path, **CLASSES).load("a")
    assert np.array_equal(opened(tmp_path, **CLASSES, palette="index").load("a").mask, numbered())


@pytest.mark.parametrize("levels", [(0, 255, 127), (2, 0, 1), (0, 2, 1)])
def test_a_grey_palette_with_two_readings_asks_which_is_meant(opened, tmp_path, levels):
    path = pair(tmp_path, "a", numbered())
    with_palette(path, numbered(), tuple((level, level, level) for level in levels))
    with pytest.raises(DataError, match=r"a\.png: its palette shows index .*'palette: index' or 'palette: shown'"):
        opened(tmp_path, **CLASSES).load("a")
    assert np.array_equal(opened(tmp_path, **CLASSES, palette="index").load("a").mask, numbered())
    shown = np.array(levels, np.uint8)[numbered()]
    assert np.array_equal(opened(tmp_path, **CLASSES, palette="shown").load("a").mask, shown)


@pytest.mark.parametrize("type", [".jpg", ".jfif", ".webp", ".jp2"])
def test_class_numbers_in_a_type_that_may_change_them_are_refused(opened, tmp_path, type):
    path = pair(tmp_path, "a", numbered())
    path.unlink()
    Image.fromarray(numbered()).save(path.with_suffix(type), **({"format": "JPEG"} if type == ".jfif" else {}))
    with pytest.raises(DataError, match="may change class numbers; save masks as PNG"):
        opened(tmp_path, **CLASSES).load("a")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({**CLASSES, "invert": True}, "invert exchanges"),
        ({"palette": "index"}, "palette: index is for numbers of classes"),
    ],
)
def test_settings_of_masks_that_contradict_each_other_are_refused(opened, tmp_path, settings, message):
    with pytest.raises(SettingsError, match=message):
        opened(tmp_path, **settings)


def test_a_colour_copy_of_a_grey_image_is_grey_as_the_others_are(opened, tmp_path):
    for name in "ab":
        pair(tmp_path, name, marked())
    grey = Image.open(tmp_path / "images" / "b.png")
    grey.convert("RGB").save(tmp_path / "images" / "b.png")
    assert {entry.channels for entry in build_index("folder", opened(tmp_path)).entries} == {1}
    assert {entry.channels for entry in build_index("folder", opened(tmp_path, channels=3)).entries} == {3}


def test_true_colour_among_grey_images_is_refused_by_its_file(opened, tmp_path):
    for name in "ab":
        pair(tmp_path, name, marked())
    colour = np.full((24, 30, 3), (50, 60, 70), np.uint8)
    write_png(tmp_path / "images" / "b.png", colour)
    with pytest.raises(DataError, match=r"images/b\.png: in colour, where grey is expected"):
        build_index("folder", opened(tmp_path))
    assert {entry.channels for entry in build_index("folder", opened(tmp_path, channels=3)).entries} == {3}


def test_images_of_8_and_16_bits_are_refused_naming_a_file_of_each(opened, tmp_path):
    for name in "ab":
        pair(tmp_path, name, marked())
    write_png(tmp_path / "images" / "b.png", np.full((24, 30), 5000, np.uint16))
    with pytest.raises(DataError, match=r"1 of 1 x uint8 \(.*images/a\.png\); 1 of 1 x uint16 \(.*images/b\.png\)"):
        build_index("folder", opened(tmp_path))


def test_photographs_that_viewers_turn_are_read_as_the_setting_says(opened, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    seen = marked()
    path = pair(tmp_path, "a", seen)
    stored = np.rot90(np.where(seen, 150, 50).astype(np.uint8))
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "images" / "a.png", exif=exif)
    with pytest.raises(DataError, match=r"images/a\.png: Exif says that viewers turn it"):
        opened(tmp_path).load("a")
    turned = opened(tmp_path, exif="turn").load("a")
    assert np.array_equal(turned.image[..., 0] == 150, turned.mask == 1)
    with pytest.raises(DataError, match=r"a\.png: the mask is 30x24 pixels but its image .* is 24x30"):
        opened(tmp_path, exif="keep").load("a")
    assert path.exists()


def test_a_border_of_its_own_level_is_not_taken_for_a_defect_unless_a_setting_says_so(opened, tmp_path):
    trimap = marked(128)
    trimap[8:12, 10:18] = 255
    pair(tmp_path, "a", trimap)
    with pytest.raises(DataError, match=r"flat areas of grey 128, 255 would all count as defects; .*128.*255"):
        opened(tmp_path).load("a")
    assert np.array_equal(opened(tmp_path, mask_threshold=128).load("a").mask, trimap > 0)
    assert np.array_equal(opened(tmp_path, mask_threshold=255).load("a").mask, trimap == 255)


def test_a_smooth_peak_below_the_threshold_gets_no_level_as_advice(opened, tmp_path):
    peak = (109 * np.exp(-((np.mgrid[:24, :30] - 12) ** 2).sum(axis=0) / 30)).astype(np.uint8)
    pair(tmp_path, "a", peak)
    with pytest.raises(DataError, match=r"its largest value is 109, .* the level at which a defect begins"):
        opened(tmp_path).load("a")


def test_a_mask_of_one_level_is_told_what_to_save(opened, tmp_path):
    pair(tmp_path, "a", np.full((24, 30), 30, np.uint8))
    with pytest.raises(DataError, match=r"every pixel of it is 30; save it with 0 if it is clean"):
        opened(tmp_path).load("a")


def test_every_palette_is_compared_with_every_other(opened, tmp_path):
    black, red, green = VOC
    with_palette(pair(tmp_path, "a", marked(0)), marked(0), (black,))
    with_palette(pair(tmp_path, "b", marked(1)), marked(1), (black, red))
    with_palette(pair(tmp_path, "c", marked(1)), marked(1), (black, green))
    for name in "bc":
        with pytest.raises(DataError, match=rf"{name}\.png: index 1 is colour .* save class numbers, or one palette"):
            opened(tmp_path, **CLASSES).load(name)


@pytest.mark.parametrize("other", ["a.json", "a.mat", "a"])
def test_a_mask_in_another_form_is_no_clean_image(opened, tmp_path, other):
    pair(tmp_path, "a", marked()).unlink()
    pair(tmp_path, "b", marked())
    (tmp_path / "masks" / other).write_bytes(b"{}")
    with pytest.raises(DataError, match=rf"masks/{other}: "):
        opened(tmp_path, clean="empty").records()


def test_affixes_match_whatever_their_case(opened, tmp_path):
    pair(tmp_path, "p1_mask", marked(), image="p1")
    pair(tmp_path, "p2_Mask", marked(), image="p2")
    for path in (tmp_path / "masks").iterdir():
        path.rename(tmp_path / "images" / path.name)
    dataset = opened(tmp_path, masks="images", suffix="_mask", clean="empty")
    assert [len(record.files) for record in dataset.records()] == [2, 2]


@pytest.mark.parametrize("names", [("Train", "Test"), ("training", "testing"), ("TRAIN", "VALID", "TEST")])
def test_folders_of_splits_are_known_by_their_common_names(opened, tmp_path, names):
    for name in names:
        pair(tmp_path, f"{name}/a", marked())
    splits = {record.split for record in opened(tmp_path).records()}
    assert splits == {"train", "test"} | ({"validation"} if len(names) == 3 else set())


def test_a_missing_folder_is_answered_with_what_lies_there(opened, tmp_path):
    pair(tmp_path / "set", "a", marked())
    with pytest.raises(DataError, match=r"images: the folder is missing \(.* holds the folders set\)"):
        opened(tmp_path).records()


def test_masks_in_other_sub_folders_than_their_images_are_told_so(opened, tmp_path):
    pair(tmp_path, "a", marked(), image="day1/a")
    with pytest.raises(DataError, match="its image lies in a sub-folder of another name"):
        opened(tmp_path).records()


@pytest.mark.parametrize("names", [("a.png", "b.PNG"), (" a", "b ")])
def test_a_table_of_groups_may_name_files(opened, tmp_path, names):
    for name in "ab":
        pair(tmp_path, name, marked())
    (tmp_path / "g.csv").write_text("id,group\n" + "".join(f"{name}, g0 \n" for name in names))
    assert [record.group for record in opened(tmp_path, groups="g.csv").records()] == ["g0", "g0"]


@pytest.mark.parametrize("name", ["g.tsv", "g.CSV", "groups.xlsx"])
def test_a_table_of_another_kind_is_not_taken_for_a_pattern(opened, tmp_path, name):
    with pytest.raises(SettingsError, match=r"looks like a table; save it as \.csv"):
        opened(tmp_path, groups=name)
