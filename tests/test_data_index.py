"""The index: every image read once, its facts exact, its cache honest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bench.api import DataError, Record, Sample, read_image, read_mask, write_png
from bench.data.index import build_index
from bench.data.index_file import is_current, read_index, write_index
from bench.data.verified import Verified
from bench.errors import PluginError, StoreError, UnusableImages


@dataclass
class InMemory:
    """A data set made of the given samples; counts what is decoded."""

    samples: Sequence[Sample]
    listed: Sequence[Record] | None = None
    classes: Sequence[str] = ("scratch", "dent")
    loaded: list[str] = field(default_factory=list)

    def records(self) -> Sequence[Record]:
        return self.listed or [Record(sample.id, sample.id) for sample in self.samples]

    def load(self, id: str, /) -> Sample:
        self.loaded.append(id)
        return next(sample for sample in self.samples if sample.id == id)


@dataclass
class OnDisk(InMemory):
    """A folder of ``*.png`` with ``*_mask.png`` beside them, renderable on first use."""

    root: Path = Path()

    def records(self) -> Sequence[Record]:
        return [
            Record(sample.id, f"part {sample.id[0]}", files=self._files(sample.id), meta={"view": number})
            for number, sample in enumerate(self.samples)
        ]

    def load(self, id: str, /) -> Sample:
        self.loaded.append(id)
        image, mask = self._files(id)
        if not image.exists():
            self.render()
        return Sample(id, read_image(image), read_mask(mask))

    def render(self) -> None:
        for sample in self.samples:
            image, mask = self._files(sample.id)
            write_png(image, sample.image)
            write_png(mask, sample.mask)

    def _files(self, id: str) -> tuple[Path, Path]:
        return self.root / f"{id}.png", self.root / f"{id}_mask.png"


def sample(id: str, seed: int, *, channels: int = 1, dtype: type = np.uint8, top: int = 2) -> Sample:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, np.iinfo(dtype).max, (6, 5, channels), dtype=dtype, endpoint=True)
    return Sample(id, image, rng.integers(0, top, (6, 5), dtype=np.uint8, endpoint=True))


THREE = [sample("a1", 1), sample("a2", 2), sample("b1", 3)]


@pytest.fixture
def parts(tmp_path: Path) -> OnDisk:
    dataset = OnDisk(THREE, root=tmp_path / "parts")
    dataset.render()
    return dataset


@given(
    st.sampled_from([np.uint8, np.uint16]).flatmap(lambda kind: npst.arrays(kind, (4, 7, 3))),
    npst.arrays(np.uint8, (4, 7), elements=st.sampled_from([0, 1, 2, 255])),
)
@settings(max_examples=30, deadline=None)
def test_counts_sums_and_squares_are_those_of_plain_python(image, mask):
    [row] = build_index("x", InMemory([Sample("x", image, mask)])).entries
    flat = mask.ravel().tolist()
    assert (row.pixels, row.ignored) == (tuple(flat.count(k) for k in (0, 1, 2)), flat.count(255))
    values = [image[:, :, channel].ravel().tolist() for channel in range(3)]
    assert row.sums == tuple(float(sum(v)) for v in values)
    assert row.squares == tuple(float(sum(x * x for x in v)) for v in values)
    assert (row.height, row.width, row.channels, row.dtype) == (4, 7, 3, image.dtype.name)


def test_the_index_is_the_same_for_any_number_of_threads_and_reports_every_image(parts):
    seen: list[tuple[int, int]] = []
    one = build_index("parts", parts, workers=1, progress=lambda done, total: seen.append((done, total)))
    assert one == build_index("parts", parts, workers=4)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [entry.group for entry in one.entries] == ["part a", "part a", "part b"]


def test_the_fingerprint_knows_neither_folders_nor_times(parts, tmp_path):
    copied = OnDisk(THREE, root=tmp_path / "elsewhere")
    shutil.copytree(parts.root, copied.root)
    for path in copied.root.iterdir():
        os.utime(path, (1, 1))
    assert build_index("parts", parts).fingerprint == build_index("other name", copied).fingerprint


def changed_pixel(sample: Sample) -> Sample:
    image = sample.image.copy()
    image[0, 0, 0] ^= 1
    return replace(sample, image=image)


def changed_mask(sample: Sample) -> Sample:
    mask = sample.mask.copy()
    mask[0, 0] = 255
    return replace(sample, mask=mask)


def listed(**changes: object) -> list[Record]:
    records = [Record(sample.id, sample.id) for sample in THREE]
    return [replace(records[0], **changes), *records[1:]]


@pytest.mark.parametrize(
    "other",
    [
        InMemory([changed_pixel(THREE[0]), *THREE[1:]]),
        InMemory([changed_mask(THREE[0]), *THREE[1:]]),
        InMemory(THREE[::-1]),
        InMemory(THREE[:2]),
        InMemory(THREE, listed(group="other")),
        InMemory(THREE, listed(split="test")),
        InMemory(THREE, listed(meta={"view": 3})),
        InMemory(THREE, classes=("dent", "scratch")),
        InMemory([replace(each, image=each.image.astype(np.uint16)) for each in THREE]),
    ],
    ids=["pixel", "mask", "order", "fewer", "group", "official split", "metadata", "classes", "type"],
)
def test_the_fingerprint_changes_with(other):
    assert build_index("x", other).fingerprint != build_index("x", InMemory(THREE)).fingerprint


def test_an_image_and_its_transposed_twin_of_equal_bytes_have_different_digests():
    wide = Sample("wide", np.zeros((2, 6, 1), np.uint8), np.zeros((2, 6), np.uint8))
    tall = Sample("tall", np.zeros((6, 2, 1), np.uint8), np.zeros((6, 2), np.uint8))
    first, second = build_index("x", InMemory([wide, tall])).entries
    assert first.image_digest != second.image_digest


def test_a_mask_value_that_is_no_class_is_refused_naming_image_and_file(parts):
    write_png(parts.root / "a2_mask.png", np.full((6, 5), 3, np.uint8))
    with pytest.raises(DataError, match=r"'a2' \(.*a2_mask.png\) holds the values \[3\].*1 to 2 for scratch, dent"):
        build_index("parts", parts)


def test_all_unreadable_images_are_named_in_one_error(parts):
    (parts.root / "a1.png").write_bytes(b"damaged")
    (parts.root / "b1_mask.png").unlink()
    with pytest.raises(
        UnusableImages, match=r"2 of 3 images cannot be used: .*a1\.png: not an im.*and 1 other"
    ) as caught:
        build_index("parts", parts)
    assert "b1_mask.png: the file is missing" in caught.value.mistakes[1]


def test_twenty_bad_images_are_enough_for_one_error():
    bad = [sample(f"bad{number}", number, top=9) for number in range(50)]
    with pytest.raises(UnusableImages, match="20 or more of 50 images") as caught:
        build_index("x", InMemory(bad))
    assert [line.count("holds the values") for line in caught.value.mistakes] == [1] * 20
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (InMemory([]), "has no images"),
        (InMemory([THREE[0], THREE[0]]), "'a1' stand for more than one image"),
        (InMemory(THREE, [Record("a1", "")]), "it must name the physical object"),
        (InMemory(THREE, listed(meta={"ev": float("nan")})), "must be text or finite numbers"),
        (InMemory(THREE, listed(meta={"ev": [1]})), "must be text or finite numbers"),
        (InMemory(THREE, classes=("dent", "dent")), "must be 1 to 254 different"),
        (InMemory(THREE, classes=()), "must be 1 to 254 different"),
        (
            InMemory([*THREE, sample("c", 1, channels=3)]),
            r"3 of 1 x uint8 \(image 'a1'\); 1 of 3 x uint8 \(image 'c'\)",
        ),
        (InMemory([*THREE, sample("c", 1, dtype=np.uint16)]), "mixes images of different channels or pixel types"),
    ],
)
def test_a_data_set_that_cannot_be_right_is_refused(dataset, message):
    with pytest.raises(DataError, match=message):
        build_index("x", dataset)


def test_a_data_set_that_returns_another_image_is_refused():
    class Confused(InMemory):
        def load(self, id: str, /) -> Sample:
            return self.samples[0]

    with pytest.raises(DataError, match="'a2': its data set returned 'a1' instead"):
        build_index("x", Confused(THREE))


def test_an_index_read_back_equals_the_one_written(parts, tmp_path):
    index = build_index("parts", parts)
    path = tmp_path / "cache" / "index.json"
    write_index(path, index, parts.records())
    assert read_index(path) == index
    assert read_index(path).stamps == index.stamps
    assert [found.name for found in path.parent.iterdir()] == ["index.json"]


def test_an_index_is_current_until_a_file_or_a_record_changes(parts, tmp_path):
    path = tmp_path / "index.json"
    assert not is_current(path, parts.records())
    write_index(path, build_index("parts", parts), parts.records())
    records = list(parts.records())
    assert is_current(path, records)
    assert not is_current(path, records[:2])
    assert not is_current(path, records[::-1])
    for change in ({"id": "other"}, {"group": "other"}, {"split": "test"}, {"meta": {}}, {"files": ()}):
        assert not is_current(path, [replace(records[0], **change), *records[1:]])
    os.utime(parts.root / "b1_mask.png", (1, 1))
    assert not is_current(path, records)


def test_a_file_that_changes_after_it_was_read_makes_the_index_stale(parts, tmp_path):
    index = build_index("parts", parts)
    (parts.root / "a1.png").write_bytes((parts.root / "a2.png").read_bytes() + b" ")
    write_index(tmp_path / "index.json", index, parts.records())
    assert not is_current(tmp_path / "index.json", parts.records())


def test_a_set_that_renders_its_files_on_first_use_is_stamped_after_loading(tmp_path):
    rendered = OnDisk(THREE, root=tmp_path / "rendered")
    index = build_index("rendered", rendered, workers=1)
    write_index(tmp_path / "index.json", index, rendered.records())
    assert is_current(tmp_path / "index.json", rendered.records())
    (tmp_path / "rendered" / "a1.png").unlink()
    assert not is_current(tmp_path / "index.json", rendered.records())


def test_only_changed_files_are_read_when_an_earlier_index_is_known(parts):
    earlier = build_index("parts", parts)
    write_png(parts.root / "a2.png", np.full((6, 5, 1), 9, np.uint8))
    os.utime(parts.root / "a2.png", (1, 1))
    parts.loaded.clear()
    again = build_index("parts", parts, known=earlier)
    assert parts.loaded == ["a2"]
    assert again == build_index("parts", parts)
    assert again.fingerprint != earlier.fingerprint


def test_rows_taken_over_carry_the_groups_of_today(parts):
    earlier = build_index("parts", parts)
    relabelled = replace(earlier, entries=tuple(replace(e, group="old", meta={}) for e in earlier.entries))
    assert build_index("parts", parts, known=relabelled) == earlier


def unsealed(text: str) -> str:
    """An index as earlier versions left it, without its digest."""
    return "{" + text.partition("\n")[2]


def test_an_index_of_an_earlier_version_is_read(parts, tmp_path):
    path = tmp_path / "index.json"
    index = build_index("parts", parts)
    write_index(path, index, parts.records())
    path.write_text(unsealed(path.read_text()))
    assert read_index(path) == index


def test_what_is_loaded_is_compared_with_the_index_which_is_removed_where_it_is_not_true(parts, tmp_path):
    path = tmp_path / "index.json"
    index = build_index("parts", parts)
    write_index(path, index, parts.records())
    read = Verified(parts, index, path)
    assert np.array_equal(read.load("a1").mask, THREE[0].mask)
    write_png(parts.root / "a1_mask.png", 2 - THREE[0].mask)
    with pytest.raises(
        DataError, match=r"'a1' of data set 'parts' or its mask is not what was indexed.*run the suite again"
    ):
        read.load("a1")
    assert not path.exists()
    assert np.array_equal(read.load("a2").mask, THREE[1].mask)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-20], "damaged"),
        (lambda text: text.replace('"width": 5', '"width": 6'), "its content is not what was written"),
        (lambda text: unsealed(text).replace('"width": 5', '"width": 5, "depth": 1'), "damaged"),
        (lambda text: unsealed(text).replace('"group": "part b"', '"group": "part a"'), "do not match its fingerprint"),
        (lambda text: unsealed(text).replace('"schema": 2', '"schema": 99'), "schema 99"),
        (lambda text: "[]", "damaged"),
    ],
)
def test_a_damaged_or_foreign_index_is_refused_and_never_current(parts, tmp_path, damage, message):
    path = tmp_path / "index.json"
    write_index(path, build_index("parts", parts), parts.records())
    path.write_text(damage(path.read_text()))
    with pytest.raises(StoreError, match=message):
        read_index(path)
    assert not is_current(path, parts.records())


def test_an_index_is_plain_json(parts, tmp_path):
    write_index(tmp_path / "index.json", build_index("parts", parts), parts.records())
    content = json.loads((tmp_path / "index.json").read_text())
    assert [row["id"] for row in content["images"]] == ["a1", "a2", "b1"]


def test_the_data_room_imports_nothing_heavy():
    code = (
        "import sys, bench.data.index, bench.data.splits, bench.data.leaks;"
        "print([m for m in ('torch', 'scipy', 'h5py', 'pandas', 'PIL', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_replaced_at_equal_size_and_time_of_writing_makes_the_index_stale(parts, tmp_path):
    write_index(tmp_path / "index.json", build_index("parts", parts), parts.records())
    old = parts.root / "a1.png"
    new = tmp_path / "other.png"
    new.write_bytes(old.read_bytes()[::-1])
    os.utime(new, ns=(old.stat().st_atime_ns, old.stat().st_mtime_ns))
    subprocess.run(["cp", "-p", str(new), str(old)], check=True)
    assert (old.stat().st_size, old.stat().st_mtime_ns) == (new.stat().st_size, new.stat().st_mtime_ns)
    assert not is_current(tmp_path / "index.json", parts.records())


def test_what_the_reader_remarks_is_kept_in_the_index(parts, tmp_path):
    parts.remarks = lambda: ["three masks are drafts"]
    write_index(tmp_path / "index.json", build_index("parts", parts), parts.records())
    assert read_index(tmp_path / "index.json").remarks == ("three masks are drafts",)


def test_remarks_that_are_no_lines_of_text_are_a_fault_of_the_reader(parts):
    parts.remarks = lambda: ["two\nlines"]
    with pytest.raises(PluginError, match=r"remarks\(\) of data set 'parts' must return lines of text"):
        build_index("parts", parts)


def test_rows_of_before_never_make_a_mixture_that_the_reader_would_not(parts):
    earlier = build_index("parts", parts)
    load = parts.load

    def as_colour(id: str) -> Sample:
        sample = load(id)
        return Sample(id, np.repeat(sample.image, 3, axis=2), sample.mask)

    parts.load = as_colour  # as a reader does whose first image is one in colour now
    write_png(parts.root / "a2.png", np.full((6, 5, 1), 9, np.uint8))
    again = build_index("parts", parts, known=earlier)
    assert {entry.channels for entry in again.entries} == {3}


def test_an_index_is_read_once_for_as_long_as_its_file_stays(tmp_path):
    path, dataset = tmp_path / "index.json", InMemory([sample(str(number), number) for number in range(6)])
    index = build_index("memory", dataset)
    write_index(path, index, dataset.records())
    first = read_index(path)
    assert read_index(path) is first
    write_index(path, replace(index, remarks=("another",)), dataset.records())
    assert read_index(path).remarks == ("another",)
    path.write_bytes(path.read_bytes().replace(b"another", b"changed"))
    with pytest.raises(StoreError, match="damaged"):
        read_index(path)
