"""The meaning of a field is the docstring under it, as pydantic would read it; it is read when somebody asks."""

from __future__ import annotations

import subprocess
import sys
from enum import Enum

from pydantic import BaseModel, ConfigDict, Field, create_model

from bench.documented import Documented, docstrings_of, meanings_of


class Base(Documented):
    first: int = 0
    """One line."""
    second: int = Field(default=0, description="said by the field")
    """never read"""
    third: int = 0

    fourth: str = ""
    """Several lines,
    the second indented."""


class Inner(Documented):
    here: int
    """Of the inner one."""


class Derived(Base):
    third: int = 1
    """Declared again."""
    inner: Inner = Inner(here=1)
    """A model of its own."""
    __hash__ = None  # type: ignore[assignment]
    """no field"""


class Reference(BaseModel):
    """The same as ``Derived``, read by pydantic."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    first: int = 0
    """One line."""
    second: int = Field(default=0, description="said by the field")
    """never read"""
    third: int = 1
    """Declared again."""
    fourth: str = ""
    """Several lines,
    the second indented."""
    inner: Inner = Inner(here=1)
    """A model of its own."""


class Word(Enum):
    ONE = 1
    """The first."""
    TWO = 2


def test_meanings_are_those_that_pydantic_reads() -> None:
    assert meanings_of(Derived) == {name: field.description for name, field in Reference.model_fields.items()}


def test_the_schema_is_the_one_that_pydantic_makes() -> None:
    made = Derived.model_json_schema() | {"title": "", "description": ""}
    assert made == Reference.model_json_schema() | {"title": "", "description": ""}


def test_a_field_without_a_docstring_and_a_model_without_a_source_mean_nothing() -> None:
    assert meanings_of(Base)["third"] == ""
    assert meanings_of(create_model("Made", __base__=Base, more=(int, 0)))["more"] == ""
    assert docstrings_of(int) == {}


def test_members_of_an_enumeration_have_theirs() -> None:
    assert docstrings_of(Word) == {"ONE": "The first."}


def test_planning_reads_no_source() -> None:
    script = (
        "import ast, inspect, sys\n"
        "def refused(*_): raise AssertionError('a source is read')\n"
        "inspect.getsource = inspect.getblock = refused\n"
        "import bench.record, bench.suite.reading.load\n"
        "from bench.suite.written import suite_schema\n"
        "try:\n    suite_schema()\nexcept AssertionError as told:\n    print(told)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "a source is read"
