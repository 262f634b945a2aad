"""The typed parts of a suite: recipe, protocol, board, run time. Everything in the first two decides numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, GetJsonSchemaHandler, Tag, model_validator

from bench.suite.optimisers import OPTIMISERS
from bench.suite.schedules import SCHEDULES
from bench.types import JsonValue


class Strict(BaseModel):
    """Frozen, no unknown keys, no conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Ref(Strict):
    """A component by name with its settings; ``label`` is for the eye and in no id."""

    use: str
    settings: Mapping[str, JsonValue] = Field(default_factory=dict)
    label: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        """A bare string is a component without settings."""
        return {"use": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: GetJsonSchemaHandler) -> JsonValue:
        """Editors see both forms."""
        return {"anyOf": [{"type": "string"}, handler(core)]}

    @property
    def asked(self) -> dict[str, JsonValue]:
        """What the id sees: everything but the label."""
        return {"use": self.use, "settings": dict(self.settings)}


class BankBudget(Strict):
    """How many distinct crops are stored; null stores every crop of the budget."""

    crops: Annotated[int, Field(gt=0)] | None = None


class Recipe(Strict):
    """How a cell is trained (PROTOCOL, recipe v1; not in the supplement).

    ``epochs`` 0 leaves weights as they are, which makes sense after pretraining only. With ``equal: pixels`` the
    ``epoch_crops`` are those of a crop of ``standard_size``, and crops of another side are as many as have the same
    pixels; with ``equal: crops`` every crop counts alike.
    """

    epochs: Annotated[int, Field(ge=0, le=1_000_000)] = 400
    epoch_crops: Annotated[int, Field(gt=0, le=10**15)] = 1000
    equal: Literal["crops", "pixels"] = "crops"
    standard_size: Annotated[int, Field(gt=0, le=65_536)] = 256
    bank: BankBudget = BankBudget()
    batch: Annotated[int, Field(gt=0, le=1_000_000)] = 32
    precision: Literal["float32", "bf16"] = "bf16"
    optimiser: Ref = Field(default=Ref(use="adamw"), examples=list(OPTIMISERS))
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    warmup_steps: Annotated[int, Field(ge=0, le=1_000_000_000)] = 100
    schedule: Ref = Field(default=Ref(use="constant"), examples=list(SCHEDULES))
    budget: Literal["fixed", "until-convergence"] = "fixed"
    validate_every: Annotated[int, Field(gt=0)] = 5
    loss: Ref = Ref(use="bce-dice")
    augment: tuple[Ref, ...] = (Ref(use="flips"), Ref(use="rotations"))


class Fold(Strict):
    """One fold of a rotation over groups."""

    fold: Annotated[int, Field(ge=0)]
    folds: Annotated[int, Field(ge=3)] = 5

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
    digest: str = ""


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
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.25
    blend: Literal["constant"] = "constant"


class Protocol(Strict):
    """How a cell is measured (PROTOCOL, sections 3 and 4).

    ``threshold`` ``best-f1`` is chosen on the cell's validation split; ``source`` is the one that was best on the
    validation split of the pretraining run, so that no label of the target is used.
    """

    split: SplitRule = "grouped"
    classes: Literal["union", "each"] = "union"
    tiles: Tiles = Tiles()
    threshold: Literal["best-f1", "source"] = "best-f1"
    tolerance: Annotated[int, Field(ge=0)] = 2
    found: Annotated[float, Field(gt=0, le=1)] = 0.1


class Board(Strict):
    """Shape of the leaderboard; changes no number. ``reference`` is the row that others are compared with."""

    rows: str = "crop"
    columns: str = "model"
    values: Annotated[tuple[str, ...], Field(min_length=1)] = ("f1@validation", "f1@test", "convergence_epoch")
    reference: Annotated[str | None, Field(description="row that others are compared with; null is the first")] = None


class Reference(Strict):
    """Numbers that others have published, to stand beside the measured ones; in no id.

    ``rows`` and ``columns`` map labels of the leaderboard to names in the published table; a label that is itself such
    a name needs no entry. Without ``file`` the table is one of those that come with the package.
    """

    table: str
    file: str | None = None
    rows: Mapping[str, str] = Field(default_factory=dict)
    columns: Mapping[str, str] = Field(default_factory=dict)
    differs: str | None = None


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


class Runtime(Strict):
    """Where and how fast; in no id."""

    launcher: Literal["local"] = "local"
    workers: Annotated[int, Field(gt=0)] | None = None
    device: str | None = None


Chain = Ref | Sequence[Ref]
"""A preprocessing step, or several in order; ``none`` is the empty chain."""
Whole = Annotated[int, Field(ge=0)]


class Axes(Strict):
    """The cross product: each axis is a list of values, or one value."""

    model_config = ConfigDict(
        json_schema_extra={
            "patternProperties": {r"^(recipe|protocol)\.": {"description": "values of one recipe or protocol setting"}}
        }
    )

    dataset: Ref | Sequence[Ref] | None = None
    pretrain: JsonValue = None
    preprocess: Ref | Sequence[Chain] | None = None
    crop: Ref | Sequence[Ref] | None = None
    crop_size: Whole | Sequence[Whole] | None = None
    model: Ref | Sequence[Ref] | None = None
    seed: Whole | Sequence[Whole] | None = None


class ExcludeRule(Strict):
    """Cells of the cross product that are not run, and why; ``when`` names an axis with one or several values."""

    when: Mapping[str, JsonValue]
    reason: str


class Layer(Strict):
    """What a profile may overlay; lists replace, mappings merge."""

    axes: Axes | None = Field(None, description="the cross product: axis to values")
    paired: Sequence[Mapping[str, Sequence[JsonValue]] | Sequence[Mapping[str, JsonValue]]] | None = Field(
        None, description="axes that advance together: columns of equal length, or rows"
    )
    exclude: Sequence[ExcludeRule] | None = Field(None, description="cells that are not run, with the reason")
    include: Sequence[Mapping[str, JsonValue]] | None = Field(
        None, description="extra cells; excludes do not touch them"
    )
    tune: Mapping[str, Sequence[JsonValue]] | None = Field(
        None, description="recipe path to values; the board shows the trial of best mean validation score"
    )
    recipe: Recipe | None = Field(None, description="how a cell is trained")
    protocol: Protocol | None = Field(None, description="how a cell is measured")
    board: Board | None = Field(None, description="shape of the leaderboard")
    reference: Reference | None = Field(None, description="published numbers beside the measured ones; in no id")
    runtime: Runtime | None = Field(None, description="where and how fast; in no id")


class SuiteFile(Layer):
    """A suite file as an editor should know it. The loader itself is stricter: it also asks the catalog."""

    name: str = Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", description="names the folder of the results")
    description: str | None = None
    data: Mapping[str, str] | None = Field(None, description="data set to folder; in no id")
    profiles: Mapping[str, Layer] | None = Field(
        None, description="overlays, chosen by --profile or by the driver found"
    )


def suite_schema() -> dict[str, JsonValue]:
    """JSON Schema of a suite file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **SuiteFile.model_json_schema()}
