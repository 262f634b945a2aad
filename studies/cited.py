"""What ``docs/results.md`` prints of runs whose numbers lie in the repository, with what is claimed of them.

``docs/cited`` holds ``NAME.zip``, the numbers of a run (``bench export RUN --only numbers``), and ``NAME.yaml``, its
claims. ``python -m studies.cited`` makes board, effects and verdicts of each from the records and writes them between
the markers ``cited NAME`` of ``docs/results.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.commands import claims
from bench.document import Block, Document, Heading, Points, Table
from bench.page.effects import effects_of
from bench.page.run import read_page_run
from bench.render.markdown import to_markdown
from bench.report import above, data_remarks, order_section, power_section
from bench.report.board_document import board_document
from bench.report.effects import Effects
from bench.report.effects_document import effects_document
from bench.report.shape import Leaderboard
from bench.report.verdicts import Judged
from bench.report.verdicts_document import claims_document
from bench.runs.folder import run_folder
from studies.tables import tell

DOCS = Path(__file__).resolve().parent.parent / "docs"
CITED, RESULTS = DOCS / "cited", DOCS / "results.md"
SCORE = "f1@test"
SECTIONS = (data_remarks.TITLE, order_section.TITLE, power_section.TITLE, above.TITLE)
"""How the titles of the sections that are printed begin: what an order rests on, and nothing of cost."""


def archives(folder: Path = CITED) -> list[Path]:
    """The runs that are cited."""
    return sorted(folder.glob("*.zip"))


def block(archive: Path) -> str:
    """The board of an archive, and the verdicts on the claims beside it, as Markdown below a heading of level 2.

    Raises:
        BenchError: the archive is damaged, or its claims have mistakes.
    """
    with run_folder(archive) as folder:
        run = read_page_run(folder, archive.stem)
        found = [one for one in effects_of(run) if one.measure.name == SCORE and one.combinations > 1]
    return cited(run.board, found, claims(archive, file=archive.with_suffix(".yaml")))


def cited(board: Leaderboard, effects: Sequence[Effects], judged: Judged) -> str:
    """The same of a board, effects of axes and verdicts at hand."""
    kept = tuple(one for one in board.sections if one.title.startswith(SECTIONS))
    document = board_document(replace(board, sections=kept))
    said = claims_document(judged)
    points = [one for one in said.blocks if isinstance(one, Points)]
    blocks: list[Block] = [*document.blocks]
    for one in effects:
        told = effects_document(one)
        tables = [block for block in told.blocks if isinstance(block, Table)]
        blocks += [Heading(told.title), *tables[:1]]  # 'bench effects' prints how it depends on other axes
    blocks += [Heading(said.title), *points]
    return to_markdown(Document(document.title, blocks, level=3)).strip()


def main() -> None:
    """Write what is printed of every run that is cited."""
    for archive in archives():
        tell(f"cited {archive.stem}", block(archive), RESULTS)


if __name__ == "__main__":
    main()
