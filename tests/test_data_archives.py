"""Archives: what goes in comes out; what is crafted, cut or altered is refused in one line."""

from __future__ import annotations

import io
import re
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import DataError
from bench.obtain import space
from bench.obtain import unpack as archives
from bench.obtain.unpack import OF_DATA, SUFFIXES, Bounds, archive_kind, unpack
from bench.words import size_text

TREE = {"Class1/Train/0001.PNG": b"one" * 50, "Class1/Train/Label/Labels.txt": b"1\r\n", "empty.txt": b""}
TAR_MODES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tbz2": "w:bz2", ".tar.xz": "w:xz"}
TAR_MODES |= {".txz": "w:xz"}

NAMES = st.text(
    st.characters(codec="ascii", categories=("L", "N"), include_characters=" ._-()"), min_size=1, max_size=9
)
PARTS = NAMES.filter(lambda name: name.strip(" .") == name)
TREES = st.dictionaries(
    st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "/".join(["top", *parts[:-1], f"{parts[-1]}.png"])),
    st.binary(max_size=200),
    min_size=1,
    max_size=6,
).filter(lambda tree: not any(b.startswith(f"{a}/") for a in tree for b in tree))


def pack(path: Path, tree: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a tree as the kind of archive that the file's name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", compression) as packed:
            for name, content in tree.items():
                packed.writestr(name, content)
        return path
    suffix = next(suffix for suffix in TAR_MODES if path.name.endswith(suffix))
    with tarfile.open(path, TAR_MODES[suffix]) as packed:
        for name, content in tree.items():
            add(packed, tarfile.TarInfo(name), content)
    return path


def add(packed: tarfile.TarFile, info: tarfile.TarInfo, content: bytes = b"") -> None:
    info.size = len(content)
    packed.addfile(info, io.BytesIO(content))


def tree_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive: Path, match: str, bounds: Bounds = OF_DATA) -> None:
    """The archive is refused in one line that begins with its name, and nothing lies in or around the target."""
    target = archive.parent / "into" / "deep"
    target.mkdir(parents=True)
    with pytest.raises(DataError, match=match) as caught:
        unpack(archive, target, bounds=bounds)
    text = str(caught.value)
    assert text.startswith(str(archive))
    assert "\n" not in text
    assert [path for path in archive.parent.rglob("*") if path not in (archive, target, target.parent)] == []


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_what_was_packed_is_what_is_unpacked(suffix, tree):
    with tempfile.TemporaryDirectory() as folder:
        archive, target = pack(Path(folder) / f"data{suffix}", tree), Path(folder) / "into"
        target.mkdir()
        paths = unpack(archive, target)
        assert tree_of(target) == tree
        assert sorted(map(str, paths)) == sorted(tree)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_progress_ends_with_all_bytes(suffix, tmp_path):
    told: list[tuple[int, int]] = []
    archive = pack(tmp_path / f"data{suffix}", TREE)
    (tmp_path / "into").mkdir()
    unpack(archive, tmp_path / "into", progress=lambda *now: told.append(now))
    assert told[-1] == (sum(map(len, TREE.values())),) * 2


def test_folders_without_files_and_leading_dots_are_no_trouble(tmp_path):
    with tarfile.open(tmp_path / "data.tar", "w") as packed:
        for name in (".", "./a", "./a/b"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            packed.addfile(info)
        add(packed, tarfile.TarInfo("./a/file"), b"x")
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as packed:
        packed.mkdir("a")
        packed.mkdir("a/b")
        packed.writestr("a/file", b"x")
    for name in ("data.tar", "data.zip"):
        target = tmp_path / f"{name} unpacked"
        target.mkdir()
        unpack(tmp_path / name, target)
        assert tree_of(target) == {"a/file": b"x"}
        assert (target / "a" / "b").is_dir()


# --- names that mislead

BAD_NAMES = {
    "/etc/passwd": "points outside",
    "../above": "points outside",
    "a/../../above": "points outside",
    "a/..": "points outside",
    "C:/windows": r"has ':' in its name",
    "a:stream": r"has ':' in its name",
    "..\\above": r"has '\\\\' in its name",
    "a\nb": r"has '\\n' in its name",
}


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_member_that_would_leave_the_folder_stops_all(suffix, name, tmp_path):
    refused(pack(tmp_path / f"data{suffix}", {"good": b"x", name: b"evil"}), BAD_NAMES[name])


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("a/b", "a/b"), "'a/b' comes twice"),
        (("a/b", "./a//b"), "comes twice"),
        (("a", "a/b"), "'a/b' lies in a folder that is a file too"),
        (("a/b", "a"), "'a' comes twice"),
    ],
)
def test_two_members_at_one_place_are_refused(suffix, names, why, tmp_path):
    archive = tmp_path / f"data{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for name in names:
                packed.writestr(name, b"x")
    else:
        with tarfile.open(archive, "w") as packed:
            for name in names:
                add(packed, tarfile.TarInfo(name), b"x")
    refused(archive, why)


def test_a_zip_name_with_a_zero_byte_is_refused(tmp_path):
    archive = pack(tmp_path / "data.zip", {"good.png?evil": b"x"})
    archive.write_bytes(archive.read_bytes().replace(b"png?", b"png\0"))
    refused(archive, r"has '\\x00' in its name")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("aim", ["/etc/passwd", "../above", "good"])
def test_links_in_a_tar_are_refused_wherever_they_point(kind, aim, tmp_path):
    with tarfile.open(tmp_path / "data.tar", "w") as packed:
        add(packed, tarfile.TarInfo("good"), b"x")
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, aim
        packed.addfile(info)
    refused(tmp_path / "data.tar", "member 'link' is a link; nothing was unpacked")


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_devices_in_a_tar_are_refused(kind, tmp_path):
    with tarfile.open(tmp_path / "data.tar", "w") as packed:
        info = tarfile.TarInfo("tty")
        info.type = kind
        packed.addfile(info)
    refused(tmp_path / "data.tar", "member 'tty' is neither a file nor a folder")


@pytest.mark.parametrize(("kind", "why"), [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "is neither a file")])
def test_links_and_pipes_in_a_zip_are_refused(kind, why, tmp_path):
    info = zipfile.ZipInfo("odd")
    info.external_attr = (kind | 0o644) << 16
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    refused(tmp_path / "data.zip", f"member 'odd' {why}")


def test_an_encrypted_member_is_refused(tmp_path):
    archive = pack(tmp_path / "data.zip", {"secret": b"x" * 40})
    content = bytearray(archive.read_bytes())
    content[6] |= 1  # general flags of the local header
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    refused(archive, "member 'secret' is encrypted")


# --- sizes


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_a_bomb_is_refused_by_what_it_declares(suffix, tmp_path):
    archive = pack(tmp_path / f"data{suffix}", {"zeros": bytes(2**21)})
    said = r"declares 2\.1 MB or more, but has only .* kB|declares 2\.1 MB or more, but has only .* bytes"
    refused(archive, said, replace(OF_DATA, harmless=2**20))


def test_a_small_archive_may_be_packed_tightly(tmp_path):
    archive = pack(tmp_path / "data.zip", {"mask.bmp": bytes(2**21)})
    (tmp_path / "into").mkdir()
    unpack(archive, tmp_path / "into")
    assert (tmp_path / "into" / "mask.bmp").stat().st_size == 2**21


def test_a_zip_that_holds_more_than_it_declares_is_refused(tmp_path):
    archive = pack(tmp_path / "data.zip", {"liar": b"x" * 1000})
    content = bytearray(archive.read_bytes())
    for start in (22, content.index(b"PK\x01\x02") + 24):  # uncompressed size in both headers
        content[start : start + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(content)
    (tmp_path / "into").mkdir()
    with pytest.raises(DataError, match="member 'liar' is cut short or altered"):
        unpack(archive, tmp_path / "into")


def test_a_sparse_member_counts_with_the_size_it_would_have(tmp_path):
    info = tarfile.TarInfo("holes")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "holes"}
    info.pax_headers["GNU.sparse.realsize"] = str(10**15)
    with tarfile.open(tmp_path / "data.tar", "w", format=tarfile.PAX_FORMAT) as packed:
        add(packed, info, b"0\n".ljust(512, b"\0"))
    refused(tmp_path / "data.tar", r"declares 1\.0 PB or more")


def test_too_many_members_are_refused(tmp_path):
    archive = pack(tmp_path / "data.tar", {str(k): b"" for k in range(4)})
    refused(archive, "more than 3 members", replace(OF_DATA, members=3))


def test_what_the_disk_cannot_hold_is_refused_before_the_first_file(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "SPARE", 10**18)
    archive = pack(tmp_path / "data.zip", TREE)
    (tmp_path / "into").mkdir()
    with pytest.raises(DataError, match=r"unpacking data\.zip needs 153 bytes, but the disk has .* free"):
        unpack(archive, tmp_path / "into")
    assert tree_of(tmp_path / "into") == {}


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (5_264_982_680, "5.3 GB")],
)
def test_sizes_as_people_say_them(size, text):
    assert size_text(size) == text


# --- damage


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"hello", b"<!DOCTYPE html><html></html>", b"\0" * 2000])
def test_what_only_bears_the_name_of_an_archive_is_said_to_be_none(suffix, content, tmp_path):
    archive = tmp_path / f"data{suffix}"
    archive.write_bytes(content)
    page = "a web page, not an archive" if content.startswith(b"<") else "not a|cut short|no file"
    refused(archive, page)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_archive_without_files_is_refused(suffix, tmp_path):
    refused(pack(tmp_path / f"data{suffix}", {}), "holds no file")


def test_a_missing_archive_and_a_file_of_another_kind_are_named(tmp_path):
    with pytest.raises(DataError, match=r"data\.zip: the file is missing"):
        unpack(tmp_path / "data.zip", tmp_path)
    (tmp_path / "data.rar").write_bytes(b"Rar!")
    with pytest.raises(DataError, match=r"data\.rar: not an archive; \.zip, "):
        unpack(tmp_path / "data.rar", tmp_path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_archive_is_refused_wherever_it_is_cut(suffix, tmp_path):
    archive = pack(tmp_path / f"data{suffix}", {"a/1.png": bytes(range(256)) * 8, "a/2.png": bytes(range(255, -1, -1))})
    content = archive.read_bytes()
    ending = len(content.rstrip(b"\0")) if suffix == ".tar" else len(content) - 1
    ending = -(-ending // 512) * 512 if suffix == ".tar" else ending  # after it comes nothing but the end mark
    for number, cut in enumerate(range(0, ending, max(1, ending // 23))):
        archive.write_bytes(content[:cut])
        target = tmp_path / str(number)
        target.mkdir()
        with pytest.raises(DataError, match=r"data\."):
            unpack(archive, target)


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.bz2", ".tar.xz"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_altered_byte_is_refused_or_changes_nothing(suffix, data):
    with tempfile.TemporaryDirectory() as folder:
        archive = pack(Path(folder) / f"data{suffix}", TREE)
        content = bytearray(archive.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        archive.write_bytes(content)
        target = Path(folder) / "into"
        target.mkdir()
        try:
            unpack(archive, target)
        except DataError as error:
            assert str(archive) in str(error)  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert tree_of(target) == TREE


def test_a_zip_member_that_the_list_of_members_swallows_is_missed(tmp_path):
    archive = pack(tmp_path / "data.zip", {"a": b"x", "b": b"y"})
    content = bytearray(archive.read_bytes())
    first, second = (place.start() for place in re.finditer(b"PK\x01\x02", content))
    content[first + 32] = content.index(b"PK\x05\x06") - second  # its comment now covers the second entry
    archive.write_bytes(content)
    assert zipfile.ZipFile(archive).namelist() == ["a"]  # as Python itself reads it
    refused(archive, "cut short or altered: it lists 1 of 2 members")


def test_more_members_than_16_bits_count_are_counted(tmp_path):
    many = {f"{k % 256}/{k}": b"" for k in range(2**16 + 3)}
    assert archives.members_declared(pack(tmp_path / "data.zip", many, zipfile.ZIP_STORED)) == len(many)


def test_an_altered_header_in_the_middle_of_a_tar_is_not_taken_for_its_end(tmp_path):
    archive = pack(tmp_path / "data.tar", {"first": b"x", "second": b"y"})
    content = bytearray(archive.read_bytes())
    content[1024] ^= 1  # the name of the second member
    archive.write_bytes(content)
    with tarfile.open(archive) as packed:
        assert packed.getnames() == ["first"]  # as Python itself reads it
    refused(archive, "cut short or altered")


def test_the_checksum_at_the_end_of_a_packed_tar_is_verified(tmp_path):
    archive = pack(tmp_path / "data.tar.gz", TREE)
    content = bytearray(archive.read_bytes())
    content[-5] ^= 1
    archive.write_bytes(content)
    refused(archive, "cannot be unpacked")


def test_a_member_that_another_archive_brought_is_refused(tmp_path):
    (tmp_path / "into").mkdir()
    unpack(pack(tmp_path / "one.zip", {"a": b"x"}), tmp_path / "into")
    with pytest.raises(DataError, match=r"two\.tar: member 'a' is in another archive too"):
        unpack(pack(tmp_path / "two.tar", {"a": b"x"}), tmp_path / "into")


def test_the_kind_is_told_by_the_name_and_by_the_content_of_a_file_without_an_ending(tmp_path):
    assert archive_kind(pack(tmp_path / "table.zip", TREE)) == "zip"
    for suffix, kind in ((".zip", "zip"), (".tar", "tar"), (".tar.gz", "gz"), (".tar.bz2", "bz2"), (".tar.xz", "xz")):
        assert archive_kind(pack(tmp_path / f"data{suffix}", TREE).rename(tmp_path / "data")) == kind
    assert archive_kind(pack(tmp_path / "sheet.zip", TREE).rename(tmp_path / "sheet.xlsx")) is None
    (tmp_path / "notes").write_text("hello")
    assert archive_kind(tmp_path / "notes") is None


def test_crc_of_a_stored_member_is_checked(tmp_path):
    archive = pack(tmp_path / "data.zip", {"image.png": b"pixels" * 9}, zipfile.ZIP_STORED)
    content = archive.read_bytes()
    assert zlib.crc32(b"pixels" * 9).to_bytes(4, "little") in content
    archive.write_bytes(content.replace(b"pixels", b"piXels", 1))
    (tmp_path / "into").mkdir()
    with pytest.raises(DataError, match=r"data\.zip: member 'image\.png' is cut short or altered"):
        unpack(archive, tmp_path / "into")
