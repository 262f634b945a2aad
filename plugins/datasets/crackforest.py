"""CrackForest (Shi et al. 2016): 118 annotated photographs of urban road with cracks, 480 x 320, in colour.

Layout of the release, at the folder the user names or one level below it::

    image/{NNN}.jpg          155 images
    groundTruth/{NNN}.mat    annotation of 118 of them: a MATLAB struct ``groundTruth`` with ``Segmentation``,
                             uint8[H, W], and ``Boundaries``
    seg/{NNN}.seg            the same segmentation as run text; a copy without this folder is read too

The 37 images without an annotation are not free of cracks: nobody marked them, so they are skipped.

Segments: 1 is background, all others count as crack, as in most publications (``Segmentation > 1``). The release does
not explain them. In the 56 images that were looked at, 2 is the crack, 4 fainter cracks apart from it, and 3 sound road
that the crack encloses (45,340 pixels in image 101, five times its crack): ``segments: [2, 4]`` leaves that out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from bench_plugins.datasets._crackforest_mat import read_matlab
from bench_plugins.datasets._crackforest_seg import read_seg, seg_text
from bench_plugins.datasets._miniature import write_jpg, write_stray
from bench_plugins.datasets._released import Layout, Released, check_marks
from bench_plugins.datasets._settings import check_choice

from bench.api import (
    About,
    Component,
    DataError,
    Dataset,
    Download,
    Image,
    Mask,
    Record,
    Release,
    check_partners,
    check_share,
    check_size,
    check_values,
    entry,
    hookimpl,
    read_image,
    release_files,
    subfolders,
)

ROAD, CRACK, ISLAND, FAINT = 1, 2, 3, 4
KNOWN = range(1, 256)
MOST = 0.5
"""The most that cracks and what they enclose fill is 0.35 of an image, in the 56 that were looked at."""
KINDS: Mapping[str, str] = {"image": ".jpg", "groundTruth": ".mat", "seg": ".seg"}
"""Folders and the files that are read there: three digits and this type. All else is a stray file."""

HOME = "https://github.com/cuilimeng/CrackForest-dataset"
OBTAIN = (
    f"git clone {HOME} crackforest; then name the folder in the suite, 'data: {{crackforest: path/to/crackforest}}', "
    "or with '--data crackforest=path/to/crackforest'"
)


def _records(home: Path) -> Iterator[Record]:
    """Every annotated image in the order of its number, with its annotation in every form that is there.

    Raises:
        DataError: there is no annotation, or one lacks its image, or is there in one of its two forms only.
    """
    folders = {name: entry(home, name) for name in KINDS}
    images, matlab, texts = (release_files(folders[name], rf"(\d{{3}})\{type}")[0] for name, type in KINDS.items())
    check_partners(matlab, images, "image", lambda key: folders["image"] / f"{key}.jpg")
    if folders["seg"].is_dir():
        check_partners(texts, matlab, "MATLAB form", lambda key: folders["groundTruth"] / f"{key}.mat")
        check_partners(matlab, texts, "run text", lambda key: folders["seg"] / f"{key}.seg")
    if not matlab:
        raise DataError(f"{home / 'groundTruth'}: holds no annotation named like 001.mat; {LAYOUT.obtain}")
    for id, path in matlab.items():
        text = (texts[id],) if texts else ()
        yield Record(id=id, group=id, files=(images[id], path, *text))


def _read(record: Record, segments: tuple[int, ...] | None) -> tuple[Image, Mask]:
    """One image ``uint8[H, W, 3]``; the mask is 1 on the ``segments`` that count as crack.

    Raises:
        DataError: a file is damaged, the sizes differ, a segment is unknown, nothing or nearly everything is cracked,
            or the two forms of the annotation differ anywhere.
    """
    image_file, matlab, *texts = record.files
    image = read_image(image_file, channels=3)
    segmentation = _segmentation(matlab)
    check_size(segmentation, image.shape[1], image.shape[0], matlab, image_file)
    check_values(segmentation, KNOWN, matlab)
    for text in texts:
        if not np.array_equal(read_seg(text), segmentation):
            raise DataError(
                f"{matlab}: marks other pixels than {text}, which must be the same annotation; "
                "restore the original files"
            )
    marked = segmentation != ROAD
    check_marks(marked, matlab, "every image of the release has a crack")
    check_share(marked, MOST, matlab)
    crack = segmentation > ROAD if segments is None else np.isin(segmentation, segments)
    return image, crack.astype(np.uint8)


def _segmentation(path: Path) -> Mask:
    """Segment numbers ``uint8[H, W]`` of a MATLAB file.

    Raises:
        DataError: the file cannot be read, or holds no such struct.
    """
    content = read_matlab(path)
    truth = content.get("groundTruth")
    fields = truth.dtype.names if isinstance(truth, np.ndarray) else None
    if truth is None or truth.size != 1 or "Segmentation" not in (fields or ()):
        raise DataError(f"{path}: holds no struct 'groundTruth' with 'Segmentation'; restore the original file")
    found = truth["Segmentation"].item()
    if not isinstance(found, np.ndarray) or found.dtype != np.uint8 or found.ndim != 2:
        raise DataError(f"{path}: its 'Segmentation' is no matrix of 8-bit numbers; restore the original file")
    return np.ascontiguousarray(found)


LAYOUT = Layout(
    holds=lambda folder: len(subfolders(folder, ("image", "groundTruth"))) == 2,
    wanted="folders image and groundTruth",
    obtain=f"to get it, {OBTAIN}",
    image="image/001.jpg",
    unknown="no annotated image {!r}; ids are like '001'",
)


def build(root: Path, /, *, segments: tuple[int, ...] | None = None) -> Dataset:
    """Read the annotated images; ``segments`` are the numbers that count as crack, null means all but the background.

    Raises:
        SettingsError: no segment, one named twice, or one that is not 2 or more.
    """
    check_choice("segments", segments, range(CRACK, sys.maxsize), "numbers from 2 on, each once (1 is the background)")
    return Released(root, LAYOUT, ("crack",), _records, partial(_read, segments=segments))


EXAMPLE: Sequence[tuple[int, ...]] = (*[(CRACK,)] * 7, (CRACK, ISLAND), (CRACK, ISLAND, FAINT), (CRACK, FAINT))
"""Segments beside the road on each annotated image of the miniature."""
EXAMPLE_BARE = ("119", "120")
HEIGHT, WIDTH = 64, 96


def example(folder: Path) -> None:
    """Write a miniature of the release: ten annotated images, a fifth of the size, two bare ones, and stray files."""
    for number, segments in enumerate(EXAMPLE, start=1):
        segmentation = _cracked(segments, np.random.default_rng([1, number]))
        _write_photograph(folder / "image" / f"{number:03d}.jpg", segmentation, np.random.default_rng([2, number]))
        _write_matlab(folder / "groundTruth" / f"{number:03d}.mat", segmentation)
        text = folder / "seg" / f"{number:03d}.seg"
        text.parent.mkdir(exist_ok=True)
        text.write_text(seg_text(segmentation, rf"C:\crack image\image\{number:03d}.jpg"), encoding="ascii")
    for name in EXAMPLE_BARE:
        rng = np.random.default_rng([3, int(name)])
        _write_photograph(folder / "image" / f"{name}.jpg", _cracked((CRACK,), rng), rng)
    write_stray(folder / "image" / "Thumbs.db")
    (folder / "groundTruth" / "001 (copy).mat").write_bytes(b"not an annotation")
    (folder / "README.md").write_text("CrackForest Dataset\n", encoding="ascii")


def _cracked(segments: Sequence[int], rng: np.random.Generator) -> Mask:
    """A wavering crack from side to side, with an island in a loop and a faint crack above it where asked for."""
    segmentation = np.full((HEIGHT, WIDTH), ROAD, np.uint8)
    rows = 36 + np.cumsum(rng.integers(-1, 2, WIDTH)).clip(-8, 8)
    for column, row in enumerate(rows.tolist()):
        segmentation[row : row + 3, column] = CRACK
        if FAINT in segments and 10 < column < 40:
            segmentation[row - 20, column] = FAINT
    if ISLAND in segments:
        row, column = int(rows[60]) + 2, 55
        segmentation[row : row + 12, column : column + 16] = CRACK
        segmentation[row + 2 : row + 10, column + 2 : column + 14] = ISLAND
    return segmentation


def _write_photograph(path: Path, segmentation: Mask, rng: np.random.Generator) -> None:
    """Grey-brown asphalt with grain, darker in the cracks."""
    dark = np.isin(segmentation, (CRACK, FAINT))
    grey = 145 + 12 * rng.standard_normal(segmentation.shape) - np.where(segmentation == FAINT, 20, 45) * dark
    write_jpg(path, grey[:, :, None] + (4, 0, -4))


def _write_matlab(path: Path, segmentation: Mask) -> None:
    """The struct of the release; its first line, which states the time of writing, is the same every time."""
    from io import BytesIO

    from scipy.io import savemat

    across = np.diff(segmentation, axis=1, prepend=segmentation[:, :1])
    down = np.diff(segmentation, axis=0, prepend=segmentation[:1])
    boundaries = ((across != 0) | (down != 0)).astype(np.uint8)
    file = BytesIO()
    struct = {"Segmentation": segmentation, "Boundaries": boundaries}
    savemat(file, {"groundTruth": struct}, do_compression=True)
    first = b"MATLAB 5.0 MAT-file, Platform: PCWIN64, Created on: Fri Jan 02 12:05:39 2015".ljust(116)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(first + file.getvalue()[len(first) :])


ABOUT = About(
    summary=(
        "CrackForest: urban road with cracks, 118 annotated colour images, all with cracks; the 37 images without an "
        "annotation are skipped, as they are not free of cracks; no official split"
    ),
    licence="non-commercial research only",
    withheld="its licence is for research alone and allows no copies",
    citation=(
        "Shi, Cui, Qi, Meng, Chen: Automatic road crack detection using random structured forests, "
        "IEEE Transactions on Intelligent Transportation Systems 17 (2016) 3434-3445"
    ),
    home=HOME,
    obtain=OBTAIN,
)
RELEASE = Release(
    downloads=(Download((f"{HOME}/archive/refs/heads/master.zip",)),),
    images=118,
    defective=118,
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer the annotated images."""
    yield Component("crackforest", build, about=ABOUT, example=example, release=RELEASE)
