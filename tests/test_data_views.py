"""Corresponding viewpoints of two data sets: who is paired with whom, and what the picture shows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audit.views import MOST_VIEWPOINTS, SIDE, Correspondence, Pair, chosen_groups, correspondence, views
from bench.cli.main import main
from bench.errors import DataError
from bench.images import read_image
from bench.pictures.gallery import MARGIN, Thumbnail, thumbnail
from bench.types import Record, Sample

CLI = Callable[..., tuple[int, str, str]]
NAMES = ("real", "synthetic")
keys = st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(0, 11)), unique=True, max_size=20)

CAMERA = "{use: metalpart, settings: {objects: 6, size: 64}}"
RENDER = "{use: metalpart, settings: {objects: 5, size: 64, domain: render}}"


def _records(found: list[tuple[str, Any]], prefix: str = "") -> list[Record]:
    return [Record(f"{prefix}{g}-{v}-{n}", g, meta={"viewpoint": v}) for n, (g, v) in enumerate(found)]


def _flat(level: int) -> Callable[[str], Thumbnail]:
    def look(id: str) -> Thumbnail:
        return thumbnail(Sample(id, np.full((9, 9, 1), level, np.uint8), np.eye(9, dtype=np.uint8)), SIDE)

    return look


@given(keys, keys)
def test_every_key_is_paired_or_alone(first: list[tuple[str, int]], second: list[tuple[str, int]]) -> None:
    both = set(first) & set(second)
    if not both:
        with pytest.raises(DataError):
            correspondence(_records(first), _records(second), NAMES)
        return
    found = correspondence(_records(first, "r"), _records(second, "s"), NAMES)
    assert {(pair.group, pair.viewpoint) for pair in found.pairs} == {(g, str(v)) for g, v in both}
    assert (found.alone_in_first, found.alone_in_second) == (len(first) - len(both), len(second) - len(both))
    assert list(found.viewpoints) == [str(v) for v in sorted({v for _, v in both})]
    for pair in found.pairs:
        assert pair.first.startswith(f"r{pair.group}-{pair.viewpoint}-")
        assert pair.second.startswith(f"s{pair.group}-{pair.viewpoint}-")


def test_a_viewpoint_read_from_a_table_as_text_is_that_number() -> None:
    found = correspondence(_records([("A", 3)]), _records([("A", "3")]), NAMES)
    assert [(pair.group, pair.viewpoint) for pair in found.pairs] == [("A", "3")]


def test_of_several_images_of_one_viewpoint_the_first_is_taken_and_counted() -> None:
    found = correspondence(_records([("A", 1), ("A", 1), ("A", 2)]), _records([("A", 1), ("A", 2)]), NAMES)
    assert found.pairs[0].first == "A-1-0"
    assert found.several == 1


def test_where_nothing_corresponds_examples_of_both_are_named() -> None:
    with pytest.raises(DataError) as error:
        correspondence(_records([("A", n) for n in range(5)]), _records([("part-A", 0)]), NAMES)
    for words in ("'real' has group 'A' viewpoint '0'", "and others", "'synthetic' has group 'part-A' viewpoint '0';"):
        assert words in str(error.value)


def test_a_data_set_without_viewpoints_is_named() -> None:
    with pytest.raises(DataError, match=r"the images of 'synthetic' state no 'viewpoint'"):
        correspondence(_records([("A", 1)]), [Record("x", "A")], NAMES)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 4), min_size=1), st.integers(1, 9))
def test_the_instances_shown_are_different_and_the_fullest(sizes: Mapping[str, int], instances: int) -> None:
    pairs = tuple(Pair(group, str(n), "x", "y") for group, size in sizes.items() for n in range(size))
    chosen = chosen_groups(Correspondence(pairs, ("0", "1", "2", "3"), 0, 0, 0), instances)
    assert len(chosen) == len(set(chosen)) == min(instances, len(sizes))
    left = [size for group, size in sizes.items() if group not in chosen]
    assert not left or min(sizes[group] for group in chosen) >= max(left)


def test_both_data_sets_stand_beside_each_other_by_one_tone_curve() -> None:
    found = correspondence(_records([("A", 0)]), _records([("A", 0)]), NAMES)
    sheet = views(found, NAMES, (_flat(40), _flat(160)), instances=1, outline=False)
    row = sheet[sheet.shape[0] // 2, :, 0].astype(int)
    left, right = row[MARGIN : sheet.shape[1] // 2 - MARGIN], row[sheet.shape[1] // 2 + MARGIN : -MARGIN]
    assert left.max() < right.min()


def test_a_viewpoint_that_an_instance_lacks_stays_empty() -> None:
    records = _records([("A", 0), ("A", 1), ("B", 0)])
    sheet = views(correspondence(records, records, NAMES), NAMES, (_flat(40), _flat(160)), instances=2, outline=False)
    middle, last = sheet.shape[1] // 2, sheet.shape[0]
    assert (sheet[last * 2 // 3 : last - MARGIN, middle + MARGIN :] == 255).all()
    assert (sheet[last // 3, middle + MARGIN : -MARGIN] != 255).any()


def test_masks_are_outlined_only_when_asked_for() -> None:
    found = correspondence(_records([("A", 0)]), _records([("A", 0)]), NAMES)
    plain, drawn = (
        views(found, NAMES, (_flat(40), _flat(160)), instances=1, outline=outline) for outline in (False, True)
    )
    coloured = [(sheet.max(axis=2) != sheet.min(axis=2)).any() for sheet in (plain, drawn)]
    assert coloured == [False, True]


def test_no_more_viewpoints_are_shown_than_fit() -> None:
    records = _records([("A", n) for n in range(20)])
    asked: list[str] = []

    def look(id: str) -> Thumbnail:
        asked.append(id)
        return _flat(9)(id)

    views(correspondence(records, records, NAMES), NAMES, (look, look), instances=4, outline=False)
    assert len(asked) == 2 * MOST_VIEWPOINTS


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CLI:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return run


def test_two_domains_of_metalpart_are_paired_and_only_what_is_shown_is_rendered(cli: CLI, tmp_path: Path) -> None:
    code, out, err = cli("data", "views", CAMERA, RENDER, "--instances", "2", "--to", "figure/one.png")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "10 viewpoints of 5 groups in both",
        "without a partner: 2 of metalpart, objects 6, size 64, 0 of metalpart, domain render, objects 5, size 64",
        f"picture: {Path('figure/one.png')}",
    ]
    assert read_image(Path("figure/one.png")).shape[2] == 3
    assert len(list((tmp_path / "home").rglob("images/*.png"))) == 2 * 2 * 2


def test_the_same_picture_has_the_same_bytes(cli: CLI) -> None:
    for name in ("one.png", "two.png"):
        assert cli("data", "views", CAMERA, RENDER, "--to", name)[0] == 0
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((CAMERA, RENDER, "--to", "views.jpg"), "name one that ends in .png"),
        ((CAMERA, "metalpart2"), "no plugin offers a dataset called 'metalpart2'"),
        ((CAMERA, "mtd"), "mtd: the folder is missing"),
        ((CAMERA, RENDER, "--instances", "0"), "--instances"),
    ],
)
def test_what_cannot_be_shown_ends_with_exit_code_2_and_says_why(
    cli: CLI, arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = cli("data", "views", *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err
    assert not list(Path().glob("*.png"))
