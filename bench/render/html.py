"""A document as HTML: a page of its own, or a part of a larger one. Nothing in it is fetched or run."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from bench.document import Cell, Document, Group, Symbol, Table, Text
from bench.render.markup import Markup

STYLE = """\
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
caption, .title { text-align: left; font-weight: 600 }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #8884; text-align: left }
.number { text-align: right; white-space: nowrap }
.group { text-align: center }
.quiet { opacity: .65 } .alarm { font-weight: 600 }
dt { font-weight: 600 } dd { margin: 0 0 .3rem 1rem; overflow-wrap: anywhere }
pre { overflow-x: auto } img { max-width: 100% }
"""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data: 'self'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


MOST_SENTENCES = 3
"""Of a paragraph; more are read as a list."""


class Html(Markup):
    """HTML 5 whose text is only ever text: no name, path or message can become a tag, an attribute or a script."""

    def page(self, document: Document) -> str:
        """A whole document as a page."""
        body = self.render(Document(document.title, document.blocks, level=1))
        return PAGE.format(title=self.bare(document.title), style=STYLE, body=body.rstrip())

    def apart(self, *blocks: str) -> str:
        """Blocks on lines of their own."""
        return "\n".join(filter(None, blocks))

    def bare(self, text: Text) -> str:
        """A text without tags, for places that take none."""
        return Markup().marked(text).translate(ESCAPED)

    def escaped(self, text: str) -> str:
        """A text in which no sign is a tag, and whose direction ends with it."""
        return html.escape(super().escaped(text))

    def code(self, text: str) -> str:
        """A name or a command, set apart from the direction of the text around it."""
        return f"<code dir=ltr>{self.escaped(text)}</code>"

    def link(self, address: str) -> str:
        """A link where the address is one of the web, else its text."""
        text = self.escaped(address)
        return f'<a href="{text}" rel="noreferrer">{text}</a>' if address.startswith(("https://", "http://")) else text

    def symbol(self, symbol: Symbol) -> str:
        """A sign with its index lowered, or the words that stand in its place."""
        if symbol.words:
            return self.escaped(symbol.words)
        index = f"<sub>{self.escaped(symbol.index)}</sub>" if symbol.index else ""
        unit = f" [{self.escaped(symbol.unit)}]" if symbol.unit else ""
        return f"{self.escaped(symbol.text)}{index}{unit}"

    def heading(self, text: str, level: int) -> str:
        """A heading."""
        tag = f"h{min(level, 6)}"
        return f"<{tag}>{text}</{tag}>"

    def lines(self, sentences: Sequence[Text]) -> str:
        """One paragraph; of many sentences a list."""
        if len(sentences) > MOST_SENTENCES:
            return self.points(map(self.marked, sentences))
        return f"<p>{' '.join(map(self.marked, sentences))}</p>" if sentences else ""

    def points(self, items: Iterable[str]) -> str:
        """A list."""
        return self._listed("ul", items)

    def notes(self, texts: Iterable[str]) -> str:
        """A numbered list."""
        return self._listed("ol", texts)

    def listing(self, pairs: Iterable[tuple[str, str]]) -> str:
        """Names with their values."""
        items = "\n".join(f"<dt>{name}</dt><dd><bdi>{text}</bdi></dd>" for name, text in pairs)
        return f"<dl>\n{items}\n</dl>" if items else ""

    def verbatim(self, text: str) -> str:
        """Lines as they are, which can be scrolled to with the keyboard."""
        return f"<pre tabindex=0>{super().verbatim(text)}</pre>" if text else ""

    def picture(self, file: str, text: str) -> str:
        """A picture beside the page."""
        return f'<img src="{html.escape(file)}" alt="{text}">'

    def title(self, text: str) -> str:
        """A title that is no heading."""
        return f"<p class=title>{text}</p>"

    def table(self, table: Table, level: int) -> str:
        """A table whose columns and rows are named for those who hear it; wide ones are scrolled by themselves."""
        del level
        if not table.rows:
            return ""
        caption = f"<caption>{self.marked(table.title)}</caption>\n" if table.title else ""
        body = "\n".join(self._row(table, number) for number in range(len(table.rows)))
        inner = f"<table>\n{caption}<thead>\n{self._head(table)}\n</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
        name = self.bare(table.title) or self.bare(table.corner) or "table"
        return f'<div class=wide role=region tabindex=0 aria-label="{name}">\n{inner}\n</div>'

    def _head(self, table: Table) -> str:
        """One row of headings, or two where columns are grouped."""
        corner = self.marked(table.corner)
        grouped = any(group.title for group in table.groups)
        columns = "".join(
            f'<th scope=col class="{_side(one.right)}">{self.marked(one.head)}</th>' for one in table.columns
        )
        if not grouped:
            return f"<tr><th scope=col>{corner}</th>{columns}</tr>"
        groups = "".join(map(self._group, table.groups))
        return f"<tr><th rowspan=2 scope=col>{corner}</th>{groups}</tr>\n<tr>{columns}</tr>"

    def _group(self, group: Group) -> str:
        return f"<th scope=colgroup class=group colspan={len(group.columns)}>{self.escaped(group.title)}</th>"

    def _row(self, table: Table, number: int) -> str:
        row = table.rows[number]
        cells = [f"<th scope=row><bdi>{self.marked(row.name)}</bdi></th>"]
        sides = iter([column.right for column in table.columns])
        for cell, span in table.cells(row):
            right = next(sides)
            for _ in range(span - 1):
                next(sides)
            across = f" colspan={span}" if span > 1 else ""
            cells.append(f'<td class="{_side(right)} {cell.instead}"{across}>{self.cell(cell)}</td>')
        return f"<tr>{''.join(cells)}</tr>"

    def cell(self, cell: Cell) -> str:
        """A value, strong where it is the best, with what is raised beside it."""
        text = super().cell(cell)
        best = f"<strong>{text}</strong>" if cell.best else text
        raised = [cell.ties, "†" if cell.dagger else "", str(cell.note or "")]
        marks = "".join(f"<sup>{self.escaped(mark)}</sup>" for mark in raised if mark)
        return best + marks

    def _listed(self, tag: str, items: Iterable[str]) -> str:
        inner = "\n".join(f"<li>{item}</li>" for item in items)
        return f"<{tag}>\n{inner}\n</{tag}>" if inner else ""


ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def _side(right: bool) -> str:
    return "number" if right else "text"


to_html = Html().page
to_html_part = Html().render
