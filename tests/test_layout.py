"""Releases are found in the folder a user named, and tables are read row by row."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import DataError
from bench.layout import read_csv, release_home


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
        (b"", r"t\.csv:1: the columns are \[\]; there must be id, group"),
        (b"id,id,group\n", r"t\.csv:1: the columns are"),
        (b"id,group\na\n", r"t\.csv:2: 1 value\(s\) under 2 columns"),
        (b"id,group\na,1\nb,2,3\n", r"t\.csv:3: 3 value\(s\) under 2 columns"),
        (b'id,group\n"a,1\n', r"t\.csv:\d: not a comma-separated table"),
        (b"id,group\n\xff,1\n", r"t\.csv: not UTF-8 text \(.* at byte 9\)"),
    ],
)
def test_a_damaged_table_is_refused_with_file_and_line(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_csv(tmp_path / "t.csv", ("id", "group"))
