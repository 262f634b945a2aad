"""Data cards: figures against counting by other means, pictures that show what they should, equal bytes."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Pillow
from scipy import ndimage

from bench.audit.card_pictures import EXAMPLES, examples_of
from bench.audit.pixels import defect_areas, facts_of, pixel_facts
from bench.cli.main import main
from bench.data.index import DatasetIndex, build_index
from bench.data.splits import assign
from bench.data.statistics import (
    class_counts,
    copies,
    is_defective,
    meta_fields,
    split_counts,
    unmarked_of_defective_groups,
)
from bench.types import Record, Sample

CLI = Callable[..., tuple[int, str, str]]

PLUGIN = '''
"""Made-up data sets of several pixel types."""
import numpy as np
from bench.api import Component, Record, Sample, hookimpl


class Odd:
    classes = ("a | pipe", "never", "c")

    def __init__(self, channels, dtype, top, images=24):
        self.channels, self.dtype, self.top, self.images = channels, dtype, top, images

    def records(self):
        print("a reader that talks")
        return [Record(f"im_{n}", f"g{n // 2}", meta={"exposure": n % 3, "n": n}) for n in range(self.images)]

    def load(self, id, /):
        n = int(id[3:])
        rng = np.random.default_rng(n)
        image = rng.integers(0, self.top, (20 + n, 40, self.channels)).astype(self.dtype)
        mask = np.zeros(image.shape[:2], np.uint8)
        if n % 4 == 0:
            mask[2 : 5 + n % 7, 3:6] = 1
        if n % 6 == 0:
            mask[15, 15] = mask[16, 16] = 3
            mask[0] = 255
        return Sample(id, image, mask)


class Clean(Odd):
    def load(self, id, /):
        sample = super().load(id)
        return Sample(id, sample.image, np.zeros_like(sample.mask))


@hookimpl
def bench_datasets():
    yield Component("colour", lambda root, /: Odd(3, "uint8", 256))
    yield Component("sixteen", lambda root, /: Odd(1, "uint16", 4096))
    yield Component("stack", lambda root, /: Odd(12, "uint16", 65536))
    yield Component("small", lambda root, /: Odd(1, "uint8", 256, images=4))
    yield Component("clean", lambda root, /: Clean(1, "uint8", 1), badge="only for tests")
'''


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    path = tmp_path / "odd.py"
    path.write_text(PLUGIN)
    return str(path)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CLI:
    """Run one command in an empty folder with a home of its own: exit code, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return run


class World:
    """Samples in memory."""

    def __init__(self, samples: list[Sample], groups: list[str], classes: tuple[str, ...] = ("a", "b")) -> None:
        self.classes = classes
        self.samples = {sample.id: sample for sample in samples}
        self.groups = groups

    def records(self) -> list[Record]:
        return [Record(id, group) for id, group in zip(self.samples, self.groups, strict=True)]

    def load(self, id: str, /) -> Sample:
        return self.samples[id]

    def index(self) -> DatasetIndex:
        return build_index("world", self)


masks = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 0, 1, 2, 255]))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(1, 14))
    samples = []
    for number in range(count):
        mask = draw(masks)
        samples.append(Sample(f"i{number}", np.full((*mask.shape, 1), draw(st.integers(0, 3)), np.uint8), mask))
    return World(samples, draw(st.lists(st.sampled_from("pqrst"), min_size=count, max_size=count)))


@given(masks, st.sampled_from([1, 2]))
def test_areas_are_those_of_eight_connected_components_of_one_class(mask: Any, kind: int) -> None:
    labels, found = ndimage.label(mask == kind, np.ones((3, 3)))
    assert defect_areas(mask, kind).tolist() == sorted(np.bincount(labels.ravel(), minlength=found + 1)[1:].tolist())


@given(
    st.one_of(arrays(np.uint8, (5, 6, 1)), arrays(np.uint8, (5, 6, 3)), arrays(np.uint8, (5, 6, 11))),
)
def test_grey_levels_and_dark_pixels_are_counted_exactly(image: Any) -> None:
    facts = facts_of(Sample("x", image, np.zeros((5, 6), np.uint8)), 1)
    for channel, counts in enumerate(facts.levels):
        values, times = np.unique(image[:, :, channel], return_counts=True)
        assert {int(v): int(counts[v]) for v in np.flatnonzero(counts)} == dict(
            zip(values.tolist(), times.tolist(), strict=True)
        )
    assert facts.dark == sum(float(image[y, x].astype(float).mean()) <= 10 for y in range(5) for x in range(6))


@given(arrays(np.uint16, (4, 5, 2)))
def test_sixteen_bits_have_1024_levels_and_the_same_idea_of_dark(image: Any) -> None:
    facts = facts_of(Sample("x", image, np.zeros((4, 5), np.uint8)), 1)
    assert facts.levels.shape == (2, 1024)
    assert facts.levels[0].sum() == 20
    assert facts.levels[1][image[0, 0, 1] // 64] > 0
    assert facts.dark == (image.astype(float).mean(axis=2) / 65535 * 255 <= 10 + 1e-9).sum()


@pytest.mark.parametrize("workers", [1, 3])
def test_one_pass_adds_up_all_images_whatever_the_threads(workers: int) -> None:
    rng = np.random.default_rng(3)
    samples = [
        Sample(f"i{n}", rng.integers(0, 30, (6, 7, 1)).astype(np.uint8), rng.integers(0, 3, (6, 7)).astype(np.uint8))
        for n in range(11)
    ]
    world, seen = World(samples, ["g"] * 11), []
    facts = pixel_facts(world.index(), world, workers=workers, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 11) for n in range(1, 12)]
    together = np.concatenate([sample.image.ravel() for sample in samples])
    assert facts.levels.tolist() == [np.bincount(together, minlength=256).tolist()]
    assert facts.pixels == 11 * 42
    for kind in (1, 2):
        expected = [area for sample in samples for area in defect_areas(sample.mask, kind).tolist()]
        assert facts.areas[kind - 1].tolist() == sorted(expected)


@given(worlds(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_splits_together_hold_every_image_group_and_pixel(world: World, random: Any) -> None:
    index = world.index()
    side = {group: random.choice(["train", "validation", "test"]) for group in set(world.groups)}
    splits = split_counts(index, {entry.id: side[entry.group] for entry in index.entries})
    whole = class_counts(index.entries, 2)
    assert sum(split.images for split in splits) == len(index.entries)
    assert sum(split.groups for split in splits) == len(set(world.groups))
    for kind in range(2):
        assert sum(split.classes[kind].pixels for split in splits) == whole[kind].pixels
        assert sum(split.classes[kind].groups for split in splits) == whole[kind].groups
        assert whole[kind].pixels == sum(int((s.mask == kind + 1).sum()) for s in world.samples.values())


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_unmarked_images_of_defective_groups_are_found_one_by_one(world: World) -> None:
    marked = {id: bool(np.isin(sample.mask, [1, 2]).any()) for id, sample in world.samples.items()}
    groups = dict(zip(marked, world.groups, strict=True))
    expected = [id for id in marked if not marked[id] and any(marked[o] for o in marked if groups[o] == groups[id])]
    assert [entry.id for entry in unmarked_of_defective_groups(world.index())] == expected


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_copies_are_exactly_the_images_of_equal_pixels(world: World) -> None:
    found = {entry.id for entries in copies(world.index()) for entry in entries}
    samples = list(world.samples.values())
    equal = {a.id for a in samples for b in samples if a is not b and np.array_equal(a.image, b.image)}
    assert found == equal


@given(worlds(), st.sampled_from([1, 2]))
@settings(max_examples=40, deadline=None)
def test_examples_grow_in_area_and_come_from_different_groups_where_there_are_enough(world: World, kind: int) -> None:
    holding = [entry for entry in world.index().entries if entry.pixels[kind]]
    if not holding:
        return
    chosen = examples_of(world.index().entries, kind)
    groups = {entry.group for entry in holding}
    assert len(chosen) == len({entry.id for entry in chosen}) == min(EXAMPLES, len(holding))
    assert [entry.pixels[kind] for entry in chosen] == sorted(entry.pixels[kind] for entry in chosen)
    assert len({entry.group for entry in chosen}) == min(EXAMPLES, len(groups)) or len(groups) < EXAMPLES


def test_metadata_values_are_sorted_as_numbers_then_text_then_absent() -> None:
    class Told(World):
        def records(self) -> list[Record]:
            values: list[dict[str, str | int | float]] = [{"v": 10}, {"v": "x"}, {}, {"v": 9}, {"v": 9}]
            return [Record(f"i{n}", "g", meta=meta) for n, meta in enumerate(values)]

    blank = np.zeros((2, 2, 1), np.uint8)
    world = Told([Sample(f"i{n}", blank, np.full((2, 2), n == 4, np.uint8)) for n in range(5)], ["g"] * 5)
    (field,) = meta_fields(world.index())
    found = [(v.value, v.images, v.defective) for v in field.values]
    assert found == [(9, 2, 1), (10, 1, 0), ("x", 1, 0), (None, 1, 0)]


@pytest.mark.parametrize("name", ["colour", "sixteen", "stack"])
def test_a_card_is_the_same_bytes_twice_and_shows_every_picture_it_names(cli: CLI, plugin: str, name: str) -> None:
    for folder in ("one", "two"):
        code, out, _ = cli("data", "card", name, "--plugin", plugin, "--to", folder)
        assert (code, out.splitlines()[-1]) == (0, f"card: {Path(folder) / 'card.md'}")
    text = Path("one/card.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]*]\(([^)]+)\)", text)
    assert sorted(pictures) == ["areas.png", "examples.png", "levels.png", "sizes.png"]
    assert {path.name for path in Path("one").iterdir()} == {"card.md", *pictures}
    for file in ("card.md", *pictures):
        assert (Path("one") / file).read_bytes() == (Path("two") / file).read_bytes()
    for file in pictures:
        Pillow.open(Path("one") / file).load()


def test_the_tables_of_a_card_keep_their_columns_whatever_a_class_is_called(cli: CLI, plugin: str) -> None:
    assert cli("data", "card", "colour", "--plugin", plugin)[0] == 0
    blocks = Path("cards/colour/card.md").read_text(encoding="utf-8").split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("|")]
    assert len(tables) >= 6
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table}) == 1


def test_a_card_warns_of_rare_absent_and_unsplit_classes_and_lists_unmarked_images(cli: CLI, plugin: str) -> None:
    _, out, _ = cli("data", "card", "colour", "--plugin", plugin)
    assert "Defects are in 8 groups only, fewer than 30: report over folds." in out
    assert "No image here shows never." in out
    assert "Fewer than 30 groups hold a | pipe (6), c (4)" in out
    text = Path("cards/colour/card.md").read_text(encoding="utf-8")
    defective = {n for n in range(24) if n % 4 == 0 or n % 6 == 0}
    expected = [f"im_{n}" for n in range(24) if n not in defective and {n // 2 * 2, n // 2 * 2 + 1} & defective]
    listed = text.split("## Images without")[1].split("##")[0]
    assert re.findall(r"- `(\w+)`", listed) == expected


def test_what_a_reader_prints_does_not_reach_the_output(cli: CLI, plugin: str) -> None:
    _, out, err = cli("data", "card", "colour", "--plugin", plugin)
    assert "a reader that talks" not in out
    assert "a reader that talks" in err


def test_a_set_too_small_to_split_still_has_a_card_that_says_so(cli: CLI, plugin: str) -> None:
    code, out, _ = cli("data", "card", "small", "--plugin", plugin)
    assert code == 0
    assert "No split under the rule 'grouped'" in out
    assert "The rule 'grouped' gives no split" in Path("cards/small/card.md").read_text(encoding="utf-8")


def test_a_set_without_defects_has_no_picture_of_areas(cli: CLI, plugin: str) -> None:
    code, out, _ = cli("data", "card", "clean", "--plugin", plugin)
    assert code == 0
    assert "Badge: only for tests." in out
    assert not Path("cards/clean/areas.png").exists()
    assert "100.0 % of all pixels are dark" in Path("cards/clean/card.md").read_text(encoding="utf-8")


def test_an_absent_data_set_is_one_line_and_exit_code_2(cli: CLI) -> None:
    code, out, err = cli("data", "card", "mtd")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("not here: mtd: ")


def test_settings_that_differ_from_their_defaults_are_in_title_and_folder(cli: CLI) -> None:
    text = "{use: metalpart, settings: {domain: render, objects: 5, size: 64}}"
    assert cli("data", "card", text)[0] == 0
    (folder,) = Path("cards").iterdir()
    assert folder.name == "metalpart-domain-render-objects-5-size-64"
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert card.startswith("# metalpart, domain render, objects 5, size 64\n")
    assert "- settings: domain: render, objects: 5, views: 2, size: 64" in card


def test_the_card_of_mtd_lists_the_free_images_of_defective_tiles(cli: CLI, shared_data: Path, catalog: Any) -> None:
    root = shared_data / "mtd"
    assert cli("data", "card", "mtd", "--data", f"mtd={root}")[0] == 0
    table = Path(sys.modules[catalog.find("dataset", "mtd").component.build.__module__].__file__ or "")
    with table.with_name("_mtd_groups.csv").open(newline="") as file:
        group = {row["file"]: row["group"] for row in csv.DictReader(file) if (root / row["file"]).is_file()}
    marked = {f: bool((np.asarray(Pillow.open((root / f).with_suffix(".png"))) >= 128).any()) for f in group}
    defective = {group[file] for file in group if marked[file]}
    expected = {f for f in group if group[f] in defective and not marked[f]}
    text = Path("cards/mtd/card.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- `(.+?)` \(group `(.+)`\)", text, re.M)
    assert {f"{id.replace('/', '/Imgs/')}.jpg": tile for id, tile in listed} == {f: group[f] for f in expected}
    assert sum(id.startswith("MT_Free/") for id, _ in listed) == sum(f.startswith("MT_Free") for f in expected) > 0


@pytest.mark.parametrize("verb", ["card colour", "views colour colour", "coverage suite.yaml"])
def test_looking_at_data_imports_no_torch(tmp_path: Path, plugin: str, verb: str) -> None:
    (tmp_path / "suite.yaml").write_text(
        "name: s\naxes: {dataset: [colour], crop: [uniform], crop_size: [16], model: [unet], seed: [0]}\n"
    )
    script = (
        "import sys\nsys.argv = ['bench', *sys.argv[1:]]\nfrom bench.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    code = end.code\n"
        "print('TORCH', 'torch' in sys.modules, code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "data", *verb.split(), "--plugin", plugin],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"BENCH_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "BENCH_PROFILE": "cpu"},
    )
    assert done.stdout.splitlines()[-1] == f"TORCH False {2 if verb.startswith('views') else 0}", done.stderr


def test_coverage_shows_the_other_data_sets_and_ends_with_3_where_one_is_absent(cli: CLI, plugin: str) -> None:
    Path("s.yaml").write_text(
        "name: s\naxes: {dataset: [colour, mtd, sixteen], crop: [uniform, defect-centred], crop_size: [16], "
        "model: [unet], seed: [0]}\n"
    )
    code, out, err = cli("data", "coverage", "s.yaml", "--plugin", plugin)
    assert code == 3
    assert out.count("Coverage, dataset colour") == out.count("Coverage, dataset sixteen") == 1
    assert sum("not here: mtd: " in line for line in err.splitlines()) == 1
    for words in ("admissible area", "defect pixels ever seen", "defects ever seen", "cut by a border"):
        assert words in out
    for words in ("empty crops", "fallback window", "smallest defect"):
        assert words in out
    code, out, _ = cli("data", "coverage", "s.yaml", "--plugin", plugin, "--format", "csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert (code, [row["dataset"] for row in rows]) == (3, ["colour", "colour", "sixteen", "sixteen"])
    assert all(0 <= float(row["cut_by_border_share"]) <= 1 for row in rows)


def test_the_card_and_the_split_rule_agree_on_who_is_where(catalog: Any, tmp_path: Path) -> None:
    from bench.component import build

    dataset = build(catalog.find("dataset", "metalpart").component, tmp_path, settings={"objects": 8, "size": 64})
    index = build_index("metalpart", dataset)
    assignment = assign(index, "grouped")
    for split in split_counts(index, assignment):
        inside = [entry for entry in index.entries if assignment[entry.id] == split.split]
        assert split.images == len(inside)
        assert split.defective_groups == len({entry.group for entry in inside if is_defective(entry)})


@pytest.mark.parametrize("defects", [1, 2, 3, 5, 40])
def test_defects_are_ticked_at_whole_numbers(defects: int) -> None:
    from bench.audit.card_pictures import areas_plot

    axis = areas_plot(["dent"], [np.full(defects, 7)]).axes[0]
    assert all(tick == round(tick) for tick in axis.get_yticks())
    assert len(axis.get_yticks()) > 1
