"""A data set fetched: visible only when whole and read; served from this machine, never the internet."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.catalog import Catalog
from bench.component import Download, Release
from bench.errors import DataError, SettingsError
from bench.obtain.download import Altered
from bench.obtain.get import fetch_dataset
from bench.store.home import Places
from bench.store.leases import if_idle
from bench.suite.schema import Ref
from catalogs import catalog_of
from data_commands import Commands
from file_server import FileServer, Served, file_server


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


@pytest.fixture(scope="module")
def archive(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The miniature of ``folder`` as a zip file with one folder at its top."""
    folder = tmp_path_factory.mktemp("parts")
    example = catalog.find("dataset", "folder").component.example
    assert example is not None
    example(folder)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for path in sorted(folder.rglob("*.png")):
            file.write(path, path.relative_to(folder))
    return packed.getvalue()


class World:
    """A data set ``parts``, offered with the downloads of a local server."""

    def __init__(self, catalog: Catalog, server: FileServer, home: Path) -> None:
        self.component = replace(catalog.find("dataset", "folder").component, name="parts")
        self.server = server
        self.places = Places(home, home / "runs", {})
        self.root = home / "data" / "parts"

    def fetch(self, *downloads: Download, watch=lambda *_: None):
        offered = catalog_of({"dataset": [replace(self.component, release=Release(downloads))]})
        return fetch_dataset(offered, Ref(use="parts"), self.places, watch)

    def download(self, body: bytes, **facts: object) -> Download:
        self.server.files["parts.zip"] = Served(body)
        return Download((self.server.url("parts.zip"),), **facts)

    def visible(self) -> list[str]:
        """What lies in the folder of data sets and is not hidden."""
        return [path.name for path in self.root.parent.glob("[!.]*")]


@pytest.fixture
def world(catalog: Catalog, server: FileServer, tmp_path: Path) -> World:
    return World(catalog, server, tmp_path / "home")


def test_a_fetched_data_set_is_unpacked_and_read_and_its_download_is_gone(world, archive):
    arrived = world.fetch(world.download(archive))
    assert (arrived.root, arrived.images) == (world.root, 24)
    assert sorted(path.name for path in world.root.iterdir()) == ["images", "masks"]
    assert world.visible() == ["parts"]
    assert not list(world.root.parent.glob(".*downloads"))


def test_an_archive_goes_where_the_release_says_and_a_plain_file_keeps_its_name(world, archive):
    build = world.component.build
    world.component = replace(world.component, build=lambda root, /: build(root / "deep"))
    world.server.files["groups.csv"] = Served(b"id,group\n")
    world.fetch(replace(world.download(archive), folder="deep"), Download((world.server.url("groups.csv"),)))
    assert sorted(path.name for path in world.root.iterdir()) == ["deep", "groups.csv"]
    assert (world.root / "groups.csv").read_bytes() == b"id,group\n"


def test_two_downloads_of_one_name_do_not_disturb_each_other(world, archive):
    world.server.files |= {"1/more.bin": Served(b"one"), "2/more.bin": Served(b"two")}
    more = [Download((world.server.url(f"{k}/more.bin"),), folder=k) for k in "12"]
    world.fetch(world.download(archive), *more)
    assert [(world.root / k / "more.bin").read_bytes() for k in "12"] == [b"one", b"two"]


def test_a_data_set_that_is_there_is_not_touched(world, archive):
    world.fetch(world.download(archive))
    asked = len(world.server.asked)
    with pytest.raises(DataError, match="parts is there already; 'bench data verify parts' checks it"):
        world.fetch(world.download(archive))
    assert len(world.server.asked) == asked


def test_an_empty_folder_in_its_place_is_no_data_set(world, archive):
    world.root.mkdir(parents=True)
    assert world.fetch(world.download(archive)).images == 24


def test_two_processes_do_not_fetch_one_data_set_at_once(world, archive):
    world.root.parent.mkdir(parents=True)
    with if_idle(world.root), pytest.raises(DataError, match=r"process \d+ on .* is getting parts just now"):
        world.fetch(world.download(archive))


def test_a_data_set_without_a_download_says_how_to_get_it(world):
    with pytest.raises(DataError, match=r"no download.*name the folder.*'bench data import parts PATH'"):
        world.fetch()


def test_a_data_set_that_cannot_fit_is_refused_before_the_first_byte(world, archive):
    with pytest.raises(DataError, match=r"needs 2\.0 EB, but the disk has .* free"):
        world.fetch(world.download(archive, size=10**18))
    assert world.server.asked == []


@pytest.mark.parametrize("when", ["fetching", "unpacking"])
def test_an_interrupted_fetch_shows_nothing_and_goes_on(world, archive, when):
    download = world.download(archive, sha256=hashlib.sha256(archive).hexdigest())

    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith(when):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.fetch(download, watch=interrupt)
    assert world.visible() == []
    assert world.fetch(download).images == 24
    later = [rest for _, rest in world.server.asked[1:]]
    assert later == [] if when == "unpacking" else all(rest and rest != "bytes=0-" for rest in later)


def test_a_truncated_archive_without_a_digest_is_named_and_fetched_anew(world, archive):
    with pytest.raises(DataError, match=r"parts\.zip: cut short or altered") as caught:
        world.fetch(world.download(archive[:-200]))
    assert "\n" not in str(caught.value)
    assert world.visible() == []
    assert world.fetch(world.download(archive)).images == 24


def test_an_archive_that_is_not_the_data_set_never_becomes_visible(world):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("readme.txt", "hello")
    with pytest.raises(DataError, match=r"^parts is not taken over: images: the folder is missing") as caught:
        world.fetch(world.download(packed.getvalue()))
    assert "unpacking" not in str(caught.value)
    assert world.visible() == []


def test_what_came_first_is_what_must_come_later(world, archive, tmp_path):
    world.fetch(world.download(archive))
    world.root.rename(tmp_path / "moved away")
    with pytest.raises(DataError, match=r"altered: .* at the first fetch, as .*digests\.json says"):
        world.fetch(world.download(archive + b" "))
    assert world.fetch(world.download(archive)).images == 24


def test_a_failure_that_is_no_other_digest_does_not_blame_the_first_fetch(world, archive, tmp_path):
    download = world.download(archive)
    world.fetch(download)
    world.root.rename(tmp_path / "SHA-256")
    del world.server.files["parts.zip"]
    with pytest.raises(DataError, match="404 Not Found") as caught:
        world.fetch(download)
    assert "first fetch" not in str(caught.value)
    assert not isinstance(caught.value, Altered)


@pytest.mark.parametrize(
    ("textures", "why"), [([11], "name some of 1 to 10"), ([1], r"fetched whole, not with textures=")]
)
def test_settings_are_refused_before_the_first_byte(world, archive, catalog, textures, why):
    dagm = replace(catalog.find("dataset", "dagm").component, release=Release((world.download(archive),)))
    with pytest.raises(SettingsError, match=why):
        fetch_dataset(
            catalog_of({"dataset": [dagm]}),
            Ref(use="dagm", settings={"textures": textures}),
            world.places,
            lambda *_: None,
        )
    assert world.server.asked == []


def test_a_damaged_list_of_first_digests_is_named(world, archive):
    path = world.root.parent / ".parts.digests.json"
    path.parent.mkdir(parents=True)
    for content in ("{", json.dumps({"schema": 1, "sha256": []})):
        path.write_text(content)
        with pytest.raises(DataError, match=r"\.parts\.digests\.json: damaged; remove it"):
            world.fetch(world.download(archive))


# --- the command

PLUGIN = """
from bench.api import About, Component, Download, Record, Release, Sample, hookimpl, read_image, visible
import numpy as np


class Plain:
    classes = ("defect",)

    def __init__(self, root):
        self.root = root

    def records(self):
        files = [path for path in visible(self.root / "images")]
        return [Record(path.stem, path.stem, files=(path,)) for path in files]

    def load(self, id, /):
        image = read_image(self.root / "images" / f"{id}.png")
        return Sample(id, image, np.zeros(image.shape[:2], np.uint8))


def build(root, /):
    return Plain(root)


@hookimpl
def bench_datasets():
    about = About("Parts", licence="CC0 of parts", citation="Nobody 2026")
    yield Component("parts", build, about=about, release=Release((Download((ADDRESS,)),)))
"""


def command(folder: Path, address: str) -> subprocess.Popen[str]:
    (folder / "parts.py").write_text(PLUGIN.replace("ADDRESS", repr(address)))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "bench", "data", "fetch", "parts", "--plugin", "parts.py"],
        cwd=folder,
        env={**os.environ, "BENCH_HOME": str(folder / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_fetch_leaves_nothing_visible_and_the_same_command_ends_it(server, archive, tmp_path):
    served = server.files["parts.zip"] = Served(archive, stall=len(archive) // 2)
    process = command(tmp_path, server.url("parts.zip"))
    part = tmp_path / "home" / "data" / ".parts.downloads" / "0" / "parts.zip.part"
    for _ in range(600):
        if part.exists() and part.stat().st_size >= len(archive) // 2:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not list((tmp_path / "home" / "data").glob("[!.]*"))
    served.stall = None
    out, err = command(tmp_path, server.url("parts.zip")).communicate()
    assert "parts: 24 images in" in out
    assert out.index("CC0 of parts") < out.index("24 images")
    assert "Nobody 2026" in out
    assert "fetching parts.zip" in err
    assert "\x1b" not in err
    assert server.asked[-1][1] == f"bytes={len(archive) // 2}-"


def test_the_command_fetches_the_others_when_one_fails(server, archive, tmp_path, monkeypatch, capsys):
    server.files["parts.zip"] = Served(archive)
    (tmp_path / "parts.py").write_text(PLUGIN.replace("ADDRESS", repr(server.url("parts.zip"))))
    call = Commands(tmp_path, monkeypatch, capsys)
    code, out, err = call("data", "fetch", "mtd", "parts", "--plugin", "parts.py")
    assert (code, out[-1].startswith("parts: 24 images in")) == (2, True)
    assert [line.partition(" ")[0] for line in err] == ["mtd", "fetching", "unpacking"]


def test_what_is_made_by_the_first_use_needs_no_download(tmp_path, monkeypatch, capsys):
    code, out, errors = Commands(tmp_path, monkeypatch, capsys)("data", "fetch", "metalpart")
    assert (code, errors) == (0, [])
    assert out == ["metalpart: needs no download, its images are made by the first use"]


def test_the_command_refuses_in_one_line(server, tmp_path):
    process = command(tmp_path, server.url("parts.zip"))
    _, err = process.communicate()
    assert process.returncode == 2
    assert [line for line in err.splitlines() if line] == [
        f"parts.zip cannot be fetched: {server.url('parts.zip')}: the server answers 404 Not Found"
    ]
