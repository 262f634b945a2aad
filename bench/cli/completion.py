"""``bench completion``: commands, options and names completed by the shell."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import click

SHELLS = ("bash", "zsh", "fish")
MARK = "# completion of bench"
COMPINIT = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"
"""What zsh needs before it takes a completion."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a shell finds its completion: a file of its own, and the file that it reads at its start, if it must."""

    script: Path
    startup: Path | None

    @property
    def line(self) -> str:
        """What the file that is read at the start says."""
        return f"[ -f {quote(str(self.script))} ] && . {quote(str(self.script))}  {MARK}"


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.option("--install", is_flag=True, help="Write it where the shell reads it, and say what was written.")
def command(shell: str, install: bool) -> None:
    """Print what makes SHELL complete commands, options, suites, runs, cells, components and measures."""
    script = script_of(shell)
    if not install:
        click.echo(script, nl=False)
        return
    places = places_of(shell)
    _write_script(places.script, script)
    if places.startup is not None:
        _add_line(places.startup, places.line)
    click.echo(f"new shells complete now; in this one: source {quote(str(places.script))}")
    line = f", and the line with '{MARK}' from {places.startup}" if places.startup else ""
    click.echo(f"to undo: remove {places.script}{line}")


def script_of(shell: str) -> str:
    """The function of a shell that asks ``bench`` what can be typed next."""
    from click.shell_completion import get_completion_class

    from bench.cli.main import COMPLETING, bench

    complete = get_completion_class(shell)
    assert complete is not None, "click knows all three shells"
    script = complete(bench, {}, "bench", COMPLETING).source()
    return (COMPINIT if shell == "zsh" else "") + script.strip() + "\n"


def places_of(shell: str) -> Places:
    """Where a shell looks, by the variables that say so."""
    home = Path.home()
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    if shell == "fish":
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return Places(config / "fish" / "completions" / "bench.fish", None)
    startup = home / ".bashrc" if shell == "bash" else Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
    return Places(data / "defectbench" / f"completion.{shell}", startup)


def _write_script(path: Path, script: str) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == script:
        click.echo(f"unchanged: {path}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script, encoding="utf-8")
    click.echo(f"wrote {path}")


def _add_line(path: Path, line: str) -> None:
    before = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    if line in before.splitlines():
        click.echo(f"unchanged: {path}")
        return
    between = "" if before.endswith("\n") or not before else "\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{between}{line}\n")
    click.echo(f"added a line to {path}")
