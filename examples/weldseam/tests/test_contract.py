"""Every component keeps the contract of its kind."""

from __future__ import annotations

from typing import Any

import pytest

from bench.api import Component
from bench.testing import breaches

from defectbench_weldseam import grey_strata, seams

OFFERED: list[tuple[str, Component[Any]]] = [
    *(("crop", component) for component in grey_strata.bench_crops()),
    *(("dataset", component) for component in seams.bench_datasets()),
]


@pytest.mark.parametrize(("kind", "component"), OFFERED, ids=[kind for kind, _ in OFFERED])
def test_the_component_keeps_the_contract_of_its_kind(kind: str, component: Component[Any]) -> None:
    assert breaches(kind, component) == []
