"""Splits: group first, split after; every property of the protocol's section 4."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bench.canonical import digest_file
from bench.data.index import DatasetIndex, IndexedImage
from bench.data.splits import assign, deal, restricted, split_digest
from bench.errors import DataError
from bench.suite.schema import Fold, SplitFile
from bench.types import SPLITS, Split

CLASSES = ("a", "b", "c")


def image(id: str, group: str, classes: frozenset[int] = frozenset(), official: Split | None = None, **meta: int):
    pixels = (50, *(7 if k in classes else 0 for k in range(1, len(CLASSES) + 1)))
    return IndexedImage(id, group, official, 8, 8, 1, "uint8", pixels, 0, (1.0,), (1.0,), id, meta)


def index_of(*entries: IndexedImage) -> DatasetIndex:
    return DatasetIndex("parts", CLASSES, entries, "fingerprint")


def index_of_groups(groups: list[frozenset[int]], images: int = 2) -> DatasetIndex:
    """Groups g0, g1, ... with the given classes; only the first image of a group shows them."""
    return index_of(
        *(
            image(f"g{number}/{view}", f"g{number}", classes if view == 0 else frozenset())
            for number, classes in enumerate(groups)
            for view in range(images)
        )
    )


def splits_of_groups(index: DatasetIndex, assignment: dict[str, Split]) -> dict[str, set[Split]]:
    found: dict[str, set[Split]] = {}
    for entry in index.entries:
        found.setdefault(entry.group, set()).add(assignment[entry.id])
    return found


one_class = st.sampled_from([frozenset(), frozenset({1}), frozenset({2}), frozenset({3})])
any_classes = st.frozensets(st.integers(1, 3))
clean = [frozenset[int]()] * 5


@given(st.lists(any_classes, max_size=30))
@settings(max_examples=60, deadline=None)
def test_no_group_is_ever_split(groups):
    index = index_of_groups(groups + clean, images=3)
    assert all(len(splits) == 1 for splits in splits_of_groups(index, assign(index, "grouped")).values())


@given(st.lists(any_classes, max_size=20), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_images_plays_no_role(groups, random: random.Random):
    index = index_of_groups(groups + clean)
    shuffled = list(index.entries)
    random.shuffle(shuffled)
    assert assign(index, "grouped") == assign(index_of(*shuffled), "grouped")


def test_the_assignment_lists_the_images_in_the_order_of_the_index():
    index = index_of_groups(clean)
    assert list(assign(index, "grouped")) == [entry.id for entry in index.entries]


@given(st.lists(st.integers(5, 40), min_size=1, max_size=4))
@settings(deadline=None)
def test_every_stratum_is_dealt_a_fifth_to_each_part_and_the_parts_differ_by_one_group_at_most(sizes):
    groups = {f"{k}-{n}": frozenset({k}) for k, size in enumerate(sizes) for n in range(size)}
    parts = deal(groups, 5)
    for k, size in enumerate(sizes):
        counts = Counter(part for group, part in parts.items() if groups[group] == {k})
        assert all(size // 5 <= counts[part] <= -(-size // 5) for part in range(5))
    load = Counter(parts.values())
    assert max(load.values()) - min(load[part] for part in range(5)) <= 1


@given(st.lists(one_class, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_fifth_of_the_groups_is_for_test_and_a_fifth_for_validation_within_one_group_per_stratum(groups):
    index = index_of_groups(groups + clean, images=1)
    counts = Counter(assign(index, "grouped").values())
    fifth = len(index.entries) / 5
    assert abs(counts["test"] - fifth) <= 4
    assert abs(counts["validation"] - fifth) <= 4


@given(st.lists(one_class, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_class_with_three_groups_is_in_every_split(groups):
    index = index_of_groups(groups + clean, images=1)
    assignment = assign(index, "grouped")
    for k in range(1, 4):
        splits = [assignment[entry.id] for entry in index.entries if entry.pixels[k]]
        assert len(splits) < 3 or set(splits) == set(SPLITS)


def covers(groups: list[frozenset[int]], coloured: tuple[int, ...]) -> bool:
    """Whether every class with three or more groups has a group of each of three colours."""
    members = [[colour for classes, colour in zip(groups, coloured, strict=True) if k in classes] for k in (1, 2, 3)]
    return all(len(colours) < 3 or set(colours) == {0, 1, 2} for colours in members)


@given(st.lists(st.frozensets(st.integers(1, 3), min_size=1), min_size=3, max_size=7))
@settings(max_examples=150, deadline=None)
def test_classes_that_share_groups_are_in_every_split_wherever_brute_force_finds_a_way(groups):
    names = {f"g{number}": classes for number, classes in enumerate(groups)}
    parts = deal(names, 5)
    coloured = tuple(min(parts[name], 2) for name in names)
    possible = any(covers(groups, colours) for colours in itertools.product(range(3), repeat=len(groups)))
    assert covers(groups, coloured) or not possible


def test_many_classes_that_collide_end_in_a_split_and_not_in_an_endless_search():
    pairs = [frozenset(pair) for pair in itertools.combinations(range(1, 12), 2)]
    parts = deal({f"g{number}": pair for number, pair in enumerate(pairs)}, 5)
    assert all({parts[f"g{n}"] for n, pair in enumerate(pairs) if k in pair} == set(range(5)) for k in range(1, 12))


@given(st.lists(any_classes, max_size=20), st.integers(3, 5))
@settings(max_examples=40, deadline=None)
def test_the_test_sets_of_all_folds_partition_the_images_and_so_do_the_validation_sets(groups, folds):
    index = index_of_groups(groups + clean)
    rotation = [assign(index, Fold(fold=fold, folds=folds)) for fold in range(folds)]
    for split in ("test", "validation"):
        found = [id for assignment in rotation for id, given in assignment.items() if given == split]
        assert sorted(found) == sorted(entry.id for entry in index.entries)


def test_grouped_is_the_first_of_five_folds():
    index = index_of_groups(clean * 4 + [frozenset({1})] * 6)
    assert assign(index, "grouped") == assign(index, Fold(fold=0, folds=5))


def test_two_folds_are_refused_as_they_leave_nothing_for_training():
    assert Fold(fold=0, folds=3).folds == 3
    with pytest.raises(ValidationError):
        Fold(fold=0, folds=2)


def test_an_official_test_split_stays_and_a_fifth_of_the_training_groups_becomes_validation():
    entries = [image(f"{n}", f"{n}", official="test" if n < 10 else "train") for n in range(60)]
    assignment = assign(index_of(*entries), "grouped")
    assert {id for id, split in assignment.items() if split == "test"} == {str(n) for n in range(10)}
    assert Counter(assignment.values()) == {"test": 10, "validation": 10, "train": 40}


def test_official_splits_that_are_complete_are_taken_as_they_are():
    official = {"a": "train", "b": "validation", "c": "test"}
    entries = [image(id, id, official=split) for id, split in official.items()]
    assert assign(index_of(*entries), "grouped") == official


def test_a_group_follows_its_only_official_image():
    entries = [image(f"{n}", f"{n}", official="train") for n in range(5)]
    twins = [image("x1", "x", official="test"), image("x2", "x")]
    assert assign(index_of(*entries, *twins), "grouped")["x2"] == "test"


def test_folds_of_a_set_with_an_official_test_split_rotate_the_validation_part():
    entries = [image(f"{n}", f"{n}", official="test" if n < 5 else "train") for n in range(25)]
    index = index_of(*entries)
    rotation = [assign(index, Fold(fold=fold, folds=5)) for fold in range(5)]
    assert all(sum(split == "test" for split in given.values()) == 5 for given in rotation)
    assert sorted(id for given in rotation for id, split in given.items() if split == "validation") == sorted(
        str(n) for n in range(5, 25)
    )


def test_there_is_nothing_to_rotate_when_all_splits_are_official():
    entries = [image(split, split, official=split) for split in SPLITS]
    with pytest.raises(DataError, match="nothing to rotate"):
        assign(index_of(*entries), Fold(fold=1))


def test_official_splits_that_tear_a_group_apart_are_refused_naming_group_and_images():
    entries = [image(f"{n}", f"{n}") for n in range(5)]
    torn = [image("left", "tile 7", official="train"), image("right", "tile 7", official="test")]
    with pytest.raises(DataError, match=r"group 'tile 7' would lie in two splits .*'left' in train, 'right' in test"):
        assign(index_of(*entries, *torn), "grouped")


def test_too_few_groups_for_three_splits_is_an_error_that_says_so():
    with pytest.raises(DataError, match="no image is left for train; it has 4 images in 2 groups"):
        assign(index_of_groups([frozenset(), frozenset()]), "grouped")


def test_folds_that_a_data_set_ships_are_used_also_for_a_part_of_it():
    entries = [image(f"{n}", f"{n}", official="train", fold=n % 5, folds=5) for n in range(20)]
    expected = {f"{n}": {3: "test", 4: "validation"}.get(n % 5, "train") for n in range(20)}
    assert assign(index_of(*entries), Fold(fold=3)) == expected
    assert assign(index_of(*entries[::2]), Fold(fold=3)) == {id: expected[id] for id in list(expected)[::2]}


@pytest.mark.parametrize(
    ("rule", "meta", "message"),
    [
        (Fold(fold=0, folds=4), {"fold": 1, "folds": 5}, "ships 5 folds, the suite asks for 4"),
        (Fold(fold=0), {"fold": 7, "folds": 5}, "'odd' names fold 7 of 5"),
        (Fold(fold=0), {}, "'odd' names fold None of 5"),
    ],
)
def test_shipped_folds_that_do_not_fit_are_refused(rule, meta, message):
    entries = [image(f"{n}", f"{n}", fold=n, folds=5) for n in range(5)]
    with pytest.raises(DataError, match=message):
        assign(index_of(*entries, image("odd", "odd", **meta)), rule)


def test_restricting_keeps_order_and_fingerprint():
    index = index_of_groups(clean)
    assignment = assign(index, "grouped")
    kept = restricted(index, assignment, "train")
    assert [entry.id for entry in kept.entries] == [id for id, split in assignment.items() if split == "train"]
    assert (kept.fingerprint, kept.classes) == (index.fingerprint, index.classes)


def test_the_digest_of_a_split_depends_on_who_is_where_and_on_nothing_else():
    assignment = assign(index_of_groups(clean), "grouped")
    backwards = dict(reversed(assignment.items()))
    moved: dict[str, Split] = {**assignment, "g0/0": "test" if assignment["g0/0"] == "train" else "train"}
    assert split_digest(backwards) == split_digest(assignment) != split_digest(moved)


@pytest.fixture
def abc() -> DatasetIndex:
    return index_of(*(image(f"{group}{n}", group) for group in "abc" for n in range(2)))


def by_file(folder: Path, text: str) -> SplitFile:
    path = folder / "split.csv"
    path.write_text(text, encoding="utf-8")
    return SplitFile(file=str(path))


def test_a_split_file_by_group_is_followed(tmp_path, abc):
    rule = by_file(tmp_path, "group,split\nc,train\na,test\nb,validation\n")
    assert assign(abc, rule) == {
        "a0": "test", "a1": "test", "b0": "validation", "b1": "validation", "c0": "train", "c1": "train",
    }  # fmt: skip


def test_a_split_file_by_id_may_carry_other_columns_and_a_byte_order_mark(tmp_path, abc):
    rows = [f"{e.id},x,{split}" for e, split in zip(abc.entries, [s for s in SPLITS for _ in "12"], strict=True)]
    rule = by_file(tmp_path, "\ufeffid,note,split\r\n" + "\r\n".join(rows) + "\r\n\r\n")
    assert list(assign(abc, rule).values()) == [s for s in SPLITS for _ in "12"]


def test_validation_is_dealt_where_a_split_file_names_none(tmp_path):
    index = index_of(*(image(f"{n}", f"{n}") for n in range(20)))
    rule = by_file(tmp_path, "id,split\n" + "".join(f"{n},{'test' if n < 5 else 'train'}\n" for n in range(20)))
    assert Counter(assign(index, rule).values()) == {"test": 5, "validation": 3, "train": 12}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("group,split\na,test\nd,train\nb,train\nc,validation\n", r"split.csv:3: no image has group 'd'"),
        ("group,split\na,test\nb,train\na,train\nc,validation\n", r"split.csv:4: group 'a' has a split already \(test"),
        ("group,split\na,val\nb,train\nc,test\n", r"split.csv:2: split 'val' of group 'a' is none of train, valid"),
        ("group,split\na,test\nb,train\n", r"split.csv: no row for 1 of 3 groups: 'c'"),
        ("id,group,split\na0,a,test\n", r"split.csv:1: the columns are .* either 'id' or 'group'"),
        ("", r"split.csv"),
        ("group,split\n", r"split.csv:1: there is no row"),
        ("group,split\na,test\nb\n", r"split.csv:3: 1 value"),
        ('group,split\n"a,test\n', r"split.csv:\d"),
        ("id,split\na0,train\na1,test\nb0,train\nb1,train\nc0,validation\nc1,validation\n", "group 'a' would lie in"),
    ],
)
def test_mistakes_of_a_split_file_are_named_with_file_and_line(tmp_path, abc, text, message):
    with pytest.raises(DataError, match=message):
        assign(abc, by_file(tmp_path, text))


def test_all_mistakes_of_a_split_file_are_named_at_once(tmp_path, abc):
    with pytest.raises(DataError, match=r"split.csv:2: .*split.csv:3: .*did you mean 'b0'"):
        assign(abc, by_file(tmp_path, "id,split\na0,tset\nb00,train\n"))


def test_a_split_file_that_is_missing_or_changed_is_refused(tmp_path, abc):
    rule = by_file(tmp_path, "group,split\nc,train\na,test\nb,validation\n")
    known = SplitFile(file=rule.file, digest=digest_file(Path(rule.file)))
    assert assign(abc, known) == assign(abc, rule)
    Path(rule.file).write_text("group,split\nc,test\na,train\nb,validation\n")
    with pytest.raises(DataError, match="changed after the suite was read"):
        assign(abc, known)
    with pytest.raises(DataError, match=r"absent\.csv: the file is missing"):
        assign(abc, SplitFile(file=str(tmp_path / "absent.csv")))


def test_spaces_around_the_values_of_a_split_file_do_not_matter(tmp_path, abc):
    spaced = by_file(tmp_path, "group, split\nc , train\n a,test \nb,  validation\n")
    assert assign(abc, spaced)["a0"] == "test"
