"""What smaller crops lose: the search against a walk over all windows, the figure, and the command."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.audit.context import DEFECTS, IMAGES, Context, block_of, context, spread, window
from bench.audit.context_table import context_document, context_figure
from bench.errors import DataError
from bench.images import read_image, write_png
from bench.types import Image
from crops_worlds import World
from data_commands import Commands
from documents import rows_of

SIZES = (8, 16, 24)


def quality(one: Image, other: Image) -> float:
    """The universal quality index of two windows; 0 where both are flat or both black."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    covariance = float(((first - first.mean()) * (second - second.mean())).mean())
    above = 4 * covariance * first.mean() * second.mean()
    below = (first.mean() ** 2 + second.mean() ** 2) * (first.var() + second.var())
    return float(above / below) if below > 0 else 0.0


def _world(seed: int = 0, images: int = 3, side: int = 40, clean: int = 1) -> World:
    """Noise with two bright spots: one is a defect, the other is not; the last images have the latter alone."""
    generator = np.random.default_rng(seed)
    pictures, masks = [], []
    for number in range(images):
        picture = generator.integers(20, 60, (side, side, 1), np.uint8)
        mask = np.zeros((side, side), np.uint8)
        for marked in (True, False):
            row, column = generator.integers(0, side - 4, 2)
            picture[row : row + 4, column : column + 4] += np.uint8(120)
            if marked and number < images - clean:
                mask[row : row + 4, column : column + 4] = 1
        pictures.append(picture)
        masks.append(mask)
    return World(pictures, masks)


def _context(made: World, sizes: tuple[int, ...] = SIZES, workers: int = 2) -> Context:
    return context(made.index(), made, sizes, workers=workers)


def _nests(made: World, found: Context, start: tuple[int, ...]) -> list[tuple[str, list[tuple[int, int]]]]:
    """Every place whose largest window is sound, with the corners of its windows as around the defect shown."""
    largest = found.pair.defect.corners[-1]
    shifts = [(top - largest[0], left - largest[1]) for top, left in found.pair.defect.corners]
    nests = []
    for number, mask in enumerate(made.masks):
        for top, left in itertools.product(range(mask.shape[0] - start[-1] + 1), range(mask.shape[1] - start[-1] + 1)):
            if not mask[top : top + start[-1], left : left + start[-1]].any():
                nests.append((f"image {number}", [(top + down, left + right) for down, right in shifts]))
    return nests


@settings(max_examples=8)
@given(seed=st.integers(0, 999))
def test_the_pair_shown_is_the_best_of_all_sound_places(seed: int) -> None:
    made = _world(seed)
    found = _context(made)
    defect = found.pair.defect
    picture = made.load(defect.id).image

    def like(nest: tuple[str, list[tuple[int, int]]], place: int) -> float:
        other = made.load(nest[0]).image
        return quality(
            window(picture, defect.corners[place], SIZES[place]), window(other, nest[1][place], SIZES[place])
        )

    nests = _nests(made, found, SIZES)
    assert found.places == len(nests)
    best = [max(like(nest, place) for nest in nests) for place in range(len(SIZES))]
    assert found.pair.likeness[0] == pytest.approx(best[0], abs=1e-4)
    assert any(row == pytest.approx(best, abs=1e-4) for row in found.best.tolist())
    shown = found.pair.sound.id, list(found.pair.sound.corners)
    assert shown in nests
    assert found.pair.likeness == pytest.approx([like(shown, place) for place in range(len(SIZES))], abs=1e-4)


def test_an_exact_copy_in_sound_surface_is_found_and_is_worth_1_while_it_lasts() -> None:
    made = _world(5, images=2, side=64)
    made.masks[0][:] = 0
    made.masks[0][20:24, 20:24] = 1
    made.images[1][28:52, 28:52] = made.images[0][10:34, 10:34]
    found = _context(made, (8, 24, 28))
    assert found.pair.sound.id == "image 1"
    assert found.pair.likeness[:2] == pytest.approx([1.0, 1.0], abs=1e-5)
    assert found.pair.likeness[2] < 1.0
    for (top, left), (row, column) in zip(found.pair.defect.corners, found.pair.sound.corners, strict=True):
        assert (row - top, column - left) == (18, 18)


def test_squares_are_nested_and_inside_the_image_even_at_its_border() -> None:
    made = _world(1)
    made.masks[0][:] = 0
    made.masks[0][0, 39] = 1
    made.masks[1][:] = 0
    (corners,) = {_context(made).pair.defect.corners}
    for (top, left), size, (row, column), larger in zip(corners[:-1], SIZES[:-1], corners[1:], SIZES[1:], strict=True):
        assert row <= top
        assert top + size <= row + larger
        assert column <= left
        assert left + size <= column + larger <= 40


@given(st.integers(0, 99))
def test_the_likeness_is_1_for_equal_windows_and_never_outside_its_range(seed: int) -> None:
    one, other = np.random.default_rng(seed).integers(0, 256, (2, 9, 9, 1), np.uint8)
    assert quality(one, one) == pytest.approx(1)
    assert -1 <= quality(one, other) <= 1
    assert quality(one, other) == pytest.approx(quality(other, one))


def test_a_darker_or_flatter_copy_is_less_alike() -> None:
    one = np.random.default_rng(0).integers(0, 100, (9, 9, 1)).astype(np.uint8)
    darker, flatter = one // 2, one // 2 + 25
    assert quality(one, darker) < 0.9
    assert quality(one, flatter) < 0.9


def test_flat_windows_are_not_alike() -> None:
    flat = np.full((9, 9, 1), 7, np.uint8)
    assert quality(flat, flat) == 0.0


def test_the_result_is_the_same_for_any_number_of_workers_and_order_of_sizes() -> None:
    made = _world(2, images=12)
    one, other = _context(made, workers=1), _context(made, (24, 8, 16), workers=3)
    assert np.array_equal(one.best, other.best)
    assert (one.pair, one.sizes, one.places) == (other.pair, other.sizes, other.places)


def test_large_sets_are_searched_in_a_bounded_number_of_images() -> None:
    made = _world(0, images=IMAGES + 9, side=24, clean=30)
    loaded = []

    class Counting(World):
        def load(self, id: str, /):
            loaded.append(id)
            return super().load(id)

    counting = Counting(made.images, made.masks)
    index = counting.index()
    loaded.clear()
    found = context(index, counting, (8, 16))
    assert found.images == IMAGES
    assert len(loaded) <= IMAGES + DEFECTS
    assert len(found.best) <= DEFECTS


@given(st.integers(1, 200), st.integers(1, 80))
def test_images_are_taken_in_even_steps(count: int, most: int) -> None:
    taken = spread(list(range(count)), most)  # type: ignore[arg-type]  # any items
    assert len(taken) == len(set(taken)) == min(count, most)
    assert taken == sorted(taken)
    steps = np.diff(taken)
    assert len(steps) == 0 or steps.max() - steps.min() <= 1


@given(st.lists(st.integers(8, 300), min_size=2, max_size=5, unique=True).map(sorted))
def test_blocks_divide_every_size_and_leave_enough_of_them(sizes: list[int]) -> None:
    block = block_of(sizes)
    assert all(size % block == 0 for size in sizes)
    assert block == 1 or sizes[0] // block >= 16


def test_images_that_are_too_small_a_set_without_defects_and_one_without_sound_places_are_told_apart() -> None:
    made = _world()
    with pytest.raises(DataError, match="give --sizes of at most 40"):
        _context(made, (8, 48))
    with pytest.raises(DataError, match="has a defect"):
        _context(World(made.images, [np.zeros((40, 40), np.uint8)] * 3))
    with pytest.raises(DataError, match=r"no 24 x 24 pixels without a defect; give smaller --sizes"):
        _context(World(made.images, [np.eye(40, dtype=np.uint8)] * 3))


def test_ignored_pixels_are_no_sound_surface() -> None:
    made = _world(4, images=2)
    masks = [made.masks[0], np.full((40, 40), 255, np.uint8)]
    assert _context(World(made.images, masks), (8, 16)).pair.sound.id == "image 0"


def test_the_table_states_the_median_over_the_defects_largest_size_first() -> None:
    found = _context(_world(2, images=9))
    table, *_ = context_document(found, "one.png").blocks
    rows = rows_of(table)
    assert [row[0] for row in rows] == ["24", "16", "8"]
    assert [row[1] for row in rows] == [f"{value:.2f}" for value in np.median(found.best, axis=0)[::-1]]
    assert [row[4] for row in rows] == [f"{value:.2f}" for value in found.pair.likeness[::-1]]


def test_the_figure_shows_the_crops_as_they_are_cut_and_their_squares() -> None:
    from matplotlib.patches import Rectangle

    made = _world(2, images=9)
    found = _context(made)
    axes = context_figure(found, made.load).axes
    assert len(axes) == 2 * (1 + len(SIZES))
    for row, nest in enumerate((found.pair.defect, found.pair.sound)):
        view, *crops = axes[row * 4 : row * 4 + 4]
        squares = [patch for patch in view.patches if isinstance(patch, Rectangle)]
        assert [(s.get_width(), s.get_y() + 0.5, s.get_x() + 0.5) for s in squares] == [
            (size, *corner) for size, corner in zip(SIZES, nest.corners, strict=True)
        ]
        for crop, corner, size in zip(crops, nest.corners, SIZES, strict=True):
            shown = np.asarray(crop.images[0].get_array())[:, :, 0].astype(int)
            cut = window(made.load(nest.id).image, corner, size)[:, :, 0].astype(int)
            assert shown.shape == cut.shape
            order = np.argsort(cut, axis=None, kind="stable")
            assert (np.diff(shown.ravel()[order]) >= 0).all()  # one rising tone curve


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    made = _world(3, images=20, side=48, clean=6)
    for number, (image, mask) in enumerate(zip(made.images, made.masks, strict=True)):
        write_png(tmp_path / "parts" / "images" / f"part{number:02d}.png", image)
        write_png(tmp_path / "parts" / "masks" / f"part{number:02d}.png", mask * np.uint8(255))
    return Commands(tmp_path, monkeypatch, capsys)


GIVEN = ("data", "context", "folder", "--data", "folder=parts", "--sizes", "8,16,24")


def test_the_command_prints_the_table_and_writes_the_same_picture_every_time(bench: Commands) -> None:
    code, out, _ = bench(*GIVEN, "--to", "figures/one.png")
    assert code == 0
    assert [line.split()[0] for line in out[3:6]] == ["24", "16", "8"]
    assert out[-1] == f"picture: {Path('figures/one.png')}"
    assert bench(*GIVEN, "--to", "two.png")[1][:-1] == out[:-1]
    assert Path("two.png").read_bytes() == Path("figures/one.png").read_bytes()
    assert read_image(Path("two.png")).shape[1] > 900


def test_only_images_of_the_split_are_shown(bench: Commands) -> None:
    train, everything = (bench(*GIVEN, "--split", split)[1] for split in ("train", "all"))
    assert " 12 images" in " ".join(train)
    assert " 20 images" in " ".join(everything)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--sizes", "32"), "two to 6 different sizes"),
        (("--sizes", "a,b"), "two to 6 different sizes"),
        (("--sizes", "4,8"), "at least 8 pixels"),
        (("--sizes", "256,128"), "give --sizes of at most 48"),
        (("--to", "context.jpg"), "name one that ends so"),
    ],
)
def test_what_cannot_be_shown_is_one_line_and_exit_code_2(
    bench: Commands, arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = bench(*GIVEN, *arguments)
    assert (code, out) == (2, [])
    assert says in err[-1]
    assert not list(Path().glob("*.png"))


def test_absent_data_are_one_line(bench: Commands) -> None:
    code, _, err = bench("data", "context", "mtd")
    assert code == 2
    assert "mtd" in err[-1]


def test_the_command_never_imports_torch(bench: Commands) -> None:
    import subprocess
    import sys

    script = (
        "import sys\nsys.argv = ['bench', *sys.argv[1:]]\nfrom bench.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0, end.code\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, *GIVEN], check=True, capture_output=True)
