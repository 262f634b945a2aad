"""Ways in which the files of a data set go wrong on disk, each with a seeded choice of what it hits."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".tif": "TIFF"}
TEXTS = (".csv", ".txt", ".json")

Rng = np.random.Generator
Mutation = Callable[[Path, Rng], list[Path]]
"""Changes files below a folder and says which; an empty list when there is nothing that it could change."""


def files_of(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def pictures(root: Path) -> list[Path]:
    return [path for path in files_of(root) if path.suffix.lower() in PICTURES]


def texts(root: Path) -> list[Path]:
    return [path for path in files_of(root) if path.suffix.lower() in TEXTS]


def picked(paths: list[Path], rng: Rng) -> list[Path]:
    return [paths[int(rng.integers(len(paths)))]] if paths else []


def truncated(root: Path, rng: Rng) -> list[Path]:
    hit = picked(files_of(root), rng)
    for path in hit:
        content = path.read_bytes()
        path.write_bytes(content[: int(rng.random() * len(content))])
    return hit


def emptied(root: Path, rng: Rng) -> list[Path]:
    hit = picked(files_of(root), rng)
    for path in hit:
        path.write_bytes(b"")
    return hit


def overwritten(root: Path, rng: Rng) -> list[Path]:
    hit = picked(files_of(root), rng)
    for path in hit:
        path.write_bytes(rng.bytes(max(1, path.stat().st_size)))
    return hit


def removed(root: Path, rng: Rng) -> list[Path]:
    hit = picked(files_of(root), rng)
    for path in hit:
        path.unlink()
    return hit


def turned_into_a_folder(root: Path, rng: Rng) -> list[Path]:
    hit = picked(files_of(root), rng)
    for path in hit:
        path.unlink()
        path.mkdir()
    return hit


def swapped(root: Path, rng: Rng) -> list[Path]:
    """Two files of one type exchange their contents: two images, two masks, or an image and a mask."""
    first = picked(files_of(root), rng)
    second = picked([path for path in files_of(root) if path.suffix == first[0].suffix and path != first[0]], rng)
    if not second:
        return []
    contents = first[0].read_bytes(), second[0].read_bytes()
    first[0].write_bytes(contents[1])
    second[0].write_bytes(contents[0])
    return [*first, *second]


def repicture(path: Path, change: Callable[[Image.Image], Image.Image], **options: object) -> None:
    with Image.open(path) as file:
        file.load()
        changed = change(file)
    changed.save(path, format=options.pop("format", PICTURES[path.suffix.lower()]), **options)


def resized(root: Path, rng: Rng) -> list[Path]:
    hit = picked(decodable(root), rng)
    width, height = (int(step) for step in rng.integers(1, 5, 2))
    for path in hit:
        repicture(path, lambda file: file.resize((file.width + width, file.height + height), Image.Resampling.NEAREST))
    return hit


def decodable(root: Path) -> list[Path]:
    """Pictures that are pictures: examples also hold stray files of such names."""

    def opens(path: Path) -> bool:
        try:
            Image.open(path).load()
        except OSError:
            return False
        return True

    return [path for path in pictures(root) if opens(path)]


def in_colour(root: Path, rng: Rng) -> list[Path]:
    hit = picked(decodable(root), rng)
    for path in hit:
        repicture(path, lambda file: file.convert("RGB"))
    return hit


def of_another_type(root: Path, rng: Rng) -> list[Path]:
    """A lossless picture of another type under the old name."""
    hit = picked(decodable(root), rng)
    for path in hit:
        repicture(path, lambda file: file, format=["PNG", "BMP", "TIFF"][int(rng.integers(3))])
    return hit


def with_palette(root: Path, rng: Rng) -> list[Path]:
    hit = picked([path for path in decodable(root) if path.suffix.lower() in (".png", ".bmp")], rng)
    for path in hit:
        repicture(path, lambda file: file.convert("L").convert("P"))
    return hit


def of_one_bit(root: Path, rng: Rng) -> list[Path]:
    hit = picked([path for path in decodable(root) if path.suffix.lower() in (".png", ".bmp")], rng)
    for path in hit:
        repicture(path, lambda file: file.convert("L").point(lambda level: 255 * (level > 0)).convert("1"))
    return hit


def of_sixteen_bits(root: Path, rng: Rng) -> list[Path]:
    hit = picked([path for path in decodable(root) if path.suffix.lower() == ".png"], rng)
    for path in hit:
        repicture(path, lambda file: Image.fromarray(np.asarray(file.convert("L")).astype(np.uint16) * 257))
    return hit


def lossy(root: Path, rng: Rng) -> list[Path]:
    """A JPEG under the old name: masks lose their exact values."""
    hit = picked(decodable(root), rng)
    for path in hit:
        repicture(path, lambda file: file.convert("L"), format="JPEG", quality=int(rng.integers(20, 90)))
    return hit


def capitalised(root: Path, rng: Rng) -> list[Path]:
    """The file type in capitals, as some cameras and archives write it: nothing is lost by that."""
    hit = picked([path for path in decodable(root) if path.suffix == path.suffix.lower()], rng)
    renamed = [path.with_suffix(path.suffix.upper()) for path in hit]
    for path, capital in zip(hit, renamed, strict=True):
        path.rename(capital)
    return renamed


def transparent(root: Path, rng: Rng) -> list[Path]:
    """What was painted moves into the alpha channel, over white."""
    hit = picked([path for path in decodable(root) if path.suffix.lower() == ".png"], rng)
    for path in hit:
        repicture(path, lambda file: Image.merge("LA", (Image.new("L", file.size), file.convert("L"))))
    return hit


def copied(root: Path, rng: Rng) -> list[Path]:
    hit = picked(files_of(root), rng)
    copies = [path.with_name(f"{path.stem} (copy){path.suffix}") for path in hit]
    for path, copy in zip(hit, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    return copies


def relined(root: Path, rng: Rng, change: Callable[[list[str], Rng], list[str]]) -> list[Path]:
    hit = picked([path for path in texts(root) if path.stat().st_size], rng)
    for path in hit:
        lines = path.read_bytes().decode("utf-8", "replace").splitlines(keepends=True)
        path.write_bytes("".join(change(lines, rng)).encode())
    return hit


def line_lost(root: Path, rng: Rng) -> list[Path]:
    def change(lines: list[str], rng: Rng) -> list[str]:
        lost = int(rng.integers(len(lines)))
        return lines[:lost] + lines[lost + 1 :]

    return relined(root, rng, change)


def line_doubled(root: Path, rng: Rng) -> list[Path]:
    def change(lines: list[str], rng: Rng) -> list[str]:
        again = int(rng.integers(len(lines)))
        return lines[: again + 1] + lines[again:]

    return relined(root, rng, change)


def lines_exchanged(root: Path, rng: Rng) -> list[Path]:
    return relined(root, rng, lambda lines, rng: [lines[k] for k in rng.permutation(len(lines))])


def digit_changed(root: Path, rng: Rng) -> list[Path]:
    def change(lines: list[str], rng: Rng) -> list[str]:
        text = "".join(lines)
        digits = [found.start() for found in re.finditer(r"\d", text)]
        if not digits:
            return lines
        place = digits[int(rng.integers(len(digits)))]
        return [text[:place], str(int(rng.integers(10))), text[place + 1 :]]

    return relined(root, rng, change)


def character_lost(root: Path, rng: Rng) -> list[Path]:
    def change(lines: list[str], rng: Rng) -> list[str]:
        text = "".join(lines)
        place = int(rng.integers(len(text)))
        return [text[:place], text[place + 1 :]]

    return relined(root, rng, change)


def other_line_ends(root: Path, rng: Rng) -> list[Path]:
    return relined(root, rng, lambda lines, rng: [line.rstrip("\r\n") + "\r\n" for line in lines])


def with_byte_order_mark(root: Path, rng: Rng) -> list[Path]:
    return relined(root, rng, lambda lines, rng: ["\ufeff", *lines])


def byte_changed(root: Path, rng: Rng) -> list[Path]:
    hit = picked(files_of(root), rng)
    for path in hit:
        content = bytearray(path.read_bytes())
        content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
    return hit


ARCHIVE_MUTATIONS: tuple[Mutation, ...] = (truncated, emptied, overwritten, byte_changed)
"""What can happen to a download; pixels of a plain file are not safe from a changed byte, an archive is."""

MUTATIONS: tuple[Mutation, ...] = (
    truncated, emptied, overwritten, removed, turned_into_a_folder, swapped, resized, in_colour, of_another_type,
    with_palette, of_one_bit, of_sixteen_bits, lossy, capitalised, transparent, copied, line_lost, line_doubled,
    lines_exchanged, digit_changed, character_lost, other_line_ends, with_byte_order_mark,
)  # fmt: skip
