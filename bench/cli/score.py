"""``bench score``: scores made later, from stored evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import SuiteArgument, suite_options
from bench.cli.printing import board_text, format_option
from bench.cli.terminal import command_line, quiet
from bench.words import plural

if TYPE_CHECKING:
    from bench.catalog import Catalog
    from bench.record import Record
    from bench.report.board import Leaderboard
    from bench.runs.rescore import Rescored, ScoreRequest
    from bench.suite.reading.load import Suite

SHOWN = ("f1", "precision", "recall")


@click.command("score")
@suite_options
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    shell_complete=complete.scores,
    help="A score to show, such as iou or sizes.q1.recall; repeatable.",
)
@click.option(
    "--threshold", default="protocol", show_default=True, help="A rule: best-f2, 0.5, 'recall>=0.9', 'precision>=0.9'."
)
@click.option("--found", type=click.FloatRange(0, 1, min_open=True), help="Share of a defect that must be predicted.")
@click.option("--write", is_flag=True, help="Store the scores; what records hold already is never changed.")
@format_option("csv")
def command(
    suite: SuiteArgument,
    metrics: tuple[str, ...],
    threshold: str,
    found: float | None,
    write: bool,
    form: str,
) -> int:
    """Score the finished cells of a run folder (or of a suite with results in --out) again, without predicting.

    Every threshold is chosen on validation. With --write, scores at the protocol's own threshold complete the cell
    records, the replicates of all test scores come beside them, and scores of another rule go to late/<rule>.json in
    the run folder. Scores other than of pixels have intervals, letters and differences by replicates too.
    """
    from bench.cli.run import CELLS_FAILED
    from bench.home import bench_home
    from bench.runs.folder import records_in, told
    from bench.runs.rescore import ScoreRequest, file_scores, rescored
    from bench.score.rules import rule_from
    from bench.store.home import Places
    from bench.store.replicates import with_replicates

    request = ScoreRequest(None if threshold == "protocol" else rule_from(threshold), found)
    with suite.run() as (opened, folder):
        catalog, places = suite.workspace.catalog, Places(bench_home(), folder.parent, {})
        values = _values(metrics, catalog)
        with quiet():
            records = with_replicates(folder, records_in(folder, opened))
            late = rescored(
                opened.cells, records, request, catalog, places, replicates=write or _need_replicates(values)
            )
            shown = told(folder, {**records, **{one.cell: one.shown for one in late}})
            board = _board(opened, shown, values, request)
        click.echo(board_text(board, form))
        click.echo(f"threshold: {request.text}; {plural(len(late), 'finished cell')}", err=True)
        for line in _remarks(late):
            click.echo(line, err=True)
        for path in file_scores(folder, late, request, catalog) if write else ():
            click.echo(f"wrote {path}", err=True)
    return CELLS_FAILED if any(one.problem or one.differing for one in late) else 0


def _need_replicates(values: tuple[str, ...]) -> bool:
    """Whether a value is asked for whose error does not follow from counts of pixels."""
    from bench.report.counts import pooled_metric
    from bench.report.measures import measure_of

    return any(pooled_metric(measure_of(value)) is None for value in values)


def _values(metrics: tuple[str, ...], catalog: Catalog) -> tuple[str, ...]:
    """Board values of the asked scores, on both splits.

    Raises:
        click.UsageError: a score that nobody makes.
    """
    from bench.suite.reading.rules import value_mistake

    for name in metrics:
        mistake = value_mistake(f"{name}@test", catalog.names("metric"))
        if mistake:
            raise click.UsageError(f"--metric: {mistake}")
    values: list[str] = []
    for name in metrics or SHOWN:
        values += [f"{name}@validation", f"{name}@test"]
    return tuple(values)


def _board(suite: Suite, records: Mapping[str, Record], values: tuple[str, ...], request: ScoreRequest) -> Leaderboard:
    """The leaderboard of the late scores."""
    from dataclasses import replace

    from bench.report.board import board_of_records

    name = suite.name if request.is_protocol else f"{suite.name}, threshold {request.text}"
    shown = replace(suite, name=name, board=suite.board.model_copy(update={"values": values}))
    return board_of_records(shown, records, command_line())


def _remarks(late: list[Rescored]) -> list[str]:
    """What could not be scored, what is not believed, and what differs from the record, each once."""
    problems = [one.problem for one in late if one.problem]
    differing = [f"cell {one.cell}: {', '.join(one.differing[:3])}: not stored" for one in late if one.differing]
    alarms: list[str] = []
    for one in late:
        alarms += one.alarms
    return list(dict.fromkeys([*problems, *alarms, *differing]))
