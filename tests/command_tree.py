"""Every command of the command line, found by walking it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from bench.cli.main import bench

Path = tuple[str, ...]


def commands(command: click.Command = bench, path: Path = ("bench",)) -> Iterator[tuple[Path, click.Command]]:
    """All commands and groups with the words that call them."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path[-1])
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*path, name))


def called() -> dict[str, click.Command]:
    """Commands that do something when they are called, by their words without ``bench``."""
    found = {}
    for path, command in commands():
        if not isinstance(command, click.Group) or command.invoke_without_command:
            found[" ".join(path[1:])] = command
    return found
