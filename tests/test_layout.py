"""Releases are found in the folder a user named, and tables are read row by row."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import DataError
from bench.releases import (
    check_partners,
    entry,
    named_files,
    part_folders,
    read_csv,
    release_files,
    release_home,
    subfolders,
    visible,
)


def home(root):
    return release_home(root, lambda folder: (folder / "train").is_dir(), wanted="folder train", obtain="get it")


def test_a_release_is_found_where_it_was_named_or_one_folder_deeper(tmp_path):
    (tmp_path / "release" / "train").mkdir(parents=True)
    assert home(tmp_path / "release") == home(tmp_path) == tmp_path / "release"


def test_what_an_archive_of_a_mac_adds_is_no_second_copy(tmp_path):
    for name in ("release", "__MACOSX", ".hidden"):
        (tmp_path / name / "train").mkdir(parents=True)
    assert home(tmp_path) == tmp_path / "release"


def test_no_folder_no_release_and_two_copies_are_refused(tmp_path):
    with pytest.raises(DataError, match="absent: the folder is missing; get it"):
        home(tmp_path / "absent")
    with pytest.raises(DataError, match="no folder train in it or one level below; get it"):
        home(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name / "train").mkdir(parents=True)
    with pytest.raises(DataError, match="several copies of the data set, a, b; name one"):
        home(tmp_path)


@pytest.fixture
def closed(monkeypatch, tmp_path):
    """A folder that may not be read, also by those to whom no permission is denied."""
    folder = tmp_path / "lost+found"
    folder.mkdir()
    listed, scanned, status = os.listdir, os.scandir, os.stat

    def refuse(path):
        if Path(path) == folder or folder in Path(path).parents:
            raise PermissionError(13, "Permission denied", str(path))

    def guarded(call, inner=False):
        def ask(path=".", *args, **options):
            if not isinstance(path, int) and (not inner or Path(path) != folder):
                refuse(path)
            return call(path, *args, **options)

        return ask

    monkeypatch.setattr(os, "listdir", guarded(listed))
    monkeypatch.setattr(os, "scandir", guarded(scanned))
    monkeypatch.setattr(os, "stat", guarded(status, inner=True))
    return folder


def test_an_unreadable_folder_beside_the_release_does_not_hinder(tmp_path, closed):
    (tmp_path / "release" / "train").mkdir(parents=True)
    assert home(tmp_path) == tmp_path / "release"
    assert home(tmp_path / "release") == tmp_path / "release"


def test_an_unreadable_folder_that_must_be_read_is_named(closed):
    for read in (home, lambda folder: list(visible(folder)), lambda folder: named_files(folder, "(.*)")):
        with pytest.raises(DataError, match=r"lost\+found.*: the folder cannot be read \(Permission denied\)"):
            read(closed)


def test_files_are_found_whatever_the_case_of_their_names(tmp_path):
    for name in ("b2.PNG", "A1.png", ".c3.png", "d4.txt", "e5 (copy).png"):
        (tmp_path / name).touch()
    assert named_files(tmp_path, r"(\w\d)\.png") == {"a1": tmp_path / "A1.png", "b2": tmp_path / "b2.PNG"}
    assert list(named_files(tmp_path, r"(\w\d)\.png")) == ["a1", "b2"]
    assert named_files(tmp_path / "absent", "(.*)") == {}


def test_names_that_differ_in_case_alone_are_refused_naming_both(tmp_path):
    (tmp_path / "a.png").touch()
    (tmp_path / "a.PNG").touch()
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system does not tell capitals apart")
    with pytest.raises(DataError, match=r"a\.png: a\.PNG beside it stands for the same; keep one"):
        named_files(tmp_path, r"(a)\.png")


def test_an_entry_is_spelled_as_on_disk_or_as_asked_for_where_absent(tmp_path):
    (tmp_path / "Train").mkdir()
    (tmp_path / "Labels.TXT").touch()
    assert entry(tmp_path, "train") == tmp_path / "Train"
    assert entry(tmp_path, "Labels.txt") == tmp_path / "Labels.TXT"
    assert entry(tmp_path, "test") == tmp_path / "test"
    assert entry(tmp_path / "absent", "test") == tmp_path / "absent" / "test"
    assert subfolders(tmp_path, ("test", "train", "labels.txt")) == {"train": tmp_path / "Train"}


def test_a_part_is_found_in_its_folder_or_in_one_of_its_name_once_more(tmp_path):
    (tmp_path / "A" / "train").mkdir(parents=True)
    (tmp_path / "b" / "B" / "train").mkdir(parents=True)
    (tmp_path / "C").mkdir()
    parts = part_folders(tmp_path, ("B", "A", "C"), lambda folder: (folder / "train").is_dir())
    assert list(parts.items()) == [("B", tmp_path / "b" / "B"), ("A", tmp_path / "A")]
    (tmp_path / "A" / "a" / "train").mkdir(parents=True)
    with pytest.raises(DataError, match=r"A: holds A, and .*A/a holds it again"):
        part_folders(tmp_path, ("A",), lambda folder: (folder / "train").is_dir())


def test_a_file_without_a_partner_is_named_with_what_it_lacks():
    files = {"1": Path("1.jpg"), "2": Path("2.jpg"), "3": Path("3.jpg")}
    check_partners(files, files, "mask", lambda key: f"{key}.png")
    with pytest.raises(DataError, match=r"2\.jpg: its mask 2\.png is missing \(2 such files\)"):
        check_partners(files, {"1": Path("1.png")}, "mask", lambda key: f"{key}.png")


def test_blank_lines_before_the_header_are_skipped_and_counted(tmp_path):
    (tmp_path / "t.csv").write_text("\n  \n , \nid,group\na,1\n")
    assert [(row["id"], row.line) for row in read_csv(tmp_path / "t.csv", ("id", "group"))] == [("a", 5)]
    (tmp_path / "t.csv").write_text("\n\nid,kind\na,1\n")
    with pytest.raises(DataError, match=r"t\.csv:3: the columns are \['id', 'kind'\]"):
        read_csv(tmp_path / "t.csv", ("id", "group"))


texts = st.text(st.characters(exclude_characters="\r", exclude_categories=("Cs",)), max_size=8)


@given(rows=st.lists(st.tuples(texts, texts), max_size=8))
def test_what_a_writer_of_tables_writes_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "table.csv"
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([("id", "group"), *rows])
    path.write_bytes(buffer.getvalue().encode())
    assert [(row["id"], row["group"]) for row in read_csv(path, ("id", "group"))] == rows


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path, ending):
    (tmp_path / "t.csv").write_bytes(("\ufeffid, group" + ending + "a,1" + ending + ending + "b,2").encode())
    rows = read_csv(tmp_path / "t.csv", ("id", "group"))
    assert [(row["id"], row["group"], row.line) for row in rows] == [("a", "1", 2), ("b", "2", 4)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"t\.csv:1: the table is empty; there must be id, group"),
        (b"id,id,group\n", r"t\.csv:1: the columns are"),
        (b"id,group\na\n", r"t\.csv:2: 1 value under 2 columns"),
        (b"id,group\na,1\nb,2,3\n", r"t\.csv:3: 3 values under 2 columns"),
        (b'id,group\n"a,1\n', r"t\.csv:\d: not a comma-separated table"),
        (b"id,group\n\xff,1\n", r"t\.csv: not UTF-8 text \(.* at byte 9\)"),
    ],
)
def test_a_damaged_table_is_refused_with_file_and_line(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_csv(tmp_path / "t.csv", ("id", "group"))


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("id;group\na;1\n", "separated by semicolons", 1),
        ("id\tgroup\na\t1\n", "separated by tabs", 1),
        ("\n\nid|group\na|1\n", "separated by bars", 3),
        ('"id";"group";"note, with a comma"\na;1;x\n', "separated by semicolons", 1),
        ("", "the table is empty", 1),
        ("\n  \n", "the table is empty", 2),
        ("name,part\na,1\n", "the columns are ['name', 'part']", 1),
    ],
)
def test_a_table_that_is_separated_otherwise_or_empty_is_told_so(tmp_path, text, what, line):
    path = tmp_path / "groups.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_csv(path, ("id", "group"))
    message = str(caught.value)
    assert what in message
    assert f"{path}:{line}: " in message
    assert "commas" in message
    assert "\n" not in message


def test_a_released_file_of_another_type_is_an_error_where_the_released_one_is_absent(tmp_path):
    for name in ("01.png", "01_GT.png", "02.webp", "02_GT.png", "notes.webp"):
        (tmp_path / name).write_bytes(b"x")
    patterns = (r"(\d{2})\.png", r"(\d{2})_GT\.png")
    with pytest.raises(DataError, match=r"02\.webp: a file of the release by its name, .* convert it to \.png"):
        release_files(tmp_path, *patterns)
    (tmp_path / "02.png").write_bytes(b"x")  # now the other one is a stray copy
    images, masks = release_files(tmp_path, *patterns)
    assert list(images) == list(masks) == ["01", "02"]
