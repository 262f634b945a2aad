"""``bench predict`` on a folder in which some pictures are at fault: one line for each, and the others go on."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from bench.cli.predict import command
from bench.images import read_image, write_png
from bench.store.store import read_object
from sampling import whole_run
from tiny import bench, write_world

LONG = "n" * 250
"""A name that leaves no room for that of a product."""


@dataclass(frozen=True)
class World:
    """A trained cell in a folder with photos."""

    folder: Path
    cell: str

    def predict(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return bench(self.folder, "predict", self.cell, *arguments, "--plugin", "models.py")

    def note(self) -> Path:
        """The note that the tiles of the cell left."""
        (path,) = (self.folder / "home").rglob("tiles/*/stage.json")
        return path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    suite = write_world(folder)
    suite.write_text(suite.read_text().replace("[uniform, defect-centred]", "[uniform]"))
    crops = "runtime.delivery=crops"  # as earlier versions kept them
    done = bench(folder, "run", "tiny.yaml", "--plugin", "models.py", "-x", crops)
    assert done.returncode == 0, done.stderr
    (record,) = (folder / "runs" / "tiny" / "cells").glob("*.json")
    return World(folder, record.stem)


def part(world: World) -> np.ndarray:
    return read_image(world.folder / "parts" / "images" / "part00.png")


def turned(path: Path, seen: np.ndarray) -> None:
    """Save a photograph that viewers turn by 90 degrees to what is ``seen``, without loss."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(np.rot90(seen[..., 0]))).save(path, exif=exif)


@pytest.fixture(scope="module")
def answered(world: World) -> subprocess.CompletedProcess[str]:
    """The answer to one folder that has a bit of everything; products lie in ``pred``."""
    photos, seen = world.folder / "photos", part(world)
    write_png(photos / "day1" / "c.png", seen)
    write_png(photos / "day2" / "c.png", seen[::-1])
    write_png(photos / "tiny.png", seen[:1, :1])
    write_png(photos / "three.png", seen.repeat(3, axis=2))
    turned(photos / "turned.png", seen[:, :40])
    write_png(photos / "upright.png", seen[:, :40])
    write_png(photos / "sixteen.png", seen.astype(np.uint16) * 257)
    write_png(photos / "colour.png", np.concatenate([seen, seen // 2, seen // 3], axis=2))
    (photos / "damaged.png").write_bytes((photos / "day1" / "c.png").read_bytes()[:200])
    (photos / "phone.heic").write_bytes(b"heic")
    (photos / "gone.png").symlink_to("nowhere.png")
    (photos / "._c.png").write_bytes(b"Mac OS X")
    write_png(photos / f"{LONG}.png", seen)
    return world.predict("photos", "absent.png", "--save", "mask,prob", "--to", "pred")


GOOD = ("day1/c", "day2/c", "tiny", "three", "turned", "upright")
BAD = ("sixteen.png", "colour.png", "damaged.png", "phone.heic", "gone.png")


def mask(world: World, name: str) -> np.ndarray:
    return read_image(world.folder / "pred" / "photos" / f"{name}.mask.png")


@whole_run
def test_every_good_picture_is_predicted_below_its_folder(world, answered):
    found = {
        path.relative_to(world.folder / "pred" / "photos").as_posix() for path in world.folder.rglob("pred/**/*.*")
    }
    assert found == {f"{name}.{product}.png" for name in GOOD for product in ("mask", "prob")}


def test_every_other_one_has_a_line_and_makes_exit_code_3(answered):
    assert answered.returncode == 3
    files = [line.partition(": ")[0] for line in answered.stderr.splitlines()]
    wanted = ["absent.png", *(f"photos/{name}" for name in BAD), f"pred/photos/{LONG}.mask.png"]
    assert sorted(files) == sorted(wanted)


def test_a_photograph_is_predicted_as_it_is_seen(world, answered):
    assert (mask(world, "turned") == mask(world, "upright")).all()
    assert mask(world, "upright").any()


def test_three_equal_channels_are_predicted_as_grey(world, answered):
    assert (mask(world, "three") == mask(world, "day1/c")).all()


def test_a_picture_of_one_pixel_has_a_mask_of_one_pixel(world, answered):
    assert mask(world, "tiny").shape == (1, 1, 1)


def test_a_second_call_keeps_what_is_there_unless_told_to_replace_it(world, answered):
    first = "photos/day1/c.png", "--save", "mask", "--to", "day"
    second = "photos/day2/c.png", "--save", "mask", "--to", "day"
    there = world.folder / "day" / "c.mask.png"
    assert world.predict(*first).returncode == 0
    before = there.read_bytes()
    refused = world.predict(*second)
    assert refused.returncode == 3
    assert "day/c.mask.png" in refused.stderr
    assert "--overwrite" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert there.read_bytes() == before
    assert world.predict(*second, "--overwrite").returncode == 0
    assert (read_image(there) == mask(world, "day2/c")).all()


def test_sixteen_bits_scaled_as_asked_give_the_mask_of_eight(world, answered):
    done = world.predict("photos/sixteen.png", "--white", "65535", "--save", "mask", "--to", "scaled")
    assert done.returncode == 0, done.stderr
    assert (read_image(world.folder / "scaled" / "sixteen.mask.png") == mask(world, "day1/c")).all()


def test_a_cell_of_an_earlier_version_says_the_same_of_sixteen_bits(world, answered):
    path = world.note()
    kept = path.read_text()
    path.write_text(json.dumps({key: value for key, value in read_object(path).items() if key != "images"}))
    try:
        assert path.read_text() != kept
        old = world.predict("photos/day1/c.png", "photos/sixteen.png", "--save", "mask", "--to", "old")
    finally:
        path.write_text(kept)
    assert old.stderr.splitlines() == [line for line in answered.stderr.splitlines() if "sixteen" in line]
    assert (world.folder / "old" / "c.mask.png").is_file()


def test_without_any_picture_nothing_is_done(world):
    done = world.predict("nowhere", "--to", "none")
    assert done.returncode == 2
    assert [line.partition(": ")[0] for line in done.stderr.splitlines()] == ["nowhere"]
    assert not (world.folder / "none").exists()


@pytest.mark.parametrize("white", ["0", "65536", "4095:", "a", "1:2:3", "9" * 5000])
def test_a_white_that_is_no_level_is_refused(white):
    done = CliRunner().invoke(command, ["3f2a", "photos", "--white", white])
    assert done.exit_code == 2
    assert "--white" in done.output


def test_an_output_folder_that_is_a_file_is_refused_in_one_line(world, answered):
    done = world.predict("photos", "--to", "tiny.yaml")
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if line.startswith("tiny.yaml: ")] == [
        done.stderr.splitlines()[-1]
    ]
