"""Entry point: the table of commands, and how errors leave.

Exit codes: 0 all good, 1 internal error, 2 invalid input, 3 some cells, pictures or figures failed, a claim does not
hold or the machine was too busy to measure, 130 interrupted.
"""

from __future__ import annotations

import os
import sys

import click

from bench.cli.lazy import LazyGroup
from bench.cli.streams import open_streams
from bench.version import __version__

COMMANDS = {
    "start": "Look at a folder of images and masks, and write a suite for it.",
    "run": "Run a suite: every cell that is not done yet, then its leaderboard.",
    "prepare": "Index data, store images and draw crops; train nothing.",
    "status": "Show what a run does now: cells, workers, time left, failures.",
    "plan": "Show the cells of a suite by state, and the disk they need.",
    "validate": "Check a suite and show all mistakes at once.",
    "leaderboard": "Print the leaderboard of a run or a suite.",
    "report": "Write a run as one HTML page to be looked at.",
    "serve": "Show that page of a run while it runs, on this machine.",
    "score": "Score finished cells again from stored evidence.",
    "effects": "Show what an axis does, over all others.",
    "claims": "Check what is claimed of a run against its records.",
    "figures": "Write figures, captions and tables of a run for a paper.",
    "show": "Show everything known of one cell.",
    "compare": "Compare two runs cell by cell, with gates for CI.",
    "why": "Say why a cell is done, stale, failed, pending or blocked.",
    "repro": "Run one cell again from its record and judge the difference.",
    "merge": "Merge runs of one suite made on several machines.",
    "export": "Write a run to one archive, with all that it rests on.",
    "predict": "Predict new images with a trained cell.",
    "list": "List components of one kind, or the shipped suites.",
    "info": "Show a component: settings, defaults, provider, licence.",
    "plugins": "Show every plugin; write and check your own.",
    "data": "Get, check and look at data sets.",
    "perf": "Measure latency, the data path and the training step on this machine.",
    "cache": "List, verify or clear shared stages.",
    "completion": "Complete commands, options and names in bash, zsh or fish.",
}
"""Command to its one line of help."""
COMPLETING = "_BENCH_COMPLETE"
"""Set by the function of a shell that asks what can be typed next."""


@click.group(
    cls=LazyGroup, table=COMMANDS, package="bench.cli", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="bench")
def bench() -> None:
    """Benchmark surface-defect segmentation: data sets, architectures, cropping, preprocessing."""


def main() -> None:
    """Run the command line and exit with the code of its outcome."""
    open_streams()
    sys.exit(_code())


def _code() -> int:
    from bench.errors import BenchError, visible_lines
    from bench.life import Hanging

    try:
        outcome = bench.main(prog_name="bench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except SystemExit as leaving:  # click's own answer to a pipe whose reader left, and to a shell that completes
        return 0 if COMPLETING in os.environ or isinstance(leaving.__context__, BrokenPipeError) else 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what was done is kept, the same command goes on", err=True)
        return 130
    except Hanging as error:
        click.echo(visible_lines(error), err=True)
        sys.stdout.flush()
        os._exit(2)  # Python would wait for the thread
    except BenchError as error:
        click.echo(visible_lines(error), err=True)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader of a pipe left; nothing is wrong
        return 0
    except OSError as error:  # a full disk, a missing permission, a path that is no folder
        where = f"{error.filename}: " if error.filename else ""
        remedy = "free or choose another place with --out, --to or BENCH_HOME, then repeat"
        click.echo(f"{where}{error.strerror or error}; {remedy}", err=True)
        return 2
    except Exception as error:
        return _internal(error)
    return outcome if isinstance(outcome, int) else 0


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
