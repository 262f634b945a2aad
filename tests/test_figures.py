"""Figures for papers: fonts, widths, captions, choice of cells, and what cannot be drawn."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.catalog import Catalog
from bench.commands import board_of_run
from bench.errors import DataError
from bench.figures.asked import KINDS, Asked
from bench.figures.choice import best_cells, named_cells
from bench.figures.predictions import window_of
from bench.figures.source import Source
from bench.images import read_image
from bench.pictures.curves import CURVES, Aprf, Training, aprf_panels, training_panels
from bench.pictures.journals import JOURNALS, MM, NARROWEST, PAGE, UNITS, WIDEST, inches
from bench.pictures.plate import Head, Row, Tile, plate
from bench.pictures.style import COLOURS, lettered, printed, write_figure
from bench.runs.folder import read_run, records_in
from bench.store.home import Places
from bench.suite.schema import Ref
from tiny import Done, bench

POINTS = 72
OF_CELLS = ("predictions", "aprf", "training")
FIGURES = ("context", *OF_CELLS, "effects-crop", "costs")
THRESHOLDS = np.arange(1001) / 1000
MODULES = "models.py"


@pytest.fixture(scope="module")
def world(ran_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world that has run, without its suite file and without the plugin of its model."""
    folder = tmp_path_factory.mktemp("figures") / "world"
    shutil.copytree(ran_world, folder)
    (folder / "tiny.yaml").unlink()
    (folder / MODULES).unlink()
    return folder


@pytest.fixture(scope="module")
def drawn(world: Path) -> Done:
    return bench(world, "figures", "tiny")


@pytest.fixture
def figures(world: Path, drawn: Done) -> Path:
    assert drawn.returncode == 0, drawn.stderr
    return world / "runs" / "tiny" / "figures"


@pytest.fixture(scope="module")
def source(world: Path, catalog: Catalog) -> Source:
    folder = world / "runs" / "tiny"
    suite, _ = read_run(folder)
    return Source(
        suite, board_of_run(folder), records_in(folder, suite), catalog, Places(world / "home", folder, suite.data)
    )


def media_box(path: Path) -> tuple[float, float]:
    """Width and height of a PDF's page in points."""
    found = re.search(rb"/MediaBox \[ ?0 0 ([0-9.]+) ([0-9.]+) ?\]", path.read_bytes())
    assert found
    return float(found[1]), float(found[2])


def test_a_run_alone_gives_every_figure_in_every_format(figures: Path, drawn: Done) -> None:
    for name in FIGURES:
        for form in ("pdf", "svg", "png"):
            assert (figures / f"{name}.{form}").is_file()
            assert f"{name}: pdf, svg, png; 190 mm wide" in drawn.stdout
    assert {path.name for path in figures.iterdir() if path.suffix in (".md", ".tex")} == {
        "captions.md", "captions.tex", "tables.tex",
    }  # fmt: skip


def test_what_a_run_has_nothing_of_is_said_and_no_fault_unless_it_was_asked_for(world: Path, drawn: Done) -> None:
    line = "views: nothing to draw: the run has one data set, and viewpoints correspond between two"
    assert line in drawn.stderr
    asked = bench(world, "figures", "tiny", "--only", "views", "--to", "elsewhere")
    assert (asked.returncode, asked.stderr.strip()) == (3, line)


@pytest.mark.parametrize("name", FIGURES)
def test_fonts_are_embedded_as_true_type(figures: Path, name: str) -> None:
    content = (figures / f"{name}.pdf").read_bytes()
    assert b"/Type3" not in content
    assert content.count(b"/FontFile2") == content.count(b"/Type /FontDescriptor") > 0
    assert b"/Subtype /CIDFontType2" in content or b"/Subtype /TrueType" in content


def test_an_independent_reader_of_pdf_finds_these_fonts_too(figures: Path) -> None:
    if shutil.which("pdffonts") is None:
        pytest.skip("pdffonts (poppler-utils) is not installed; the test above reads the fonts itself")
    listed = subprocess.run(["pdffonts", figures / "aprf.pdf"], capture_output=True, text=True, check=True).stdout
    fonts = listed.splitlines()[2:]
    assert fonts
    for font in fonts:
        assert "TrueType" in font
        assert re.search(r"Identity-H +yes yes yes", font)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_exactly_as_wide_as_asked_and_fits_a_page(figures: Path, name: str) -> None:
    width, height = media_box(figures / f"{name}.pdf")
    assert width == pytest.approx(190 / 25.4 * POINTS, abs=0.001)
    assert height <= PAGE * POINTS
    assert abs(read_image(figures / f"{name}.png").shape[1] - 190 / 25.4 * 600) <= 1


def test_widths_are_those_of_a_journal_or_lengths_and_of_single_kinds(world: Path, tmp_path: Path) -> None:
    widths = ("--journal", "ieee", "--width", "1", "--width", "costs=88mm")
    done = bench(world, "figures", "tiny", "--only", "aprf,costs", "--format", "pdf", *widths, "--to", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert media_box(tmp_path / "aprf.pdf")[0] == pytest.approx(3.5 * POINTS, abs=0.001)
    assert media_box(tmp_path / "costs.pdf")[0] == pytest.approx(88 / 25.4 * POINTS, abs=0.001)
    assert [path.name for path in tmp_path.glob("*.[sp][vn]g")] == []


def test_the_same_run_gives_the_same_files(world: Path, figures: Path, tmp_path: Path) -> None:
    done = bench(world, "figures", "tiny", "--to", str(tmp_path))
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in figures.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (figures / name).read_bytes(), name


def test_captions_hold_run_cell_threshold_and_split_of_the_record(source: Source, figures: Path) -> None:
    for text in ((figures / "captions.md").read_text(), (figures / "captions.tex").read_text()):
        parts = re.split(r"^## |(?=\\begin\{figure)", text, flags=re.MULTILINE)[1:]
        for kind in OF_CELLS:
            (part,) = [part for part in parts if part.startswith(f"{kind},") or f"{{fig:{kind}}}" in part]
            (choice,) = best_cells(source, None)
            for panel in choice.panels:
                stored = json.loads((figures.parent / "cells" / f"{panel.cell.id}.json").read_text())
                threshold = stored["scores"]["validation"]["threshold"]
                assert f"threshold {threshold:.3f}, chosen on the validation split; cell {panel.cell.id}" in part
            assert "Run tiny" in part
            assert source.suite.hash in part
        for kind in ("predictions", "aprf"):
            assert any("test split" in part and kind in part for part in parts)


def test_latex_includes_every_figure_at_its_own_size_across_the_columns_that_it_takes(
    world: Path, figures: Path, tmp_path: Path
) -> None:
    text = (figures / "captions.tex").read_text()
    for name in FIGURES:
        assert rf"\includegraphics{{{name}.pdf}}" in text
        assert rf"\label{{fig:{name}}}" in text
    assert text.count(r"\begin{figure*}") == text.count(r"\end{figure*}") == text.count(r"\caption{")
    bench(world, "figures", "tiny", "--only", "aprf", "--width", "1", "--format", "pdf", "--to", str(tmp_path))
    assert r"\begin{figure}" in (tmp_path / "captions.tex").read_text()


def test_cells_are_chosen_by_validation_whatever_their_test_scores(source: Source) -> None:
    shuffled = {}
    for number, (id, record) in enumerate(source.records.items()):
        scores = {**record.plain_scores, "test": {**record.plain_scores["test"], "f1": number / 100}}
        shuffled[id] = record.changed(scores=scores)
    chosen = [[panel.cell.id for panel in choice.panels] for choice in best_cells(source, None)]
    assert chosen == [
        [panel.cell.id for panel in choice.panels] for choice in best_cells(replace(source, records=shuffled), None)
    ]
    scores = {id: record.of_split("validation").number("f1") or 0.0 for id, record in source.records.items()}
    assert chosen == [[max(scores, key=scores.__getitem__)]]


def test_every_level_of_an_axis_has_its_best_cell_and_named_cells_come_as_named(source: Source) -> None:
    (choice,) = best_cells(source, "crop")
    assert [panel.name for panel in choice.panels] == ["uniform", "defect-centred"]
    ids = [panel.cell.id for panel in reversed(choice.panels)]
    (named,) = named_cells(source, ids)
    assert [panel.cell.id for panel in named.panels] == ids
    assert named.how != choice.how


def test_without_its_evidence_a_cell_is_named_and_all_that_needs_none_is_written(world: Path, tmp_path: Path) -> None:
    home = tmp_path / "world"
    shutil.copytree(world, home)
    shutil.rmtree(home / "home" / "stages" / "predict")
    done = bench(home, "figures", "tiny", "--format", "pdf", "--to", "out")
    assert done.returncode == 3
    assert {path.stem for path in (home / "out").glob("*.pdf")} == {"context", "training", "effects-crop", "costs"}
    lines = [line for line in done.stderr.splitlines() if "not drawn" in line]
    assert [line.partition(":")[0] for line in lines] == ["predictions", "aprf"]
    assert all("predict stage of cell" in line and "run the suite again" in line for line in lines)


def test_without_its_images_curves_are_drawn_all_the_same(world: Path, tmp_path: Path) -> None:
    data = ("--data", f"folder={tmp_path / 'gone'}")
    done = bench(
        world, "figures", "tiny", "--only", "aprf,predictions", "--format", "svg", "--to", str(tmp_path), *data
    )
    assert done.returncode == 3
    assert [path.name for path in tmp_path.glob("*.svg")] == ["aprf.svg"]
    (line,) = done.stderr.splitlines()
    assert line.startswith("predictions: not drawn: ")


def test_images_that_changed_since_are_not_shown_beside_what_was_predicted_of_them(source: Source) -> None:
    cell = next(iter(source.cells.values()))
    with pytest.raises(DataError, match="is not what this run was scored on"):
        source.images(cell.dataset, "0" * 32)


def test_a_licence_that_forbids_pictures_is_kept_until_the_user_says_otherwise(source: Source) -> None:
    with pytest.raises(DataError, match=r"may not be passed on: its licence .* --permitted csem-misd"):
        source.images(Ref(use="csem-misd"), None)
    with pytest.raises(DataError) as absent:
        replace(source, permitted=["csem-misd"]).images(Ref(use="csem-misd"), None)
    assert "--permitted" not in str(absent.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--only", "apfr"), "Did you mean 'aprf'?"),
        (("--format", "jpg"), "unknown format 'jpg'"),
        (("--width", "88"), "give 1, 1.5, 2 (columns of elsevier), or a length such as 88mm"),
        (("--width", "88mn"), "unknown unit 'mn'. Known: mm, cm"),
        (("--width", "9mm"), "a figure is 40 to 210 mm wide"),
        (("--journal", "ieee", "--width", "1.5"), "give 1, 2 (columns of ieee)"),
        (("--width", "aprv=1"), "Did you mean 'aprf'?"),
        (("--font", "DejaVu Sansa"), "Did you mean 'DejaVu Sans'?"),
        (("--cell", "zz"), "no cell id"),
        (("--by", "modle"), "Did you mean 'model'?"),
    ],
)
def test_what_cannot_be_asked_is_one_line_with_a_remedy(world: Path, options: tuple[str, ...], words: str) -> None:
    done = bench(world, "figures", "tiny", "--to", "nowhere", *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (world / "nowhere").exists()


def test_an_archive_is_drawn_into_a_folder_that_is_named(world: Path, tmp_path: Path) -> None:
    assert bench(world, "export", "tiny", "--to", "tiny.zip").returncode == 0
    assert "--to" in bench(world, "figures", "tiny.zip").stderr
    done = bench(world, "figures", "tiny.zip", "--only", "costs", "--format", "svg", "--to", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "costs.svg").is_file()


@pytest.mark.parametrize("journal", JOURNALS)
def test_columns_of_a_journal_grow_and_are_widths_that_a_figure_can_have(journal: str) -> None:
    widths = [inches(columns, journal) for columns in JOURNALS[journal]]
    assert widths == sorted(widths)
    assert all(NARROWEST <= width <= WIDEST for width in widths)


@given(st.sampled_from(sorted(UNITS)), st.integers(45, 200))
def test_a_length_is_the_same_in_every_unit(unit: str, millimetres: int) -> None:
    number = f"{millimetres * MM / UNITS[unit]:.6f}"
    assert inches(f"{number}{unit}", "elsevier") == pytest.approx(inches(f"{millimetres}mm", "elsevier"), abs=1e-5)


def aprf(name: str = "U-Net", threshold: float = 0.437) -> Aprf:
    curves = {curve: np.linspace(0.1 * n, 1 - 0.1 * n, THRESHOLDS.size) for n, curve in enumerate(CURVES)}
    return Aprf(THRESHOLDS, curves, threshold, name)


def training(name: str = "U-Net") -> Training:
    rows = [{"epoch": e, "train_loss": 1 / e, "validation_loss": 2 / e, "validation_f1": 1 - 1 / e} for e in (1, 2, 3)]
    return Training(rows, 2, 3, name)


@pytest.mark.parametrize("width", [88 * MM, 140 * MM, 190 * MM])
@pytest.mark.parametrize("kind", ["aprf", "training"])
def test_a_legend_covers_no_axes_and_nothing_leaves_the_figure(kind: str, width: float) -> None:
    count = round(width / (80 * MM))
    with printed():
        if kind == "training":
            figure = training_panels([training()] * count, width)
        else:
            figure = aprf_panels([aprf()] * 3, width)
        figure.canvas.draw()
    (legend,) = figure.legends
    whole, key = figure.bbox, legend.get_window_extent()
    shown = [axis.get_tightbbox() for axis in figure.axes if axis.get_visible()]
    assert not any(key.overlaps(box) for box in shown)
    for box in (key, *shown):
        assert whole.x0 - 1 <= box.x0 < box.x1 <= whole.x1 + 1


def test_more_panels_than_a_page_has_room_for_are_refused_with_what_to_do() -> None:
    with pytest.raises(DataError, match="name fewer cells with --cell, or a larger --width"):
        training_panels([training()] * 3, 88 * MM)


def test_all_letters_of_a_figure_for_print_are_of_7_or_8_points() -> None:
    from matplotlib.text import Text

    with printed():
        figure = aprf_panels([aprf(), aprf("FCN")], 190 * MM)
        figure.canvas.draw()
    sizes = {round(text.get_fontsize(), 1) for text in figure.findobj(Text) if text.get_text()}
    assert sizes <= {7.0, 8.0}


def test_the_user_s_own_settings_of_matplotlib_change_no_figure_for_print(tmp_path: Path) -> None:
    import matplotlib

    with printed():
        write_figure(aprf_panels([aprf()], 88 * MM), tmp_path / "one.svg")
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "yellow", "svg.fonttype": "none"}):
        with printed():
            write_figure(aprf_panels([aprf()], 88 * MM), tmp_path / "other.svg")
        assert matplotlib.rcParams["font.size"] == 20
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()


def test_curves_differ_by_their_dash_too() -> None:
    assert len({str(dash) for _, _, dash in CURVES.values()} | {":"}) == len(CURVES) + 1


def test_the_first_colours_are_different_greys() -> None:
    def grey(colour: str) -> float:
        red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    greys = sorted(map(grey, COLOURS[:4]))
    assert min(np.diff(greys)) > 0.1


def test_panels_are_lettered_past_the_alphabet() -> None:
    assert [lettered(number) for number in (0, 25, 26, 27)] == ["(a)", "(z)", "(aa)", "(ab)"]
    assert lettered(1, "U-Net") == "(b) U-Net"


def noise(height: int, width: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_pixels_are_embedded_as_they_are(tmp_path: Path) -> None:
    from PIL import Image

    picture = noise(30, 40)
    write_figure(plate([Row("a", [Tile(picture)])], 88 * MM), tmp_path / "plate.svg")
    (data,) = re.findall(r"base64,([^\"]+)\"", (tmp_path / "plate.svg").read_text())
    embedded = np.asarray(Image.open(BytesIO(base64.b64decode(data))).convert("RGB"))
    assert np.array_equal(embedded, picture) or np.array_equal(embedded[::-1], picture)


@pytest.mark.parametrize(("height", "width"), [(40, 40), (30, 160), (160, 30)])
@pytest.mark.parametrize("rows", [1, 5])
def test_a_plate_is_as_wide_as_asked_keeps_shapes_and_fits_a_page(height: int, width: int, rows: int) -> None:
    tiles = [Tile(noise(height, width), "F1 50.0 %")] * 3
    figure = plate([Row("a name of several words", tiles)] * rows, 140 * MM, heads=[[Head("x", 2), Head("y")]])
    assert figure.get_figwidth() == pytest.approx(140 * MM)
    assert figure.get_figheight() <= PAGE + 1e-9
    boxes = [axis.get_window_extent() for axis in figure.axes]
    assert len(boxes) == 3 * rows
    for number, box in enumerate(boxes):
        assert box.height / box.width == pytest.approx(height / width, rel=1e-6)
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_images_of_a_row_are_about_as_high_whatever_their_shapes() -> None:
    shapes = [(60, 40), (40, 90), (30, 30)]
    figure = plate([Row("a", [Tile(noise(*shape)) for shape in shapes])], 140 * MM)
    heights = [axis.get_window_extent().height for axis in figure.axes]
    assert heights == pytest.approx([heights[0]] * 3)


def test_more_rows_than_a_page_has_room_for_are_refused_with_what_to_do() -> None:
    with pytest.raises(DataError, match="name fewer cells with --cell"):
        plate([Row("a", [Tile(noise(20, 20))])] * 40, 88 * MM)


@given(arrays(np.bool_, (23, 31), elements=st.sampled_from([False] * 30 + [True])))
def test_the_part_that_is_shown_holds_all_that_is_marked_and_lies_inside(marked: Any) -> None:
    rows, columns = window_of(marked)
    assert marked[rows, columns].sum() == marked.sum()
    assert 0 <= rows.start < rows.stop <= 23
    assert 0 <= columns.start < columns.stop <= 31
    tall, wide = rows.stop - rows.start, columns.stop - columns.start
    assert tall == wide or 23 == tall < wide or 31 == wide < tall


def test_python_takes_the_same_words_as_the_command() -> None:
    with pytest.raises(DataError, match="Did you mean 'aprf'"):
        Asked(kinds=("apfr",))


def test_the_page_of_the_manual_has_every_kind_and_the_widths_of_every_journal() -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "figures.md").read_text()
    for kind in KINDS:
        assert f"\n| `{kind}` |" in page
    for journal, columns in JOURNALS.items():
        (row,) = re.findall(rf"\n\| `{journal}`(.*)\|", page)
        widths = [float(text) for text in re.findall(r"([0-9.]+) mm", row)]
        assert widths == pytest.approx([width / MM for width in columns.values()], abs=0.06)
