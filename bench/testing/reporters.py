"""The contract of reporters: a section says something of any records, a format sets any document and loses nothing."""

from __future__ import annotations

from typing import Any, get_args

from bench.component import Component
from bench.document import Block, Cell, Code, Column, Document, Group, Heading, Listing, Paragraph, Points, Row, Table
from bench.record import Record, State, record_of
from bench.reporters import Format, Question, Section
from bench.testing.clauses import Breach, Sentences, built, kept, ran
from bench.words import shown

ODD = "½ odd & <b>bold</b> \"of\" 'it' | 100 % _x_ {y}"
"""A label as a user may write one; its letters and digits must be found again."""
WORDS = ("odd", "bold", "100")
SCORES = {"f1": 0.5, "types": {ODD: {"recall": 0.25}}, "interval_note": "few"}


def breaches_of_reporter(component: Component[Any]) -> list[str]:
    """The clauses of what it builds."""
    return list(dict.fromkeys(kept(_clauses(component))))


def _clauses(component: Component[Any]) -> Sentences:
    made = built(component)
    if not isinstance(made, Section | Format):
        raise Breach(
            f"its builder returned {shown(made)}: it has neither 'question' and section() nor 'suffix' and render()"
        )
    if isinstance(made, Section):
        yield from saying(made)
    if isinstance(made, Format):
        yield from setting(made)


def saying(section: Section) -> Sentences:
    """It answers a question that there is, with a document, of no cells, of one without scores, and of sound ones."""
    if section.question not in get_args(Question):
        yield f"question is {section.question!r}: one of {', '.join(get_args(Question))}"
    cases = {"no cells": {}, "a cell without scores": _records(scored=False), "finished cells": _records(scored=True)}
    for what, records in cases.items():
        said: object = ran(f"section() of {what}", section.section, records)
        if not isinstance(said, Document):
            yield f"section() of {what} returned {shown(said)}, not a Document"


def _records(*, scored: bool) -> dict[str, Record]:
    records = {}
    for number, crop in enumerate(("uniform", ODD)):
        id = str(number) * 32
        scores = dict.fromkeys(("validation", "test"), SCORES) if scored else {}
        axes = {"dataset": "parts", "crop": crop, "model": "unet", "seed": "0"}
        records[id] = record_of(id=id, axes=axes, state=State.OK, scores=scores)
    return records


def setting(form: Format) -> Sentences:
    """It sets every kind of block as text, and what it is told is found again in it."""
    if not (form.suffix.isalnum() and form.suffix == form.suffix.lower()):
        yield f"suffix is {form.suffix!r}: small letters and digits, as in 'html'"
    said: object = ran("render() of a document", form.render, _document())
    if not isinstance(said, str):
        yield f"render() returned {shown(said)}, not text"
        return
    lost = [word for word in WORDS if said.count(word) < _document_count()]
    if lost:
        yield f"render() loses what the document says: {', '.join(map(repr, lost))}"
    if ran("render() of an empty document", form.render, Document("", [])) is None:
        yield "render() of an empty document returned None, not text"


def _document() -> Document:
    """A document that says :data:`ODD` once in each of its blocks."""
    columns = [Group([Column("F1"), Column(ODD)], "scores")]
    table = Table("crop", columns, [Row("uniform", [[Cell("45.1", best=True), Cell("40.2", "1.3", ties="a")]])])
    blocks: list[Block] = [Heading(ODD), Paragraph([ODD]), Points([ODD]), Listing([("name", Code(ODD))]), table]
    return Document("title", blocks)


def _document_count() -> int:
    return len(_document().blocks)
