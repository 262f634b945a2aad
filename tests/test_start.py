"""`bench start` on folders of many habits: what it finds, and that what it writes is a suite that reads just that."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from yaml import safe_load as read_yaml

from bench.catalog import Catalog
from bench.cli.main import main
from bench.component import build
from bench.errors import DataError
from bench.start.budget import EPOCHS, LEAST_CROPS, TARGET_S, Amount, budget
from bench.start.first import First, first_suite
from bench.start.groups import likely_groups
from bench.start.pairs import pairs, table
from bench.start.reading import Answers
from bench.start.suite import recipe, yaml
from bench.start.words import says_clean, shared_stem
from bench.store.home import Places
from bench.suite.reading.load import Suite, load_suite
from bench.suite.schema import Recipe
from bench.types import Dataset
from start_worlds import HABITS, drawing, photograph

CLI = Callable[..., tuple[int, str, str]]
Started = Callable[..., First]


@pytest.fixture
def started(catalog: Catalog, home: Path, tmp_path: Path) -> Started:
    """Write a suite for ``data`` to ``my.yaml``, both in the folder of the test."""

    def start(answers: Answers = Answers(), *, overwrite: bool = False) -> First:  # noqa: B008 - frozen
        places = Places(home, tmp_path / "runs", {})
        return first_suite(catalog, places, tmp_path / "data", answers, tmp_path / "my.yaml", overwrite=overwrite)

    return start


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CLI:
    """Run one command in the folder of the test: exit code, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    monkeypatch.chdir(tmp_path)
    return run


def dataset_of(catalog: Catalog, suite: Suite) -> Dataset:
    """The data set that a suite names, on the folder that it names."""
    [ref] = {cell.dataset.use: cell.dataset for cell in suite.cells}.values()
    component = catalog.find("dataset", ref.use).component
    dataset: Dataset = build(component, Path(suite.data[ref.use]), settings=ref.settings)
    return dataset


@pytest.mark.parametrize(
    ("habit", "use", "images", "clean", "groups"),
    [
        ("two_folders", "folder", 16, 4, 8),
        ("suffixes", "folder", 12, 0, 12),
        ("prefixes", "folder", 12, 0, 12),
        ("same_names", "listed", 16, 0, 8),
        ("one_folder_of_images", "listed", 16, 0, 8),
        ("class_folders", "listed", 18, 6, 18),
        ("clean_apart", "listed", 20, 10, 20),
        ("no_words", "folder", 16, 0, 8),
        ("numbered_classes", "folder", 12, 0, 12),
        ("coco_file", "coco", 12, 0, 12),
    ],
)
def test_every_habit_gives_a_suite_that_reads_all_images_with_their_masks_and_groups(
    catalog: Catalog, started: Started, tmp_path: Path, habit: str, use: str, images: int, clean: int, groups: int
) -> None:
    HABITS[habit](tmp_path / "data")
    started()
    for profile in ("none", "cpu", "gpu"):
        suite = load_suite(tmp_path / "my.yaml", catalog, profile=profile)
    assert {cell.dataset.use for cell in suite.cells} == {use}
    dataset = dataset_of(catalog, suite)
    records = dataset.records()
    marked = [dataset.load(record.id).mask.any() for record in records]
    assert (len(records), marked.count(False), len({record.group for record in records})) == (images, clean, groups)


def test_what_was_assumed_stands_beside_its_line_with_the_alternative(started: Started, tmp_path: Path) -> None:
    HABITS["suffixes"](tmp_path / "data")
    started()
    text = (tmp_path / "my.yaml").read_text()
    assert "mask_threshold: 1  # masks hold 0 and 1, so 1 is a defect" in text
    assert "every image counts as a part of its own" in text
    assert "precision: float32" in text
    assert max(map(len, text.splitlines())) <= 120


def test_clean_images_apart_are_taken_for_clean_by_their_folder_and_this_is_said(
    started: Started, tmp_path: Path
) -> None:
    HABITS["clean_apart"](tmp_path / "data")
    assert "images without a mask are free of defects: their folders or names say so" in started().found


def test_errors_of_data_carry_the_settings_that_they_advise(catalog: Catalog, tmp_path: Path) -> None:
    HABITS["no_words"](tmp_path)
    component = catalog.find("dataset", "folder").component
    named: Dataset = build(component, tmp_path, settings={"images": "shots", "masks": "drawn"})
    with pytest.raises(DataError, match="set 'suffix: _mk'") as error:
        named.records()
    assert error.value.remedies == ({"suffix": "_mk"},)


def test_images_without_a_mask_whose_names_say_nothing_are_asked_about(started: Started, tmp_path: Path) -> None:
    HABITS["two_folders"](tmp_path / "data")
    (tmp_path / "data" / "masks" / "part3_top.png").unlink()
    with pytest.raises(
        Exception, match=r"part3_top\.png: has no mask \(1 of 16 images\).*clean=empty.*clean=leave-out"
    ):
        started()
    assert any("16 images, 15 with a mask" in line for line in started(Answers(settings={"clean": "empty"})).found)
    left = started(Answers(settings={"clean": "leave-out"}), overwrite=True).found
    assert "left out: 1 image without a mask, as you said" in left


def test_levels_that_may_mean_two_things_are_asked_about_and_answered(started: Started, tmp_path: Path) -> None:
    HABITS["two_folders"](tmp_path / "data")
    for path in (tmp_path / "data" / "masks").glob("part0_*.png"):
        mask = Image.open(path)
        mask.paste(100, (60, 50, 75, 60))
        mask.save(path)
    with pytest.raises(DataError, match=r"grey 100 .*answer with --set mask_threshold=100 or --set mask_threshold=255"):
        started()
    started(Answers(settings={"mask_threshold": 255}))
    assert "mask_threshold: 255" in (tmp_path / "my.yaml").read_text()


def test_masks_that_mark_most_of_their_images_are_asked_about(started: Started, tmp_path: Path) -> None:
    for seed in range(10):
        photograph(tmp_path / "data" / "images" / f"{seed}.png", seed)
        drawing(tmp_path / "data" / "masks" / f"{seed}.png", seed)
        path = tmp_path / "data" / "masks" / f"{seed}.png"
        Image.open(path).point(lambda level: 255 - level).save(path)
    with pytest.raises(DataError, match=r"data: masks mark most of their images \(9\d%.*invert=true.*invert=false"):
        started()
    assert any("10 of 10 images with a defect" in line for line in started(Answers(settings={"invert": True})).found)


def test_a_photograph_that_viewers_turn_is_turned_where_only_that_fits_its_mask(
    started: Started, tmp_path: Path
) -> None:
    HABITS["no_words"](tmp_path / "data")
    path = tmp_path / "data" / "shots" / "p0-x.jpg"
    photo = Image.open(path).transpose(Image.Transpose.ROTATE_90)
    exif = photo.getexif()
    exif[0x0112] = 6
    photo.save(path, exif=exif)
    started()
    assert "exif: turn" in (tmp_path / "my.yaml").read_text()


def test_a_folder_without_masks_says_what_it_looked_for(started: Started, tmp_path: Path) -> None:
    for seed in range(4):
        photograph(tmp_path / "data" / "images" / f"{seed}.png", seed)
    with pytest.raises(DataError, match=r"no mask among 4 pictures.*--masks FOLDER"):
        started()


def test_two_folders_of_drawings_are_asked_about(started: Started, tmp_path: Path) -> None:
    for seed in range(4):
        drawing(tmp_path / "data" / "one" / f"{seed}.png", seed)
        drawing(tmp_path / "data" / "two" / f"{seed}.png", seed)
    with pytest.raises(DataError, match="say which: --masks one or --masks two"):
        started()


def test_a_mask_without_an_image_is_refused_and_nothing_is_written(started: Started, tmp_path: Path) -> None:
    HABITS["clean_apart"](tmp_path / "data")
    drawing(tmp_path / "data" / "labels" / "c7.png", 7)
    with pytest.raises(DataError, match=r"c7\.png: this mask has no image \(1 such mask\).*rename one"):
        started()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_table_is_taken_away_again_where_its_data_are_refused(started: Started, tmp_path: Path) -> None:
    HABITS["class_folders"](tmp_path / "data")
    drawing(tmp_path / "data" / "dent" / "masks" / "0.png", 0, size=(10, 10))
    with pytest.raises(DataError, match="10x10 pixels but its image"):
        started()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_suite_that_is_there_is_left_as_it_is(started: Started, tmp_path: Path) -> None:
    HABITS["two_folders"](tmp_path / "data")
    (tmp_path / "my.yaml").write_text("mine")
    with pytest.raises(DataError, match=r"my\.yaml: exists already.*--overwrite.*--to"):
        started()
    assert (tmp_path / "my.yaml").read_text() == "mine"
    started(overwrite=True)
    assert (tmp_path / "my.yaml").read_text() != "mine"


def test_pictures_that_are_neither_and_files_that_are_not_read_are_named(started: Started, tmp_path: Path) -> None:
    HABITS["two_folders"](tmp_path / "data")
    photograph(tmp_path / "data" / "overlays" / "part0_top.png", 3)
    (tmp_path / "data" / "notes.heic").write_bytes(b"x")
    found = "\n".join(started().found)
    assert "left out: 1 picture in overlays: neither named as images nor as masks" in found
    assert "left out: 1 file (notes.heic): pictures of type .heic, which is not read" in found


def test_of_large_data_a_first_run_uses_some_parts_and_says_so(
    catalog: Catalog, started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in range(40):
        for view in "ab":
            photograph(tmp_path / "data" / "images" / f"p{part}_{view}.png", part)
            drawing(tmp_path / "data" / "masks" / f"p{part}_{view}.png", part)
    monkeypatch.setattr("bench.start.budget.IMAGE_S", 12.0)
    first = started()
    assert first.plan.seconds <= TARGET_S
    dataset = dataset_of(catalog, load_suite(tmp_path / "my.yaml", catalog))
    records = dataset.records()
    groups = {record.group for record in records}
    assert 15 <= len(groups) < 40
    assert len(records) == 2 * len(groups)
    assert any("bench start --all takes all, in about" in line for line in first.found)


def test_exact_copies_and_near_duplicates_across_splits_are_told(started: Started, tmp_path: Path) -> None:
    HABITS["suffixes"](tmp_path / "data")
    for seed in range(1, 6):
        shutil.copy(tmp_path / "data" / "0000.jpg", tmp_path / "data" / f"{seed:04d}.jpg")
    assert any(line.startswith("exact copies: 6 images") for line in started().found)


def test_groups_across_the_folders_own_split_are_a_leak_that_is_told(started: Started, tmp_path: Path) -> None:
    HABITS["two_folders"](tmp_path / "data")
    for kind in ("images", "masks"):
        for path in sorted((tmp_path / "data" / kind).glob("*.png")):
            split = "test" if path.stem.endswith("side") else "train"
            path.parent.joinpath(split).mkdir(exist_ok=True)
            path.rename(path.parent / split / path.name)
    assert any(line.startswith("groups: LEAK: ") for line in started().found)


def test_the_command_prints_what_it_found_and_three_commands_to_go_on_with(cli: CLI, tmp_path: Path) -> None:
    HABITS["two_folders"](tmp_path / "parts")
    code, out, _ = cli("start", "parts")
    assert code == 0
    for line in ("bench plan parts.yaml", "bench run parts.yaml", "bench leaderboard runs/parts"):
        assert f"\n{line} " in out
    code, out, _ = cli("plan", "parts.yaml")
    assert code == 0
    assert "6 cells" in out
    code, _, err = cli("start", "parts")
    assert (code, err.count("\n")) == (2, 1)


def test_a_folder_may_be_called_a_number_and_results_may_lie_in_it(cli: CLI, tmp_path: Path) -> None:
    HABITS["suffixes"](tmp_path)
    code, out, _ = cli("start", ".", "--to", "2024.yaml")
    assert (code, "read by the data set listed" in out) == (0, True)
    photograph(tmp_path / "runs" / "2024" / "cells" / "overlay.png", 1)
    assert cli("plan", "2024.yaml")[0] == 0


def test_answers_that_are_no_settings_or_folders_are_refused(cli: CLI, tmp_path: Path) -> None:
    HABITS["two_folders"](tmp_path / "parts")
    for arguments, told in (
        (("--set", "mask_treshold=3"), "Did you mean 'mask_threshold'?"),
        (("--set", "clean"), "write KEY=VALUE"),
        (("--masks", "nowhere"), "is no folder below parts"),
        (("--as", "coco"), "no file in COCO's format"),
        (("--as", "folder", "--set", "prefix=x_"), "this mask has no image"),
    ):
        code, _, err = cli("start", "parts", *arguments)
        assert code == 2
        assert told in err
    code, _, err = cli("start", "nowhere")
    assert (code, "nowhere: the folder is missing" in err) == (2, True)


@pytest.mark.parametrize("name", ["mtd", "neu-seg", "mvtec-ad", "ksdd", "ksdd2", "dagm", "severstal", "crackforest"])
def test_the_layout_of_a_release_is_recognised(catalog: Catalog, started: Started, tmp_path: Path, name: str) -> None:
    example = catalog.find("dataset", name).component.example
    assert example is not None
    (tmp_path / "data").mkdir()
    example(tmp_path / "data")
    started()
    suite = load_suite(tmp_path / "my.yaml", catalog)
    assert {cell.dataset.use for cell in suite.cells} == {name}


@pytest.mark.parametrize(("folder", "use"), [("mtd", "mtd"), ("neu_seg", "neu-seg"), ("kolektorsdd", "ksdd")])
def test_real_releases_are_recognised(
    catalog: Catalog, home: Path, shared_data: Path, tmp_path: Path, folder: str, use: str
) -> None:
    if not (shared_data / folder).is_dir():
        pytest.skip(f"no {folder} in {shared_data}")
    to = tmp_path / "my.yaml"
    first_suite(catalog, Places(home, tmp_path, {}), shared_data / folder, Answers(), to, overwrite=False)
    assert {cell.dataset.use for cell in load_suite(to, catalog).cells} == {use}


@given(st.integers(1, 16), st.integers(2, 4000), st.integers(1, 5_000_000), st.sampled_from([32, 64, 96, 128]))
def test_a_budget_keeps_its_time_unless_measuring_alone_takes_longer(
    processors: int, images: int, pixels: int, size: int
) -> None:
    half = images * pixels // 2
    plan = budget(size, Amount(images, half, half), processors)
    assert plan.seconds <= TARGET_S or EPOCHS * plan.epoch_crops <= LEAST_CROPS
    assert plan.workers == min(processors, 4)
    assert 1 <= plan.validate_every <= EPOCHS
    assert (plan.validation_tiles - 1) * size**2 < half <= plan.validation_tiles * size**2
    more = budget(size, Amount(images, half, half), 2 * processors)
    assert more.cells * more.epoch_crops >= plan.cells * plan.epoch_crops


@pytest.mark.parametrize(("images", "every"), [(20, 5), (5000, "auto")])
def test_many_validation_images_are_validated_as_often_as_a_tenth_of_the_training_pays_for(
    images: int, every: int | str
) -> None:
    plan = budget(64, Amount(images, images * 10_000, images * 10_000), 2)
    written = read_yaml("\n".join(recipe(plan)))
    assert written["profiles"]["gpu"]["recipe"]["validate_every"] == every
    assert Recipe.model_validate({"validate_every": every}).validate_every == every


@given(
    st.lists(st.text("abcdefgh0123456789", min_size=1, max_size=6), min_size=1, max_size=12, unique=True),
    st.sampled_from(["", "img_", "photo-"]),
    st.sampled_from(["_mask", "-gt", "_label", ""]),
    st.randoms(),
)
def test_masks_named_by_any_affix_that_is_known_find_their_images_in_any_order(
    names: list[str], before: str, after: str, random: object
) -> None:
    images = [Path("a", f"{before}{name}.jpg") for name in names]
    masks = [Path("b", f"{name}{after}.png") for name in names]
    random.shuffle(masks)  # type: ignore[attr-defined]
    found = pairs(Path("/"), images, masks)
    if not any(shared_stem(name) != name for name in names):
        assert found.mask_of == {
            image: Path("b", f"{name}{after}.png") for image, name in zip(images, names, strict=True)
        }
        assert table(Path("/"), found.mask_of, None, Path("/")).count("\n") == len(names) + 1


@given(st.lists(st.integers(0, 99), min_size=5, max_size=12, unique=True), st.integers(2, 6), st.sampled_from("_- "))
def test_views_of_numbered_parts_are_grouped_by_part(parts: list[int], views: int, sign: str) -> None:
    ids = [f"plate{part:02d}{sign}{view}" for part in parts for view in range(views)]
    groups = likely_groups(ids)
    assert groups is not None
    assert groups.of == {id: id[:7] for id in ids}


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30, unique=True))
def test_images_that_are_only_numbered_are_no_groups(numbers: list[int]) -> None:
    assert likely_groups([f"img_{number}" for number in numbers]) is None
    assert likely_groups([f"{kind}_{number:07d}" for kind in ("dent", "scratch") for number in numbers]) is None


@given(st.one_of(st.text(), st.booleans(), st.integers(), st.none(), st.lists(st.text(), max_size=3)))
def test_a_value_written_into_the_suite_is_read_as_it_was(value: object) -> None:
    from bench.suite.reading.yaml import Mark, Mistakes, parse, plain

    mistakes = Mistakes()
    node = parse(f"x: {yaml(value)}", lambda *_: Mark("x"), mistakes)  # type: ignore[arg-type]
    mistakes.check()
    assert node is not None
    assert plain(node) == {"x": value}


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("good/1.png", True),
        ("MT_Free/1.png", True),
        ("no_defect/1.png", True),
        ("1_ok.png", True),
        ("book/1.png", False),
    ],
)
def test_folders_and_names_say_what_is_free_of_defects(name: str, clean: bool) -> None:
    assert says_clean(Path(name)) is clean
