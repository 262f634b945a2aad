"""The contract of data sets: for every clause a reader that breaks it, and the sentence it gets."""

from __future__ import annotations

import builtins
import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import broken_readers as broken
from bench.api import SPLITS, About, DataError, Record, write_png
from bench.testing import breaches
from bench.testing.trial_folder import opened_files, sampled
from broken_readers import Sound, component, example

ADVICE = "raise a DataError that names the folder and says how to obtain the data"


@pytest.mark.parametrize(
    ("reader", "sentence"),
    [
        (broken.Loadless, "its builder returned Loadless, which has no load: return a Dataset"),
        (broken.Numbers, "records() lists int: it must list Record objects"),
        (broken.Void, "records() lists no image"),
        (broken.Doubled, "records() lists 'part-0' twice: ids must be unique"),
        (broken.Nameless, "a record has the id '': it must be a text"),
        (broken.Ungrouped, "record 'part-0' has the group '': it must name the physical object"),
        (broken.Fileless, "record 'part-0' names no files: the whole data set would be read again by every run"),
        (broken.Texts, "record 'part-0' names files that are no Path: ('images/part-0.png',)"),
        (broken.Fancy, "record 'part-0' has the metadata {'exposure': [1, 2]}: values must be text or finite numbers"),
        (broken.OneWord, "classes is 'scratch': it must be a sequence of names"),
        (broken.Classless, "classes is []: it must hold 1 to 254 different, non-empty names"),
        (broken.Growing, "records() lists something else the second time: it must depend on the files alone"),
        (broken.Timed, "records() of a second reader lists something else: it must depend on the files alone"),
        (broken.Decoding, "records() opens images/part-0.png: it must list the images without opening one"),
        (
            broken.Torn,
            "group 'a' lies in train ('part-0') and in test ('part-1'): one physical object must be in one split",
        ),
        (
            broken.Float,
            "load('part-2') raises DataError: image 'part-2' is float64[24, 32, 1]; "
            "it must be uint8 or uint16 [height, width, channels]",
        ),
        (broken.Pair, "load('part-2') returned tuple: it must return a Sample"),
        (broken.Renamed, "load('part-2') returned the image 'x'"),
        (
            broken.Grey,
            "load('part-2') returned the mask values [3], which are no class: "
            "with 1 class a mask holds 0 to 1, and 255 for ignored pixels",
        ),
        (broken.Ghost, "record 'part-0' names the file gone.png, which does not exist once it is loaded"),
        (
            broken.Silent,
            "load('part-0') reads masks/part-0.png, which no record names in its files: a change of it would go "
            "unnoticed",
        ),
        (broken.Noisy, "load('part-0') decodes the same image differently the second time"),
        (
            broken.Mixed,
            "images differ in channels or pixel type: 1 x uint8 ('part-0'), 3 x uint8 ('part-2'); "
            "convert them to one in load",
        ),
        (broken.Careless, "load of an unknown id raises KeyError: raise a DataError that names the id"),
        (broken.Obliging, "load of an unknown id returns something: raise a DataError that names the id"),
        (broken.Rare, "no image of its example has a defect of the class dent: every class must be tried"),
        (
            broken.Strict,
            "with a stray .DS_Store beside its files records() raises DataError: what is .DS_Store?: "
            "leave out what is no image",
        ),
        (
            broken.Raw,
            "with images/part-0.png emptied, load('part-0') raises EOFError: no bytes: "
            "raise a DataError that names the file",
        ),
        (
            broken.Trusting,
            "with masks/part-1.png cut to half, load('part-1') returns another image or mask without complaint: "
            "refuse the file",
        ),
        (
            broken.Forgetful,
            "with masks/part-1.png removed, load('part-1') returns another mask: a lost mask must not pass for a clean "
            "image",
        ),
        (
            broken.Stretching,
            "with masks/part-1.png replaced by a picture one row shorter, load('part-1') returns another image or mask "
            "without complaint: refuse the file",
        ),
        (broken.Terse, "with images/part-0.png emptied, the DataError does not name the file: a file is damaged"),
        (broken.Homeless, f"an absent folder gives FileNotFoundError: {ADVICE}"),
        (broken.Content, f"an empty folder lists no image and is not refused: {ADVICE}"),
        (
            broken.Unnamed,
            "the DataError of an absent folder does not name it (no data here): say where the data were sought",
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_reader_that_breaks_a_clause_is_told_so(reader: type, sentence: str) -> None:
    assert breaches("dataset", component(reader)) == [sentence]


@pytest.mark.parametrize("reader", [broken.Shared, broken.Fragile])
def test_a_reader_that_cannot_be_shared_by_threads_is_told_so(reader: type) -> None:
    found = breaches("dataset", component(reader))
    assert len(found) == 1
    assert "while other threads load" in found[0]


def test_groups_that_cannot_be_split_are_a_breach() -> None:
    assert breaches("dataset", component(broken.Lonely)) == [
        "it cannot be split: data set 'scratches': no image is left for train and validation; it has 6 images in "
        "1 group, and a group is never split: add groups or give a split file"
    ]


def test_a_reader_that_raises_everywhere_is_told_so_once_for_every_place() -> None:
    assert breaches("dataset", component(broken.Refusing)) == [
        "records() of its own example raises ValueError: no luck",
        f"an absent folder gives ValueError: {ADVICE}",
        f"an empty folder gives ValueError: {ADVICE}",
    ]


def test_one_flaw_of_many_images_is_named_for_three() -> None:
    found = breaches("dataset", component(broken.Leaving))
    assert found == [f"load('part-{number}') raises SystemExit: 0" for number in range(3)]


def test_a_stray_file_that_is_listed_is_named() -> None:
    found = breaches("dataset", component(broken.Thumbs))
    assert "with a stray Thumbs.db beside its files records() lists something else: leave out what is no image" in found


def test_a_random_example_is_a_breach() -> None:
    def random(folder: Path) -> None:
        example(folder)
        write_png(folder / "images" / "part-7.png", np.random.default_rng().integers(0, 255, (9, 9), np.uint8))

    assert breaches("dataset", component(Sound, example=random)) == [
        "its example writes another images/part-7.png the second time: seed its random numbers"
    ]


def test_an_example_that_fails_is_one_sentence() -> None:
    def failing(folder: Path) -> None:
        raise OSError("the disk is full")

    assert breaches("dataset", component(Sound, example=failing)) == ["its example raises OSError: the disk is full"]


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([*SPLITS, None])), min_size=1, max_size=60))
def test_a_sample_of_records_is_made_of_whole_groups_of_every_split(drawn: list[tuple[int, Any]]) -> None:
    records = [Record(str(n), f"{split} {group}", split) for n, (group, split) in enumerate(drawn)]
    taken = sampled(records, 8)
    groups = {record.group for record in taken}
    assert taken == tuple(record for record in records if record.group in groups)
    assert {record.split for record in taken} == {record.split for record in records}
    largest = max(sum(record.group == group for record in records) for group in groups)
    assert len(taken) <= 8 + largest + sum(record.split != taken[0].split for record in taken)


def test_watching_files_sees_what_is_read_and_ends(tmp_path: Path) -> None:
    seen, written, later = (tmp_path / name for name in ("seen", "written", "later"))
    for path in (seen, later):
        path.write_text("x")
    before = builtins.open, io.open
    with opened_files() as opened:
        seen.read_bytes()
        written.write_text("x")
    later.read_text()
    assert (builtins.open, io.open) == before
    assert opened == {seen.resolve()}


def test_absent_data_without_an_example_is_a_failure() -> None:
    (found,) = breaches("dataset", component(Sound, example=None))
    assert found == (
        "it has no example, and an empty folder is no data (DataError: images: holds no part-*.png; draw your own): "
        "give its Component an example that writes a miniature, or name its folder with --data"
    )


def test_a_set_that_renders_itself_needs_no_example() -> None:
    class Rendering(Sound):
        def paths(self) -> list[Path]:
            return [self.root / "images" / f"part-{number}.png" for number in range(6)]

        def load(self, id: str, /) -> Any:
            if not (self.root / "images" / f"{id}.png").exists() and not self.root.name.startswith("x"):
                if id not in {path.stem for path in self.paths()}:
                    raise DataError(f"no image {id!r}")
                example(self.root)
            return super().load(id)

    assert breaches("dataset", component(Rendering, example=None)) == []


def test_given_data_are_read_and_not_touched(tmp_path: Path) -> None:
    example(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert breaches("dataset", component(Sound, example=None), data=tmp_path) == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    (found, *_) = breaches("dataset", component(Sound), data=tmp_path / "elsewhere")
    assert found.startswith("records() raises DataError: images: holds no part-*.png")


@pytest.mark.parametrize(
    ("about", "sentences"),
    [
        (
            None,
            ["it has no About: give summary, licence and obtain, which must be readable without the data"],
        ),
        (
            About(" ", obtain="x"),
            [f"its About has no {name}: it must be readable without the data" for name in ("summary", "licence")],
        ),
    ],
)
def test_a_data_set_says_what_it_is_without_its_data(about: About | None, sentences: list[str]) -> None:
    assert breaches("dataset", component(Sound, about=about)) == sentences


def test_settings_without_a_docstring_are_a_breach() -> None:
    def build(root: Path, /, *, threshold: int = 1) -> Any:
        return Sound(root)

    assert breaches("dataset", component(Sound, build=build)) == [
        "its builder has the settings threshold but no docstring: say there what they mean"
    ]


def test_a_builder_that_fails_is_one_sentence() -> None:
    found = breaches("dataset", component(partial(broken.reading, "a")))
    assert found[0] == "building it raises DataError: images/a.png: the file is missing"


def test_a_sound_reader_breaks_nothing() -> None:
    assert breaches("dataset", component(Sound)) == []


def test_a_sound_reader_of_a_table_may_have_an_image_of_any_size() -> None:
    assert breaches("dataset", component(broken.Tabled, example=broken.tabled)) == []
