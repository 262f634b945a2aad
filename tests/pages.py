"""Fenced blocks of the pages that readers copy from, and what is wrong with one that is not run.

The info string of a fence says what it is, its first word as a code host needs it for colours:

    ```sh                   is run, and must end with exit code 0
    ```sh exit=0,3          must end with one of these
    ```sh needs=hours       is read only, as are python and yaml blocks with ``needs``
    ```yaml part            is a part of a suite, and is read with what it lacks

A block whose first line is ``# name.py`` is written to that file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import dropwhile
from pathlib import Path
from typing import Any

import click

from bench.cli.main import bench as command_line

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
FENCE = re.compile(r"^```(?P<kind>[^\n`]+)?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(bench [^`]+)`")

TRIED = ("sh", "python", "yaml")
SHOWN = ("text", "latex", "mermaid", "{eval-rst}")
"""What is printed or drawn, and not entered by anybody."""
NEEDS = ("minutes", "hours", "gpu", "cluster", "download", "quiet", "tools")
"""Why a block is not run: ``quiet`` is a machine that does nothing else, ``tools`` are programs that are not ours."""
OTHERS = (".", "cd", "jq", "mkdir", "mv", "pip", "pytest", "sbatch")
"""Commands that are not ours."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: where it begins, what stands behind the fence, and its text."""

    page: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def language(self) -> str:
        """The first word behind the fence."""
        return (self.kind.split() or [""])[0]

    @property
    def needs(self) -> str | None:
        """What it needs that tests do not have."""
        return self._said("needs")

    @property
    def codes(self) -> set[int]:
        """The exit codes that its last command may end with."""
        return {int(code) for code in (self._said("exit") or "0").split(",")}

    @property
    def file(self) -> str | None:
        """The file that a first line such as ``# dents.py`` names."""
        named = re.match(r"# (\S+\.\w+)\n", self.text)
        return named[1] if named else None

    @property
    def commands(self) -> list[list[str]]:
        """The words of each line of shell, without comments."""
        lines = self.text.replace("\\\n", " ").splitlines()
        found = [shlex.split(line, comments=True) for line in lines]
        return [words for words in found if words]

    def _said(self, word: str) -> str | None:
        said = re.search(rf"\b{word}=(\S+)", self.kind)
        return said[1] if said else None


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found["kind"] or "", found["text"])


def prose(page: Path) -> str:
    """A page without its blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def unmarked(block: Block) -> str | None:
    """What its fence must say and does not."""
    if block.language not in TRIED + SHOWN:
        return f"say behind the fence what it is, one of {', '.join(TRIED + SHOWN)}"
    if block.needs and block.needs not in NEEDS:
        return f"needs={block.needs}: one of {', '.join(NEEDS)}"
    return None


def mistake(words: Sequence[str]) -> str | None:
    """What is wrong with a line of shell, as far as can be told without running it."""
    if "|" in words:
        bar = words.index("|")
        return mistake(words[:bar]) or mistake(words[bar + 1 :])
    command, *rest = dropwhile(re.compile(r"\w+=").match, words)  # variables of the environment
    name = Path(command).name
    if name == "bench":
        return mistake_of_bench(rest)
    if name == "make":
        return mistake_of_make(rest)
    if name in ("python", "python3"):
        return mistake_of_python(rest)
    return None if command in OTHERS or name in OTHERS else f"nobody knows the command {command!r}"


def mistake_of_bench(words: Sequence[str]) -> str | None:
    """A command or an option of ours that does not exist, an argument too many or too few."""
    context, command, rest = resolved(words)
    if command is None:
        return f"bench has no command {rest[0]!r}"
    if isinstance(command, click.Group) and not rest:
        return None
    try:
        given, left, _ = command.make_parser(context).parse_args(list(rest))
        for parameter in command.params:
            check(parameter, given.get(str(parameter.name)), context)
    except click.UsageError as error:
        return f"bench {' '.join(words)}: {error.format_message()}"
    return f"bench {' '.join(words)}: too many arguments, {left}" if left else None


def check(parameter: click.Parameter, given: Any, context: click.Context) -> None:
    """Refuse a value that is lacking or of another type; a path may have to exist, so no path is looked at."""
    if given is None or parameter.value_is_missing(given):
        if parameter.required:
            raise click.MissingParameter(ctx=context, param=parameter)
    elif not isinstance(parameter.type, click.Path):
        parameter.type_cast_value(context, given)


def resolved(words: Sequence[str]) -> tuple[click.Context, click.Command | None, list[str]]:
    """The command that these words name, and the words after its name; None where there is none."""
    command: click.Command | None = command_line
    context, rest = click.Context(command_line, resilient_parsing=False), list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        command = command.get_command(context, rest[0])
        if command is None:
            break
        context = click.Context(command, parent=context, info_name=rest.pop(0))
    return context, command, rest


def mistake_of_make(words: Sequence[str]) -> str | None:
    _, _, phony = (ROOT / "Makefile").read_text().partition(".PHONY: ")
    known = phony.splitlines()[0].split()
    lost = [word for word in words if "=" not in word and word not in known]
    return f"the Makefile has no {lost[0]!r}" if lost else None


def mistake_of_python(words: Sequence[str]) -> str | None:
    first, second, *_ = (*words, "", "")
    if first == "-m":
        here = second == "pip" or find_spec(second)  # setuptools undoes its own distutils where pip is looked for
        return None if here else f"there is no module {second!r}"
    return None if first == "-c" or (ROOT / first).is_file() else f"there is no script {first!r}"


def mistake_in_prose(words: Sequence[str]) -> str | None:
    """A command or an option that does not exist, in a sentence that may leave arguments out."""
    context, command, rest = resolved(words)
    if command is None:
        return None if rest[0].isupper() else f"bench has no command {rest[0]!r}"
    known = [*context.help_option_names, "--help", "--version"]
    for option in command.params:
        known += option.opts
    lost = [word for word in rest if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in known]
    return f"bench {' '.join(words)}: no option {lost[0]}" if lost else None
