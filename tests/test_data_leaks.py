"""Leaks between splits are found and, where a group is torn, refused."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audit.placing import placed, random_split, read_groups, regrouped
from bench.component import build
from bench.data.index import DatasetIndex, IndexedImage, build_index
from bench.data.leaks import Leak, check, concerned, duplicates, partners, shared_groups
from bench.data.splits import assign
from bench.errors import DataError
from bench.images import read_image, write_png
from bench.pictures.gallery import Thumbnail, thumbnail
from bench.pictures.pairs import MARGIN, SIDE, WIDTH, ShownPair, pair_sheet
from bench.suite.schema import SplitFile
from bench.types import SPLITS, Sample, Split
from data_commands import Commands


def image(id: str, group: str, pixels: str = "", mask: str = "m") -> IndexedImage:
    digest = (pixels or id).ljust(32, "0") + mask.ljust(32, "0")
    return IndexedImage(id, group, None, 1, 1, 1, "uint8", (1, 0), 0, (0.0,), (0.0,), digest, {})


def index_of(*entries: IndexedImage) -> DatasetIndex:
    return DatasetIndex("parts", ("defect",), entries, "fingerprint")


TORN = index_of(image("left", "tile"), image("right", "tile"), image("other", "other"))


def test_a_group_in_two_splits_is_found_with_its_images():
    assignment: dict[str, Split] = {"left": "test", "right": "train", "other": "train"}
    [leak] = shared_groups(TORN, assignment)
    assert (leak.what, leak.images) == ("tile", (("left", "test"), ("right", "train")))
    assert leak.splits == ("train", "test")


def test_a_group_in_two_splits_is_refused_by_name():
    with pytest.raises(DataError, match=r"group 'tile' .*'right' in train, 'left' in test"):
        check(TORN, {"left": "test", "right": "train", "other": "train"})


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(SPLITS)), max_size=8))
def test_a_check_passes_exactly_when_no_group_is_shared(placed):
    index = index_of(*(image(str(n), group) for n, (group, _) in enumerate(placed)))
    assignment = {str(n): split for n, (_, split) in enumerate(placed)}
    torn = any(len({s for g, s in placed if g == group}) > 1 for group in "abc")
    assert bool(shared_groups(index, assignment)) == torn
    if not torn:
        check(index, assignment)


def test_equal_pixels_in_two_splits_are_found_whatever_masks_and_groups_say():
    index = index_of(image("a", "1", "same", "x"), image("b", "2", "same", "y"), image("c", "3", "same"))
    [leak] = duplicates(index, {"a": "train", "b": "validation", "c": "train"})
    assert [id for id, _ in leak.images] == ["a", "b", "c"]


def test_equal_pixels_in_one_split_are_no_leak():
    index = index_of(image("a", "1", "same"), image("b", "2", "same"), image("c", "3"))
    assert duplicates(index, {"a": "train", "b": "train", "c": "test"}) == []


def test_images_of_a_split_are_concerned_by_the_partners_they_have_in_another():
    leaks = [
        Leak("a", (("1", "test"), ("2", "train"), ("3", "test"))),
        Leak("b", (("4", "test"), ("5", "validation"))),
        Leak("c", (("1", "test"), ("6", "train"))),
    ]
    assert concerned(leaks, "test", "train") == {"1", "3"}
    assert concerned(leaks, "test", "validation") == {"4"}
    assert concerned(leaks, "validation", "train") == set()


@given(st.lists(st.sampled_from(SPLITS), min_size=2, max_size=9).filter(lambda found: len(set(found)) > 1))
def test_partners_show_every_held_image_once_and_cross_the_split(found):
    leak = Leak("x", tuple((str(n), split) for n, split in enumerate(found)))
    split = dict(leak.images)
    pairs = partners(leak)
    assert sorted(one for one, _ in pairs) == [id for id, s in leak.images if s != leak.splits[0]]
    assert all(split[other] == leak.splits[0] for _, other in pairs)


@given(st.lists(st.text("abc", min_size=1, max_size=4), min_size=5, max_size=40, unique=True), st.integers(0, 3))
def test_a_random_split_has_60_20_20_percent_and_does_not_know_the_order_of_images(ids, seed):
    split = random_split(index_of(*(image(id, "one group") for id in ids)), seed)
    fifth = len(ids) // 5
    assert Counter(split.values()) == {"test": fifth, "validation": fifth, "train": len(ids) - 2 * fifth}
    assert split == random_split(index_of(*(image(id, id) for id in reversed(ids))), seed)


def test_another_seed_is_another_random_split():
    index = index_of(*(image(str(n), "g") for n in range(40)))
    assert random_split(index, 0) != random_split(index, 1)


def test_four_images_cannot_be_split_at_random():
    with pytest.raises(DataError, match=r"4 images cannot be split at random"):
        random_split(index_of(*(image(str(n), "g") for n in range(4))), 0)


def official(*entries: tuple[str, str, Split | None]) -> DatasetIndex:
    return index_of(*(replace(image(id, group), official=split) for id, group, split in entries))


def test_a_release_that_tears_a_group_is_placed_as_it_is_so_that_the_leak_shows():
    rest = [(f"{n}", f"{n}", "train") for n in range(10)]
    index = official(("a", "part", "train"), ("b", "part", "test"), *rest)
    with pytest.raises(DataError):
        assign(index, "grouped")
    split = placed(index)
    assert split["b"] == "test"
    assert [leak.what for leak in shared_groups(index, split)] == ["part"]


def test_a_sound_release_is_placed_as_a_suite_does():
    index = official(*((f"{n}", f"{n // 2}", ("train", "test")[n % 10 == 9 or n % 10 == 8]) for n in range(40)))
    assert placed(index) == assign(index, "grouped")


def test_a_split_file_that_tears_a_group_is_placed_as_it_is(tmp_path):
    index = index_of(*(image(str(n), f"part-{n // 2}") for n in range(6)))
    file = tmp_path / "mine.csv"
    file.write_text("id,split\n0,train\n1,test\n2,validation\n3,train\n4,test\n5,test\n")
    split = placed(index, SplitFile(file=str(file)))
    assert list(split.values()) == ["train", "test", "validation", "train", "test", "test"]
    assert [leak.what for leak in shared_groups(index, split)] == ["part-0", "part-1"]


@pytest.mark.parametrize(("text", "said"), [
    ("id,split\n0,train\n", "no row for 5 of 6 ids"),
    ("id,split\n0,train\n9,test\n", "no image has id '9'"),
    ("group,split\npart-0,train\npart-1,exam\npart-2,test\n", "split 'exam' of group 'part-1' is none of"),
    ("id\n0\n", r"mine.csv:1: the columns are \['id'\]; there must be split"),
])  # fmt: skip
def test_a_wrong_split_file_is_refused_with_file_and_line(tmp_path, text, said):
    index = index_of(*(image(str(n), f"part-{n // 2}") for n in range(6)))
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        placed(index, SplitFile(file=str(tmp_path / "mine.csv")))


@pytest.mark.parametrize(("text", "said"), [
    ("id,group\na,1\na,2\n", r"groups.csv:3: id 'a' stands twice"),
    ("id,group\na,\n", r"groups.csv:2: 'id' or 'group' is empty"),
    ("id,tile\na,1\n", r"groups.csv:1: the columns are"),
])  # fmt: skip
def test_a_wrong_table_of_groups_is_refused_with_file_and_line(tmp_path, text, said):
    (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_groups(tmp_path / "groups.csv")


def test_images_without_a_group_are_named_and_ids_too_many_do_no_harm():
    with pytest.raises(DataError, match=r"no group is given for 2 images: 'left', 'right'"):
        regrouped(TORN, {"other": "x"})
    groups = {"left": "x", "right": "y", "other": "x", "elsewhere": "z"}
    assert [entry.group for entry in regrouped(TORN, groups).entries] == ["x", "y", "x"]


SETTINGS = "{use: metalpart, settings: {objects: 10, views: 2, size: 128}}"


@pytest.fixture
def commands(tmp_path, monkeypatch, capsys):
    return Commands(tmp_path, monkeypatch, capsys)


def test_a_clean_split_ends_with_code_0_and_says_how_many_images_there_are(commands):
    code, out, _ = commands("data", "leaks", SETTINGS)
    assert code == 0
    assert out[0].startswith("metalpart, split grouped: train ")
    assert [line.split()[-1] for line in out if line.startswith(("shared", "exact", "near"))] == ["%)"] * 3
    assert not any(line.startswith("0.") for line in out)


def test_a_random_split_of_objects_seen_twice_leaks_and_ends_with_code_3(commands, tmp_path):
    code, out, _ = commands("data", "leaks", SETTINGS, "--split", "random", "--to", "found")
    assert code == 3
    shared = next(line for line in out if line.startswith("shared groups"))
    rows = list(csv.DictReader((tmp_path / "found" / "pairs.csv").open(newline="")))
    groups = [row for row in rows if row["kind"] == "group"]
    assert int(shared.split()[2]) == len({row["group"] for row in groups}) > 0
    assert all(row["group"] == row["partner_group"] and row["split"] != row["partner_split"] for row in groups)
    assert read_image(tmp_path / "found" / "group-1.png").shape[2] == 3


def write_copies(folder: Path) -> None:
    """Textures of seven parts; the test split holds an exact copy, a darker one, a turned one and a blank image."""
    rng = np.random.default_rng(0)
    parts = [cv2.GaussianBlur(rng.standard_normal((90, 110)), (0, 0), 1.5) for _ in range(7)]
    pictures = {
        f"{'train' if n < 6 else 'validation'}/{n}": np.clip(120 + 200 * part, 0, 255).astype(np.uint8)
        for n, part in enumerate(parts)
    }
    pictures |= {"test/copy": pictures["train/0"], "test/dark": (pictures["train/1"] * 0.5).astype(np.uint8)}
    pictures |= {"test/turned": np.rot90(pictures["train/2"]), "test/blank": np.full((90, 110), 40, np.uint8)}
    for name, pixels in pictures.items():
        write_png(folder / "images" / f"{name}.png", pixels)
        write_png(folder / "masks" / f"{name}.png", np.zeros(pixels.shape, np.uint8))


COPIES = """
from pathlib import Path
from bench.api import Component, Record, Sample, hookimpl, read_pair

class Copies:
    classes = ("scratch",)
    def __init__(self, root):
        self.root = root
    def records(self):
        files = sorted((self.root / "images").rglob("*.png"))
        return [self._record(f.parent.name, f) for f in files]
    def _record(self, split, file):
        mask = self.root / "masks" / split / file.name
        return Record(f"{split}-{file.stem}", file.stem, split, (file, mask))
    def load(self, id):
        name = Path(*id.split("-")).with_suffix(".png")
        return Sample(id, *read_pair(self.root / "images" / name, self.root / "masks" / name))

def build(root, /):
    return Copies(root)

@hookimpl
def bench_datasets():
    yield Component("copies", build)
"""


@pytest.fixture
def copies(tmp_path):
    """Arguments that make the copies known to a command."""
    write_copies(tmp_path / "data")
    (tmp_path / "copies.py").write_text(COPIES)
    return ["copies", "--plugin", "copies.py", "--data", "copies=data"]


def test_copies_near_duplicates_and_turned_ones_are_told_apart_and_blank_images_are_not_judged(commands, copies):
    code, out, _ = commands("data", "leaks", *copies)
    assert code == 3
    assert next(line for line in out if line.startswith("exact copies")).split()[2] == "1"
    assert next(line for line in out if line.startswith("near-duplicates")).split()[3] == "2"
    assert "not judged: 1 image without structure, such as 'test-blank'" in out
    [dark, turned] = sorted((line for line in out if line.startswith(("0.", "1."))), key=len)
    assert dark.split(": ")[1] == "test test-dark, train train-1"
    assert "turned by 90 degrees" in turned
    assert "test-turned" in turned


def test_the_csv_has_a_row_for_every_pair_most_alike_first(commands, copies):
    code, out, _ = commands("data", "leaks", *copies, "--format", "csv")
    rows = list(csv.DictReader(out))
    assert code == 3
    assert {(row["kind"], row["image"], row["partner"]) for row in rows} == {
        ("near-duplicate", "test-dark", "train-1"),
        ("near-duplicate", "test-turned", "train-2"),
        ("copy", "test-copy", "train-0"),
    }
    near = [float(row["likeness"]) for row in rows if row["likeness"]]
    assert near == sorted(near, reverse=True)


def test_a_new_search_takes_the_sheets_of_the_old_one_away_and_nothing_else(commands, copies, tmp_path):
    (tmp_path / "found").mkdir()
    for name in ("near-duplicate-7.png", "mine.png", "group-x.png"):
        (tmp_path / "found" / name).write_bytes(b"x")
    commands("data", "leaks", *copies, "--to", "found")
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == [
        "copy-1.png", "group-x.png", "mine.png", "near-duplicate-1.png", "pairs.csv",
    ]  # fmt: skip


def test_groups_can_be_given_and_the_pixels_are_judged_by_them(commands, copies, tmp_path):
    told = {"test-copy": "0", "test-dark": "1", "test-turned": "5", "test-blank": "6"}
    rows = ["validation-6,9"] + [f"train-{n},{n}" for n in range(6)] + [f"{id},{group}" for id, group in told.items()]
    (tmp_path / "groups.csv").write_text("\n".join(["id,group", *rows, ""]))
    _, out, _ = commands("data", "leaks", *copies, "--groups", "groups.csv")
    assert next(line for line in out if line.startswith("shared groups")).split()[2] == "3"
    judged = " ".join(out).partition("pixels against groups")[2]
    assert "precision 66.7 % (2 of 3) pairs, recall 66.7 % (2 of 3) pairs and 66.7 % (2 of 3) leaked" in judged
    assert "1 of 4 test images linked to another group" in judged


def test_a_higher_likeness_finds_fewer_pairs(commands, copies):
    _, out, _ = commands("data", "leaks", *copies, "--likeness", "1")
    assert next(line for line in out if line.startswith("near-duplicates (likeness 1)")).split()[3] == "0"


def test_groups_of_another_data_set_judge_the_leaky_tiles(commands, catalog, tmp_path):
    component = catalog.find("dataset", "mtd").component
    component.example(tmp_path / "tiles")
    folders = ["--data", "mtd=tiles", "--data", "mtd-leaky=tiles"]
    code, out, _ = commands("data", "leaks", "mtd-leaky", "--groups", "mtd", *folders)
    assert code == 3
    assert int(next(line for line in out if line.startswith("shared groups")).split()[2]) > 5
    assert any(line.startswith("pixels against groups") for line in out)


@pytest.mark.parametrize(("arguments", "said"), [
    (["--split", "randomly"], "--split 'randomly': write grouped, random or the name of a file that ends in .csv"),
    (["--split", "absent.csv"], "absent.csv: the file is missing"),
    (["--groups", "absent.csv"], "absent.csv: the file is missing"),
    (["--groups", "metalprat"], "metalprat"),
    (["--likeness", "2"], "2"),
])  # fmt: skip
def test_wrong_arguments_end_with_code_2_and_one_line(commands, arguments, said):
    code, out, errors = commands("data", "leaks", SETTINGS, *arguments)
    assert (code, out) == (2, [])
    assert said in errors[-1]


def test_the_declared_tiles_show_the_leaks_of_a_random_split_and_none_of_the_frozen_one(catalog, shared_data):
    dataset = build(catalog.find("dataset", "mtd").component, shared_data / "mtd", settings={})
    index = build_index("mtd", dataset)
    leaks = shared_groups(index, split := random_split(index, seed=0))
    tests = sum(name == "test" for name in split.values())
    assert len(concerned(leaks, "test", "train")) > 0.95 * tests
    assert shared_groups(index, placed(index)) == []


def test_a_sheet_shows_both_images_of_every_pair():
    def flat(level: int) -> Thumbnail:
        pixels = np.zeros((60, 50, 1), np.uint8)
        pixels[:, level:] = 200
        return thumbnail(Sample("x", pixels, np.zeros((60, 50), np.uint8)), SIDE)

    sheet = pair_sheet([ShownPair((flat(10), flat(40)), ("one", "two"))] * 4)
    assert sheet.shape[1] == MARGIN + 3 * (WIDTH + 2 * MARGIN)
    left, right = sheet[MARGIN : MARGIN + 60, MARGIN:], sheet[MARGIN : MARGIN + 60, MARGIN + WIDTH - SIDE :]
    zoom = SIDE // 60
    for part, level in ((left, 10), (right, 40)):
        assert (part[:, : level * zoom] < 40).all()
        assert (part[:, level * zoom + 1 : 50 * zoom] > 200).all()
    with pytest.raises(DataError):
        pair_sheet([])
