"""A suite file as it is written: what is checked of its shape, what editors are told of it, and what each key means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    create_model,
    model_validator,
)

from bench.documented import meanings_of
from bench.suite.cells import AXES, COMPONENTS
from bench.suite.schema import Board, Protocol, Recipe, Ref, Reference, Runtime, SplitRule, Strict, SuiteName
from bench.types import JsonValue
from bench.words import did_you_mean

T = TypeVar("T")

NONE = "none"
"""No preprocessing step, or no pretraining run."""


def _listed(value: Any) -> Any:
    """One value stands for a list of one."""
    return value if isinstance(value, list) else [value]


def _steps(value: Any) -> Any:
    """``none`` is the empty chain, one step a chain of one."""
    return [] if value == NONE else _listed(value)


def _one_step(value: Any) -> Any:
    if value == NONE:
        raise ValueError("'none' is the empty chain and cannot stand inside one")
    return value


def _group(value: Any) -> Any:
    rows = _listed(value)
    if not all(isinstance(row, dict) for row in rows) or not any(rows):
        raise ValueError("a mapping of axes to lists of equal length, or a list of mappings, one a row")
    return value


def _in_words(reason: str) -> str:
    if not reason.strip():
        raise ValueError("say why, in words")
    return reason


def written(default: JsonValue) -> Any:
    """A field whose default is given as it would be written."""
    return Field(default=default)


@dataclass(frozen=True, slots=True)
class ShownAs:
    """What editors are told of a value that is checked where it is used."""

    shape: Callable[[], Any]
    """Makes the type that they are told of; called when they ask."""

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> JsonValue:
        """The shape in place of the value's own."""
        return handler(TypeAdapter(self.shape()).core_schema)


Several = Annotated[list[T], BeforeValidator(_listed)]
Chain = Annotated[list[Annotated[Ref, BeforeValidator(_one_step)]], BeforeValidator(_steps)]
"""A preprocessing step, or several in order; ``none`` is the empty chain."""
Mappings = Mapping[str, JsonValue]
NotEmpty = Annotated[Mappings, Field(min_length=1)]


class Source(Strict):
    """What a suite may say of a pretraining run; model, crop size, seed and classes are those of the cell."""

    dataset: Ref
    """the source; `none` is no pretraining"""
    preprocess: Chain | None = None
    """as the axis; null is the cell's own"""
    crop: Ref | None = None
    """null is the cell's own"""
    recipe: Annotated[Mappings, ShownAs(lambda: Recipe)] | None = None
    """laid over the suite's recipe, for the source run only; null is the suite's"""
    split: SplitRule = "grouped"
    """of the source"""
    label: str | None = None
    """what tables show"""

    @model_validator(mode="before")
    @classmethod
    def _bare_dataset(cls, value: Any) -> Any:
        """Anything but a mapping is the data set."""
        return value if isinstance(value, dict) else {"dataset": value}


class Axes(Strict):
    """One value of each axis."""

    dataset: Ref
    """the data"""
    pretrain: Source = written(NONE)
    """the run that first weights come from"""
    preprocess: Chain = written(NONE)
    """steps before cropping: `none`, one component, or a list of values in which a list is one chain, in order"""
    crop: Ref = written("uniform")
    """where training crops are taken ([crops.md](crops.md))"""
    crop_size: Annotated[int, Field(gt=0)] = 256
    """side of the training crops in pixels"""
    model: Ref
    """the architecture"""
    seed: Annotated[int, Field(ge=0)] = 0
    """of crops, first weights and batches; an order of rows is claimed from three seeds on"""


def _crossed() -> Any:
    """The axes as an editor should know them: each is one value or a list, beside any dotted path."""
    fields: dict[str, Any] = {}
    for axis, field in Axes.model_fields.items():
        one: Any = Annotated[field.annotation, None, *field.metadata]
        fields[axis] = (one | list[one] | None, Field(default=None, description=meanings_of(Axes)[axis]))
    paths: JsonValue = {r"^(recipe|protocol)\.": {"description": "values of one recipe or protocol setting"}}
    config = ConfigDict(extra="forbid", json_schema_extra={"patternProperties": paths})
    return create_model("Axes", __config__=config, **fields)


class ExcludeRule(Strict):
    """Cells of the cross product that are not run, and why."""

    when: NotEmpty
    """axis to a value or a list: every axis named must have one of its values, by component, label or number"""
    reason: Annotated[str, AfterValidator(_in_words)]
    """why; it stands in the leaderboard"""


class Heading(Strict):
    """What a suite says of itself; in no id."""

    name: SuiteName
    """names the folder of the results, `runs/NAME`"""
    description: str | None = None
    """one line for `bench list suites` and the leaderboard"""
    data: Mapping[str, str] | None = Field(
        default=None,
        description="data set to the folder where it lies, relative to the suite file. `--data NAME=DIR` comes first, "
        "`$BENCH_HOME/data/NAME` last",
    )


class Layer(Strict):
    """What a profile may overlay; lists replace, mappings merge."""

    axes: Annotated[Mappings, ShownAs(_crossed)] | None = None
    """axis to a value or a list of values: what is crossed"""
    paired: Several[Annotated[JsonValue, AfterValidator(_group)]] | None = None
    """groups of axes that advance together instead of being crossed"""
    exclude: Several[ExcludeRule] | None = None
    """cells of the cross product that are not run, each entry with `when` and `reason`"""
    include: Several[NotEmpty] | None = None
    """cells besides the cross product, each entry axes to one value; no exclude touches them"""
    tune: Mappings | None = None
    """recipe path to values: a grid search; validation chooses"""
    recipe: Recipe | None = None
    """how a cell is trained; null is every default"""
    protocol: Protocol | None = None
    """how a cell is measured; null is every default"""
    board: Board | None = None
    """shape of the leaderboard; changes no number"""
    reference: Reference | None = None
    """published numbers beside the measured ones"""
    runtime: Runtime | None = None
    """where and how fast; changes no number"""


class SuiteFile(Layer, Heading):
    """A suite file; its profiles are checked as part of the suite that they are laid over."""

    profiles: Mapping[str, Annotated[Mappings, ShownAs(lambda: Layer)] | None] | None = None
    """name to overlay: any of the keys from `axes` to `runtime`"""


def suite_schema() -> dict[str, JsonValue]:
    """JSON Schema of a suite file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **SuiteFile.model_json_schema()}


DEFAULTS = {axis: field.default for axis, field in Axes.model_fields.items() if not field.is_required()}
"""What an axis holds that the suite does not name, as it would be written; data set and model have no default."""


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The pydantic models inside a type, through unions, tuples and annotations."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def _paths_of(model: type[Strict], prefix: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        path = f"{prefix}.{name}"
        yield path
        nested = [inner for inner in models_in(info.annotation) if inner is not Ref]
        if len(nested) == 1 and issubclass(nested[0], Strict):
            yield from _paths_of(nested[0], path)


PATHS = (*_paths_of(Recipe, "recipe"), *_paths_of(Protocol, "protocol"))
"""Every dotted path that can be an axis; ``recipe.loss.settings.NAME`` is one too, and so for COMPONENTS."""


def axis_mistake(axis: str) -> str | None:
    """Why this cannot be an axis, or None."""
    if axis in AXES or axis in PATHS or is_inner_setting(axis):
        return None
    near = did_you_mean(axis, (*AXES, *PATHS))
    return f"unknown axis {axis!r}.{near} Axes: {', '.join(AXES)}, and paths such as recipe.learning_rate."


def is_inner_setting(path: str) -> bool:
    """Whether the path is ``recipe.loss.settings.NAME``, or the same of another component of the recipe."""
    steps = path.split(".")
    return len(steps) == 4 and steps[0] == "recipe" and steps[1] in COMPONENTS and steps[2] == "settings"
