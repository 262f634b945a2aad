"""Everything is read anew; counts are held against the release."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.canonical import canonical, digest, printable
from bench.catalog import Catalog
from bench.component import Release
from bench.data.index_file import read_index
from bench.errors import DataError, UnusableImages
from bench.images import write_png
from bench.obtain.release_counts import Census, ClassCount, census, compare
from bench.obtain.verify import Verified, other_settings, verify_dataset
from bench.store.home import Places
from bench.suite.reading.load import component_from
from bench.suite.schema import Ref
from catalogs import catalog_of
from data_commands import Commands
from tiny import environment

NONE_IGNORED = ClassCount("ignored", 0, 0)
FULL = Release(images=100, defective=32, unmarked=2, splits=(("train", 70), ("test", 30)))


def found(images: int = 100, marked: int = 30, train: int = 70, test: int = 30) -> Census:
    return Census(images, marked, images, {"train": train, "test": test}, (), NONE_IGNORED, (1, 1), (1, 1))


def test_a_complete_release_is_called_so():
    verdict = compare(found(), FULL)
    assert verdict.standing == "complete"
    assert verdict.sentence == (
        "complete release: 100 images, 30 images with a marked defect, 70 images without one, 70 in train, 30 in test"
    )


def test_a_subset_says_of_what():
    verdict = compare(found(80, 20, 55, 25), FULL)
    assert (verdict.standing, verdict.sentence) == (
        "subset",
        "a subset: 80 of 100 images (20 of 30 images with a marked defect, 60 of 70 images without one, "
        "55 of 70 in train, 25 of 30 in test)",
    )


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ((101, 31, 70, 31), r"101 of 100 images, 31 of 30 images with a marked defect, 31 of 30 in test"),
        ((90, 31, 60, 30), r"31 of 30 images with a marked defect"),
        ((90, 10, 60, 30), r"80 of 70 images without one"),
        ((90, 25, 71, 19), r"71 of 70 in train"),
    ],
)
def test_more_of_anything_than_the_release_holds_is_wrong(counts, why):
    verdict = compare(found(*counts), FULL)
    assert verdict.standing == "wrong"
    assert verdict.sentence.startswith(f"more than the release: {why}")


def test_all_images_in_other_splits_than_released_are_wrong():
    verdict = compare(found(train=70, test=0), FULL)
    assert verdict.standing == "wrong"
    assert verdict.sentence.startswith("as many images as the release, but 0 of 30 in test")


@pytest.mark.parametrize("release", [None, Release()])
def test_without_official_counts_nothing_is_claimed(release):
    assert compare(found(), release).standing == "unknown"


def test_a_release_that_only_counts_images_is_compared_in_images_alone():
    assert compare(found(), Release(images=100)).sentence == "complete release: 100 images"
    assert compare(found(), Release(images=120)).sentence == "a subset: 100 of 120 images"


@given(
    marked=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    clean=st.tuples(st.integers(0, 40), st.integers(0, 40)),
)
def test_the_verdict_is_that_of_the_two_kinds_of_images_apart(marked, clean):
    here = Census(marked[0] + clean[0], marked[0], 1, {}, (), NONE_IGNORED, (1, 1), (1, 1))
    verdict = compare(here, Release(images=marked[1] + clean[1], defective=marked[1]))
    if marked[0] > marked[1] or clean[0] > clean[1]:
        assert verdict.standing == "wrong"
    else:
        assert verdict.standing == ("complete" if (marked[0], clean[0]) == (marked[1], clean[1]) else "subset")


# --- on a miniature


class World:
    """The miniature of ``mtd``, with a release of exactly its counts unless told otherwise."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        self.component = catalog.find("dataset", "mtd").component
        self.root = folder / "mtd"
        self.places = Places(folder / "home", folder / "runs", {"mtd": str(self.root)})
        assert self.component.example is not None
        self.component.example(self.root)

    def verify(self, release: Release | None = None) -> Verified:
        release = release or Release(images=36, defective=30)
        offered = catalog_of({"dataset": [replace(self.component, release=release)]})
        return verify_dataset(offered, Ref(use="mtd"), self.places, lambda *_: None)


@pytest.fixture
def world(catalog: Catalog, tmp_path: Path) -> World:
    return World(catalog, tmp_path)


def test_a_sound_miniature_is_complete_and_counted_by_class(world):
    verified = world.verify()
    assert verified.verdict.standing == "complete"
    assert [one.images for one in verified.census.classes] == [6, 6, 6, 6, 6]
    assert (verified.census.images, verified.census.marked, verified.census.groups) == (36, 30, 18)
    pixels = sum(int((sample.mask == 3).sum()) for sample in samples(world))
    assert verified.census.classes[2].pixels == pixels > 0


def samples(world: World):
    dataset = world.component.build(world.root)
    return [dataset.load(record.id) for record in dataset.records()]


def test_masks_that_the_release_leaves_unmarked_are_expected(world):
    mask = next((world.root / "MT_Uneven" / "Imgs").glob("*.png"))
    empty = mask.with_name("exp4_num_45057.png")  # one of those
    mask.rename(empty)
    mask.with_suffix(".jpg").rename(empty.with_suffix(".jpg"))
    height, width = np.asarray(Image.open(empty)).shape
    write_png(empty, np.zeros((height, width), np.uint8))
    assert world.verify(Release(images=36, defective=30, unmarked=1)).verdict.standing == "complete"
    assert world.verify(Release(images=36, defective=30)).verdict.standing == "wrong"


def files_of(world: World) -> list[Path]:
    return [record.files[1] for record in world.component.build(world.root).records()]


def test_a_file_altered_without_a_trace_in_size_and_time_is_found(world):
    world.verify()
    image = next((world.root / "MT_Break" / "Imgs").glob("*.jpg"))
    before = image.stat()
    content = bytearray(image.read_bytes())
    content[2:20] = bytes(18)
    image.write_bytes(content)
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DataError, match=rf"1 of 36 images cannot be used: .*{image.name}"):
        world.verify()


def test_what_was_read_is_kept_as_the_index(world):
    verified = world.verify()
    (kept,) = (world.places.home / "index").glob("*.json")
    assert read_index(kept).fingerprint == verified.index.fingerprint
    assert census(read_index(kept)) == verified.census


def test_all_unreadable_images_are_named_up_to_twenty(world):
    for k, image in enumerate(sorted(world.root.rglob("*.jpg"))):
        if k < 25:
            image.write_bytes(b"")
    with pytest.raises(UnusableImages, match="20 or more of 36 images cannot be used") as caught:
        world.verify()
    assert [line.count("an empty file") for line in caught.value.mistakes] == [1] * 20


def test_settings_that_are_not_the_defaults_are_named(catalog):
    component = catalog.find("dataset", "mtd").component
    plain, other = (component_from(text, "dataset", catalog) for text in ("mtd", OTHER))
    assert other_settings(component, plain) == ""
    assert other_settings(component, other) == "mask_threshold=200"


OTHER = "{use: mtd, settings: {mask_threshold: 200}}"

# --- the command


@pytest.fixture
def verify(world: World, tmp_path: Path, monkeypatch, capsys) -> Callable[..., tuple[int, list[str], list[str]]]:
    """Run the command on the miniature; exit code, output and errors."""
    del world
    call = Commands(tmp_path, monkeypatch, capsys)
    return lambda name="mtd": call("data", "verify", name, "--data", "mtd=mtd")


def test_a_sound_subset_is_no_mistake_and_its_counts_and_fingerprint_are_printed(verify, world):
    code, out, err = verify()
    assert (code, err) == (0, ["reading images of mtd"])
    assert out[0] == (
        "mtd: a subset: 36 of 1,344 images (30 of 388 images with a marked defect, 6 of 956 images without one)"
    )
    assert out[1] == "  read         36 images of 18 groups, and every mask there is"
    assert out[4] == "  splits       train 12, validation 12, test 12"
    assert [line.split(":")[0] for line in out[5:10]] == [
        f"  class {k}      {name}" for k, name in enumerate(("blowhole", "break", "crack", "fray", "uneven"), 1)
    ]
    assert out[-1] == f"  fingerprint  {world.verify().index.fingerprint}"


def test_other_settings_are_not_compared_and_this_is_said(verify):
    code, out, _ = verify(OTHER)
    assert (code, out[0]) == (0, "mtd: not compared with the release, because of mask_threshold=200")


def test_damage_is_exit_code_3_and_one_line(verify, world):
    image = next(world.root.rglob("*.jpg"))
    image.write_bytes(image.read_bytes()[:100])
    code, out, err = verify()
    assert (code, out, len(err)) == (3, [], 2)  # the first is that of progress
    assert image.name in err[1]
    image.unlink()
    code, out, err = verify()
    assert (code, out, len(err)) == (3, [], 1)
    assert f"{image.name} is missing" in err[0]


def test_absent_data_are_exit_code_2_with_how_to_get_them(tmp_path, monkeypatch, capsys):
    code, out, errors = Commands(tmp_path, monkeypatch, capsys)("data", "verify", "mtd")
    assert (code, out, len(errors)) == (2, [], 1)
    assert "git clone https://github.com/abin24" in errors[0]


def test_several_data_sets_are_verified_though_one_is_absent(tmp_path, world, monkeypatch, capsys):
    call = Commands(tmp_path, monkeypatch, capsys)
    code, out, errors = call("data", "verify", "dagm", "mtd", "--data", "mtd=mtd")
    assert (code, out[0].startswith("mtd: a subset")) == (2, True)
    assert errors[0].startswith("dagm: ")


BROKEN = """
from bench.api import Component, Record, hookimpl


class Broken:
    classes = ("defect",)

    def __init__(self, where):
        self.where = where

    def records(self):
        if self.where == "records":
            raise ValueError("a bug")
        return [Record("one", "one")]

    def load(self, id, /):
        raise ValueError("a bug")


@hookimpl
def bench_datasets():
    yield Component("broken-list", lambda root, /: Broken("records"))
    yield Component("broken-load", lambda root, /: Broken("load"))
"""


@pytest.mark.parametrize("name", ["broken-list", "broken-load"])
def test_a_reader_that_fails_does_not_keep_the_others_from_being_verified(name, tmp_path, world, monkeypatch, capsys):
    (tmp_path / "broken.py").write_text(BROKEN)
    call = Commands(tmp_path, monkeypatch, capsys)
    code, out, errors = call("data", "verify", name, "mtd", "--data", "mtd=mtd", "--plugin", "broken.py")
    assert (code, out[0].startswith("mtd: a subset")) == (2, True)
    told = [line for line in errors if "reading images" not in line]
    assert len(told) == 1
    assert told[0].startswith(f"{name}: ")
    assert told[0].endswith("ValueError: a bug")


def test_a_link_to_itself_is_refused_in_one_line_and_the_others_are_verified(tmp_path, world, monkeypatch, capsys):
    (tmp_path / "loop").symlink_to("loop")
    call = Commands(tmp_path, monkeypatch, capsys)
    code, out, errors = call("data", "verify", "dagm", "mtd", "--data", "mtd=mtd", "--data", "dagm=loop")
    assert (code, out[0].startswith("mtd: a subset")) == (2, True)
    assert errors[0].startswith("dagm: loop: a link on the way leads back to itself")
    monkeypatch.setenv("BENCH_HOME", "loop")
    code, out, errors = call("data", "verify", "mtd")
    assert (code, out, len(errors)) == (2, [], 1)
    assert "loop: a link on the way" in errors[0]


def write_parts(root: Path, name: bytes) -> None:
    """A data set of ``folder`` with one image of that name."""
    for kind, pixels in (("images", np.full((70, 70), 90, np.uint8)), ("masks", np.zeros((70, 70), np.uint8))):
        write_png(root / kind / "plain.png", pixels)
        (root / kind / "plain.png").rename(root / kind / os.fsdecode(name))


@pytest.mark.parametrize("name", [b"p\xff.png", b"a\nb.png", b"a\x1b[1m.png"])
@pytest.mark.parametrize("verb", ["verify", "card"])
def test_names_that_are_no_line_of_text_are_refused_in_one_line(name, verb, tmp_path, monkeypatch, capsys):
    write_parts(tmp_path / "parts", name)
    code, out, errors = Commands(tmp_path, monkeypatch, capsys)("data", verb, "folder", "--data", "folder=parts")
    assert (code, out, len(errors)) == (3 if verb == "verify" else 2, [], 1)
    assert repr(os.fsdecode(name.removesuffix(b".png"))) in errors[0]
    assert "rename the file or folder" in errors[0]
    assert "\x1b" not in errors[0]


def test_names_in_any_script_are_taken(tmp_path, monkeypatch, capsys):
    write_parts(tmp_path / "parts", "Größe \N{ZERO WIDTH JOINER} 部品.png".encode())
    code, _, _ = Commands(tmp_path, monkeypatch, capsys)("data", "verify", "folder", "--data", "folder=parts")
    assert code == 0


def test_a_folder_whose_name_is_not_utf_8_is_verified_and_indexed(tmp_path, monkeypatch, capsys):
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/p\xff"))
    write_parts(root, b"one.png")
    call = Commands(tmp_path, monkeypatch, capsys)
    assert call("data", "verify", "folder", "--data", f"folder={root}")[0] == 0


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_digest_of_ordinary_text_is_that_of_its_utf_8(text):
    expected = json.dumps(text, ensure_ascii=False).encode()
    assert canonical(text) == expected
    assert digest(text) == hashlib.blake2b(expected, digest_size=16).hexdigest()


@given(st.text(), st.text())
def test_different_texts_have_different_canonical_bytes_and_print_in_one_line(one, other):
    assert (canonical(one) == canonical(other)) == (one == other)
    assert printable(one).isprintable()


def test_a_data_set_that_shares_a_folder_finds_it_after_its_own(tmp_path):
    places = Places(tmp_path, tmp_path, {})
    assert places.root("leaky", "plain") == places.root("plain") == tmp_path / "data" / "plain"
    given = replace(places, data={"plain": str(tmp_path / "a")})
    assert given.root("leaky", "plain") == tmp_path / "a"
    own = replace(given, data={**given.data, "leaky": str(tmp_path / "b")})
    assert (own.root("leaky", "plain"), own.root("plain")) == (tmp_path / "b", tmp_path / "a")


def test_a_reader_is_given_the_folder_that_it_shares(world):
    leaky = replace(world.component, name="leaky", folder="mtd")
    offered = catalog_of({"dataset": [world.component, leaky]})
    assert verify_dataset(offered, Ref(use="leaky"), world.places, lambda *_: None).census.images == 36


def test_no_torch_is_imported_by_any_of_the_four_verbs(tmp_path, world):
    script = (
        "import sys\nfrom bench.cli import main\n"
        "for line in ('data list', 'data verify mtd --data mtd=mtd', 'data import mtd-leaky mtd', 'data fetch mtd'):\n"
        "    sys.argv = ['bench', *line.split()]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        print('CODE', end.code)\n"
        "    print('HEAVY', sorted(set(sys.modules) & {'torch', 'torchvision', 'timm', 'numba', 'matplotlib'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith(("CODE", "HEAVY"))]
    assert told == ["CODE 0", "HEAVY []", "CODE 0", "HEAVY []", "CODE 0", "HEAVY []", "CODE 2", "HEAVY []"]


def test_the_real_tiles_are_a_subset_of_the_counts_that_their_readme_gives(catalog, shared_data, tmp_path):
    if not (shared_data / "mtd").is_dir():
        pytest.skip("the sample data hold no mtd/")
    places = Places(tmp_path / "home", tmp_path, {"mtd": str(shared_data / "mtd")})
    verified = verify_dataset(catalog, component_from("mtd", "dataset", catalog), places, lambda *_: None)
    assert (verified.census.images, verified.census.marked) == (1133, 325)
    assert (verified.verdict.standing, verified.census.widths, verified.census.heights) == (
        "subset",
        (103, 632),
        (222, 403),
    )
    assert verified.verdict.sentence.startswith("a subset: 1,133 of 1,344 images (325 of 388 images with a marked")


def test_each_unusable_image_is_named_on_a_line_of_its_own(verify, world):
    images = sorted(world.root.rglob("*.jpg"))[:3]
    for image in images:
        image.write_bytes(b"")
    code, out, err = verify()
    assert (code, out) == (3, [])
    assert [image.name in line for image, line in zip(images, err[1:4], strict=True)] == [True] * 3
    assert err[4] == "mtd: 3 images cannot be used"


def test_an_index_of_before_is_said_to_be_out_of_date_with_the_images_that_changed(verify, world):
    verify()
    mask = sorted((world.root / "MT_Crack" / "Imgs").glob("*.png"))[0]
    levels = np.asarray(Image.open(mask)).copy()
    levels[2:6, 2:6] = 255
    write_png(mask, levels)
    _, out, _ = verify()
    assert any("index        was out of date for" in line and mask.stem in line for line in out)
    _, out, _ = verify()
    assert not any("out of date" in line for line in out)
