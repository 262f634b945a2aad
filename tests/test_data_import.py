"""Taking over what was downloaded by hand: read first, visible afterwards, whole or not at all."""

from __future__ import annotations

import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bench.catalog import Catalog
from bench.component import Download, Release
from bench.errors import DataError, SettingsError
from bench.obtain.get import Arrived, import_dataset, link_dataset
from bench.stages.indexing import locate
from bench.store.home import Places
from bench.suite.schema import Ref
from catalogs import catalog_of
from data_commands import Commands


class World:
    """The data set ``mtd`` with places of its own; its miniature lies in ``source``."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        self.catalog = catalog
        self.source = folder / "downloaded"
        self.places = Places(folder / "home", folder / "runs", {})
        self.root = self.places.root("mtd")
        example = catalog.find("dataset", "mtd").component.example
        assert example is not None
        example(self.source)

    def take(self, *paths: Path, name: str = "mtd", **how: str) -> Arrived:
        return import_dataset(self.catalog, Ref(use=name), self.places, paths, lambda *_: None, **how)

    def link(self, path: Path) -> Arrived:
        return link_dataset(self.catalog, Ref(use="mtd"), self.places, path, lambda *_: None)

    def current(self) -> bool:
        """Whether the data set counts as indexed."""
        return locate(self.catalog, Ref(use="mtd"), self.places).index is not None

    def refused(self, match: str, *paths: Path, **how: str) -> None:
        """The import is refused in one line and leaves nothing."""
        with pytest.raises(DataError, match=match) as caught:
            self.take(*paths, **how)
        assert "\n" not in str(caught.value)
        assert ".unpacking" not in str(caught.value)
        assert not self.root.exists()
        assert list(self.root.parent.glob("*")) == []


@pytest.fixture
def world(catalog: Catalog, tmp_path: Path) -> World:
    return World(catalog, tmp_path)


def zipped(folder: Path, archive: Path, top: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, Path(top) / path.relative_to(folder))
    return archive


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_copied_read_and_counted_as_indexed(world):
    arrived = world.take(world.source)
    assert (arrived.root, arrived.images) == (world.root, 36)
    assert contents(world.root) == contents(world.source)
    assert arrived.verified is not None
    assert arrived.verified.verdict.sentence.startswith("a subset: 36 of 1,344 images")
    assert world.current()


@pytest.mark.parametrize("top", ["", "Magnetic-tile-defect-datasets.-master"])
def test_an_archive_is_unpacked_as_it_is(world, tmp_path, top):
    world.take(zipped(world.source, tmp_path / "mtd.zip", top))
    assert contents(world.root / top) == contents(world.source)


def test_several_archives_make_one_data_set(world, tmp_path):
    archives = [zipped(folder, tmp_path / f"{folder.name}.zip", folder.name) for folder in world.source.iterdir()]
    assert world.take(*archives).images == 36
    assert contents(world.root) == contents(world.source)


def test_several_folders_keep_their_names(world):
    assert world.take(*world.source.iterdir()).images == 36
    assert contents(world.root) == contents(world.source)


def test_an_archive_that_the_release_names_is_unpacked_where_the_release_says(world, tmp_path):
    component = world.catalog.find("dataset", "mtd").component
    downloads = tuple(
        Download((f"https://localhost/{path.name}.zip?download=1",), folder=path.name)
        for path in world.source.iterdir()
    )
    world.catalog = catalog_of({"dataset": [replace(component, release=Release(downloads))]})
    world.take(*[zipped(folder, tmp_path / f"{folder.name}.zip") for folder in world.source.iterdir()])
    assert contents(world.root) == contents(world.source)


def test_a_quick_import_lists_the_files_and_decodes_nothing(world):
    broken = next(world.source.rglob("*.png"))
    broken.write_bytes(b"")
    arrived = world.take(world.source, reading="list")
    assert (arrived.images, arrived.verified, world.current()) == (36, None, False)


def test_an_image_that_cannot_be_read_stops_an_import_and_is_named(world):
    broken = next(world.source.rglob("*.png"))
    broken.write_bytes(broken.read_bytes()[:-20])
    world.refused(rf"not taken over: .*1 of 36 images cannot be used: MT_\w+/Imgs/{broken.name}: ", world.source)


def test_more_than_the_release_is_refused(world):
    component = world.catalog.find("dataset", "mtd").component
    world.catalog = catalog_of({"dataset": [replace(component, release=Release(images=35))]})
    world.refused("more than the release: 36 of 35 images", world.source)


def test_a_folder_of_something_else_is_refused(world, tmp_path):
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "notes.txt").write_text("hello")
    world.refused("mtd is not taken over: mtd: no folder MT_Blowhole", tmp_path / "else")


def test_a_folder_of_archives_says_that_these_must_be_named(world, tmp_path):
    (tmp_path / "else").mkdir()
    for folder in world.source.iterdir():
        zipped(folder, tmp_path / "else" / f"{folder.name}.zip", folder.name)
    world.refused(
        r"it holds archives \(MT_Blowhole\.zip, MT_Break\.zip, MT_Crack\.zip and 3 more\): name those",
        tmp_path / "else",
    )


def test_a_truncated_archive_is_named(world, tmp_path):
    archive = zipped(world.source, tmp_path / "mtd.zip")
    archive.write_bytes(archive.read_bytes()[:-1000])
    world.refused(r"mtd\.zip: cut short or altered", archive)


def test_a_path_that_is_not_there_is_named(world, tmp_path):
    world.refused(r"nowhere: no such file or folder", tmp_path / "nowhere")


def test_one_archive_named_twice_is_refused(world, tmp_path):
    archive = zipped(world.source, tmp_path / "mtd.zip")
    world.refused("is in another archive too", archive, archive)


def test_hidden_files_stay_behind(world):
    (world.source / ".git").mkdir()
    (world.source / ".git" / "packed").write_bytes(b"large")
    (world.source / "MT_Crack" / ".DS_Store").write_bytes(b"")
    world.take(world.source)
    assert not [name for name in contents(world.root) if "/." in f"/{name}"]


def test_links_to_files_are_followed_and_other_links_refused(world, tmp_path):
    image = next((world.source / "MT_Crack" / "Imgs").glob("*.jpg"))
    shutil.move(image, tmp_path / "elsewhere.jpg")
    image.symlink_to(tmp_path / "elsewhere.jpg")
    world.take(world.source)
    copied = world.root / image.relative_to(world.source)
    assert not copied.is_symlink()
    assert copied.read_bytes() == (tmp_path / "elsewhere.jpg").read_bytes()


@pytest.mark.parametrize(("aim", "why"), [("..", "links to another folder"), ("nowhere", "not a plain file")])
def test_links_to_folders_and_to_nothing_are_refused(world, aim, why):
    (world.source / "odd").symlink_to(aim)
    world.refused(rf"downloaded/odd: {why}", world.source)


def test_a_pipe_is_refused_and_not_waited_for(world):
    os.mkfifo(world.source / "odd")
    world.refused("downloaded/odd: not a plain file", world.source)


def test_a_folder_that_holds_the_place_of_the_data_is_refused(world, tmp_path):
    world.refused("the data of bench lie in this folder", tmp_path)


def test_what_is_there_is_not_touched(world):
    world.take(world.source)
    before = contents(world.root)
    with pytest.raises(DataError, match="mtd is there already"):
        world.take(world.source)
    assert contents(world.root) == before


def test_an_interrupted_import_shows_nothing_and_can_be_repeated(world):
    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith("reading") and done > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_dataset(world.catalog, Ref(use="mtd"), world.places, [world.source], interrupt)
    assert not list(world.root.parent.glob("[!.]*"))
    assert world.take(world.source).images == 36


def test_leftovers_of_a_killed_import_do_not_get_into_the_next(world):
    leftover = world.root.with_name(".mtd.unpacking")
    leftover.mkdir(parents=True)
    (leftover / "old.txt").write_text("old")
    world.take(world.source)
    assert not (world.root / "old.txt").exists()


def test_a_folder_that_cannot_be_read_is_named_and_not_left_out(world, monkeypatch):
    scan = os.scandir

    def denied(path):
        if str(path).endswith("downloaded/MT_Crack"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    world.refused(r"downloaded/MT_Crack: cannot be read \(Permission denied\)", world.source)


@pytest.mark.parametrize("quick", [False, True])
def test_names_that_are_not_utf_8_are_refused_in_one_line(world, quick):
    image = next(world.source.rglob("*.png"))
    for kind in ("images", "masks"):
        (world.source / kind).mkdir()
        shutil.copy(image, world.source / kind / os.fsdecode(b"p\xff.png"))
    with pytest.raises(DataError, match=r"'p\\udcff' is not UTF-8") as caught:
        world.take(world.source, name="folder", reading="list" if quick else "decode")
    assert "\n" not in str(caught.value)


def test_bad_settings_are_refused_before_anything_is_copied(world, monkeypatch):
    monkeypatch.setattr("bench.obtain.get.copy_folder", lambda *_: pytest.fail("copied"))
    ref = Ref(use="dagm", settings={"textures": [11]})
    with pytest.raises(SettingsError, match="name some of 1 to 10"):
        import_dataset(world.catalog, ref, world.places, [world.source], lambda *_: None)


def test_a_link_to_itself_is_refused(world, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    world.refused("loop: no such file or folder", tmp_path / "loop")
    with pytest.raises(DataError, match="loop: a link on the way leads back to itself"):
        world.link(tmp_path / "loop")


# --- links


def test_a_link_leaves_the_folder_where_it_is(world):
    arrived = world.link(world.source)
    assert world.root.is_symlink()
    assert world.root.resolve() == world.source.resolve()
    assert (arrived.images, world.current()) == (36, True)


def test_a_link_is_made_over_an_empty_folder_but_over_nothing_else(world):
    world.root.mkdir(parents=True)
    world.link(world.source)
    with pytest.raises(DataError, match=r"moved or removed this link the command"):
        world.link(world.source)


def test_a_folder_that_the_reader_refuses_is_not_linked_to_and_keeps_its_full_name(world):
    broken = next(world.source.rglob("*.png"))
    broken.write_bytes(b"")
    with pytest.raises(DataError, match=f"cannot be used: {broken}: an empty file"):
        world.link(world.source)
    assert not world.root.is_symlink()


def test_an_archive_cannot_be_linked_to(world, tmp_path):
    with pytest.raises(DataError, match=r"mtd\.zip: not a folder; .* without --link"):
        world.link(zipped(world.source, tmp_path / "mtd.zip"))


# --- the command


def test_the_command_says_terms_and_what_it_read(world, tmp_path, monkeypatch, capsys):
    call = Commands(tmp_path, monkeypatch, capsys)
    code, lines, errors = call("data", "import", "mtd", "downloaded")
    assert (code, errors) == (0, ["copying downloaded", "reading images"])
    assert lines[0] == "mtd: licence: none stated; cite the paper"
    assert lines[1].startswith("mtd: citation: Huang")
    assert lines[-1].startswith(f"mtd: 36 images in {world.root}; a subset: 36 of 1,344 images")
    code, _, errors = call("data", "import", "mtd", "downloaded", "elsewhere", "--link")
    assert (code, errors[-1]) == (2, "Error: --link takes one folder, not 2 paths")
    code, _, errors = call("data", "import", "mtd-leaky", "downloaded", "--link", "--quick")
    assert (code, "mtd-leaky is there already" in errors[-1]) == (2, True)  # the two share one folder


def test_a_quick_import_only_lists_and_says_so(world, tmp_path, monkeypatch, capsys):
    call = Commands(tmp_path, monkeypatch, capsys)
    code, lines, _ = call("data", "import", "mtd-leaky", "downloaded", "--link", "--quick")
    assert (code, lines[-1].endswith("; listed only; 'bench data verify mtd-leaky' reads them all")) == (0, True)
