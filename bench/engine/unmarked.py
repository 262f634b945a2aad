"""Why a run cannot learn from a data set: no defect pixel in its training split, or none at all."""

from __future__ import annotations

import json
import shlex

from bench.catalog import Catalog
from bench.component import complete
from bench.data.splits import Rule
from bench.stages.graph import IndexedData, spent
from bench.store.home import Places
from bench.suite.cells import Cell
from bench.suite.schema import Fold, Ref, SplitFile
from bench.types import SPLITS


def nothing_to_learn(run: Cell, data: IndexedData, catalog: Catalog, places: Places) -> str | None:
    """Why a run is refused for want of defect pixels of any class, or None.

    A data set without any is of no use to anybody. A training split without any is to a model that has nothing to fit
    and to a run without epochs.
    """
    if any(data.marked.values()) and (data.marked.get("train") or not _learns(run, catalog)):
        return None
    name = run.dataset.use
    advice = f"'bench info {name}' has the settings, what is read says: {_command(run.dataset, catalog, places)}"
    if not any(data.marked.values()):
        return (
            f"none of the {sum(data.images.values()):,} images of {name!r} has a defect pixel: nothing can be learned "
            f"or scored; masks may be missing, empty or read wrongly; {advice}"
        )
    counts = ", ".join(f"{split} {data.marked.get(split, 0):,} of {data.images.get(split, 0):,}" for split in SPLITS)
    return (
        f"the training split of {name!r} ({rule_text(run.protocol.split)}) has no defect pixel (images with a defect: "
        f"{counts}): nothing can be learned; give another split, or mend masks that are missing, empty or inverted; "
        f"{advice}"
    )


def rule_text(rule: Rule) -> str:
    """``grouped``, ``fold 2 of 5`` or ``split my.csv``."""
    if isinstance(rule, Fold):
        return f"fold {rule.fold} of {rule.folds}"
    return f"split {rule.file}" if isinstance(rule, SplitFile) else rule


def _learns(run: Cell, catalog: Catalog) -> bool:
    return catalog.find("model", run.model.use).component.learns and spent(run).epochs > 0


def _command(ref: Ref, catalog: Catalog, places: Places) -> str:
    """``bench data verify`` as a user would type it who gave these settings and this folder."""
    component = catalog.find("dataset", ref.use).component
    defaults = complete(component, {})
    changed = {key: value for key, value in ref.settings.items() if defaults.get(key) != value}
    asked = json.dumps({"use": ref.use, "settings": changed}, ensure_ascii=False) if changed else ref.use
    names = [name for name in (ref.use, component.folder or ref.use) if name in places.data]
    folders = [f"{name}={places.data[name]}" for name in names]
    return shlex.join(["bench", "data", "verify", asked, *(("--data", folders[0]) if folders else ())])
