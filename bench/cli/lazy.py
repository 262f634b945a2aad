"""A group of commands that imports each of them only when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click
from click.shell_completion import CompletionItem

from bench.words import did_you_mean

MODULES = {"import": "importing", "list": "listing"}
"""Commands that are words of Python, with their modules; every other module is called as its command."""


class LazyGroup(click.Group):
    """A group that knows its commands by name.

    ``table`` maps each to its one line of help; its module in ``package`` is imported only when it is called.
    """

    def __init__(self, *arguments: object, table: Mapping[str, str], package: str, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]  # click's own parameters, passed through
        self.table = table
        self.package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the table."""
        del ctx
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in self.table:
            return None
        module = importlib.import_module(f"{self.package}.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands by the table, none of them imported, then options."""
        found = [CompletionItem(name, help=text) for name, text in self.table.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self.table.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a hint when the name is misspelt."""
        name = args[0]
        if name not in self.table and not name.startswith("-"):
            raise click.UsageError(f"No command called {name!r}.{did_you_mean(name, self.table)}", ctx)
        return super().resolve_command(ctx, args)
