"""Settings are what a builder's signature says, and nothing is converted on the quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from bench.component import Component, build, complete, json_schema, mistakes_in, settings_of
from bench.errors import PluginError, SettingsError

if TYPE_CHECKING:
    import torch


def builder(task: str, /, *, width: int = 4, mode: Literal["a", "b"] = "a", share: float = 0.5) -> torch.nn.Module:
    return (task, width, mode, share)  # type: ignore[return-value]


COMPONENT = Component("sample", builder)


def test_defaults_are_filled_in() -> None:
    assert complete(COMPONENT, {"width": 8}) == {"width": 8, "mode": "a", "share": 0.5}


def test_a_return_type_that_is_not_imported_does_not_matter() -> None:
    assert [setting.name for setting in settings_of(COMPONENT)] == ["width", "mode", "share"]


@pytest.mark.parametrize("value", ["10", True, 1.5, None])
def test_nothing_is_converted_to_an_integer(value: object) -> None:
    with pytest.raises(SettingsError, match="width"):
        complete(COMPONENT, {"width": value})


def test_a_whole_number_is_a_fine_float() -> None:
    assert complete(COMPONENT, {"share": 1})["share"] == 1.0


def test_an_unknown_setting_is_refused_with_a_hint() -> None:
    ((place, sentence),) = mistakes_in(COMPONENT, {"widht": 3})
    assert place == ("widht",)
    assert "Did you mean 'width'?" in sentence


def test_all_mistakes_are_found_at_once() -> None:
    assert len(mistakes_in(COMPONENT, {"width": "x", "mode": "c", "other": 1})) == 3


def test_settings_may_be_named_like_the_schema_librarys_own_attributes() -> None:
    def shadowing(*, copy: int = 1, json: str = "x", schema: float = 0.0, model_config: int = 3) -> int:
        return copy + model_config

    component = Component("shadow", shadowing)
    assert complete(component, {"copy": 5}) == {"copy": 5, "json": "x", "schema": 0.0, "model_config": 3}
    assert build(component, settings={"copy": 5}) == 8


def test_building_passes_context_and_settings() -> None:
    assert build(COMPONENT, "task", settings={"mode": "b"}) == ("task", 4, "b", 0.5)


def test_the_schema_names_every_setting() -> None:
    assert set(json_schema(COMPONENT)["properties"]) == {"width", "mode", "share"}


@pytest.mark.parametrize(
    "wrong",
    [lambda width=3: width, lambda *, width: width, lambda *, width=3: width],
    ids=["neither context nor setting", "no default", "no type"],
)
def test_a_builder_that_hides_settings_is_refused(wrong: object) -> None:
    with pytest.raises(PluginError):
        settings_of(Component("wrong", wrong))  # type: ignore[arg-type]
