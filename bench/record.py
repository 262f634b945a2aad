"""What a cell leaves behind, as one typed tree: how it ended, its scores, its costs, where its numbers come from.

A record is a small JSON file that the worker or the scheduler writes and every command reads. It is parsed once, by
:func:`record_from`; whoever holds a :class:`Record` uses attributes. Records of older schemas are migrated when they
are read and stay on disk as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, RootModel, ValidationError

from bench.documented import Documented
from bench.errors import StoreError
from bench.replicates import CellReplicates
from bench.types import JsonValue
from bench.words import plural

SCHEMA = 2
"""Schema number of records; raised when a field changes its meaning. See :data:`MIGRATIONS`."""

EndWord = Literal["done", "failed", "diverged", "blocked", "skipped", "excluded"]
"""How boards, tables and exports call the end of a cell."""


class State(StrEnum):
    """How a cell ended. That it is to be run, or out of date, is a state of a plan and not one of these."""

    OK = "done"
    """It was trained and scored; the word is that of schema 1."""
    OOM = "oom"
    """Memory ran out, of the GPU or of the machine."""
    DEVICE_ERROR = "device-error"
    """Its GPU failed twice, or every device of the run was closed."""
    TIMEOUT = "timeout"
    """It took longer than it was given."""
    NAN = "nan"
    """The loss was no longer finite."""
    DIVERGED = "diverged"
    """The weights or the predicted probabilities were no longer finite."""
    KILLED = "killed"
    """The process of its worker ended without an answer."""
    PLUGIN_ERROR = "plugin-error"
    """A component failed, or is not what the suite was planned with."""
    DATA_ERROR = "data-error"
    """The data changed, cannot be read, or cannot be scored."""
    FAILED = "failed"
    """Any other error; all that records of schema 1 say of an error."""
    SKIPPED = "skipped"
    """The model cannot do this task."""
    BLOCKED = "blocked"
    """Its data are absent or cannot be used."""
    EXCLUDED = "excluded"
    """The suite leaves it out."""

    @property
    def word(self) -> EndWord:
        """What a board says."""
        return WORDS.get(self, "failed")

    @property
    def is_final(self) -> bool:
        """Whether the cell ran to its end, with a usable model or without; it does not run again."""
        return self.word in ("done", "diverged")


WORDS: Mapping[State, EndWord] = {
    State.OK: "done",
    State.NAN: "diverged",
    State.DIVERGED: "diverged",
    State.SKIPPED: "skipped",
    State.BLOCKED: "blocked",
    State.EXCLUDED: "excluded",
}
"""Every other state is a failure."""


def number(value: JsonValue) -> float | None:
    """A finite number as float, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def texts_of(value: JsonValue) -> tuple[str, ...]:
    """The items of a list as text; nothing of anything else."""
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def pair(value: JsonValue) -> tuple[float, float] | None:
    """An interval ``[low, high]`` of two finite numbers, anything else as None."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return None
    low, high = number(value[0]), number(value[1])
    return None if low is None or high is None else (low, high)


def look(tree: JsonValue, path: Sequence[str | None]) -> JsonValue:
    """Follow keys into nested mappings; None where the way ends early."""
    for key in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(key)
    return tree


def _whole(value: JsonValue) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def _text(value: JsonValue) -> str | None:
    absent = value is None or (isinstance(value, float) and not math.isfinite(value))
    return None if absent else str(value)


def _tree(value: JsonValue) -> JsonValue:
    return {} if value is None else value


def _leaves(value: JsonValue) -> JsonValue:
    return value if isinstance(value, Mapping) else {}


Number = Annotated[float | None, BeforeValidator(number)]
Whole = Annotated[int | None, BeforeValidator(_whole)]
Text = Annotated[str | None, BeforeValidator(_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(texts_of)]
Flag = Annotated[bool | None, BeforeValidator(lambda value: value if isinstance(value, bool) else None)]
Tree = Annotated[Mapping[str, JsonValue], BeforeValidator(_tree)]
Leaves = Annotated[Mapping[str, JsonValue], BeforeValidator(_leaves)]
"""A record may come from elsewhere: a leaf that is not what it should be reads as absent, a part is refused."""


class Part(Documented):
    """A frozen part of a record; fields that this version does not know stay in what is stored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    def plain(self) -> dict[str, JsonValue]:
        """The fields that were given, as plain JSON values."""
        return self.model_dump(mode="json", exclude_unset=True)


class ImageCounts(Part):
    """Counts of pixels of every image of a split: what intervals and comparisons are made of."""

    ids: tuple[str, ...]
    """Ids of the images."""
    groups: tuple[str, ...]
    """Group (physical object) of each image."""
    counts: tuple[tuple[int, int, int, int], ...]
    """True positives, false positives, false negatives and true negatives of each image."""


class Scores(RootModel[Tree]):
    """The scores of one split by name: numbers, and for some a mapping of further names to numbers."""

    model_config = ConfigDict(frozen=True)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of F1 over groups."""
        return pair(self.root.get("f1_interval"))

    @property
    def interval_note(self) -> str | None:
        """What must be known of that interval, such as how few groups it rests on."""
        return _text(self.root.get("interval_note") or None)

    @property
    def flags(self) -> tuple[str, ...]:
        """Remarks and alarms on these scores."""
        return texts_of(self.root.get("flags"))

    @property
    def image_counts(self) -> ImageCounts | None:
        """Counts of pixels per image; None where they were not kept."""
        try:
            return ImageCounts.model_validate(self.root.get("image_counts"))
        except ValidationError:
            return None

    @property
    def types(self) -> Mapping[str, Mapping[str, JsonValue]]:
        """Scores of each defect type."""
        return self._members("types")

    @property
    def sizes(self) -> Mapping[str, Mapping[str, JsonValue]]:
        """Scores of defects by quartile of their area."""
        return self._members("sizes")

    @property
    def operating(self) -> Mapping[str, Mapping[str, JsonValue]]:
        """Scores at thresholds of other rules, chosen on validation."""
        return self._members("operating")

    def __getitem__(self, name: str) -> JsonValue:
        """What a name holds.

        Raises:
            KeyError: nothing has this name.
        """
        return self.root[name]

    def number(self, *path: str) -> float | None:
        """The number of a name, or of names inside each other; None where there is none."""
        return number(look(self.root, path))

    def _members(self, name: str) -> Mapping[str, Mapping[str, JsonValue]]:
        found = self.root.get(name)
        members = found.items() if isinstance(found, Mapping) else ()
        return {str(key): member for key, member in members if isinstance(member, Mapping)}


class Asked(Part):
    """The settings of a cell as its suite asked for them, every default filled in; they decide its id."""

    axes: Leaves = Field(default_factory=dict)
    """Level of every axis: data set, pretraining, preprocessing, crop, crop size, model, seed."""
    recipe: Leaves = Field(default_factory=dict)
    """How it is trained."""
    protocol: Leaves = Field(default_factory=dict)
    """How it is split, predicted and scored."""


class Provider(Part):
    """Who offered a component."""

    package: str = ""
    """Name of the package, or of the local file."""
    version: str = ""
    """Version of the package."""
    source: str = ""
    """Digest of the code of the module that offers it."""
    component: Whole = None
    """Version of the component itself; null in records from before it was kept (2026-11-29)."""


class Convergence(Part):
    """When the training stopped getting better."""

    epoch: Whole = None
    """First epoch from which validation F1 stayed near its best; null where it did not within the budget."""
    best_epoch: Whole = None
    """Epoch whose weights are scored: that of the best validation F1."""
    budget: Whole = None
    """Epochs that were to be trained."""


class Cost(Part):
    """What the cell cost; a stage that another cell had finished keeps the time that it took there."""

    tiles_s: Number = None
    """Seconds to store the validation tiles."""
    crops_s: Number = None
    """Seconds to draw and store the training crops."""
    train_s: Number = None
    """Seconds of training, with its validations."""
    pretrain_s: Number = None
    """Seconds of the training that the weights come from; null without pretraining."""
    predict_s: Number = None
    """Seconds of prediction of validation and test images."""
    image_latency_s: Number = None
    """Mean seconds of prediction of one image, tiles and stitching included, beside whatever else ran: no latency."""
    evidence_s: Number = None
    """Seconds of counting pixels and defects in these predictions; on spare cores they pass beside predict_s."""
    crops_per_s: Number = None
    """Training crops seen per second."""
    step_s: Number = None
    """Mean seconds of a training step, without validations."""
    validation_s: Number = None
    """Mean seconds of a validation during training."""
    peak_memory_bytes: Whole = None
    """Highest use of memory during training."""
    peak_memory_of: Text = None
    """What that was measured of: the GPU, or the process."""


class Latency(Part):
    """What prediction of one image takes, warm and alone, as ``bench perf infer`` measured it."""

    predict: Text = None
    """Key of the stage that predicts: a figure of other weights or settings is none of this record."""
    date: Text = None
    """Day of the measurement."""
    machine: Text = None
    """Digest of what decides how fast the machine is."""
    device: Text = None
    """Name of the GPU or processor."""
    threads: Whole = None
    """Threads of one operation on the processor."""
    batch: Whole = None
    """Tiles predicted at once."""
    megapixels: Number = None
    """Of the image: the test image of middle size."""
    p50_s: Number = None
    """Median seconds for the image, preprocessing, tiles and stitching included."""
    p95_s: Number = None
    """95th percentile of these seconds."""
    ratio: Number = None
    """The median in runs of the reference load."""
    noise: Number = None
    """Range of the medians of five parts of the measurement, as a share of the median."""

    @property
    def on(self) -> str:
        """What it was measured on, in words."""
        threads = f", {plural(self.threads, 'thread')}" if self.threads else ""
        return f"{self.device}{threads}"


class Provenance(Part):
    """Where and with what the cell was trained, so that its numbers can be made again."""

    model_config = ConfigDict(frozen=True, extra="allow")

    date: Text = None
    """Day of the training."""
    python: Text = None
    """Version of Python."""
    platform: Text = None
    """Operating system and processor architecture."""
    device: Text = None
    """Name of the GPU or processor."""
    threads: Whole = None
    """Threads of one operation on the processor."""
    packages: Leaves = Field(default_factory=dict)
    """Versions of the packages that decide numbers."""
    driver: Text = None
    """Version of the NVIDIA driver; null on a processor."""
    cuda: Text = None
    """Version of CUDA that torch was built with; null on a processor."""
    commit: Text = None
    """Git commit of bench where it ran from a checkout; null for a release."""
    commit_changed: Flag = None
    """Whether that checkout had changes that were not committed; null for a release."""
    data_fingerprint: Text = None
    """Digest of every image and mask of the data set, as the stage keys have it."""
    split_digest: Text = None
    """Digest of which image is in which split, as the stage keys have it."""
    workers: Whole = None
    """Workers that the run had at once, the one that trained this cell among them."""

    @property
    def on_boards(self) -> Mapping[str, JsonValue]:
        """What the foot of a board says: that which every schema has had."""
        return {name: value for name, value in self.plain().items() if name not in SINCE_2}


SINCE_2 = ("driver", "cuda", "commit", "commit_changed", "data_fingerprint", "split_digest", "workers")
"""Provenance that records have since schema 2; boards do not print it."""

ByName = Annotated[Mapping[str, Number], BeforeValidator(_leaves)]


class Record(Part):
    """What a cell left behind, however it ended."""

    id: str = ""
    """Digest of the settings: equal settings have equal ids."""
    axes: Tree = Field(default_factory=dict)
    """Axis to the label of its level."""
    tuned: Tree = Field(default_factory=dict)
    """Settings in which the trials of one position differ."""
    cell: Asked | None = None
    """Settings as asked; null in exports that do not keep them."""
    keys: Tree = Field(default_factory=dict)
    """Stage (tiles, crops, train, predict, score) to the key of what it made; empty where nothing can be made."""
    badges: Texts = ()
    """What must be said wherever a score of this cell stands."""
    remarks: Texts = ()
    """What to beware of in its data."""
    providers: Annotated[Mapping[str, Provider], BeforeValidator(_tree)] = Field(default_factory=dict)
    """Kind and name of every component to who offered it."""
    reuse: Number = None
    """How often each stored crop is seen in training; null where nothing is trained."""
    budget_epochs: Whole = None
    """Epochs of its recipe."""
    budget_crops: Number = None
    """Crops that it is trained on, each counted as often as it is seen."""
    state: State
    """How it ended."""
    reason: Text = None
    """Why it ended so, in a sentence; null where it ended well."""
    data_absent: bool = False
    """Whether it is blocked because a data set is simply not here; the reason says how to get it."""
    scores: Annotated[Mapping[str, Scores], BeforeValidator(_tree)] = Field(default_factory=dict)
    """Split (validation, test) to its scores."""
    last_step: Leaves = Field(default_factory=dict)
    """Split to the F1 of the weights of the last step, in place of the best ones."""
    ceiling: ByName = Field(default_factory=dict)
    """Split to the F1 of the true masks averaged over squares of the output stride; a bound only where it is 1."""
    convergence: Convergence | None = None
    """When the training stopped getting better."""
    parameters: Whole = None
    """Trainable parameters; 0 for a model with nothing to fit."""
    choice: Text = None
    """What validation chose of a model with nothing to fit; null where it chose nothing."""
    output_stride: Whole = None
    """Pixels of the image per pixel of the model's output, along one side."""
    inert: Flag = None
    """Whether the crop strategy excluded no position; null where no crops were drawn."""
    draw: JsonValue = None
    """What the crop strategy had to choose from; null where no crops were drawn."""
    cost: Cost | None = None
    """What it cost."""
    provenance: Provenance | None = None
    """Where and with what it was trained."""
    pictures: tuple[str, ...] = ()
    """Files of its pictures, beside the record."""
    pictures_missing: Text = None
    """Why it has no pictures."""
    log: Text = None
    """Traceback of its error, or the last words of its worker."""
    outdated: Texts = ()
    """Why its scores are not those of today's data; said by who reads the record, never stored in it."""
    latency: Latency | None = None
    """What prediction of an image takes; measured later and said by who reads the record, never stored in it."""

    _stored: Mapping[str, JsonValue] = PrivateAttr(default_factory=dict)
    _replicates: CellReplicates | None = PrivateAttr(default=None)

    @property
    def replicates(self) -> CellReplicates | None:
        """What the intervals of its test scores are made of; kept beside the record and said by who reads it."""
        return self._replicates

    def with_replicates(self, found: CellReplicates | None) -> Record:
        """The record with these replicates."""
        record = self.model_copy()
        record._replicates = found
        return record

    @property
    def stored(self) -> Mapping[str, JsonValue]:
        """The record as it was stored, in the schema that it was stored in: for exports alone."""
        return self._stored or self.content()

    @property
    def told_latency_s(self) -> float | None:
        """Seconds per image that boards called latency when records were of schema 1; None of any later record."""
        first = bool(self._stored) and self._stored.get("schema", 1) == 1
        return self.cost.image_latency_s if first and self.cost else None

    def content(self) -> dict[str, JsonValue]:
        """The record as a file of this schema has it: the fields that were given."""
        return {"schema": SCHEMA, **self.plain()}

    def changed(self, **parts: JsonValue) -> Record:
        """The record with other parts, as plain JSON values; whatever else is stored stays as it is.

        Raises:
            StoreError: one of these parts is damaged.
        """
        checked = _parsed({"state": self.state, **parts}, f"record of cell {self.id}")
        record = self.model_copy(update={name: getattr(checked, name) for name in parts})
        record._stored = {**self.stored, **parts}
        return record

    @property
    def versions(self) -> Mapping[str, int]:
        """Kind and name of every component to its version, where it is known."""
        known = {name: 1 for name in self.providers if name in ONCE_OF_ONE_VERSION}
        known |= {name: one.component for name, one in self.providers.items() if one.component is not None}
        return known

    @property
    def protocol(self) -> Mapping[str, JsonValue]:
        """How it was split, predicted and scored, as asked."""
        return self.cell.protocol if self.cell else {}

    @property
    def recipe(self) -> Mapping[str, JsonValue]:
        """How it was trained, as asked."""
        return self.cell.recipe if self.cell else {}

    @property
    def plain_scores(self) -> dict[str, Mapping[str, JsonValue]]:
        """Split to its scores as plain JSON values."""
        return {split: scores.root for split, scores in self.scores.items()}

    @property
    def fell_back(self) -> bool:
        """Whether the crop strategy admitted no position anywhere, so that every crop is a fallback window."""
        return fell_back(self.draw)

    def of_split(self, split: str | None) -> Scores:
        """The scores of a split; without any where it has none."""
        return self.scores.get(split or "", NO_SCORES)

    def value(self, path: Sequence[str]) -> JsonValue:
        """What stands at the end of a dotted path such as ``cost.train_s``; None where the way ends early."""
        found: Any = self
        for step in path:
            if isinstance(found, Part):
                found = vars(found).get(step, (found.model_extra or {}).get(step))
            else:
                found = look(found.root if isinstance(found, Scores) else found, (step,))
        return found


def fell_back(draw: JsonValue) -> bool:
    """Whether every crop of a draw, as a record has it, came from a fallback window."""
    return number(look(draw, ("fallback",))) == 1


ONCE_OF_ONE_VERSION = ("dataset metalpart",)
"""Components that had one version for as long as records kept none: a record without it is of that version."""

SAID = ("outdated", "latency")
"""Fields that no record holds when it is stored."""

NO_SCORES = Scores({})


def record_of(**parts: JsonValue) -> Record:
    """A new record of this schema from its parts, which are checked."""
    return Record.model_validate(parts)


def record_from(stored: Mapping[str, JsonValue], where: str) -> Record:
    """Parse a stored record of any schema up to this one; ``where`` names it in errors.

    Raises:
        StoreError: a newer version of bench wrote it, or one of its parts is damaged.
    """
    record = _parsed(migrated(stored, where), where)
    record._stored = stored
    return record


def _parsed(content: Mapping[str, JsonValue], where: str) -> Record:
    try:
        return Record.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise StoreError(f"{where}: damaged ({_damage(first)}); make it again") from None


def row_from(stored: Mapping[str, JsonValue], word: str, where: str) -> Record | None:
    """The record in a row of an exported table, in which ``word`` is the board's for the state.

    None where the cell has not run.

    Raises:
        StoreError: a newer version of bench wrote it, or one of its parts is damaged.
    """
    if word not in get_args(EndWord):
        return None
    if "state" in stored:
        record = record_from(stored, where)
        if record.state.word == word:
            return record
    return record_from({**stored, "schema": 1, "state": word}, where)


def _damage(error: Any) -> str:
    """Which part of a record is wrong, in words."""
    from bench.canonical import printable

    name = printable(".".join(str(step) for step in error["loc"] if step != "root"))
    if error["type"] in ("mapping_type", "model_type", "dict_type", "model_attributes_type"):
        return f"{name} is no mapping"
    return f"{name}: {printable(error['msg'])}"


def migrated(stored: Mapping[str, JsonValue], where: str) -> Mapping[str, JsonValue]:
    """A record of an older schema as this one has it; one without a number, such as a row of a table, is of schema 1.

    Raises:
        StoreError: it is of a newer schema, or its number is none.
    """
    schema = stored.get("schema", 1)
    if not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
        raise StoreError(f"{where}: {other_schema(schema)}")
    for number in range(schema, SCHEMA):
        stored = MIGRATIONS[number](stored)
    return stored


def other_schema(schema: JsonValue) -> str:
    """What is said of a record that this version cannot read."""
    return (
        f"schema {schema}, this version reads records up to {SCHEMA}; upgrade bench, "
        "or use another BENCH_HOME and --out for each version of bench"
    )


def _from_1(stored: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Schema 1 knew ``done`` and ``failed``, and began the reason of absent data with ``not here: ``."""
    said, reason = stored.get("state"), stored.get("reason")
    known = {"done": State.OK, **{state.word: state for state in FROM_1}}
    if not isinstance(said, str) or said not in known:
        why = str(reason) if reason else "no reason was stored"
        return {**stored, "state": State.FAILED, "reason": f"state {said!r}: {why}"}
    absent = said == "blocked" and "not here: " in str(reason)
    return {**stored, "state": known[said], "data_absent": absent}


FROM_1 = (State.FAILED, State.DIVERGED, State.BLOCKED, State.SKIPPED, State.EXCLUDED)
"""States that schema 1 called as this one does."""

MIGRATIONS: Mapping[int, Callable[[Mapping[str, JsonValue]], Mapping[str, JsonValue]]] = {1: _from_1}
"""Schema to what makes the next one of it; records of every schema since the first are read for ever."""


def record_schema() -> dict[str, JsonValue]:
    """JSON Schema of a record file."""
    made = Record.model_json_schema()
    for name in SAID:
        made["properties"].pop(name)
    properties = {"schema": {"const": SCHEMA, "description": "Schema number of the record."}, **made["properties"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "properties": properties}
