"""Records of older schemas as this version has them; on disk they stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.errors import StoreError
from bench.states import State
from bench.types import JsonValue

SCHEMA = 2
"""Schema number of records; raised when a field changes its meaning. See :data:`MIGRATIONS`."""

FROM_1 = (State.FAILED, State.DIVERGED, State.BLOCKED, State.SKIPPED, State.EXCLUDED)
"""States that schema 1 called as this one does."""


def migrated(stored: Mapping[str, JsonValue], where: str) -> Mapping[str, JsonValue]:
    """A record of an older schema as this one has it; one without a number, such as a row of a table, is of schema 1.

    Raises:
        StoreError: it is of a newer schema, or its number is none.
    """
    schema = stored.get("schema", 1)
    if not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
        raise StoreError(f"{where}: {other_schema(schema)}")
    for earlier in range(schema, SCHEMA):
        stored = MIGRATIONS[earlier](stored)
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


MIGRATIONS: Mapping[int, Callable[[Mapping[str, JsonValue]], Mapping[str, JsonValue]]] = {1: _from_1}
"""Schema to what makes the next one of it; records of every schema since the first are read for ever."""
