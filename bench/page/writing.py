"""The page as one HTML file: what runs say, their numbers and pictures, and the scripts that show them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.engine.invocation import Invocation
from bench.files import whole_file
from bench.page.charts import CHARTS, runtime
from bench.page.gathering import Asked, Page, Say, chosen_first, gathered
from bench.page.questions import Told
from bench.render.html import to_html_part
from bench.types import JsonValue

QUESTIONS = {
    "best": "Which is best?",
    "real": "Is the difference real?",
    "images": "On which images?",
    "fails": "Where does it fail?",
    "cost": "What did it cost?",
    "data": "Can the data be trusted?",
    "change": "What would change the answer?",
    "made": "How was it made?",
}
"""What a reader asks, in this order."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: {}"
"""Nothing is fetched from anywhere, and no text becomes a script."""

INLINE = 8_000_000
"""Bytes of pictures that a page holds itself; more lie in a folder beside it."""
SCRIPTS = ("base", "charts", "board", "cell", "chosen", "effects", "costs", "images", "together", "live")
"""Scripts of the page in the order in which they are run, inside one function."""


def write_page(paths: Sequence[Path], to: Path, invocation: Invocation, asked: Asked, say: Say) -> list[Path]:
    """Write the page of some runs (folders or archives) and return the files written: the page, and its pictures.

    Raises:
        BenchError: one of them is no run, or a record is damaged.
    """
    page = gathered(paths, invocation, asked, say)
    inline = page.picture_bytes <= INLINE
    folder = to.with_name(f"{to.stem}-pictures")
    written = [] if inline else list(_write_pictures(page, folder))
    with whole_file(to) as file:
        file.write(rendered(page, asked, folder=None if inline else folder.name).encode())
    return [to, *written]


def _write_pictures(page: Page, folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for _, _, type, content in page.pictures:
        path = folder / _file(type, content)
        if not path.is_file():
            with whole_file(path) as file:
                file.write(content)
        yield path


def _file(type: str, content: bytes) -> str:
    return f"{hashlib.blake2b(content, digest_size=8).hexdigest()}.{type}"


def rendered(page: Page, asked: Asked, *, folder: str | None = None) -> str:
    """The page as HTML; its pictures are in it, or in the ``folder`` of this name beside it."""
    from jinja2 import Environment, StrictUndefined

    for sources, place, type, content in page.pictures:
        data = f"data:image/{type};base64,{base64.b64encode(content).decode()}"
        sources[place] = data if folder is None else f"{folder}/{_file(type, content)}"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    tools = environment.from_string(_resource("tools.html"))
    policy = POLICY.format("" if folder is None else "'self' file:")
    return environment.from_string(_resource("page.html")).render(
        title=page.title,
        policy=policy + ("; connect-src 'self'" if asked.live else ""),
        lead=list(_lead(page)),
        deploy=_by_run(page, page.deploy),
        short=_by_run(page, page.short),
        glossary=page.words,
        questions=[_question(page, id, title, tools.render(id=id)) for id, title in QUESTIONS.items()],
        content=_json({"runs": page.content, "charts": CHARTS, "chosen": chosen_first(page), "live": asked.live}),
        style=_resource("page.css"),
        script="\n".join(_resource(f"scripts/{name}.js") for name in SCRIPTS),
        runtime=runtime(),
    )


def _by_run(page: Page, told: Sequence[Sequence[Told]]) -> list[dict[str, Any]]:
    return [{"name": run.name, "sentences": sentences} for run, sentences in zip(page.runs, told, strict=True)]


def _lead(page: Page) -> Iterator[str]:
    for run in page.runs:
        if run.suite.description:
            yield run.suite.description
        profile = f", profile {run.suite.profile}" if run.suite.profile else ""
        yield f"{run.name}{profile}, suite {run.suite.hash}"


def _question(page: Page, id: str, title: str, tools: str) -> dict[str, Any]:
    parts = []
    for one in page.parts:
        html = to_html_part(one.document).strip() if one.question == id else ""
        if html:
            parts.append({"html": html, "files": one.files})
    return {"id": id, "title": title, "tools": tools, "parts": parts}


def _json(content: dict[str, JsonValue]) -> str:
    """JSON that ends no script element, whatever names it holds."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _resource(name: str) -> str:
    return (files("bench.page") / name).read_text(encoding="utf-8")
