"""Crop strategy that mixes the shipped ones by share."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import numpy as np
from bench_plugins.crops import centred, contents, images, intensity, places, weight_map
from bench_plugins.crops._parts import Several
from pydantic import Field

from bench.api import (
    About,
    Component,
    CropStrategy,
    Fitting,
    Float64,
    Image,
    Mask,
    Part,
    PluginError,
    SettingsError,
    hookimpl,
)

MIXABLE: dict[str, Component[CropStrategy]] = {
    component.name: component
    for module in (places, intensity, centred, contents, weight_map, images)
    for component in module.bench_crops()
}
"""Every shipped strategy but this one."""


def _ingredient_type(component: Component[CropStrategy]) -> type:
    """A strategy with its share and settings as a dataclass, so that they are checked and completed like any others."""
    hints = typing.get_type_hints(component.build, include_extras=True)
    settings = [p for p in inspect.signature(component.build).parameters.values() if p.kind is p.KEYWORD_ONLY]
    of_settings = _strict(component, "settings", [(p.name, hints[p.name], field(default=p.default)) for p in settings])
    return _strict(
        component,
        "ingredient",
        [
            ("use", Literal[component.name]),
            ("share", Annotated[float, Field(gt=0, le=1)]),
            ("settings", of_settings, field(default_factory=of_settings)),
        ],
    )


def _strict(component: Component[CropStrategy], what: str, members: Sequence[Any]) -> type:
    name = component.name.replace("-", " ").title().replace(" ", "") + what.capitalize()
    config = {"__pydantic_config__": {"extra": "forbid", "strict": True}}
    return make_dataclass(name, members, frozen=True, namespace=config)


TYPES = {name: _ingredient_type(component) for name, component in MIXABLE.items()}

if TYPE_CHECKING:

    class Ingredient(typing.Protocol):
        """One strategy of a mixture, with its share of the crops."""

        use: str
        share: float
        settings: Any
else:
    Ingredient = Annotated[Union[tuple(TYPES.values())], Field(discriminator="use")]  # noqa: UP007 - made from a table


@dataclass(frozen=True)
class FittingMixture:
    """A mixture of which some strategies must see the training images first."""

    size: int
    members: tuple[tuple[float, CropStrategy], ...]

    def parts(self) -> Sequence[Part]:
        raise PluginError(
            "mixture has no parts before it has seen the training images; call fit with the sum of what observe returns"
        )

    def observe(self, image: Image, mask: Mask, /) -> Float64:
        """The rows of all strategies that must be fitted, one after the other."""
        return np.concatenate([member.observe(image, mask) for member in self.fitting])

    @property
    def fitting(self) -> Sequence[Fitting]:
        """The strategies that must be fitted."""
        return [member for _, member in self.members if isinstance(member, Fitting)]

    def fit(self, total: Float64, /) -> CropStrategy:
        ready = []
        for share, member in self.members:
            if isinstance(member, Fitting):
                length: int = member.row  # type: ignore[attr-defined]  # every shipped one says it
                row, total = np.split(total, [length])
                member = member.fit(row)
            ready.append((share, member))
        return _mixed(ready)


def build_mixture(
    size: int,
    /,
    *,
    parts: tuple[Ingredient, ...] = (
        TYPES["defect-anywhere"]("defect-anywhere", 0.5),
        TYPES["uniform"]("uniform", 0.5),
    ),
) -> CropStrategy:
    """Shipped strategies by share: ``parts: [{use: NAME, share: 0.5, settings: {...}}, ...]``; the shares sum to 1.

    Raises:
        SettingsError: the shares do not sum to 1, or a strategy refuses its settings.
    """
    if reason := supports_mixture(size, parts=parts):
        raise SettingsError(f"mixture: {reason}")
    members = tuple((each.share, MIXABLE[each.use].build(size, **_given(each))) for each in parts)
    mixture = FittingMixture(size, members)
    return mixture if mixture.fitting else _mixed(members)


def supports_mixture(size: int, /, *, parts: tuple[Ingredient, ...]) -> str | None:
    """Why these settings cannot be, or None."""
    total = sum(each.share for each in parts)
    if abs(total - 1) > 1e-6:
        return f"the shares of its parts sum to {total:g}; they must sum to 1"
    for each in parts:
        supports: Callable[..., str | None] | None = MIXABLE[each.use].supports
        if supports and (reason := supports(size, **_given(each))):
            return f"{each.use}: {reason}"
    return None


def _given(ingredient: Ingredient) -> dict[str, Any]:
    return {each.name: getattr(ingredient.settings, each.name) for each in fields(ingredient.settings)}


def _mixed(members: Iterable[tuple[float, CropStrategy]]) -> CropStrategy:
    """All parts with their share of the whole; every shipped part is a dataclass with a share."""
    parts: list[Any] = [(share, part) for share, member in members for part in member.parts()]
    return Several("mixture", tuple(replace(part, share=share * part.share) for share, part in parts))


@hookimpl
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """Mixtures of the other strategies."""
    yield Component(
        "mixture",
        build_mixture,
        about=About("several of the shipped strategies, each with its share of the crops"),
        supports=supports_mixture,
    )
