"""The typed parts of a suite: recipe, protocol, board, run time. Everything in the first two decides numbers.

Keys, types, defaults and meanings are those of the page on suites, whose tables are made from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)

from bench.documented import Documented
from bench.suite.duration import UNLIMITED, Duration, Limit, seconds_of
from bench.suite.optimisers import OPTIMISERS
from bench.suite.schedules import SCHEDULES
from bench.types import JsonValue


class Strict(Documented):
    """Frozen, no unknown keys, no conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


SuiteName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
NAME_IN_WORDS = "letters, digits, '.', '_' and '-'"


class Ref(Strict):
    """A component by name with its settings; ``label`` is for the eye and in no id."""

    use: str
    """the name; `package:name` where two packages offer one"""
    settings: Mapping[str, JsonValue] = Field(default_factory=dict)
    """settings that differ from the component's defaults"""
    label: str | None = None
    """what tables show; null is the name with the settings written here"""

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        """A bare string is a component without settings."""
        return {"use": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: GetJsonSchemaHandler) -> JsonValue:
        """Editors see both forms."""
        return {"anyOf": [{"type": "string"}, super().__get_pydantic_json_schema__(core, handler)]}

    @property
    def asked(self) -> dict[str, JsonValue]:
        """What the id sees: everything but the label."""
        return {"use": self.use, "settings": dict(self.settings)}


class BankBudget(Strict):
    """How many distinct crops are drawn; null draws every crop of the budget.

    It decides numbers, so it is in the id. In which form a draw is kept does not: see :class:`Runtime`.
    """

    crops: Annotated[int, Field(gt=0)] | None = None
    """distinct crops drawn; null draws every crop of the budget, so that none is seen twice"""


AUTO: Literal["auto"] = "auto"

Interval = Annotated[
    Annotated[Literal["auto"], Tag("<word>")] | Annotated[int, Field(gt=0), Tag("<epochs>")],
    Discriminator(lambda value: "<word>" if isinstance(value, str) else "<epochs>"),
]
"""Epochs, or ``auto``; see :mod:`bench.train.interval`."""


class Recipe(Strict):
    """How a cell is trained (PROTOCOL, recipe v1; not in the supplement).

    ``epochs`` 0 leaves weights as they are, which makes sense after pretraining only. With ``equal: pixels`` the
    ``epoch_crops`` are those of a crop of ``standard_size``, and crops of another side are as many as have the same
    pixels; with ``equal: crops`` every crop counts alike.
    """

    epochs: int = Field(default=400, ge=0, le=1_000_000)
    """the budget; 0 leaves weights as they are, after pretraining only"""
    epoch_crops: int = Field(default=1000, gt=0, le=10**15)
    """crops per epoch"""
    equal: Literal["crops", "pixels"] = Field(
        default="crops",
        description="`pixels`: `epoch_crops` is meant for crops of `standard_size`, other sides have as many as make "
        "the same pixels",
    )
    standard_size: int = Field(default=256, gt=0, le=65_536)
    """side for `equal: pixels`"""
    bank: BankBudget = BankBudget()
    batch: int = Field(default=32, gt=0, le=1_000_000)
    """crops per step"""
    precision: Literal["float32", "bf16"] = "bf16"
    """arithmetic of training"""
    optimiser: Ref = Field(default=Ref(use="adamw"), examples=list(OPTIMISERS))
    """`bench list optimisers`"""
    learning_rate: float = Field(default=1e-3, gt=0)
    """after the warm-up"""
    weight_decay: float = Field(default=1e-2, ge=0)
    """of the optimiser"""
    warmup_steps: int = Field(default=100, ge=0, le=1_000_000_000)
    """steps in which the learning rate rises"""
    schedule: Ref = Field(default=Ref(use="constant"), examples=list(SCHEDULES))
    """the learning rate after the warm-up; `bench list schedules`"""
    budget: Literal["fixed", "until-convergence"] = "fixed"
    """train all epochs, or stop when the validation loss has converged"""
    validate_every: Interval = Field(
        default=5,
        description="epochs between validations; `auto`: the fewest for which they cost at most a tenth of the "
        "training, counted in pixels; the last epoch is always validated",
    )
    loss: Ref = Ref(use="bce-dice")
    """`bench list losses`"""
    augment: tuple[Ref, ...] = (Ref(use="flips"), Ref(use="rotations"))
    """in order; `[]` is none"""
    threads: int = Field(
        default=1,
        gt=0,
        le=1024,
        description="threads of each operation on a processor: a cell alone on many cores is faster with more; results "
        "then differ in their last bits, so a number other than 1 is in the id",
    )

    compile: Literal["none", "inductor", "cudagraphs"] = Field(
        default="none",
        description="`inductor`: training steps through `torch.compile`, for long trainings on a GPU; the first steps "
        "then take minutes, and results differ in their last bits; `cudagraphs`: the passes of a step as CUDA graphs "
        "of the same kernels, for small models that a GPU waits for; no GPU has tried it yet",
    )

    @model_serializer(mode="wrap")
    def _without_later_defaults(self, written: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        """The fields; a later one is not named at its default, so that ids and keys are those from before it."""
        fields: dict[str, JsonValue] = written(self)
        for name in ("threads", "compile"):
            if fields.get(name) == type(self).model_fields[name].default:
                del fields[name]
        return fields


class Fold(Strict):
    """One fold of a rotation over groups."""

    fold: int = Field(ge=0)
    """which fold is tested"""
    folds: int = Field(default=5, ge=3)
    """how many there are"""

    @model_validator(mode="after")
    def _one_of_them(self) -> Fold:
        if self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} of {self.folds} does not exist; folds count from 0")
        return self


class SplitFile(Strict):
    """A user's own split: a csv with the columns ``id`` or ``group``, and ``split``.

    ``digest`` is filled in when the suite is read, so that the content and not the path is in the id.
    """

    file: str
    """path of a csv with the columns `id` or `group`, and `split`; relative to the suite file"""
    digest: str = ""
    """of the file's content; filled in when the suite is read, so it need not be written"""


def _split_form(value: Any) -> str:
    """Which of the three forms a split has, so that a mistake is told about that form only."""
    if isinstance(value, SplitFile) or (isinstance(value, Mapping) and "file" in value):
        return "<file>"
    return "<fold>" if isinstance(value, Fold | Mapping) else "<grouped>"


SplitRule = Annotated[
    Annotated[Literal["grouped"], Tag("<grouped>")]
    | Annotated[Fold, Tag("<fold>")]
    | Annotated[SplitFile, Tag("<file>")],
    Discriminator(_split_form),
]
"""``grouped``, ``{fold: i, folds: n}`` or ``{file: split.csv}``."""


class Pretrain(Strict):
    """The run that a cell's first weights come from: its best weights, with their normalisation.

    It has the cell's model, crop size, seed and classes. ``preprocess`` and ``crop`` null are the cell's own.
    ``recipe`` is complete: the suite's, with what the suite says of this run laid over it.
    """

    dataset: Ref
    preprocess: tuple[Ref, ...] | None = None
    crop: Ref | None = None
    recipe: Recipe = Recipe()
    split: SplitRule = "grouped"


class Tiles(Strict):
    """How an image is cut for prediction; size null is the training crop size."""

    size: Annotated[int, Field(gt=0)] | None = None
    """side of the tiles for prediction, the test crop; null is the size of the training crops"""
    overlap: float = Field(default=0.25, ge=0, lt=1)
    """overlap of neighbouring tiles"""
    blend: Literal["constant"] = "constant"
    """probabilities of overlapping tiles are averaged"""


class Protocol(Strict):
    """How a cell is measured (PROTOCOL, sections 3 and 4).

    ``threshold`` ``best-f1`` is chosen on the cell's validation split; ``source`` is the one that was best on the
    validation split of the pretraining run, so that no label of the target is used.
    """

    split: SplitRule = "grouped"
    """by groups, never by images; official test splits are kept"""
    classes: Literal["union", "each"] = "union"
    """any defect against background, or one class each"""
    tiles: Tiles = Tiles()
    threshold: Literal["best-f1", "source"] = "best-f1"
    """best on the cell's own validation split, or on that of its pretraining run"""
    tolerance: int = Field(default=2, ge=0)
    """pixels around the edge of a defect, for the scores called `tolerance.`"""
    found: float = Field(default=0.1, gt=0, le=1)
    """share of a defect that must be predicted for it to be found"""


class Board(Strict):
    """Shape of the leaderboard; changes no number. ``reference`` is the row that others are compared with."""

    rows: str = "crop"
    """axis that the rows show"""
    columns: str = "model"
    """axis that the columns show"""
    values: tuple[str, ...] = Field(default=("f1@validation", "f1@test", "convergence_epoch"), min_length=1)
    """scores as `NAME@validation` or `NAME@test`, and facts of a cell; the first on test orders the rows"""
    reference: str | None = None
    """label of the row that others are compared with; null is the first"""


class Reference(Strict):
    """Numbers that others have published, to stand beside the measured ones; in no id.

    ``rows`` and ``columns`` map labels of the leaderboard to names in the published table; a label that is itself such
    a name needs no entry. Without ``file`` the table is one of those that come with the package.
    """

    table: str
    """a table of the numbers file"""
    file: str | None = None
    """path of the numbers file, relative to the suite file; null is the one that comes with the package"""
    rows: Mapping[str, str] = Field(default_factory=dict)
    """row labels of this suite to names there; a label that is itself such a name needs no entry"""
    columns: Mapping[str, str] = Field(default_factory=dict)
    """the same for columns"""
    differs: str | None = None
    """what differs from the published experiment; printed beside the numbers"""


class PublishedTable(Strict):
    """Numbers by row and column, one for each of ``values``; shares in percent, null where nothing is printed."""

    title: str
    about: str
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    rows: Mapping[str, Mapping[str, tuple[float | None, ...]]]


class NumbersFile(Strict):
    """A file of published numbers."""

    source: str
    tables: Mapping[str, PublishedTable]


class Published(Strict):
    """A published table by the labels of a suite: what a leaderboard needs to print it."""

    source: str
    title: str
    about: str
    differs: str | None = None
    values: tuple[str, ...]
    numbers: Mapping[str, Mapping[str, tuple[float | None, ...]]]


class CheckpointRule(Strict):
    """How often a training keeps where it is, so that one that is stopped or killed goes on from there to the bit."""

    every: Duration = "5min"
    """time between checkpoints of a training, as `30s`, `5min` or `1h`"""

    @property
    def seconds(self) -> float:
        """``every`` in seconds."""
        return seconds_of(self.every)


LOCAL = "local"
"""The launcher whose workers compute on this machine."""


class Runtime(Strict):
    """Where and how fast; in no id."""

    launcher: Ref = Ref(use=LOCAL)
    """who starts the workers: `bench list launchers`"""
    observers: tuple[Ref, ...] = ()
    """who is told of cells, epochs and scores, such as trackers: `bench list observers`"""
    workers: Annotated[int, Field(gt=0)] | None = None
    """processes at once; null is `cells_per_device` per GPU, or one per processor core with 2 GB of memory each"""
    cells_per_device: Literal["auto"] | Annotated[int, Field(gt=0)] = Field(
        default="auto",
        description="cells at once on each GPU, which divide its memory; `auto`: of the numbers that "
        "`bench plan --pilot` measured the one with which the run ends first, and 1 where none was measured; on a "
        "processor it means nothing, `workers` says how many",
    )
    delivery: Literal["auto", "crops", "images"] = Field(
        default="auto",
        description="how crops are kept; batches are the same to the bit. `images`: all preprocessed images are stored "
        "once, crops are positions in them; `crops`: every draw is stored as a bank of crops and no image is, for "
        "images that are huge; `auto`: images, and banks of at most 2 GB each",
    )
    device: str | None = Field(
        default=None,
        description="`cuda`, `cuda:1` or `cpu`, nothing else (no `mps`); null takes all NVIDIA GPUs, or the processor "
        "where there is none",
    )

    checkpoint: CheckpointRule = CheckpointRule()
    timeout: Limit = Field(
        default="10min",
        description="time without a sign of life (a step, a tile, an image) after which a worker is killed and its "
        "cell ends as `timeout`, as `30s`, `5min` or `1h`; `none` waits for ever",
    )

    @property
    def is_local(self) -> bool:
        """Whether the work is done on this machine."""
        return self.launcher.use.rpartition(":")[2] == LOCAL

    @property
    def timeout_s(self) -> float | None:
        """``timeout`` in seconds."""
        return None if self.timeout == UNLIMITED else seconds_of(self.timeout)

    @model_validator(mode="after")
    def _one_number(self) -> Runtime:
        if self.workers is not None and self.cells_per_device != "auto":
            raise ValueError(
                "`workers` and `cells_per_device` both say how many cells run at once; leave one of them out"
            )
        return self
