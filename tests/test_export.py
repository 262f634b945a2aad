"""A run as one archive: complete, the same bytes every time, and safe to unpack."""

from __future__ import annotations

import json
import shutil
import warnings
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.catalog import load_catalog
from bench.cli.main import bench as command
from bench.commands import board_of_run, export
from bench.errors import StoreError
from bench.report.citations import Cited, citations_bib, citations_markdown
from bench.runs.archive import extract, write_archive
from bench.runs.folder import run_folder
from tiny import edited


@pytest.fixture(scope="module")
def archive(ran_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "tiny.zip"
    export(ran_world / "runs" / "tiny", to=path, catalog=load_catalog([ran_world / "models.py"]))
    return path


def test_the_same_run_gives_the_same_bytes(ran_world: Path, archive: Path, tmp_path: Path) -> None:
    again = shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "copied")
    export(again, to=tmp_path / "again.zip", catalog=load_catalog([ran_world / "models.py"]))
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_it_holds_records_pictures_tables_citations_and_versions(archive: Path) -> None:
    names = zipfile.ZipFile(archive).namelist()
    for name in ("suite.json", "README.md", "CITATIONS.md", "citations.bib", "environment.txt", "leaderboard.tex"):
        assert f"tiny/{name}" in names
    assert sum(name.startswith("tiny/cells/") and name.endswith(".json") for name in names) == 2
    assert sum(name.endswith("overlays.png") for name in names) == 2


def test_a_board_of_the_archive_is_that_of_the_run(ran_world: Path, archive: Path) -> None:
    assert board_of_run(archive) == board_of_run(ran_world / "runs" / "tiny")


def test_the_numbers_alone_give_the_same_board_in_less_room(ran_world: Path, archive: Path, tmp_path: Path) -> None:
    run, catalog = ran_world / "runs" / "tiny", load_catalog([ran_world / "models.py"])
    named = [run.name, "--out", str(run.parent)]
    done = CliRunner().invoke(command, ["export", *named, "--to", str(tmp_path / "numbers.zip"), "--only", "numbers"])
    assert done.exit_code == 0, done.output
    assert board_of_run(tmp_path / "numbers.zip") == board_of_run(archive)
    names = set(zipfile.ZipFile(tmp_path / "numbers.zip").namelist())
    assert names < set(zipfile.ZipFile(archive).namelist())
    assert not any(name.endswith(".png") or "leaderboard" in name for name in names)
    export(run, to=tmp_path / "again.zip", catalog=catalog, only="numbers")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "numbers.zip").read_bytes()


def test_the_versions_are_those_of_the_records(ran_world: Path, archive: Path) -> None:
    record = json.loads(next((ran_world / "runs" / "tiny" / "cells").glob("*.json")).read_text())
    lock = zipfile.ZipFile(archive).read("tiny/environment.txt").decode().splitlines()
    packages = record["provenance"]["packages"]
    assert {f"{name}=={version}" for name, version in packages.items() if version != "absent"} <= set(lock)


def test_every_component_that_was_used_stands_in_the_citations(ran_world: Path, archive: Path) -> None:
    text = zipfile.ZipFile(archive).read("tiny/CITATIONS.md").decode()
    for path in (ran_world / "runs" / "tiny" / "cells").glob("*.json"):
        for name in json.loads(path.read_text())["providers"]:
            assert f"**{name.partition(' ')[2]}**" in text


def test_a_run_whose_plugin_is_gone_is_still_exported(ran_world: Path, tmp_path: Path) -> None:
    export(ran_world / "runs" / "tiny", to=tmp_path / "bare.zip", catalog=load_catalog())
    assert "**tiny** (models" in zipfile.ZipFile(tmp_path / "bare.zip").read("tiny/CITATIONS.md").decode()


def test_an_absent_citation_is_said_and_makes_no_entry() -> None:
    bare = Cited("model", "mine", "mine", "1")
    assert "names no source to cite" in citations_markdown([bare])
    assert citations_bib([bare]) == ""


@given(st.text(max_size=60))
def test_any_citation_keeps_the_braces_of_its_entry_even(text: str) -> None:
    entry = citations_bib([Cited("dataset", "mine", "mine", "1", citation=f"A{text}", licence=text, home=text)])
    assert entry.count("{") == entry.count("}")
    assert len([line for line in entry.splitlines() if line == "}"]) == 1


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True), st.binary(max_size=50), max_size=4))
@settings(max_examples=25)  # every example is written through to the disk
def test_what_is_written_is_what_is_unpacked(files: dict[str, bytes]) -> None:
    import tempfile

    files = {f"run/x{number}/{name}": content for number, (name, content) in enumerate(files.items())}
    files["run/suite.json"] = b"{}"
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "a.zip"
        write_archive(path, files)
        folder = extract(path, Path(place) / "out")
        assert {name: (folder.parent / name).read_bytes() for name in files} == files


@pytest.mark.parametrize("name", ["../evil", "/evil", "run/../../evil", "run\\..\\evil"])
def test_an_entry_that_would_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as file:
        file.writestr("run/suite.json", "{}")
        file.writestr(name, "x")
    with pytest.raises(StoreError, match=r"outside the folder|in its name"), run_folder(tmp_path / "bad.zip"):
        pass
    assert not list(tmp_path.rglob("evil"))


def test_a_damaged_archive_is_one_line(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "half.zip").write_bytes(archive.read_bytes()[:2000])
    with pytest.raises(StoreError, match="export the run again"):
        board_of_run(tmp_path / "half.zip")


def refused(path: Path) -> str:
    with pytest.raises(StoreError) as caught, run_folder(path):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("entry", ["tiny/suite.json", "tiny/README.md"])
def test_flipped_bytes_in_a_compressed_entry_are_one_line(archive: Path, tmp_path: Path, entry: str) -> None:
    content = bytearray(archive.read_bytes())
    start = zipfile.ZipFile(archive).getinfo(entry).header_offset + 30 + len(entry)
    for place in range(start, start + 40):
        content[place] ^= 0xFF
    (tmp_path / "flipped.zip").write_bytes(content)
    assert "export the run again" in refused(tmp_path / "flipped.zip")


@given(place=st.integers(0, 1 << 20), bit=st.integers(0, 7))
def test_any_flipped_bit_gives_the_run_or_one_line(
    archive: Path, tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    small = tmp_path_factory.getbasetemp() / "small.zip"
    write_archive(small, {f"tiny/{name}": name.encode() * 30 for name in ("suite.json", "README.md", "cells/a.png")})
    content = bytearray(small.read_bytes())
    content[place % len(content)] ^= 1 << bit
    small.write_bytes(content)
    said = ""
    try:
        with run_folder(small) as folder:
            assert (folder / "suite.json").is_file()
    except StoreError as error:
        said = str(error)
    assert "\n" not in said


CLASHES = [["run/a", "run/a"], ["run/a", "run/a/b"], ["run/a/b", "run/a"], ["run/a/", "run/a"], ["run/a//b", "run/a/b"]]


@pytest.mark.parametrize("names", [*CLASHES, [f"run/{'x' * 300}"], ["run/" + "x/" * 3000 + "y"]], ids=len)
def test_names_that_no_folder_can_hold_are_a_damaged_archive_and_no_full_disk(tmp_path: Path, names: list[str]) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "bad.zip", "w") as file:
        warnings.simplefilter("ignore")  # zipfile warns of equal names
        file.writestr("run/suite.json", "{}")
        for name in names:
            file.writestr(name, "")
    said = refused(tmp_path / "bad.zip")
    assert "export the run again" in said
    assert "free" not in said


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_export_never_uses_is_refused(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w", method) as file:
        file.writestr("run/suite.json", "{}")
    assert "not written by 'bench export'" in refused(tmp_path / "other.zip")


def test_a_name_of_two_lines_is_refused_in_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "lines.zip", "w") as file:
        file.writestr("ru\nn/suite.json", "{}")
    assert "not written by 'bench export'" in refused(tmp_path / "lines.zip")


def test_a_suite_whose_name_leaves_the_archive_is_not_exported(ran_world: Path, tmp_path: Path) -> None:
    run = shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "run")
    stored = json.loads((run / "suite.json").read_text())
    stored["suite"]["name"] = "../../nm"
    edited(run / "suite.json", suite=stored["suite"])
    with pytest.raises(StoreError, match="name"):
        export(run, to=tmp_path / "run.zip", catalog=load_catalog())
    assert not (tmp_path / "run.zip").exists()


def test_a_damaged_record_is_not_left_out_in_silence(ran_world: Path, tmp_path: Path) -> None:
    run = shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "run")
    next((run / "cells").glob("*.json")).write_text("{")
    with pytest.raises(StoreError, match=r"\.json: damaged"):
        export(run, to=tmp_path / "run.zip", catalog=load_catalog())
    assert not (tmp_path / "run.zip").exists()


def test_a_picture_outside_the_run_is_left_out(ran_world: Path, tmp_path: Path) -> None:
    run = shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "run")
    (tmp_path / "secret.png").write_bytes(b"secret")
    path = next((run / "cells").glob("*.json"))
    edited(path, pictures=["../../secret.png", "../suite.json"])
    export(run, to=tmp_path / "run.zip", catalog=load_catalog())
    assert not any(".." in name or "secret" in name for name in zipfile.ZipFile(tmp_path / "run.zip").namelist())


def test_the_commands_export_merge_and_print_the_board(ran_world: Path, tmp_path: Path) -> None:
    run, archive, merged = str(ran_world / "runs" / "tiny"), str(tmp_path / "a.zip"), str(tmp_path / "merged")
    for arguments in (
        ["export", run, "--to", archive],
        ["merge", archive, run, "--to", merged],
        ["leaderboard", archive],
        ["leaderboard", merged],
    ):
        done = CliRunner().invoke(command, arguments, standalone_mode=False)
        assert done.exception is None, arguments
    assert "uniform" in done.output
