"""What a field means stands under it in the source, as a docstring; it is read when somebody asks."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from textwrap import dedent
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler


class Documented(BaseModel):
    """A model whose JSON Schema says what its fields mean."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema of the model, each field with its meaning."""
        made = handler(core)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        meanings = meanings_of(cls)
        for name, told in properties.items():
            if meanings[name]:
                told.setdefault("description", meanings[name])
        return made


@cache
def docstrings_of(kind: type) -> Mapping[str, str]:
    """Attribute of a class to the docstring under it; nothing of a class that has no source."""
    try:
        (made,) = ast.parse(dedent(inspect.getsource(kind))).body
    except (OSError, TypeError):
        return {}
    assert isinstance(made, ast.ClassDef)
    found = {}
    for one, below in zip(made.body, made.body[1:], strict=False):
        match one, below:
            case (
                ast.AnnAssign(target=ast.Name(name)) | ast.Assign(targets=[ast.Name(name)]),
                ast.Expr(ast.Constant(str(text))),
            ):
                found[name] = inspect.cleandoc(text)
    return found


@cache
def meanings_of(model: type[BaseModel]) -> Mapping[str, str]:
    """Field to its description, else to the docstring under it in the class that declared it last; empty without."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, Documented):
            found |= docstrings_of(kind)
    return {name: field.description or found.get(name, "") for name, field in model.model_fields.items()}
