"""``docs/commands.md`` says what the commands say of themselves; run this file to write it again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from bench.cli.main import bench

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
AGAIN = "docs/commands.md is not what the commands say; write it again with 'python tests/test_commands_docs.py'"

INTRODUCTION = """\
# Commands

Every command with its arguments and options, as `bench COMMAND --help` prints them. This page is written by
`python tests/test_commands_docs.py` from the commands, and a test keeps it so. What the exit codes mean stands in
[files and exit codes](files.md#exit-codes).
"""


def commands(group: click.Group, path: str = "bench") -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name, a group before its own."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def section(path: str, command: click.Command) -> str:
    """One command: usage, help, options."""
    context = click.Context(command, info_name=path)
    parts = [f"{'#' * (1 + path.count(' '))} `{path}`"]
    if not isinstance(command, click.Group):
        parts.append(f"```text\n{path} {' '.join(command.collect_usage_pieces(context))}\n```")
    parts += [plain(" ".join(paragraph.split())) for paragraph in (command.help or "").split("\n\n")]
    rows = list(options(command, context))
    if rows:
        parts.append("\n".join(["| option | default | meaning |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(parts)


def options(command: click.Command, context: click.Context) -> Iterator[str]:
    """A row for each option, but for ``--help``, which all have."""
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            shown = option.get_help_extra(context)
            default = "required" if option.required else shown.get("default", "")
            yield f"| {spelling(option, context)} | {cell(default)} | {cell(option.help or '')} |"


def spelling(option: click.Option, context: click.Context) -> str:
    """The names of an option, with what it takes."""
    taken = "" if option.is_flag else f" {option.make_metavar(context)}"
    return cell(", ".join(f"`{name}{taken}`" for name in option.opts))


def cell(text: str) -> str:
    """Text of a table, in which a bar would end a column."""
    return plain(text).replace("|", "\\|")


def plain(text: str) -> str:
    """Help as Markdown, which would take a name in angle brackets for a mark of its own."""
    return text.replace("<", "\\<")


def document() -> str:
    """The whole page."""
    sections = [section(path, command) for path, command in commands(bench)]
    return "\n\n".join([INTRODUCTION.strip(), *sections]) + "\n"


def test_the_page_is_what_the_commands_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), AGAIN


def test_every_option_has_a_meaning() -> None:
    unsaid = []
    for path, command in commands(bench):
        rows = options(command, click.Context(command))
        unsaid += [f"{path}: {row}" for row in rows if row.endswith("|  |")]
    assert unsaid == []


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"wrote {DOCUMENT}\n")
