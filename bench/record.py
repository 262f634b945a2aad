"""What a cell leaves behind, as one typed tree: how it ended, its scores, its costs, where its numbers come from.

A record is a small JSON file that the worker or the scheduler writes and every command reads. It is parsed once, by
:func:`record_from`; whoever holds a :class:`Record` uses attributes. Records of older schemas are migrated when they
are read and stay on disk as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError

from bench.errors import Damaged
from bench.leaves import ByName, Flag, Leaves, Number, Text, Texts, Tree, Whole, look, number, pair, texts_of, tree_of
from bench.migrations import SCHEMA, migrated
from bench.parts import (
    SINCE_2,
    Asked,
    Convergence,
    Cost,
    ImageCounts,
    Latency,
    Part,
    Provenance,
    Provider,
    Scores,
)
from bench.replicates import CellReplicates
from bench.scores import facts
from bench.sealed import DIGEST
from bench.states import WORDS, EndWord, State
from bench.types import JsonValue

__all__ = [
    "SINCE_2",
    "WORDS",
    "Asked",
    "Convergence",
    "Cost",
    "EndWord",
    "ImageCounts",
    "Latency",
    "Part",
    "Provenance",
    "Provider",
    "Record",
    "Scores",
    "State",
    "look",
    "number",
    "pair",
    "texts_of",
]
"""Names of other files that come with a record: who reads one imports this file alone."""


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
    providers: Annotated[Mapping[str, Provider], BeforeValidator(tree_of)] = Field(default_factory=dict)
    """Kind and name of every component to who offered it."""
    plugins: Leaves = Field(default_factory=dict)
    """File or module of every plugin of a third party that its worker loaded to the digest of its source."""
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
    scores: Annotated[Mapping[str, Scores], BeforeValidator(tree_of)] = Field(default_factory=dict)
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
    def training(self) -> str | None:
        """Key of its training, which other cells may test otherwise; None where it is not known."""
        key = self.keys.get("train")
        return key if isinstance(key, str) else None

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
            Damaged: one of these parts is none.
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
    def facts(self) -> dict[str, float]:
        """What is known of the cell beside its scores by name, as ``parameters`` or ``cost.train_s``, and all costs."""
        known = {name: number(self.value(name.split("."))) for name in facts()}
        known["convergence_epoch"] = number(self.convergence.epoch if self.convergence else None)
        known |= {f"cost.{name}": value for name, value in (self.cost.numbers if self.cost else {}).items()}
        return {name: value for name, value in known.items() if value is not None}

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
        StoreError: a newer version of bench wrote it.
        Damaged: one of its parts is none.
    """
    record = _parsed(migrated(stored, where), where)
    record._stored = stored
    return record


def _parsed(content: Mapping[str, JsonValue], where: str) -> Record:
    try:
        return Record.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise Damaged(f"{where}: damaged ({_damage(first)}); make it again") from None


def row_from(stored: Mapping[str, JsonValue], word: str, where: str) -> Record | None:
    """The record in a row of an exported table, in which ``word`` is the board's for the state.

    None where the cell has not run.

    Raises:
        StoreError: a newer version of bench wrote it.
        Damaged: one of its parts is none.
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


def record_schema() -> dict[str, JsonValue]:
    """JSON Schema of a record file."""
    made = Record.model_json_schema()
    for name in SAID:
        made["properties"].pop(name)
    head = {
        DIGEST: {"type": "string", "description": "BLAKE2b-128 of all bytes after its line; absent in older records."},
        "schema": {"const": SCHEMA, "description": "Schema number of the record."},
    }
    properties = {**head, **made["properties"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "properties": properties}
