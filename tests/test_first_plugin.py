"""The tutorial is run as it is written: every file, every command, and what it says they answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.testing import breaches, named
from pages import blocks
from sampling import whole_run
from stranger import ROOT, Stranger, arrive

DOCUMENT = ROOT / "docs" / "first-plugin.md"


def missing(said: str, output: str) -> str | None:
    """The first line of ``said`` that does not stand in ``output`` after those before it."""
    at = 0
    for line in said.splitlines():
        found = output.find(line, at)
        if found < 0:
            return line
        at = found + len(line)
    return None


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    return arrive(tmp_path_factory.mktemp("tutorial"))


@whole_run
def test_every_file_and_command_does_what_the_page_says(stranger: Stranger) -> None:
    output = ""
    for block in blocks(DOCUMENT):
        if block.language == "sh":
            done = stranger.sh(block.text)
            output = done.stdout + done.stderr
            assert done.returncode in block.codes, f"{block.text}\n{output}"
        elif block.language == "text":
            lost = missing(block.text, output)
            assert lost is None, f"the page says {lost!r}, the command said:\n{output}"
        else:
            assert block.file, block.text
            (stranger.folder / block.file).write_text(block.text)
    for suite in ("first", "dents"):
        assert (stranger.folder / "runs" / suite / "leaderboard.csv").is_file()
    assert list((stranger.folder / "dist").glob("dents-*.whl"))


def final_reader() -> str:
    """The last version of ``dents.py`` on the page."""
    return [block.text for block in blocks(DOCUMENT) if block.file == "dents.py"][-1]


GLOB = 'self.root.glob("P[0-9][0-9]_[ab].png")'
MARKED = "(values == 255).astype(np.uint8)"
MISTAKES = {
    "it cannot be loaded: NameError": ("Component(NAME, build,", "Component(NAME, biuld,"),
    "must take 1 positional-only argument before '/'": ("def build(root: Path, /)", "def build(root: Path)"),
    "needs a type and a default": ("def build(root: Path, /)", "def build(root: Path, /, *, level=128)"),
    "imports torch": ("import numpy as np\n", "import numpy as np\nimport torch\n"),
    "it has no About": ("about=ABOUT, ", ""),
    "it has no example": (", example=example", ""),
    "its example writes another P00_a.png the second time": ("default_rng([panel, number])", "default_rng()"),
    "an absent folder lists no image and is not refused": ("if not images:", "if False:"),
    "records() lists 'P00' twice": ("Record(image.stem,", "Record(image.stem[:3],"),
    "records() opens P00_a.png": (f"sorted({GLOB})", f"[path for path in sorted({GLOB}) if read_pair(path, path)]"),
    "which no record names in its files": ("files=(image, mask_of(image))", "files=(image,)"),
    "with a stray Thumbs.db": (GLOB, 'path for path in self.root.glob("*") if "_mask" not in path.name'),
    "returns another image or mask without complaint": (
        "        pixels, values = read_pair(image, mask_of(image))\n",
        "        from bench.api import read_image\n\n"
        "        pixels, values = read_image(image), np.zeros((48, 48), np.uint8)\n"
        "        if mask_of(image).is_file():\n            pixels, values = read_pair(image, mask_of(image))\n",
    ),
    "returned the mask values [127], which are no class": (MARKED, "values // 2"),
    "no image of its example has a defect of the class dent": (MARKED, "values"),
    "decodes the same image differently the second time": (
        "Sample(id, pixels,",
        "Sample(id, np.random.default_rng().permuted(pixels),",
    ),
    "load of an unknown id raises AttributeError": (
        "        pixels, values = read_pair(image, mask_of(image))\n",
        "        import cv2\n\n        pixels, values = cv2.imread(str(image)), cv2.imread(str(mask_of(image)), 0)\n"
        "        pixels = pixels.copy()\n",
    ),
    "it cannot be split": ("group=image.stem[:3]", 'group="panel"'),
}
"""Sentence to the change of the tutorial's reader that brings it about."""


@pytest.mark.sampled(each=6)
@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_mistake_is_told_in_the_sentence_of_the_table(tmp_path: Path, sentence: str) -> None:
    right, wrong = MISTAKES[sentence]
    assert final_reader().count(right) >= 1
    file = tmp_path / "dents.py"
    file.write_text(final_reader().replace(right, wrong))
    found = named(str(file))
    told = [f"it cannot be loaded: {lost.reason}" for lost in found.quarantined]
    told += [line for offer in found.offers for line in breaches(offer.kind, offer.component)]
    assert any(sentence in line for line in told), told


def test_the_table_holds_these_sentences_and_no_others() -> None:
    table = DOCUMENT.read_text().partition("## What a failure means")[2]
    assert re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE) == list(MISTAKES)


def test_every_folder_named_exists() -> None:
    for folder in re.findall(r"`(examples/\w+)`", DOCUMENT.read_text()):
        assert (ROOT / folder).is_dir(), folder
