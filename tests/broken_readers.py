"""A reader that keeps the contract of data sets, and for every clause one that breaks it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.api import (
    About,
    Component,
    DataError,
    Record,
    Sample,
    check_values,
    read_image,
    read_mask,
    read_pair,
    write_png,
)

ABOUT = About("Scratches drawn for a test", licence="none", obtain="draw your own")
NOT_A_PATH = "images/part-0.png"


@dataclass(frozen=True)
class Sound:
    """A reader that keeps the contract; the others here change one thing each."""

    root: Path
    classes = ("scratch",)

    def paths(self) -> list[Path]:
        folder = self.root / "images"
        found = sorted(folder.glob("part-*.png"))
        if not found:
            raise DataError(f"{folder}: holds no part-*.png; {ABOUT.obtain}")
        return found

    def records(self) -> Any:
        return [self.record(path) for path in self.paths()]

    def record(self, path: Path) -> Record:
        return Record(path.stem, group=path.stem, files=(path, self.mask(path)))

    def mask(self, path: Path) -> Path:
        return self.root / "masks" / path.name

    def load(self, id: str, /) -> Any:
        path = self.root / "images" / f"{id}.png"
        image, values = read_pair(path, self.mask(path))
        check_values(values, (0, 255), self.mask(path))
        return Sample(id, image, (values == 255).astype(np.uint8))


def example(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(6):
        mask = np.zeros((24, 32), np.uint8)
        mask[3:9, 4:12] = 255 * (number % 2)
        write_png(folder / "images" / f"part-{number}.png", rng.integers(0, 99, (24, 32, 1), dtype=np.uint8))
        write_png(folder / "masks" / f"part-{number}.png", mask)


def component(reader: Any, **changed: Any) -> Component[Any]:
    def build(root: Path, /) -> Any:
        return reader(root)

    return replace(Component("scratches", build, about=ABOUT, example=example), **changed)


def reading(id: str, root: Path) -> Sample:
    return Sound(root).load(id)


class Loadless:
    classes = ("scratch",)

    def __init__(self, root: Path) -> None:
        self.root = root

    def records(self) -> list[Record]:
        return []


class Refusing(Sound):
    def records(self) -> Any:
        raise ValueError("no\nluck")


class Leaving(Sound):
    def load(self, id: str, /) -> Any:
        raise SystemExit(0)


class Numbers(Sound):
    def records(self) -> Any:
        return [1, *super().records()]


class Void(Sound):
    def records(self) -> Any:
        return super().records()[:0]


class Doubled(Sound):
    def records(self) -> Any:
        return [*super().records(), super().records()[0]]


class Nameless(Sound):
    def records(self) -> Any:
        first, *others = super().records()
        return [replace(first, id=""), *others]


class Ungrouped(Sound):
    def records(self) -> Any:
        first, *others = super().records()
        return [replace(first, group=""), *others]


class Fileless(Sound):
    def records(self) -> Any:
        first, *others = super().records()
        return [replace(first, files=()), *others]


class Texts(Sound):
    def records(self) -> Any:
        first, *others = super().records()
        return [replace(first, files=(NOT_A_PATH,)), *others]


class Fancy(Sound):
    def records(self) -> Any:
        return [replace(record, meta={"exposure": [1, 2]}) for record in super().records()[:1]] + super().records()[1:]


class OneWord(Sound):
    classes = "scratch"


class Classless(Sound):
    classes = ()


class Growing(Sound):
    def records(self) -> Any:
        self.__dict__["asked"] = self.__dict__.get("asked", 0) + 1
        return super().records()[: 2 + self.asked]


class Timed(Sound):
    def records(self) -> Any:
        now = self.__dict__.setdefault("now", time.monotonic_ns())
        return [replace(record, meta={"now": now}) for record in super().records()]


class Decoding(Sound):
    def records(self) -> Any:
        read_image(self.paths()[0])
        return super().records()


class Torn(Sound):
    def records(self) -> Any:
        first, second, *others = super().records()
        return [replace(first, group="a", split="train"), replace(second, group="a", split="test"), *others]


class Float(Sound):
    def load(self, id: str, /) -> Any:
        sample = super().load(id)
        return Sample(id, sample.image / 255, sample.mask) if id == "part-2" else sample


class Pair(Sound):
    def load(self, id: str, /) -> Any:
        sample = super().load(id)
        return (sample.image, sample.mask) if id == "part-2" else sample


class Renamed(Sound):
    def load(self, id: str, /) -> Any:
        return replace(super().load(id), id="x") if id == "part-2" else super().load(id)


class Grey(Sound):
    def load(self, id: str, /) -> Any:
        return replace(super().load(id), mask=np.full((24, 32), 3, np.uint8)) if id == "part-2" else super().load(id)


class Ghost(Sound):
    def records(self) -> Any:
        first, *others = super().records()
        return [replace(first, files=(*first.files, self.root / "gone.png")), *others]


class Silent(Sound):
    """Names the image alone, though the mask is read too."""

    def record(self, path: Path) -> Record:
        return Record(path.stem, group=path.stem, files=(path,))


class Noisy(Sound):
    def load(self, id: str, /) -> Any:
        sample, self.__dict__["asked"] = super().load(id), self.__dict__.get("asked", 0) + 1
        return replace(sample, image=sample.image + np.uint8(self.asked))


class Shared(Sound):
    """Keeps the id of the current image in the reader."""

    def load(self, id: str, /) -> Any:
        self.__dict__["current"] = id
        time.sleep(0.001)
        return replace(super().load(self.current), id=id)


class Fragile(Sound):
    def load(self, id: str, /) -> Any:
        if self.__dict__.setdefault("busy", id) != id:
            raise KeyError(id)
        try:
            time.sleep(0.001)
            return super().load(id)
        finally:
            self.__dict__.pop("busy", None)


class Mixed(Sound):
    def load(self, id: str, /) -> Any:
        sample = super().load(id)
        return replace(sample, image=sample.image.repeat(3, 2)) if id == "part-2" else sample


class Careless(Sound):
    def load(self, id: str, /) -> Any:
        if id not in {path.stem for path in self.paths()}:
            raise KeyError(id)
        return super().load(id)


class Obliging(Sound):
    def load(self, id: str, /) -> Any:
        known = {path.stem for path in self.paths()}
        return super().load(id if id in known else "part-0")


class Lonely(Sound):
    def records(self) -> Any:
        return [replace(record, group="a") for record in super().records()]


class Rare(Sound):
    classes = ("scratch", "dent")


class Thumbs(Sound):
    def paths(self) -> list[Path]:
        super().paths()
        return sorted((self.root / "images").iterdir())


class Strict(Sound):
    def paths(self) -> list[Path]:
        if (self.root / "images" / ".DS_Store").exists():
            raise DataError("what is .DS_Store?")
        return super().paths()


class Raw(Sound):
    """Reads a mask of its own format without looking."""

    def load(self, id: str, /) -> Any:
        sample = super().load(id) if id != "part-0" else None
        if sample is not None:
            return sample
        path = self.root / "images" / "part-0.png"
        if not path.read_bytes():
            raise EOFError("no bytes")
        return Sample(id, read_image(path), np.zeros((24, 32), np.uint8))


class Trusting(Sound):
    """Takes an unreadable mask for a clean image."""

    def load(self, id: str, /) -> Any:
        try:
            return super().load(id)
        except DataError as error:
            path = self.root / "images" / f"{id}.png"
            told = ("missing", "an empty file", "same size")
            if str(self.root / "masks") not in str(error) or any(word in str(error) for word in told):
                raise
            return Sample(id, read_image(path), np.zeros((24, 32), np.uint8))


class Forgetful(Sound):
    """Takes an image whose mask is lost for a clean one."""

    def record(self, path: Path) -> Record:
        mask = self.mask(path)
        return Record(path.stem, group=path.stem, files=(path, mask) if mask.is_file() else (path,))

    def load(self, id: str, /) -> Any:
        path = self.root / "images" / f"{id}.png"
        if self.mask(path).is_file():
            return super().load(id)
        return Sample(id, read_image(path), np.zeros((24, 32), np.uint8))


class Stretching(Sound):
    """Makes a mask of another size fit."""

    def load(self, id: str, /) -> Any:
        path = self.root / "images" / f"{id}.png"
        image, values = read_image(path), read_mask(self.mask(path))
        check_values(values, (0, 255), self.mask(path))
        return Sample(id, image, (np.resize(values, image.shape[:2]) == 255).astype(np.uint8))


class Terse(Sound):
    def load(self, id: str, /) -> Any:
        try:
            return super().load(id)
        except DataError as error:
            if "part-0.png: an empty file" in str(error) and "images" in str(error):
                raise DataError("a file is damaged") from None
            raise


class Homeless(Sound):
    def paths(self) -> list[Path]:
        list(self.root.iterdir())
        return super().paths()


class Content(Sound):
    def paths(self) -> list[Path]:
        return sorted((self.root / "images").glob("part-*.png")) if self.root.is_dir() else super().paths()


class Unnamed(Sound):
    def paths(self) -> list[Path]:
        try:
            return super().paths()
        except DataError:
            raise DataError("no data here" if not self.root.exists() else f"no data in {self.root}") from None


def tabled(folder: Path) -> None:
    """The same images, with the corners of their defects in a table."""
    example(folder)
    rows = [f"part-{number},3,9,4,12" for number in range(1, 6, 2)]
    (folder / "defects.csv").write_text("\n".join(rows))
    for path in (folder / "masks").iterdir():
        path.unlink()


class Tabled(Sound):
    """Keeps the contract: marks come from a table, which each record names before its only picture."""

    def record(self, path: Path) -> Record:
        return Record(path.stem, group=path.stem, files=(self.root / "defects.csv", path))

    def load(self, id: str, /) -> Any:
        table = self.root / "defects.csv"
        image = read_image(self.root / "images" / f"{id}.png")
        mask = np.zeros(image.shape[:2], np.uint8)
        if not table.is_file() or not table.read_text():
            raise DataError(f"{table}: missing or empty")
        for name, *corners in (line.split(",") for line in table.read_text().splitlines()):
            top, bottom, left, right = map(int, corners)
            if name == id:
                mask[top:bottom, left:right] = 1
        return Sample(id, image, mask)
