"""Whatever is told is a document: a renderer that knows none of it sets all of it, and loses nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from bench.audit.card import CardFacts, card
from bench.audit.coverage import coverage_document
from bench.audit.pixels import pixel_facts
from bench.component import About
from bench.document import (
    Block,
    Cell,
    Code,
    Document,
    Heading,
    Listing,
    Notes,
    Paragraph,
    Picture,
    Points,
    Table,
    Text,
    Verbatim,
    bare,
)
from bench.record import record_from
from bench.render.formats import FORMATS
from bench.report.board_document import board_document
from bench.report.cell_document import cell_document
from bench.report.compare import compare, gates_met
from bench.report.comparison_document import comparison_document
from bench.report.effects import effects
from bench.report.effects_document import effects_document
from bench.report.gates import gate_from
from bench.report.measures import measure_of
from crops_worlds import World
from report_samples import board_of, by_id, failed, product_cells, record, side_of, typed
from test_report_order import a_run


def to_page(document: Document) -> str:
    """A renderer of HTML as somebody else would write it: it has heard of no leaderboard."""
    return "\n".join([f"<h1>{said(document.title)}</h1>", *map(block_of, document.blocks)])


def said(text: Text) -> str:
    return html.escape(bare(text))


def items(texts: Sequence[Text], tag: str) -> str:
    return "".join(f"<{tag}>{said(text)}</{tag}>" for text in texts)


def block_of(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{said(text)}</h2>"
        case Paragraph(texts):
            return items(texts, "p")
        case Points(texts) | Notes(texts):
            return f"<ul>{items(texts, 'li')}</ul>"
        case Listing(pairs):
            return "<dl>" + "".join(f"<dt>{said(name)}</dt><dd>{said(text)}</dd>" for name, text in pairs) + "</dl>"
        case Verbatim(text):
            return f"<pre>{html.escape(text)}</pre>"
        case Picture(file, text):
            return f'<img src="{file}" alt="{said(text)}">'
        case Table():
            heads = items([block.corner, *(column.head for column in block.columns)], "th")
            rows = "".join(f"<tr>{items([row.name], 'th')}{cells_of(block.cells(row))}</tr>" for row in block.rows)
            return f"<table><caption>{said(block.title)}</caption><tr>{heads}</tr>{rows}</table>"


def cells_of(cells: Iterator[tuple[Cell, int]]) -> str:
    return "".join(f'<td colspan="{span}">{said(str(cell))}</td>' for cell, span in cells)


def a_board() -> Document:
    cells = product_cells(3)
    records = [record(one, 0.4 + 0.01 * n, 0.3 + 0.01 * n) for n, one in enumerate(cells)]
    records[:3] = [failed(one, "loss is nan & void", "diverged") for one in cells[:3]]
    return board_document(board_of(cells, by_id(*records)))


def an_effect() -> Document:
    cells = product_cells(3)
    found = effects(cells, typed(a_run(cells)), "crop", metric="f1@test", reference=None, suite_name="cropping")
    return effects_document(found)


def a_comparison() -> Document:
    cells = product_cells(1)
    sides = [
        side_of(name, {one.id: record(one, 0.4, f1) for one in cells}) for name, f1 in (("before", 0.3), ("after", 0.2))
    ]
    found = compare(*sides, [measure_of("f1@test")])
    return comparison_document(found, gates_met(found, [gate_from("f1@test < -5")]))


def a_cell() -> Document:
    stored = record(product_cells(1)[0], 0.4, 0.3, reason="a & b\n  c")
    return cell_document(record_from(stored, "a record"), ["cells/aprf.png"])


def a_card() -> Document:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (20, 30, 1)).astype(np.uint8) for _ in range(6)]
    masks = [np.pad(np.ones((3, 3), np.uint8), ((n, 17 - n), (0, 27))) for n in range(6)]
    world = World(images, masks)
    index = world.index()
    facts = CardFacts(
        name="world",
        version=1,
        badge="made & up",
        about=About("Noise.", home="https://example.org"),
        release=None,
        settings={"objects": 6},
        index=index,
        pixels=pixel_facts(index, world),
        assignment="too few groups",
        pictures={"examples": "examples.png"},
    )
    return card(facts)


def a_coverage() -> Document:
    return coverage_document([{"dataset": "d", "crop": "uniform", "images": 3, "empty_crops_share": 0.25}])


TOLD = (a_board, an_effect, a_comparison, a_cell, a_card, a_coverage)


@pytest.mark.parametrize("told", TOLD)
def test_a_renderer_from_outside_sets_whatever_is_told(told: Callable[[], Document]) -> None:
    document = told()
    page = to_page(document)
    assert page.count("<table>") == sum(isinstance(block, Table) for block in document.blocks) > 0
    for table in re.findall("<table>.*?</table>", page):
        rows = re.findall("<tr>(.*?)</tr>", table)
        assert len({columns_of(row) for row in rows}) == 1


def columns_of(row: str) -> int:
    return row.count("<th>") + sum(int(span) for span in re.findall('colspan="(.)"', row))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("told", TOLD)
def test_every_format_shows_every_value_of_whatever_is_told(told: Callable[[], Document], form: str) -> None:
    document = told()
    shown = FORMATS[form].render(document)
    tables = [block for block in document.blocks if isinstance(block, Table)]
    values = [str(cell.text) for table in tables for row in table.rows for cell, _ in table.cells(row)]
    assert all(value in shown for value in values if re.fullmatch(r"[\w.,]+", value) and "_" not in value)


@pytest.mark.parametrize("form", FORMATS)
def test_blocks_that_hold_nothing_leave_nothing(form: str) -> None:
    empty = [Paragraph(()), Points(()), Notes(()), Listing((), "Title")]
    render = FORMATS[form].render
    assert render(Document("A", [*empty, Paragraph(["b"]), *empty])) == render(Document("A", [Paragraph(["b"])]))


@pytest.mark.parametrize("form", FORMATS)
def test_control_characters_of_a_label_reach_no_format(form: str) -> None:
    nasty = "a\x1b[31m\nb\x07"
    texts = [Heading(nasty), Paragraph([(nasty, Code(nasty))])]
    blocks = [*texts, Verbatim(nasty), Verbatim(nasty, nasty), Picture(nasty)]
    shown = FORMATS[form].render(Document(nasty, blocks))
    assert not set(shown) & {"\x1b", "\x07"}
