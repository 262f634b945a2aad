"""One file downloaded: checked, resumed, mirrored; served from this machine, never the internet."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.component import Download
from bench.errors import DataError
from bench.obtain.download import download_file, file_name
from file_server import FileServer, Served, file_server

BODY = bytes(range(256)) * 40
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(scope="module", autouse=True)
def direct() -> Iterator[None]:
    """Let no proxy of this machine stand between the tests and their server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        yield running


def get(server: FileServer, folder: Path, *names: str, **release: object) -> bytes:
    """Fetch the file that lies at several addresses of the server."""
    urls = tuple(map(server.url, names or ("a.bin",)))
    trusted = release.pop("trusted", None)
    return download_file(Download(urls, **release), folder, trusted=trusted).read_bytes()


def test_a_file_arrives_as_it_is_and_leaves_nothing_beside_it(server, tmp_path):
    server.files["a.bin"] = Served(BODY)
    assert get(server, tmp_path, sha256=DIGEST, size=len(BODY)) == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_that_is_there_and_intact_is_not_fetched_again(server, tmp_path):
    (tmp_path / "a.bin").write_bytes(BODY)
    assert get(server, tmp_path, sha256=DIGEST) == BODY
    assert server.asked == []


def test_altered_content_is_refused_and_not_kept(server, tmp_path):
    server.files["a.bin"] = Served(BODY[:-1] + b"!")
    with pytest.raises(DataError, match=rf"^a\.bin cannot be fetched: {server.address}/a\.bin: altered: its SHA-256"):
        get(server, tmp_path, sha256=DIGEST)
    assert list(tmp_path.iterdir()) == []


def test_mirrors_are_tried_in_order(server, tmp_path):
    server.files |= {"a.bin": Served(b"other"), "c.bin": Served(BODY), "d.bin": Served(BODY)}
    assert get(server, tmp_path, "b.bin", "a.bin", "c.bin", "d.bin", sha256=DIGEST) == BODY
    assert [path for path, _ in server.asked] == ["b.bin", "a.bin", "c.bin"]


def test_when_every_address_fails_one_line_says_why_for_each(server, tmp_path):
    server.files |= {"b.bin": Served(b"other"), "c.bin": Served(b"", status=503)}
    with pytest.raises(DataError) as caught:
        get(server, tmp_path, "a.bin", "b.bin", "c.bin", sha256=DIGEST)
    text = str(caught.value)
    assert "\n" not in text
    assert "a.bin: the server answers 404" in text
    assert "b.bin: altered" in text
    assert "c.bin: the server answers 503" in text


@pytest.mark.parametrize("known", [DIGEST, None])
def test_a_connection_cut_half_way_is_continued_by_the_next_call(server, tmp_path, known):
    server.files["a.bin"] = Served(BODY, cut=5000)
    with pytest.raises(DataError, match=r"a\.bin: .*; repeat the command, 5\.0 kB are kept$"):
        get(server, tmp_path, sha256=known)
    assert not (tmp_path / "a.bin").exists()
    assert get(server, tmp_path, sha256=known) == BODY
    assert server.asked == [("a.bin", None), ("a.bin", "bytes=5000-")]


def test_what_one_address_gave_is_continued_at_a_mirror_where_a_digest_vouches_for_it(server, tmp_path):
    server.files |= {"a.bin": Served(BODY, cut=7000), "b.bin": Served(BODY, tag='"of the mirror"')}
    assert get(server, tmp_path, "a.bin", "b.bin", sha256=DIGEST) == BODY
    assert server.asked == [("a.bin", None), ("b.bin", "bytes=7000-")]


def test_without_a_digest_no_file_is_patched_together_from_two_addresses(server, tmp_path):
    server.files |= {"a.bin": Served(BODY, cut=7000), "b.bin": Served(b"x" * len(BODY))}
    assert get(server, tmp_path, "a.bin", "b.bin") == b"x" * len(BODY)


def test_without_a_digest_a_file_that_changed_meanwhile_is_fetched_anew(server, tmp_path):
    server.files["a.bin"] = Served(BODY, cut=7000)
    with pytest.raises(DataError):
        get(server, tmp_path)
    server.files["a.bin"] = Served(b"y" * len(BODY), tag='"2"')
    assert get(server, tmp_path) == b"y" * len(BODY)


def test_without_a_digest_and_without_marks_of_a_version_nothing_is_continued(server, tmp_path):
    server.files["a.bin"] = Served(BODY, "no marks", cut=7000)
    with pytest.raises(DataError):
        get(server, tmp_path)
    assert get(server, tmp_path) == BODY
    assert server.asked == [("a.bin", None), ("a.bin", None)]


@pytest.mark.parametrize("manner", ["ignores ranges", "wrong range"])
def test_a_server_that_does_not_give_the_range_is_asked_for_all(server, tmp_path, manner):
    server.files["a.bin"] = Served(BODY, manner, cut=6000)
    with pytest.raises(DataError):
        get(server, tmp_path, sha256=DIGEST)
    assert get(server, tmp_path, sha256=DIGEST) == BODY


def test_a_beginning_that_is_not_that_of_the_file_costs_one_more_transfer_and_no_more(server, tmp_path):
    server.files["a.bin"] = Served(BODY)
    (tmp_path / "a.bin.part").write_bytes(b"z" * 4000)
    assert get(server, tmp_path, sha256=DIGEST) == BODY
    assert [asked for _, asked in server.asked] == ["bytes=4000-", None]


@pytest.mark.parametrize(("lying", "asked"), [(len(BODY), 1), (len(BODY) + 9, 2)])
def test_a_beginning_as_long_as_the_file_is_the_file_and_a_longer_one_is_not(server, tmp_path, lying, asked):
    server.files["a.bin"] = Served(BODY)
    (tmp_path / "a.bin.part").write_bytes((BODY + b"123456789")[:lying])
    assert get(server, tmp_path, sha256=DIGEST) == BODY
    assert len(server.asked) == asked


@pytest.mark.parametrize(
    ("served", "size", "why"),
    [
        (Served(BODY, "says too much"), None, "cut off after 10,240 of 10,250 bytes"),
        (Served(BODY), 10_241, "has 10,240 bytes, the release 10,241"),
        (Served(b""), None, "the server sends nothing"),
        (Served(BODY, "unasked part"), None, "a part of the file, though all of it was asked for"),
    ],
)
def test_what_a_server_gets_wrong_is_named(server, tmp_path, served, size, why):
    server.files["a.bin"] = served
    with pytest.raises(DataError, match=why):
        get(server, tmp_path, size=size)
    assert not (tmp_path / "a.bin").exists()


@pytest.mark.parametrize("manner", ["web page", "good"])
def test_a_web_page_is_not_taken_for_an_archive(server, tmp_path, manner):
    server.files["a.zip"] = Served(b"<!DOCTYPE html><title>Log in</title>", manner)
    with pytest.raises(DataError, match="sends a web page instead of the archive"):
        get(server, tmp_path, "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_falls_silent_is_not_waited_for_forever(server, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.obtain.download.PATIENCE_S", (5, 0.3))
    served = server.files["a.bin"] = Served(BODY, stall=3000)
    with pytest.raises(DataError, match=r"connection failed|cut off after 3,000"):
        get(server, tmp_path, sha256=DIGEST)
    served.stall = None
    assert get(server, tmp_path, sha256=DIGEST) == BODY
    assert server.asked[1] == ("a.bin", "bytes=3000-")


def test_a_file_that_the_server_packs_is_not_taken_for_the_file(server, tmp_path):
    server.files["a.csv"] = Served(BODY, "packs")
    with pytest.raises(DataError, match=r"the server packs the file \(gzip\)"):
        get(server, tmp_path, "a.csv")


def test_a_transfer_that_was_complete_needs_no_server(tmp_path):
    (tmp_path / "a.bin.part").write_bytes(BODY)
    with file_server() as gone:
        pass
    assert get(gone, tmp_path, sha256=DIGEST, size=len(BODY)) == BODY


def test_a_server_that_is_not_there_is_one_line(tmp_path):
    with file_server() as gone:
        pass
    with pytest.raises(DataError, match=r"a\.bin: the connection failed \(.+\)") as caught:
        get(gone, tmp_path)
    assert "\n" not in str(caught.value)
    assert "object at 0x" not in str(caught.value)


def test_a_file_of_this_machine_is_an_address_too(tmp_path):
    source = tmp_path / "über uns.bin"
    source.write_bytes(BODY)
    found = download_file(Download((source.as_uri(),), DIGEST, len(BODY)), tmp_path / "in")
    assert (found.name, found.read_bytes()) == ("über uns.bin", BODY)
    with pytest.raises(DataError, match=r"nothing\.bin: the file is missing"):
        download_file(Download(((tmp_path / "nothing.bin").as_uri(),)), tmp_path / "in")


def test_other_kinds_of_addresses_are_refused(tmp_path):
    with pytest.raises(DataError, match="kind 'ftp' are not fetched"):
        download_file(Download(("ftp://localhost/a.bin",)), tmp_path)


@pytest.mark.parametrize("url", ["http://localhost/", "http://localhost/..", "http://localhost/a%2F..%2F..", ""])
def test_an_address_without_a_usable_file_name_is_refused(url):
    with pytest.raises(DataError, match=r"no file name|names no address"):
        file_name(Download((url,) if url else ()))


def test_a_query_is_not_part_of_the_file_name():
    assert file_name(Download(("http://localhost/files/Class%201.zip?download=1",))) == "Class 1.zip"


def test_progress_ends_with_the_whole_size(server, tmp_path):
    server.files["a.bin"] = Served(BODY)
    told: list[tuple[int, int]] = []
    download_file(Download((server.url("a.bin"),)), tmp_path, progress=lambda *now: told.append(now))
    assert told[-1] == (len(BODY), len(BODY))


@settings(max_examples=25)
@given(body=st.binary(min_size=1, max_size=3000), cuts=st.lists(st.integers(0, 3000), max_size=4), known=st.booleans())
def test_however_often_a_transfer_is_cut_the_file_is_the_one_that_was_served(body, cuts, known):
    digest = hashlib.sha256(body).hexdigest() if known else None
    with file_server() as server, tempfile.TemporaryDirectory() as folder:
        served = server.files["a.bin"] = Served(body)
        for cut in cuts:
            served.cut = min(cut, len(body) - 1)
            try:
                assert get(server, Path(folder), sha256=digest) == body
            except DataError as error:
                assert "cannot be fetched" in str(error)  # noqa: PT017
        served.cut = None
        assert get(server, Path(folder), sha256=digest) == body
