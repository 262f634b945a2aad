"""Who waits for whom: a cell with a pretraining run starts when that run's weights are in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.engine.plan import Planned, Pretraining
from bench.jobs import Ended
from bench.store.home import Places
from bench.store.store import is_sound, stage_note


@dataclass(frozen=True, slots=True)
class Needs:
    """Cells by the ``train`` stage that they wait for.

    ``ready`` cells wait for nothing. ``missing`` are the pretraining runs that need a job of their own, by the key of
    their ``train`` stage; the others are made by a ready cell that has the same ``train`` stage (``makers``: key of
    the job to key of the stage).
    """

    ready: Sequence[Planned]
    missing: Mapping[str, Pretraining]
    makers: Mapping[str, str]
    held: Mapping[str, Sequence[Planned]]
    places: Places

    @staticmethod
    def of(runnable: Iterable[Planned], places: Places) -> Needs:
        """Sort cells by what they need that is not in the store yet."""
        ready: list[Planned] = []
        held: dict[str, list[Planned]] = {}
        runs: dict[str, Pretraining] = {}
        there: dict[str, bool] = {}
        for planned in runnable:
            pretraining = planned.pretraining
            if pretraining is None:
                ready.append(planned)
                continue
            key = pretraining.train
            if key not in there:
                folder = places.stage("train", key)
                note = stage_note(folder)
                there[key] = note is not None and is_sound(folder, note)
            if there[key]:
                ready.append(planned)
            else:
                held.setdefault(key, []).append(planned)
                runs.setdefault(key, pretraining)
        by_train = {planned.keys["train"]: planned.cell.id for planned in reversed(ready)}
        makers = {by_train[key]: key for key in runs if key in by_train}
        missing = {key: pretraining for key, pretraining in runs.items() if key not in by_train}
        return Needs(ready, missing, {**makers, **{key: key for key in missing}}, held, places)

    def after(self, ended: Ended) -> tuple[Sequence[Planned], Sequence[tuple[Planned, Ended]]]:
        """Cells that can start now that a job has ended, and those that never can, with how they end."""
        key = self.makers.get(ended.key)
        if key is None:
            return (), ()
        if stage_note(self.places.stage("train", key)) is not None:
            return self.held[key], ()
        return (), [(planned, _lost(planned, ended)) for planned in self.held[key]]


def _lost(planned: Planned, ended: Ended) -> Ended:
    assert planned.pretraining is not None
    name = planned.pretraining.cell.dataset.use
    return Ended(planned.cell.id, ended.state, f"pretraining on {name} {ended.state.word}: {ended.reason}", ended.log)
