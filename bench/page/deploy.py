"""What to deploy: the best position by validation, what is no worse and cheaper, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.page.questions import Told
from bench.page.run import PageRun
from bench.page.short import BOARD, of_standing, position_of
from bench.record import Record
from bench.report import above
from bench.report.choose import done_of
from bench.report.costs import position_name
from bench.report.measures import mean_over, measure_of, percent, printed, read
from bench.report.shape import Best, CostLine, Entry, Standing, Table
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.words import plural

FOUND, ALARMS, REJECTED = map(
    measure_of, ("object_recall@test", "false_alarms_per_clean_image@test", "clean_images_with_alarm@test")
)
"""What an inspector asks first: defects found, false alarms on a sound part, sound parts that are rejected."""
CALM = "alarm_per_10_clean_images"
FOUND_CALMLY, ALARMS_CALMLY = map(
    measure_of, (f"operating.{CALM}.object_recall@test", f"operating.{CALM}.false_alarms_per_clean_image@test")
)
"""The same at thresholds that validation chose for few alarms."""
F1, NARROWER, WIDER = map(measure_of, ("f1@test", "tolerance.f1_truth_eroded@test", "tolerance.f1_truth_dilated@test"))
FAR = 0.05
"""A change of F1 from which on the annotation is worth a word."""
MOST_REJECTED = 0.5
"""Share of the sound images with an alarm above which more of them are rejected than pass."""


def to_deploy(run: PageRun) -> Iterator[Told]:
    """A verdict on every data set, in sentences."""
    for standing in run.board.standings:
        yield from of_standing(run.board, standing, _of_one(run, standing))


def _of_one(run: PageRun, standing: Standing) -> Iterator[Told]:
    if standing.best is None:
        yield Told("Nothing is finished that could be deployed.", f"{BOARD}: standings")
        return
    table, entry = position_of(run.board, standing.best.cell)
    records = done_of(entry.cells, run.records)
    yield _verdict(run, standing, standing.best, table, entry)
    yield from _cheaper(run, table, entry)
    yield from _on_parts(records)
    yield from _with_few_alarms(records)
    yield from _against(run, standing, table, entry, records)
    which = "the training of best F1 on validation" if len(records) > 1 else "its training"
    text = f"Try {which}: bench predict {standing.best.cell[:8]} FOLDER shows what it finds on photographs of yours."
    yield Told(text, f"{BOARD}: standings, best")


def _verdict(run: PageRun, standing: Standing, best: Best, table: Table, entry: Entry) -> Told:
    name = position_name(entry, table)
    scores = f"F1 {percent(best.f1_validation)} % on validation, {percent(best.f1_test)} % on test"
    lead = "Deploy nothing yet. Best so far is" if list(_unfit(run, standing, table, entry)) else "Deploy"
    return Told(f"{lead} {name}: {scores}.", f"{BOARD}: standings, best")


def _is_above(run: PageRun, standing: Standing, table: Table, entry: Entry) -> bool | None:
    """Whether a position lies above all models with nothing to fit; None where its data set has none of them."""
    if not standing.baselines:
        return None
    place = {**table.place(entry.column), "row": entry.row}
    for section in run.board.sections:
        if section.title == above.TITLE:
            return any(one["above"] and all(one[key] == place[key] for key in place) for one in section.values)
    return False


def _cheaper(run: PageRun, table: Table, entry: Entry) -> Iterator[Told]:
    """Rows of its column that cannot be told apart from it, and answer faster or have fewer parameters."""
    lines = {line.name: line for line in run.board.costs}
    own = lines.get(position_name(entry, table))
    if own is None:
        return
    for other in _tied(table, entry):
        line = lines.get(position_name(other, table))
        less = _less(line, own) if line else ""
        if less:
            text = f"{other.row} / {other.column} cannot be told apart from it and is cheaper: {less}."
            yield Told(text, f"{BOARD}: costs")


def _tied(table: Table, entry: Entry) -> Iterator[Entry]:
    """Rows of the same column that share a letter with a position."""
    letters = {letter for figure in entry.figures for letter in figure.tie}
    for other in (one for row in table.entries for one in row if one.column == entry.column):
        if other is not entry and letters & {letter for figure in other.figures for letter in figure.tie}:
            yield other


def _all_tied(table: Table, entry: Entry) -> bool:
    """Whether none of the rows that were compared in its column can be told apart from a position."""
    column = [one for row in table.entries for one in row if one.column == entry.column]
    compared = [one for one in column if any(figure.tie for figure in one.figures)]
    return len(list(_tied(table, entry))) == len(compared) - 1 > 0


def _less(line: CostLine, own: CostLine) -> str:
    """By what a position is cheaper than another by a tenth or more; nothing where it is not."""
    if line.image_latency_s and own.image_latency_s and line.image_latency_s < 0.9 * own.image_latency_s:
        return f"{1e3 * line.image_latency_s:.3g} ms against {1e3 * own.image_latency_s:.3g} ms per image"
    if line.parameters and own.parameters and line.parameters < 0.9 * own.parameters:
        return f"{line.parameters / 1e6:.3g} against {own.parameters / 1e6:.3g} million parameters"
    return ""


def _on_parts(records: Sequence[Record]) -> Iterator[Told]:
    """Defects found and false alarms, at the thresholds that validation chose."""
    found, alarms, rejected = (mean_over(records, measure) for measure in (FOUND, ALARMS, REJECTED))
    if found is None:
        return
    text = f"It finds {percent(found)} % of the defects of the test split"
    if alarms is not None and rejected is not None:
        text += f", with {printed(alarms, ALARMS)} false alarms on an image without any"
        text += f"; {percent(rejected)} % of such images have one"
    thresholds = [record.of_split("validation").number("threshold") for record in records]
    told = ", ".join(f"{value:.3f}" for value in thresholds if value is not None)
    place = ", ".join(measure.path[-1] for measure in (FOUND, ALARMS, REJECTED))
    yield Told(
        f"{text}. {'Threshold' if len(records) == 1 else 'Thresholds, one per seed'}: {told}.",
        f"{BOARD}: cells, scores.test ({place}) and scores.validation.threshold",
    )


def _with_few_alarms(records: Sequence[Record]) -> Iterator[Told]:
    """What is found where hardly a sound image may raise an alarm: a line that stops for each cannot be run."""
    found, alarms = (mean_over(records, measure) for measure in (FOUND_CALMLY, ALARMS_CALMLY))
    if found is None or alarms is None:
        return
    each = [value for value in (read(record, FOUND_CALMLY).value for record in records) if value is not None]
    over = f" ({percent(min(each))} to {percent(max(each))} over its trainings)" if len(each) > 1 else ""
    yield Told(
        "With thresholds that allow a false alarm on every tenth image without a defect of validation it finds "
        f"{percent(found)} % of the defects of the test split{over}, with {printed(alarms, ALARMS)} false alarms on an "
        "image without any.",
        f"{BOARD}: cells, scores.test.operating.{CALM} (object_recall, false_alarms_per_clean_image)",
    )


def _by_the_border(records: Sequence[Record]) -> str:
    """What the score would be had the annotators drawn every border elsewhere, where that is far from what it is."""
    f1 = mean_over(records, F1)
    for measure, way in ((NARROWER, "in"), (WIDER, "out")):
        other = mean_over(records, measure)
        if f1 is not None and other is not None and abs(other - f1) > FAR:
            pixels = records[0].of_split("test").number("tolerance", "pixels")
            width = plural(round(pixels), "pixel") if pixels else "a few pixels"
            return f"F1 on test would be {percent(other)} % had every true border been drawn {width} further {way}"
    return ""


def _unfit(run: PageRun, standing: Standing, table: Table, entry: Entry) -> Iterator[str]:
    """Why a position is not to be deployed at all; nothing where it may be."""
    yield from (f"its numbers carry the badge [{badge}]" for badge in table.badges)
    if _is_above(run, standing, table, entry) is False:
        yield "it is not shown to be better than a model with nothing to fit"
    rejected = mean_over(done_of(entry.cells, run.records), REJECTED)
    if rejected is not None and rejected > MOST_REJECTED:
        yield "at its threshold more images without a defect raise an alarm than pass"


def _against(run: PageRun, standing: Standing, table: Table, entry: Entry, records: Sequence[Record]) -> Iterator[Told]:
    """What a careful engineer would want mended before."""
    found = list(_unfit(run, standing, table, entry))
    if len(records) < FEWEST_SEEDS:
        found.append(f"{plural(len(records), 'training')} cannot tell how much another one would differ")
    elif _all_tied(table, entry):
        found.append(f"no other row of {entry.column} can be told apart from it")
    early = [record for record in records if record.convergence and record.convergence.epoch is None]
    if any(record.parameters for record in early):
        which = f"{len(early)} of {plural(len(records), 'training')}" if len(records) > 1 else "its training"
        found.append(f"{which} had not converged")
    border = _by_the_border(records)
    found += [border] if border else []
    doubts = (standing.best.interval_note or "").split("; ") if standing.best else []
    found += [doubt for doubt in doubts if "unreliable" in doubt]
    if found:
        yield Told(f"What speaks against it: {'; '.join(found)}.", f"{BOARD}: standings, tables and cells")
