"""Overlays, contact sheets and plots."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.errors import DataError
from bench.images import read_image, read_mask, write_png
from bench.pictures.curves import CURVES, Aprf, Training, aprf_plot, spread, training_plot
from bench.pictures.overlay import codes, colours, grey, overlay
from bench.pictures.sheet import Panel, Pick, contact_sheet, fitted, named, panel, worst
from bench.pictures.style import write_figure

SHAPE = (7, 9)
masks = arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 2, 255]))
predictions = arrays(np.bool_, SHAPE)
images = st.one_of(
    arrays(np.uint8, (*SHAPE, 1)),
    arrays(np.uint8, (*SHAPE, 3)),
    arrays(np.uint16, (*SHAPE, 1)),
    arrays(np.uint8, (*SHAPE, 9)),
)


@given(images, masks, predictions)
@settings(deadline=None)
def test_recoloured_pixels_equal_the_counts_of_true_and_false_positives_and_false_negatives(
    image: Any, truth: Any, predicted: Any
) -> None:
    found = colours(overlay(image, truth, predicted))
    valid, positive = truth != 255, (truth != 0) & (truth != 255)
    assert (found == 1).sum() == (positive & predicted).sum()
    assert (found == 2).sum() == (valid & ~positive & predicted).sum()
    assert (found == 3).sum() == (positive & ~predicted).sum()
    assert np.array_equal(found, codes(truth, predicted))


@given(images, masks)
@settings(deadline=None)
def test_the_overlay_of_the_truth_with_itself_is_all_green(image: Any, truth: Any) -> None:
    positive = (truth != 0) & (truth != 255)
    found = colours(overlay(image, truth, positive))
    assert set(np.unique(found)) <= {0, 1}
    assert np.array_equal(found == 1, positive)


@given(images, predictions)
@settings(deadline=None)
def test_ignored_pixels_are_never_coloured(image: Any, predicted: Any) -> None:
    picture = overlay(image, np.full(SHAPE, 255, np.uint8), predicted)
    assert np.array_equal(picture, np.repeat(grey(image)[:, :, None], 3, axis=2))


def test_overlays_survive_being_written_and_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image, truth = rng.integers(0, 40, (32, 48, 1), np.uint8), rng.integers(0, 2, (32, 48)).astype(np.uint8)
    predicted = rng.random((32, 48)) < 0.5
    write_png(tmp_path / "overlay.png", overlay(image, truth, predicted))
    assert np.array_equal(colours(read_image(tmp_path / "overlay.png")), codes(truth, predicted))


def test_real_tiles_overlaid_with_their_own_masks_are_green(shared_data: Path) -> None:
    mask_files = sorted((shared_data / "mtd").rglob("*.png"))[:3]
    assert mask_files
    for file in mask_files:
        truth = (read_mask(file) >= 128).astype(np.uint8)
        found = colours(overlay(read_image(file.with_suffix(".jpg")), truth, truth == 1))
        assert np.array_equal(found, truth)


def test_a_dark_image_is_lifted_and_a_bright_one_keeps_its_order() -> None:
    dark = np.random.default_rng(0).integers(0, 30, (40, 40, 1)).astype(np.uint8)
    assert grey(dark).max() > 200
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert (np.diff(grey(ramp).ravel().astype(int)) >= 0).all()


def test_an_image_of_one_level_needs_no_division() -> None:
    with np.errstate(all="raise"):
        assert grey(np.full((4, 4, 3), 7, np.uint8)).shape == (4, 4)


def test_sizes_that_differ_are_refused() -> None:
    image, truth = np.zeros((4, 4, 1), np.uint8), np.zeros((4, 5), np.uint8)
    with pytest.raises(DataError, match="the image is"):
        overlay(image, truth, np.zeros((4, 5), bool))
    with pytest.raises(DataError, match="the prediction is"):
        codes(truth, np.zeros((4, 4), bool))


@given(
    arrays(np.uint8, (23, 31), elements=st.sampled_from([0, 0, 0, 1, 2])),
    arrays(np.bool_, (23, 31)),
    st.integers(3, 40),
)
@settings(deadline=None, max_examples=50)
def test_a_reduced_overlay_shows_a_colour_wherever_a_pixel_under_it_had_one(
    truth: Any, predicted: Any, side: int
) -> None:
    picture = overlay(np.full((23, 31, 1), 90, np.uint8), truth, predicted)
    small = fitted(picture, side)
    assert max(small.shape[:2]) <= max(side, 1)
    before, after = colours(picture), colours(small)
    if side >= 31:
        assert set(np.unique(after)) == set(np.unique(before))
        return
    factor = -(-31 // side)
    for top in range(0, 23, factor):
        for left in range(0, 31, factor):
            block = before[top : top + factor, left : left + factor]
            shown = after[top // factor, left // factor]
            assert (shown > 0) == bool(block.any())
            assert shown == 0 or shown in block


COUNTS = {
    "ids": ["good", "empty", "bad", "missed", "noisy"],
    "groups": ["g"] * 5,
    "counts": [[90, 5, 5, 0], [0, 0, 0, 100], [10, 40, 10, 40], [0, 0, 30, 70], [0, 60, 0, 40]],
}


def test_worst_images_are_those_of_lowest_f1_among_images_with_defects() -> None:
    assert [pick.id for pick in worst(COUNTS, "f1", 3)] == ["missed", "bad", "good"]


def test_worst_images_by_kind_of_error() -> None:
    assert [pick.id for pick in worst(COUNTS, "false positives", 2)] == ["noisy", "bad"]
    assert [pick.id for pick in worst(COUNTS, "false negatives", 9)] == ["missed", "bad", "good"]


def test_an_empty_image_has_no_f1_of_its_own() -> None:
    assert named(COUNTS, ["empty"])[0].f1 is None
    assert "no defect in it" in panel(np.zeros((2, 2, 3), np.uint8), "cell", named(COUNTS, ["empty"])[0]).second


def test_an_image_that_was_not_scored_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="no image 'other' was scored"):
        named(COUNTS, ["good", "other"])


def test_a_sheet_shows_every_panel_and_a_legend() -> None:
    green = overlay(np.full((50, 80, 1), 90, np.uint8), np.ones((50, 80), np.uint8), np.ones((50, 80), bool))
    pick = Pick("an image with a very long name " * 4, "chosen", 4000, 0, 0)
    sheet = contact_sheet([panel(green, "cell", pick)] * 5, columns=2, side=160)
    assert sheet.shape[1] == 8 + 2 * 168
    assert (sheet == green[0, 0]).all(axis=2).sum() == 5 * 100 * 160
    legend = colours(sheet[:30])
    assert {1, 2, 3} <= set(np.unique(legend))


@pytest.mark.parametrize("height_and_width", [(512, 512), (330, 321), (1240, 500)])
def test_tiles_of_a_sheet_are_no_wider_than_what_stands_in_them(height_and_width: tuple[int, int]) -> None:
    picture = np.zeros((*height_and_width, 3), np.uint8)
    shown = fitted(picture, 320)
    sheet = contact_sheet([Panel(picture, "cell", "id")] * 4)
    assert sheet.shape[1] == 8 + 4 * (shown.shape[1] + 8)
    assert contact_sheet([Panel(picture, "x" * 200)]).shape[1] == 8 + 320 + 8


def test_a_sheet_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="at least one overlay"):
        contact_sheet([])
    assert contact_sheet([Panel(np.zeros((3000, 20, 3), np.uint8), "long")]).shape[2] == 3


def curves_over(thresholds: Any) -> dict[str, Any]:
    return {name: np.linspace(0.1 * n, 1 - 0.1 * n, thresholds.size) for n, name in enumerate(CURVES)}


def test_an_aprf_plot_has_five_named_curves_and_the_threshold() -> None:
    thresholds = np.arange(1001) / 1000
    curves = curves_over(thresholds)
    axis = aprf_plot(Aprf(thresholds, curves, 0.437)).axes[0]
    drawn = [np.asarray(line.get_ydata()) for line in axis.lines]
    assert all(any(np.array_equal(values, line) for line in drawn) for values in curves.values())
    assert any(set(np.asarray(line.get_xdata())) == {0.437} for line in axis.lines)
    texts = {text.get_text() for text in axis.texts}
    assert {"TH 0.437", "F1", "F2"} <= texts
    assert len({line.get_color() for line in axis.lines}) == 6


def test_an_aprf_plot_takes_curves_that_are_undefined_everywhere(tmp_path: Path) -> None:
    thresholds = np.arange(1001) / 1000
    curves = {**curves_over(thresholds), "precision": np.full(1001, np.nan)}
    write_figure(aprf_plot(Aprf(thresholds, curves, 1.0)), tmp_path / "aprf.png")
    assert read_image(tmp_path / "aprf.png").shape[2] == 3


def test_an_aprf_plot_refuses_missing_and_short_curves() -> None:
    thresholds = np.arange(1001) / 1000
    curves = curves_over(thresholds)
    with pytest.raises(DataError, match="needs the curve 'f2'"):
        aprf_plot(Aprf(thresholds, {k: v for k, v in curves.items() if k != "f2"}, 0.5))
    with pytest.raises(DataError, match="7 values for 1,001 thresholds"):
        aprf_plot(Aprf(thresholds, {**curves, "f1": np.zeros(7)}, 0.5))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_labels_are_kept_apart_in_their_order_and_inside(heights: list[float]) -> None:
    moved = spread(np.sort(np.array(heights)), 0.05)
    assert (np.diff(moved) >= 0.05 - 1e-9).all()
    assert moved.max() <= 1
    assert moved.min() >= -1e-9


def history(epochs: int) -> list[dict[str, float]]:
    return [
        {"epoch": e, "step": e, "train_loss": 1 / e, "validation_loss": 2 / e, "validation_f1": 1 - 1 / e}
        for e in range(1, epochs + 1)
    ]


@pytest.mark.parametrize(("epoch", "text"), [(7, "E 7"), (None, "E > 12")])
def test_a_training_plot_marks_convergence_and_the_kept_weights(epoch: int | None, text: str, tmp_path: Path) -> None:
    figure = training_plot(Training(history(12), epoch, 9))
    note = " ".join(found.get_text() for found in figure.axes[0].texts)
    assert text in note
    assert "epoch 9" in note
    write_figure(figure, tmp_path / "training.svg")
    assert (tmp_path / "training.svg").read_text().lstrip().startswith("<?xml")


def test_a_training_without_validations_still_plots(tmp_path: Path) -> None:
    write_figure(training_plot(Training([], None, None)), tmp_path / "empty.png")
    assert (tmp_path / "empty.png").stat().st_size > 0


def test_plots_leave_pyplot_alone_and_reports_load_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "import bench.report.board, bench.render.text, bench.render.markdown, bench.render.latex, bench.render.data\n"
        "import bench.report.cell_document, bench.pictures.sheet, bench.pictures.curves\n"
        "heavy = {'torch', 'scipy', 'pandas', 'matplotlib', 'PIL', 'rich', 'h5py'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import numpy as np\n"
        "bench.pictures.curves.training_plot(bench.pictures.curves.Training([], None, None))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(("height", "width"), [(40, 40), (256, 1600), (1600, 256), (400, 60), (2000, 9)])
@pytest.mark.parametrize("side", [320, 40])
def test_a_single_overlay_has_its_whole_legend_whatever_its_shape(height: int, width: int, side: int) -> None:
    none = np.zeros((height, width), np.uint8)
    grey = overlay(np.full((height, width, 1), 90, np.uint8), none, none > 0)
    sheet = contact_sheet([Panel(grey, "cell")], side=side)
    several = contact_sheet([Panel(grey, "cell")] * 4)
    inked = [{code: int((colours(one) == code).sum()) for code in (1, 2, 3)} for one in (sheet, several)]
    assert inked[0] == inked[1] == dict.fromkeys((1, 2, 3), 13 * 13)
    assert (sheet[:, -4:] == 255).all()  # nothing touches the right edge, so no name is cut off


def test_a_note_stands_below_the_legend() -> None:
    grey = np.full((60, 60, 3), 90, np.uint8)
    plain, noted = (contact_sheet([Panel(grey, "cell")], note=note) for note in ("", "leaky split"))
    assert noted.shape[0] > plain.shape[0]


def test_a_sound_image_has_no_f1_in_its_caption() -> None:
    grey = np.zeros((4, 4, 3), np.uint8)
    captions = [panel(grey, "cell", Pick("a", "chosen", 0, 7, missed)).second for missed in (0, 3)]
    assert captions == ["a: chosen, no defect in it", "a: chosen, F1 0.0"]


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 12, 300])
def test_epochs_are_ticked_at_whole_numbers(epochs: int) -> None:
    axis = training_plot(Training(history(epochs), None, None)).axes[1]
    low, high = axis.get_xlim()
    ticks = [tick for tick in axis.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) for tick in ticks)


def test_a_long_title_is_set_in_lines_and_leaves_the_axes_their_width() -> None:
    titles = ("U-Net", "U-Net " * 40)
    figures = [training_plot(Training(history(3), None, 3, title)) for title in titles]
    widths = []
    for figure in figures:
        figure.draw_without_rendering()
        widths.append(figure.axes[0].get_window_extent().width)
    assert widths[1] == pytest.approx(widths[0], rel=0.01)


def test_curves_without_a_value_are_named_in_words_and_not_at_zero() -> None:
    thresholds = np.arange(1001) / 1000
    absent = {name: np.full(1001, np.nan) for name in CURVES if name != "accuracy"}
    figure = aprf_plot(Aprf(thresholds, {**curves_over(thresholds), **absent}, 0.5))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "no value on test: precision, recall, f1, f2" in texts
    assert "F1" not in texts
