"""Entry point: the table of commands, and how errors leave.

Exit codes: 0 all good, 1 internal error, 2 invalid input, 3 some cells or pictures failed, 130 interrupted.
"""

from __future__ import annotations

import os
import sys

import click

from bench.cli.lazy import Entry, LazyGroup
from bench.version import __version__

COMMANDS = {
    "run": Entry("Run a suite: every cell that is not done yet, then its leaderboard.", "bench.cli.run"),
    "plan": Entry("Show the cells of a suite by state, and the disk they need.", "bench.cli.plan"),
    "validate": Entry("Check a suite and show all mistakes at once.", "bench.cli.validate"),
    "leaderboard": Entry("Print the leaderboard of a run or a suite.", "bench.cli.leaderboard"),
    "score": Entry("Score finished cells again from stored evidence.", "bench.cli.score"),
    "effects": Entry("Show what an axis does, over all others.", "bench.cli.effects"),
    "show": Entry("Show everything known of one cell.", "bench.cli.show"),
    "compare": Entry("Compare two runs cell by cell, with gates for CI.", "bench.cli.compare"),
    "why": Entry("Say why a cell is done, stale, failed, pending or blocked.", "bench.cli.why"),
    "repro": Entry("Run one cell again from its record and judge the difference.", "bench.cli.repro"),
    "merge": Entry("Merge runs of one suite made on several machines.", "bench.cli.merge"),
    "export": Entry("Write a run to one archive, with all that it rests on.", "bench.cli.export"),
    "predict": Entry("Predict new images with a trained cell.", "bench.cli.predict"),
    "list": Entry("List components of one kind, or the shipped suites.", "bench.cli.listing"),
    "info": Entry("Show a component: settings, defaults, provider, licence.", "bench.cli.info"),
    "plugins": Entry("Show every plugin; write and check your own.", "bench.cli.plugins"),
    "data": Entry("Get, check and look at data sets.", "bench.cli.data"),
    "cache": Entry("List, verify or clear shared stages.", "bench.cli.cache"),
}
"""Command to its one-line help and its module, which is imported only when the command is called."""


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
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
    except SystemExit as leaving:  # click's own answer to a pipe whose reader left; nothing is wrong
        return 0 if isinstance(leaving.__context__, BrokenPipeError) else 1
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

    from bench.errors import named_line

    with tempfile.NamedTemporaryFile("w", prefix="bench-", suffix=".log", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    click.echo(f"internal error: {named_line(error)} (traceback in {file.name}; please report it)", err=True)
    return 1
