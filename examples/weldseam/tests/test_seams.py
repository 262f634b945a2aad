"""Masks are put together as the tables say, what contradicts itself is refused by name, and the data path is timed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.api import DataError, Record

from defectbench_weldseam.seams import CLASSES, build, example

Table = dict[str, Any]


@pytest.fixture
def seams(tmp_path: Path) -> Path:
    """The rendered seams, a fresh copy."""
    example(tmp_path)
    return tmp_path


def change(seams: Path, edit: Callable[[Table], object]) -> None:
    """Edit the table of the first seam."""
    file = seams / "seam_00" / "seam.json"
    table = json.loads(file.read_text())
    edit(table)
    file.write_text(json.dumps(table))


def test_every_pixel_is_what_another_decoder_puts_together(seams: Path) -> None:
    dataset = build(seams)
    for record in dataset.records():
        folder, _, stem = record.id.partition("/")
        frames = json.loads((seams / folder / "seam.json").read_text())["frames"]
        (frame,) = [frame for frame in frames if frame["image"] == f"{stem}.png"]
        with Image.open(seams / folder / frame["image"]) as file:
            grey = np.asarray(file)
        expected = np.zeros(grey.shape, np.uint8)
        for defect in frame["defects"]:
            left, top, width, height = defect["box"]
            canvas = Image.new("L", (grey.shape[1], grey.shape[0]))
            if defect["mask"]:
                canvas.paste(Image.open(seams / folder / defect["mask"]), (left, top))
                expected[np.asarray(canvas) == 255] = CLASSES.index(defect["kind"]) + 1
            else:
                canvas.paste(255, (left, top, left + width, top + height))
                expected[(np.asarray(canvas) == 255) & (expected == 0)] = 255
        sample = dataset.load(record.id)
        assert (sample.image[:, :, 0] == grey).all()
        assert (sample.mask == expected).all()


def test_frames_of_a_seam_are_one_group_and_tell_their_position(seams: Path) -> None:
    records = build(seams).records()
    assert len(records) == 36
    assert {record.group for record in records} == {f"seam_{number:02d}" for number in range(12)}
    assert [record.meta["position_mm"] for record in records[:3]] == [0.0, 12.0, 24.0]


def test_a_box_without_a_mask_is_ignored_and_not_background(seams: Path) -> None:
    mask = build(seams).load("seam_00/frame_01").mask
    assert (mask == 255).any()
    assert not (mask == CLASSES.index("undercut") + 1).any()


def test_seams_may_lie_one_folder_deeper(seams: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outer = tmp_path_factory.mktemp("outer")
    seams.rename(outer / "seams")

    def told(records: list[Record]) -> list[str]:
        return [record.id for record in records]

    assert told(list(build(outer).records())) == told(list(build(outer / "seams").records()))


EDITS: dict[str, tuple[Callable[[Table], object], str]] = {
    "an unknown kind": (lambda t: t["frames"][0]["defects"][0].update(kind="scratch"), "kind"),
    "a box of three numbers": (lambda t: t["frames"][0]["defects"][0].update(box=[1, 2, 3]), "box"),
    "an empty box": (lambda t: t["frames"][0]["defects"][0].update(box=[1, 2, 0, 3]), "box"),
    "a key nobody knows": (lambda t: t["frames"][0].update(operator="me"), "operator"),
    "a mask outside the folder": (lambda t: t["frames"][0]["defects"][0].update(mask="../x.png"), "mask"),
    "a frame named twice": (lambda t: t["frames"].append(t["frames"][0]), "frame_00.png 2 times"),
    "a frame without a file": (lambda t: t["frames"][0].update(image="frame_77.png"), "frame_77.png"),
    "a frame left out": (lambda t: t["frames"].pop(), "frame_02.png"),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_table_that_does_not_fit_is_refused_before_anything_is_decoded(seams: Path, name: str) -> None:
    edit, said = EDITS[name]
    change(seams, edit)
    with pytest.raises(DataError, match=said) as refused:
        build(seams).records()
    assert "seam.json" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda t: t["frames"][0]["defects"][0].update(box=[90, 0, 19, 12]), "leaves the image"),
        (lambda t: t["frames"][0]["defects"][0].update(box=[0, 0, 4, 4]), "frame_00_0.png"),
        (lambda t: t["frames"][0]["defects"].append({**t["frames"][0]["defects"][0], "kind": "pore"}), "another kind"),
    ],
)
def test_a_box_that_does_not_fit_the_pixels_is_refused(seams: Path, edit: Callable[[Table], object], said: str) -> None:
    change(seams, edit)
    with pytest.raises(DataError, match=said):
        build(seams).load("seam_00/frame_00")


@pytest.mark.parametrize("name", ["frame_00.png", "frame_00_0.png", "seam.json"])
@pytest.mark.parametrize("harm", ["missing", "cut", "empty"])
def test_a_damaged_file_is_named(seams: Path, name: str, harm: str) -> None:
    file = seams / "seam_00" / name
    content = file.read_bytes()
    file.unlink()
    if harm != "missing":
        file.write_bytes(content[: len(content) // 2] if harm == "cut" else b"")
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        build(seams).load("seam_00/frame_00")


@pytest.mark.parametrize("id", ["seam_00/frame_99", "seam_99/frame_00", "../seam_00/frame_00", "frame_00", ""])
def test_a_frame_nobody_knows_is_refused(seams: Path, id: str) -> None:
    with pytest.raises(DataError, match="no frame"):
        build(seams).load(id)


def test_the_data_path_is_timed(data_throughput: Callable[..., dict[str, float]]) -> None:
    figures = data_throughput("weldseam", crop_size=32, crops=200)
    assert all(figure > 0 for figure in figures.values())
