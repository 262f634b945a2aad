"""Entry point: the table of commands, and how errors leave.

Exit codes: 0 all good, 1 internal error, 2 invalid input, 3 some cells failed, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from bench import __version__

COMMANDS = {
    "run": "Run a suite: every cell that is not done yet, then its leaderboard.",
    "plan": "Show the cells of a suite by state, and the disk they need.",
    "validate": "Check a suite and show all mistakes at once.",
    "leaderboard": "Print the leaderboard of a run or a suite.",
    "show": "Show everything known of one cell.",
    "predict": "Predict new images with a trained cell.",
    "list": "List components of one kind, or the shipped suites.",
    "info": "Show a component: settings, defaults, provider, licence.",
    "plugins": "Show every plugin, also those that failed to load.",
    "data": "Look at the data sets of a suite.",
    "cache": "List, verify or clear shared stages.",
}
"""Command to its one-line help; the module of the same name is imported only when the command is called."""

MODULES = {"list": "listing"}
"""Commands whose module cannot have their name."""


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports each when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bench.cli.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a hint when the name is misspelt."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(name, COMMANDS, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"No command called {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bench")
def bench() -> None:
    """Benchmark surface-defect segmentation: data sets, architectures, cropping, preprocessing."""


def main() -> None:
    """Run the command line and exit with the code of its outcome."""
    sys.exit(_code())


def _code() -> int:
    from bench.errors import BenchError

    try:
        outcome = bench.main(prog_name="bench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; finished stages are kept, the same command continues", err=True)
        return 130
    except BenchError as error:
        click.echo(str(error), err=True)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader of a pipe left; nothing is wrong
        return 0
    except OSError as error:
        click.echo(_of_the_system(error), err=True)
        return 2
    except Exception as error:
        return _internal(error)
    return outcome if isinstance(outcome, int) else 0


def _of_the_system(error: OSError) -> str:
    """A full disk, a missing permission, a path that is no folder: what, where, and what to do."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}; free or choose another place with --out, --to or BENCH_HOME, then repeat"


def _internal(error: Exception) -> int:
    """Say that it is our fault in one line; the traceback goes to a file."""
    if os.environ.get("BENCH_DEBUG"):
        raise error
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="bench-", suffix=".log", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    text = " ".join(str(error).split())
    click.echo(f"internal error: {type(error).__name__}: {text} (traceback in {file.name}; please report it)", err=True)
    return 1
