"""What is on offer and what lies here, in lines that fit a terminal."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.catalog import Catalog, Offer, Provider
from bench.component import Component, Download, Release
from bench.obtain.get import inbox_of
from bench.obtain.inventory import InventoryRow, inventory
from bench.obtain.verify import verify_dataset
from bench.store.home import Places
from bench.suite.schema import Ref
from catalogs import catalog_of
from data_commands import Commands


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "home", tmp_path / "runs", {})


def only(catalog: Catalog, places: Places) -> InventoryRow:
    (one,) = inventory(catalog, places)
    return one


@pytest.fixture
def mtd(catalog: Catalog) -> Catalog:
    """A catalog that offers ``mtd`` alone."""
    return catalog_of({"dataset": [catalog.find("dataset", "mtd").component]})


def write_example(catalog: Catalog, root: Path) -> None:
    example = catalog.find("dataset", "mtd").component.example
    assert example is not None
    example(root)


def test_absent_data_say_how_to_get_them(mtd, places):
    component = mtd.find("dataset", "mtd").component
    one = only(mtd, places)
    assert (one.state, one.images, one.root) == ("absent", None, places.root("mtd"))
    assert one.note == "bench data import mtd PATH ('bench info mtd' says where to get it)"
    offered = replace(component, release=Release((Download(("https://localhost/mtd.zip",)),)))
    assert only(catalog_of({"dataset": [offered]}), places).note == "bench data fetch mtd"


def test_an_empty_folder_is_absent_data(mtd, places):
    places.root("mtd").mkdir(parents=True)
    assert only(mtd, places).state == "absent"


def test_data_are_present_and_once_read_indexed_until_a_file_changes(mtd, places):
    root = places.root("mtd")
    write_example(mtd, root)
    one = only(mtd, places)
    size = sum(path.stat().st_size for path in root.rglob("exp*"))
    assert (one.state, one.images, one.released, one.size) == ("present", 36, 1344, size)
    verify_dataset(mtd, Ref(use="mtd", settings={"mask_threshold": 128}), places, lambda *_: None)
    assert only(mtd, places).state == "indexed"
    image = next(root.rglob("*.jpg"))
    image.write_bytes(image.read_bytes() + b"\0")
    assert only(mtd, places).state == "present"


def test_a_folder_given_for_the_data_is_where_they_are(mtd, places, tmp_path):
    write_example(mtd, tmp_path / "mine")
    one = only(mtd, replace(places, data={"mtd": str(tmp_path / "mine")}))
    assert (one.state, one.root) == ("present", tmp_path / "mine")


def test_damaged_data_are_told_in_the_words_of_the_reader(mtd, places):
    write_example(mtd, places.root("mtd"))
    mask = next(places.root("mtd").rglob("*.png"))
    mask.unlink()
    one = only(mtd, places)
    assert one.state == "damaged"
    assert f"{mask.name} is missing" in one.note


def test_files_that_a_reader_lists_but_that_are_not_there_are_damage(catalog, places):
    """A reader that takes its list from a table may not look at every file."""
    build = catalog.find("dataset", "mtd").component.build

    class Table:
        classes = ("defect",)

        def __init__(self, root):
            self.listed = build(root).records()

        def records(self):
            for path in self.listed[0].files:
                path.unlink(missing_ok=True)
            return self.listed

    write_example(catalog, places.root("table"))
    one = only(catalog_of({"dataset": [Component("table", lambda root, /: Table(root))]}), places)
    assert one.state == "damaged"
    assert "the file is missing (2 such)" in one.note


def test_data_that_are_rendered_need_no_download(catalog, places):
    metalpart = catalog.find("dataset", "metalpart").component
    one = only(catalog_of({"dataset": [metalpart]}), places)
    assert (one.state, one.images, one.size) == ("on demand", 800, 0)
    assert one.note == "made by the first use, without a download"


def test_an_interrupted_fetch_is_shown_with_what_has_arrived(mtd, places):
    inbox = inbox_of(places.root("mtd")) / "0"
    inbox.mkdir(parents=True)
    (inbox / "mtd.zip.part").write_bytes(bytes(5000))
    (inbox / "mtd.zip.part.json").write_text("{}")
    one = only(mtd, places)
    assert (one.state, one.size) == ("begun", 5000)


def test_a_reader_that_fails_is_a_line_among_the_others(mtd, places):
    def failing(root, /):
        raise ValueError("two\nlines")

    component = mtd.find("dataset", "mtd").component
    both = catalog_of({"dataset": [component, Component("broken", failing)]})
    (places.root("broken") / "something").mkdir(parents=True)
    first, second = inventory(both, places)
    assert (first.name, first.state, "\n" in first.note) == ("broken", "damaged", False)
    assert "ValueError: two lines" in first.note
    assert second.name == "mtd"


def test_a_name_that_two_packages_offer_is_listed_for_each(mtd, places):
    (offer,) = mtd.offers("dataset")
    other = Offer(offer.kind, offer.component, Provider("others", "1", "others", ""))
    names = [one.name for one in inventory(Catalog((offer, other)), places)]
    assert names == ["local:mtd", "others:mtd"]


def test_no_image_is_opened(catalog, places, monkeypatch):
    write_example(catalog, places.root("mtd"))
    monkeypatch.setattr("PIL.Image.open", lambda *_: pytest.fail("an image was opened"))
    assert {one.name: one.state for one in inventory(catalog, places)}["mtd"] == "present"


# --- the command


@pytest.fixture
def listed(catalog: Catalog, tmp_path: Path, monkeypatch, capsys) -> Callable[..., list[str]]:
    """The lines that the command prints where ``mtd`` lies in the folder ``mine``."""
    write_example(catalog, tmp_path / "mine")
    call = Commands(tmp_path, monkeypatch, capsys)

    def run(*arguments: str) -> list[str]:
        code, lines, errors = call("data", "list", "--data", "mtd=mine", *arguments)
        assert (code, errors) == (0, [])
        return lines

    return run


def test_the_text_fits_100_columns_and_names_every_data_set(listed, catalog, tmp_path):
    lines = listed()
    assert all(len(line) <= 100 or str(tmp_path) in line for line in lines)
    assert lines[0].split() == ["data", "set", "state", "images", "size", "licence"]
    assert [line.split()[0] for line in lines[1:] if line[0] != " "] == list(catalog.names("dataset"))
    row = next(k for k, line in enumerate(lines) if line.startswith("mtd "))
    assert lines[row].split()[1:5] == ["present", "36", "of", "1,344"]
    assert lines[row].endswith("none stated; cite the paper")
    assert lines[row + 1].strip() == str(tmp_path / "mine")
    assert any("bench data import severstal PATH" in line for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_the_csv_has_a_row_for_every_data_set(listed, catalog, tmp_path):
    rows = list(csv.DictReader(listed("--format", "csv")))
    assert [row["name"] for row in rows] == list(catalog.names("dataset"))
    row = next(row for row in rows if row["name"] == "mtd")
    assert (row["state"], row["images"], row["released"]) == ("present", "36", "1344")
    assert row["folder"] == str(tmp_path / "mine")
    assert int(row["bytes"]) > 1000


def test_the_markdown_is_a_table(listed, catalog):
    lines = listed("--format", "markdown")
    assert lines[0] == "| data set | state | images | size | licence | where, or how to get it |"
    assert len(lines) == 2 + len(catalog.names("dataset"))


def test_a_folder_whose_name_is_not_utf_8_is_shown_escaped(listed, tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/p\xff"))
    (odd / "images").mkdir(parents=True)
    for arguments in ((), ("--format", "csv"), ("--format", "markdown")):
        text = "\n".join(listed("--data", f"folder={odd}", *arguments))
        assert text.encode()
        assert "udcff" in text


def test_a_link_to_itself_is_a_line_among_the_others(listed, tmp_path, catalog):
    (tmp_path / "loop").symlink_to("loop")
    rows = list(csv.DictReader(listed("--format", "csv", "--data", "dagm=loop")))
    assert [row["name"] for row in rows] == list(catalog.names("dataset"))
    row = next(row for row in rows if row["name"] == "dagm")
    assert row["state"] == "damaged"
    assert row["note"].startswith("loop: a link on the way leads back to itself")


def test_info_explains_the_settings_before_it_lists_them(tmp_path, monkeypatch, capsys):
    code, lines, errors = Commands(tmp_path, monkeypatch, capsys)("info", "dagm")
    assert (code, errors) == (0, [])
    said = next(k for k, line in enumerate(lines) if line.startswith("  Read the textures named, 1 to 10"))
    assert said < lines.index("  settings:")
    assert not any("Raises" in line or "SettingsError" in line for line in lines)


def test_views_says_what_each_option_is(tmp_path, monkeypatch, capsys):
    _, lines, _ = Commands(tmp_path, monkeypatch, capsys)("data", "views", "--help")
    assert any("--to" in line and "The picture" in line for line in lines)


def test_a_long_licence_is_wrapped_and_one_that_is_not_stated_is_said_so():
    from bench.cli.data.listing import text_lines

    long = "to be used for nothing but teaching " * 4
    lines = list(
        text_lines(
            [InventoryRow("a", "absent", Path("a"), long, note="import it"), InventoryRow("b", "absent", Path())]
        )
    )
    assert all(len(line) <= 100 for line in lines)
    assert "".join(lines).count("teaching") == 4
    assert lines[-1].split()[-2:] == ["not", "stated"]
