"""Files that cross as bytes: they come out as they went in, and nothing else comes out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.engine import pieces
from bench.engine.pieces import CHUNK, HEAD, Unpacking, is_name, packed_bytes, packed_file
from bench.errors import Damaged
from bench.files import files_below

PART = st.from_regex(r"[a-z0-9][a-z0-9.\-]{0,6}", fullmatch=True)
NAMES = st.lists(PART, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(NAMES, st.binary(max_size=200), max_size=5).filter(
    lambda files: not any(f"{other}/".startswith(f"{name}/") for name in files for other in files if other != name)
)


def stream(files: Mapping[str, bytes]) -> bytes:
    return b"".join(packed_bytes(name, content) for name, content in files.items())


def unpacked(folder: Path, content: bytes, step: int) -> dict[str, bytes]:
    """What comes out of a stream that comes ``step`` bytes at a time."""
    folder.mkdir()
    unpacking = Unpacking(folder, lambda name: True)
    names = []
    try:
        for start in range(0, len(content), step):
            names += unpacking.feed(content[start : start + step])
        unpacking.finish()
    finally:
        unpacking.close()
    return {name: (folder / name).read_bytes() for name in names}


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    return (tmp_path / str(number) for number in range(10**9))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, step=st.integers(1, 300))
def test_what_is_packed_comes_out_the_same_however_it_is_cut(
    folders: Iterator[Path], files: dict[str, bytes], step: int
) -> None:
    folder = next(folders)
    assert unpacked(folder, stream(files), step) == files
    assert len(files_below(folder)) == len(files)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_is_never_taken(folders: Iterator[Path], data: st.DataObject) -> None:
    files = {"note.json": b'{"a": 1}', "stages/train/best": bytes(range(64))}
    content = bytearray(stream(files))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    folder = next(folders)
    with pytest.raises(Damaged):
        unpacked(folder, bytes(content), 7)
    for path in files_below(folder):
        if path.name != pieces.UNFINISHED:
            assert files[str(path.relative_to(folder))] == path.read_bytes()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(end=st.integers(1, 99))
def test_a_stream_that_ends_early_is_refused(folders: Iterator[Path], end: int) -> None:
    content = packed_bytes("best", bytes(100))
    with pytest.raises(Damaged, match="too early"):
        unpacked(next(folders), content[:end], 1000)


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../up", "a/../../up", "a//b", ".hidden", "a/.b", "a/", "a\\b", "a\nb", "é", "a" * 600]
)
def test_a_name_that_leads_outside_is_neither_packed_nor_unpacked(tmp_path: Path, name: str) -> None:
    assert not is_name(name)
    with pytest.raises(ValueError, match="name"):
        packed_bytes(name, b"")
    encoded = name.encode()
    unpacking = Unpacking(tmp_path, lambda name: True)
    with pytest.raises(Damaged):
        unpacking.feed(HEAD.pack(len(encoded), 3) + encoded + b"abc" + bytes(16))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_nobody_expects_is_refused(tmp_path: Path) -> None:
    unpacking = Unpacking(tmp_path, lambda name: name == "wanted")
    assert unpacking.feed(packed_bytes("wanted", b"1")) == ["wanted"]
    with pytest.raises(Damaged, match="nobody expects: 'other'"):
        unpacking.feed(packed_bytes("other", b"1"))


def test_a_size_that_no_file_has_is_refused_before_anything_is_kept(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="none of bench's"):
        Unpacking(tmp_path, lambda name: True).feed(HEAD.pack(1, pieces.LARGEST + 1) + b"a")
    assert list(tmp_path.iterdir()) == []


def test_a_large_file_is_sent_in_parts_and_as_it_was_when_it_was_opened(tmp_path: Path) -> None:
    content = os.urandom(2 * CHUNK + 5)
    path = tmp_path / "large"
    path.write_bytes(content)
    parts = packed_file("large", path)
    first = next(parts)
    path.with_name("new").write_bytes(b"another")
    path.with_name("new").replace(path)
    sent = [first, *parts]
    assert max(map(len, sent)) == CHUNK
    (tmp_path / "there").mkdir()
    unpacking = Unpacking(tmp_path / "there", lambda name: True)
    for part in sent:
        unpacking.feed(part)
    unpacking.finish()
    assert (tmp_path / "there" / "large").read_bytes() == content
