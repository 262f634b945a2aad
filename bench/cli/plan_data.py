"""A plan as data: what ``bench plan --json`` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.cli.planning import free_bytes, opening_remarks
from bench.cli.power import Foretold, foretold
from bench.engine.forecast import CellCost, Forecast
from bench.engine.plan import Plan, Planned
from bench.store.home import Places


def plan_data(plan: Plan, places: Places, cost: Forecast, why_unfit: str | None) -> dict[str, Any]:
    """Cells with their state and cost, data sets, time, memory, disk and power; null is what was never measured."""
    suite = plan.suite
    return {
        "suite": suite.name,
        "suite_hash": suite.hash,
        "profile": suite.profile or None,
        "states": plan.counts(),
        "cells": [_cell(planned, cost.jobs.get(planned.cell.id)) for planned in plan.cells],
        "datasets": [
            {
                "dataset": dataset.data.use,
                "settings": dict(dataset.data.settings),
                "images": len(dataset.index.entries) if dataset.index else None,
                "problem": dataset.problem,
            }
            for dataset in plan.datasets
        ],
        "remarks": [text.strip().removeprefix("remark: ") for text in opening_remarks(plan)],
        "notes": suite.notes,
        "workers": cost.workers if suite.runtime.is_local else None,
        "launcher": suite.runtime.launcher.use,
        "seconds": cost.seconds if suite.runtime.is_local else None,
        "memory_bytes": cost.memory,
        "disk_bytes": {**plan.disk, **{what: cost.disk(what) for what in ("weights", "evidence", "results")}},
        "free_bytes": free_bytes(places),
        "does_not_fit": why_unfit,
        "power": list(map(_power, foretold(plan))),
    }


def _cell(planned: Planned, cost: CellCost | None) -> dict[str, Any]:
    return {
        "id": planned.cell.id,
        "axes": planned.cell.labels,
        "state": planned.state,
        "reason": planned.reason,
        "inert": planned.inert,
        "badges": planned.badges,
        "cost": cost and asdict(cost),
    }


def _power(one: Foretold) -> dict[str, Any]:
    power = one.power
    return {
        "dataset": one.dataset,
        "measure": one.measure.name,
        "seeds": one.seeds,
        "rows": power and power.rows,
        "groups": power and power.groups,
        "found": power and power.found,
        "seeds_wanted": power and power.seeds_wanted,
        "groups_wanted": power and power.groups_wanted,
        "measured": one.is_measured,
    }
