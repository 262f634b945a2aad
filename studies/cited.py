"""What ``docs/results.md`` prints of runs whose numbers lie in the repository, with what is claimed of them.

``docs/cited`` holds ``NAME.zip``, the numbers of a run (``bench export RUN --only numbers``), and ``NAME.yaml``, its
claims. ``python -m studies.cited`` makes board and verdicts of each from the records and writes them between the
markers ``cited NAME`` of ``docs/results.md``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.commands import board_of_run, claims
from bench.document import Document, Heading, Points
from bench.render.markdown import to_markdown
from bench.report import above, data_remarks, order_section, power_section
from bench.report.board_document import board_document
from bench.report.shape import Leaderboard
from bench.report.verdicts import Judged
from bench.report.verdicts_document import claims_document
from studies.tables import tell

DOCS = Path(__file__).resolve().parent.parent / "docs"
CITED, RESULTS = DOCS / "cited", DOCS / "results.md"
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
    return cited(board_of_run(archive), claims(archive, file=archive.with_suffix(".yaml")))


def cited(board: Leaderboard, judged: Judged) -> str:
    """The same of a board and verdicts at hand."""
    kept = tuple(one for one in board.sections if one.title.startswith(SECTIONS))
    document = board_document(replace(board, sections=kept))
    said = claims_document(judged)
    points = [one for one in said.blocks if isinstance(one, Points)]
    blocks = [*document.blocks, Heading(said.title), *points]
    return to_markdown(Document(document.title, blocks, level=3)).strip()


def main() -> None:
    """Write what is printed of every run that is cited."""
    for archive in archives():
        tell(f"cited {archive.stem}", block(archive), RESULTS)


if __name__ == "__main__":
    main()
