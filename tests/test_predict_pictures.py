"""Which pictures are predicted, under which names, and what is written of them."""

from __future__ import annotations

import resource
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import DataError, StoreError
from bench.images import read_image
from bench.runs.inputs import distinct, find_inputs, folded, labels
from bench.runs.products import check_new, check_place, product_files, write_products


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touched(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def named(*given, to="pred"):
    """The names of products by picture."""
    found = find_inputs([Path(path) for path in given], Path(to)).pictures
    return {picture.path.as_posix(): picture.name.as_posix() for picture in found}


def test_one_folder_keeps_the_folders_below_it(here):
    touched("photos/day1/c.png", "photos/day 3/ü 1.PNG", "photos/e.tif")
    assert named("photos") == {
        "photos/day1/c.png": "day1/c",
        "photos/day 3/ü 1.PNG": "day 3/ü 1",
        "photos/e.tif": "e",
    }


def test_several_folders_have_a_folder_each(here):
    touched("photos/a_b/c.png", "photos_a/b/c.png")
    assert list(named("photos", "photos_a").values()) == ["photos/a_b/c", "photos_a/b/c"]


def test_files_are_named_by_as_much_of_their_path_as_tells_them_apart(here):
    touched("photos/day1/c.png", "photos/day2/c.png", "photos/e.png")
    given = "photos/day1/c.png", "photos/day2/c.png", "photos/e.png"
    assert list(named(*given).values()) == ["day1/c", "day2/c", "e"]


def test_folders_of_one_name_are_told_apart_by_where_they_lie(here):
    assert labels([Path("a/x/day"), Path("b/x/day"), Path("b/night")]) == [
        Path("a/x/day"),
        Path("b/x/day"),
        Path("night"),
    ]


def test_the_working_folder_can_be_one_of_several_inputs(here):
    assert labels([Path(), Path("photos")]) == [Path(here.name), Path("photos")]


def test_pictures_that_differ_in_type_keep_it(here):
    touched("photos/d.jpg", "photos/d.png", "photos/c.png")
    assert list(named("photos").values()) == ["c", "d.jpg", "d.png"]


def test_a_picture_named_as_the_typed_name_of_another_is_told_apart_from_it():
    assert distinct([Path("d.jpg"), Path("d.jpg.png"), Path("d.png")]) == [
        Path("d.jpg"),
        Path("d.jpg.png"),
        Path("d.png"),
    ]


def test_names_that_differ_in_capitals_or_form_of_unicode_alone_get_a_number():
    composed, decomposed = (unicodedata.normalize(form, "ü.png") for form in ("NFC", "NFD"))
    assert distinct([Path("C.PNG"), Path("c.png")]) == [Path("C.PNG"), Path("c.png-2")]
    assert distinct([Path(composed), Path(decomposed)]) == [Path(composed), Path(f"{decomposed}-2")]
    assert distinct([Path("Day/c.png"), Path("day/c.png")]) == [Path("Day/c.png"), Path("day/c.png-2")]


pieces = st.text("aA.ü2-ß", min_size=1, max_size=3).filter(lambda text: text.strip("."))
paths = st.lists(st.builds(lambda *parts: Path(*parts), pieces, pieces), max_size=12, unique=True)


@given(paths)
def test_no_two_names_can_be_one_file(paths):
    assert len({folded(name) for name in distinct(paths)}) == len(paths)


def test_hidden_entries_and_what_a_mac_adds_are_left_out_without_a_word(here):
    touched("photos/c.png", "photos/._c.png", "photos/.DS_Store", "photos/__MACOSX/c.png", "photos/.cache/c.png")
    asked = find_inputs([Path("photos")], Path("pred"))
    assert [picture.path for picture in asked.pictures] == [Path("photos/c.png")]
    assert not asked.missed
    assert not asked.remarks


def test_what_is_no_picture_is_left_out_without_a_word(here):
    touched("photos/c.png", "photos/notes.txt")
    assert not find_inputs([Path("photos")], Path("pred")).missed


def test_what_looks_like_a_picture_and_cannot_be_read_has_a_line_each(here):
    touched("photos/c.png", "photos/day/d.heic", "other/e.png")
    Path("photos/gone.png").symlink_to("nowhere.png")
    Path("photos/link").symlink_to("../other")
    asked = find_inputs([Path("photos"), Path("f.heic"), Path("absent.png")], Path("pred"))
    assert [picture.path for picture in asked.pictures] == [Path("photos/c.png")]
    files = "photos/day/d.heic", "photos/gone.png", "photos/link", "f.heic", "absent.png"
    assert sorted(line.partition(": ")[0] for line in asked.missed) == sorted(files)


def test_a_folder_without_pictures_is_said_and_the_others_are_read(here):
    touched("empty/notes.txt", "photos/c.png")
    asked = find_inputs([Path("empty"), Path("photos")], Path("pred"))
    assert len(asked.pictures) == 1
    assert [line.partition(": ")[0] for line in asked.missed] == ["empty"]


def test_a_picture_given_twice_is_predicted_once_and_said(here):
    touched("photos/c.png", "photos/d.png")
    asked = find_inputs([Path("photos"), Path("./photos/c.png"), here / "photos"], Path("pred"))
    assert len(asked.pictures) == 2
    assert [line.partition(": ")[0] for line in asked.remarks] == ["photos/c.png", str(here / "photos")]
    assert not asked.missed


def test_products_of_an_earlier_call_are_no_pictures(here):
    touched("photos/c.png", "photos/c.overlay.png", "photos/pred/c.mask.png", "photos/d.mask.png")
    assert set(named("photos", to="photos/pred")) == {"photos/c.png", "photos/c.overlay.png", "photos/d.mask.png"}
    assert set(named("photos", to="photos")) == {"photos/c.png"}
    assert set(named("photos/c.overlay.png", to="photos")) == {"photos/c.overlay.png"}


IMAGE = np.full((4, 6, 1), 90, np.uint8)
BACKGROUND = np.linspace(0, 1, 24, dtype=np.float32).reshape(4, 6)


def test_products_say_what_was_predicted(tmp_path):
    files = product_files(tmp_path / "day" / "c", ["mask", "prob", "overlay"])
    write_products(files, IMAGE, BACKGROUND, 500)
    assert {file.name for file in tmp_path.rglob("*.png")} == {"c.mask.png", "c.prob.png", "c.overlay.png"}
    assert (read_image(files["mask"])[..., 0] == np.where(BACKGROUND <= 0.5, 255, 0)).all()
    assert np.abs(read_image(files["prob"])[..., 0] / 255 - (1 - BACKGROUND)).max() <= 0.5 / 255 + 1e-6


def test_what_is_there_is_kept_and_named(tmp_path):
    files = product_files(tmp_path / "c", ["prob", "mask"])
    files["mask"].write_bytes(b"mine")
    with pytest.raises(DataError, match=r"photo\.png: .*c\.mask\.png is there already; --overwrite"):
        check_new(list(files.values()), Path("photo.png"))
    check_new([files["prob"]], Path("photo.png"))


def test_a_folder_in_the_way_of_one_product_leaves_none(tmp_path):
    files = product_files(tmp_path / "c", ["mask", "prob"])
    files["prob"].mkdir()
    with pytest.raises(DataError, match=r"c\.prob\.png: cannot be written"):
        write_products(files, IMAGE, BACKGROUND, 500)
    assert list(tmp_path.iterdir()) == [files["prob"]]


def test_what_cannot_be_written_in_full_leaves_nothing(tmp_path):
    files = product_files(tmp_path / "c", ["mask", "prob"])
    background = np.random.default_rng(0).random((200, 200), np.float32)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, most[1]))  # the mask fits, the probabilities do not
    try:
        with pytest.raises(DataError, match=r"c\.prob\.png: cannot be written"):
            write_products(files, np.zeros((200, 200, 1), np.uint8), background, 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_too_long_is_one_line(tmp_path):
    file = product_files(tmp_path / ("n" * 250), ["overlay"])
    with pytest.raises(DataError, match="shorter name"):
        write_products(file, IMAGE, BACKGROUND, 500)
    assert not list(tmp_path.iterdir())


def test_the_longest_name_that_a_file_may_have_is_written(tmp_path):
    file = product_files(tmp_path / ("n" * (255 - len(".mask.png"))), ["mask"])
    write_products(file, IMAGE, BACKGROUND, 500)
    assert list(tmp_path.iterdir()) == list(file.values())


def test_a_full_disk_ends_the_command(tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match=r"c\.mask\.png: cannot be written \(No space left on device\); free space"):
        write_products(product_files(tmp_path / "c", ["mask"]), IMAGE, BACKGROUND, 500)
    assert not list(tmp_path.iterdir())


def test_an_output_folder_that_cannot_be_is_refused_before_anything_is_predicted(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="nothing can be written there"):
            check_place(place)
