"""Every refusal of a picture or a mask is one line that says what is wrong, in which file, and what helps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.api import check_drawn, check_share, check_values, read_image, read_mask, read_pair, write_png
from bench.catalog import Catalog
from bench.component import build
from bench.errors import BenchError
from bench.releases import read_csv, release_files

NOISE = np.random.default_rng(0).integers(30, 220, (24, 30), dtype=np.uint8)
MASK = np.zeros((24, 30), np.uint8)
MASK[5:15, 8:20] = 255
NUMBERS = (MASK > 0).astype(np.uint8)


def saved(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def indexed(path: Path, colours: tuple[tuple[int, int, int], ...]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = Image.frombytes("P", NUMBERS.shape[::-1], NUMBERS.tobytes())
    file.putpalette([channel for colour in colours for channel in colour])
    file.save(path)
    return path


def linked(path: Path) -> Path:
    path.symlink_to("nowhere.png")
    return path


def turned(path: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(path, NOISE, exif=exif)


def paged(path: Path) -> Path:
    return saved(path, NOISE, save_all=True, append_images=[Image.fromarray(NOISE)])


Refused = Callable[[Path], object]
"""Makes a file below a folder and reads it."""

PICTURES: Mapping[str, tuple[Refused, str, str, str]] = {
    "absent": (lambda d: read_image(d / "x.png"), "x.png", "the file is missing", ""),
    "link": (lambda d: read_image(linked(d / "x.png")), "x.png", "is not there", "fetch its content first"),
    "lfs": (
        lambda d: read_image(written(d / "x.png", b"version https://git-lfs.github.com/spec/v1\n")),
        "x.png",
        "Git LFS pointer",
        "git lfs pull",
    ),
    "empty": (lambda d: read_image(written(d / "x.png", b"")), "x.png", "an empty file", "copy it anew"),
    "no picture": (lambda d: read_image(written(d / "x.png", b"text")), "x.png", "not an image", "save it as PNG"),
    "cut off": (
        lambda d: read_image(written(d / "x.png", saved(d / "y.png", NOISE).read_bytes()[:300])),
        "x.png",
        "cannot be decoded",
        "copy it anew",
    ),
    "turned": (lambda d: read_image(turned(d / "x.jpg")), "x.jpg", "viewers turn it", "set 'exif: turn'"),
    "pages": (lambda d: read_image(paged(d / "x.tif")), "x.tif", "several pictures", "save each as a file"),
    "float": (
        lambda d: read_image(saved(d / "x.tif", NOISE.astype(np.float32))),
        "x.tif",
        "mode F",
        "save it as grey",
    ),
    "gigapixel": (
        lambda d: read_image(written(d / "x.pgm", b"P5 60000 60000 255\n")),
        "x.pgm",
        "60000x60000",
        "cut it into parts",
    ),
    "colour": (
        lambda d: read_image(saved(d / "x.png", np.dstack([NOISE, NOISE.T.reshape(24, 30), NOISE])), channels=1),
        "x.png",
        "in colour",
        "convert it",
    ),
    "mask in colour": (
        lambda d: read_mask(saved(d / "m.png", np.dstack([MASK, 255 - MASK, MASK]))),
        "m.png",
        "in colour",
        "one channel",
    ),
    "palette in colour": (
        lambda d: read_mask(indexed(d / "m.png", ((0, 0, 0), (255, 0, 0)))),
        "m.png",
        "index 1 in colour",
        "must be grey",
    ),
    "mask of 16 bits": (
        lambda d: read_mask(saved(d / "m.png", MASK.astype(np.uint16))),
        "m.png",
        "uint16",
        "save it with 8 bits",
    ),
    "mask through JPEG": (
        lambda d: read_mask(saved(d / "m.png", MASK, format="JPEG")),
        "m.png",
        "exact values are lost",
        "save it anew as PNG",
    ),
    "mask with alpha": (
        lambda d: read_mask(saved(d / "m.png", np.dstack([MASK, MASK]))),
        "m.png",
        "transparent pixels",
        "without alpha",
    ),
    "sizes": (
        lambda d: read_pair(saved(d / "x.png", NOISE), saved(d / "m.png", MASK[1:])),
        "m.png",
        "30x23",
        "the same size",
    ),
    "values": (
        lambda d: check_values(NOISE, (0, 255), d / "m.png"),
        "m.png",
        "may hold 0, 255",
        "restore the original",
    ),
    "share": (lambda d: check_share(MASK == 0, 0.5, d / "m.png"), "m.png", "looks inverted", "restore the original"),
    "photograph": (lambda d: check_drawn(NOISE, d / "m.png"), "m.png", "like a photograph", "exchange them back"),
    "semicolons": (
        lambda d: read_csv(written(d / "t.csv", b"id;group\na;1\n"), ("id", "group")),
        "t.csv:1",
        "semicolons",
        "commas",
    ),
    "empty table": (lambda d: read_csv(written(d / "t.csv", b""), ("id",)), "t.csv:1", "is empty", "there must be id"),
    "converted": (
        lambda d: release_files(saved(d / "r" / "01.webp", NOISE).parent, r"(\d\d)\.png"),
        "01.webp",
        "has type .png",
        "convert it to .png",
    ),
}


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(BenchError) as caught:
        action()
    return str(caught.value)


def whole(message: str, where: str, what: str, remedy: str) -> None:
    assert "\n" not in message
    for part in (where, what, remedy):
        assert part in message
    assert "fetch the file again" not in message
    assert "; remove" not in message


@pytest.mark.parametrize("name", PICTURES)
def test_a_refused_picture_is_told_with_file_fault_and_remedy(name: str, tmp_path: Path) -> None:
    action, where, what, remedy = PICTURES[name]
    whole(refusal(lambda: action(tmp_path)), where, what, remedy)


def flat(level: int) -> np.ndarray:
    mask = MASK.copy()
    mask[17:22, 3:20] = level
    return mask


CLASSES = {"masks_are": "classes", "classes": ["a", "b"]}
BLACK, RED, GREEN, WHITE = (0, 0, 0), (255, 0, 0), (0, 255, 0), (255, 255, 255)

FOLDERS: Mapping[str, tuple[Callable[[Path], object], Mapping[str, Any], str, str, str]] = {
    "no mask": (lambda d: (d / "masks" / "b.png").unlink(), {}, "images/b.png", "is missing", "clean: empty"),
    "no image": (lambda d: saved(d / "masks" / "z.png", MASK), {}, "masks/z.png", "has no image", "add its image"),
    "heic": (lambda d: written(d / "images" / "c.heic", b"x"), {}, "images/c.heic", "are not read", "save it as PNG"),
    "twice": (lambda d: saved(d / "images" / "b.jpg", NOISE), {}, "images/b.png", "same name", "keep one of the two"),
    "codes": (lambda d: saved(d / "masks" / "b.png", flat(76)), {}, "masks/b.png", "grey 76", "mask_threshold: 76"),
    "trimap": (lambda d: saved(d / "masks" / "b.png", flat(140)), {}, "masks/b.png", "140, 255", "mask_threshold: 140"),
    "0 and 1": (lambda d: saved(d / "masks" / "b.png", NUMBERS), {}, "masks/b.png", "value is 1", "mask_threshold: 1"),
    "one level": (
        lambda d: saved(d / "masks" / "b.png", np.full_like(MASK, 30)),
        {},
        "masks/b.png",
        "every pixel",
        "save it with 0",
    ),
    "photograph": (
        lambda d: saved(d / "masks" / "b.png", NOISE),
        {},
        "masks/b.png",
        "photograph",
        "exchange them back",
    ),
    "true colour": (
        lambda d: saved(d / "images" / "b.png", np.dstack([NOISE, NOISE // 2, NOISE])),
        {},
        "images/b.png",
        "in colour",
        "channels: 3",
    ),
    "two readings": (
        lambda d: indexed(d / "masks" / "b.png", (BLACK, WHITE)),
        CLASSES,
        "masks/b.png",
        "index 1 as grey 255",
        "palette:",
    ),
    "white background": (
        lambda d: indexed(d / "masks" / "b.png", (RED, BLACK)),
        CLASSES,
        "masks/b.png",
        "the background",
        "palette: index",
    ),
    "palettes": (
        lambda d: (indexed(d / "masks" / "a.png", (BLACK, GREEN)), indexed(d / "masks" / "b.png", (BLACK, RED))),
        CLASSES,
        "masks/b.png",
        "index 1 is colour",
        "one palette for all",
    ),
    "lossy numbers": (
        lambda d: ((d / "masks" / "b.png").unlink(), saved(d / "masks" / "b.jpg", NUMBERS)),
        CLASSES,
        "masks/b.jpg",
        "may change class numbers",
        "save masks as PNG",
    ),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_refused_folder_is_told_with_file_fault_and_remedy(name: str, catalog: Catalog, tmp_path: Path) -> None:
    change, settings, where, what, remedy = FOLDERS[name]
    for id in "ab":
        saved(tmp_path / "images" / f"{id}.png", NOISE)
        saved(tmp_path / "masks" / f"{id}.png", NUMBERS if settings else MASK)
    change(tmp_path)
    dataset = build(catalog.find("dataset", "folder").component, tmp_path, settings=settings)

    def read() -> None:
        dataset.records()
        dataset.load("b")

    whole(refusal(read), where, what, remedy)


def emptied(mask: Path) -> None:
    height, width = np.asarray(Image.open(mask)).shape[:2]
    write_png(mask, np.zeros((height, width), np.uint8))


@pytest.mark.parametrize(
    ("name", "mask", "id"),
    [
        ("mtd", "MT_Crack/Imgs/*.png", "MT_Crack/{}"),
        ("ksdd2", "train/10021_GT.png", "train/10021"),
        ("dagm", "Class1/Train/Label/0576_label.PNG", "Class1/Train/0576"),
        ("neu-seg", "annotations/training/000901.png", "training/000901"),
        ("mvtec-ad", "bottle/ground_truth/broken_large/000_mask.png", "bottle/test/broken_large/000"),
    ],
)
def test_an_emptied_mask_of_a_release_is_told_with_file_fault_and_remedy(
    name: str, mask: str, id: str, catalog: Catalog, tmp_path: Path
) -> None:
    component = catalog.find("dataset", name).component
    assert component.example is not None
    component.example(tmp_path)
    path = min(tmp_path.glob(mask))
    emptied(path)
    dataset = build(component, tmp_path, settings={})
    whole(refusal(lambda: dataset.load(id.format(path.stem))), str(path), "marks nothing", "restore the original file")


def test_crowds_are_told_with_file_fault_and_remedy(catalog: Catalog, tmp_path: Path) -> None:
    component = catalog.find("dataset", "coco").component
    assert component.example is not None
    component.example(tmp_path)
    listing = tmp_path / "annotations.json"
    document = json.loads(listing.read_text())
    document["annotations"] = [{**entry, "iscrowd": 1} for entry in document["annotations"]]
    listing.write_text(json.dumps(document))
    dataset = build(component, tmp_path, settings={})
    whole(refusal(dataset.records), str(listing), "is a crowd", "crowds: defect")
