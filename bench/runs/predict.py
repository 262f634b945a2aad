"""A trained cell, ready to predict new images: weights, preprocessing, tiles and threshold as they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.catalog import Catalog
from bench.component import build, guarded
from bench.crops.prepare import apply
from bench.errors import Damaged, DataError, PluginError, StoreError
from bench.record import Record, State
from bench.runs.folder import done_again
from bench.stages.cell_run import BEST, TILES, threads_of
from bench.stages.environment import device
from bench.stages.kinds import Kind, White, fitted, kinds_taken
from bench.store.home import Places
from bench.store.store import flaws, stage_note
from bench.types import Float32, Image, Task
from bench.words import plural

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with everything that stood around it when it was scored; ``threshold`` is k of k/1000.

    ``kinds`` are those of its training images before preprocessing; none where they are unknown.
    """

    model: torch.nn.Module
    kinds: Sequence[Kind]
    chain: Sequence[Callable[[Image], Image]]
    mean: Sequence[float]
    std: Sequence[float]
    task: Task
    tiles: Mapping[str, Any]
    precision: Any
    batch: int
    threshold: int
    device: torch.device

    def fitted(self, image: Image, white: White | None, name: str) -> Image:
        """The picture ``[H, W, C]`` as the training images were; see :func:`bench.stages.kinds.fitted`."""
        return fitted(image, self.kinds, white, name)

    def probabilities(self, image: Image, name: str) -> Float32:
        """Map ``[H, W, C]`` to ``float32[1 + K, H, W]`` on the image's own grid.

        Raises:
            DataError: the image has other channels than the images the model was trained on.
            PluginError: a preprocessing step fails.
        """
        from bench.train.predict import predict_image

        for step in self.chain:
            image = guarded(f"preprocessing of {name}", apply, step, image, name)
        if image.shape[2] != self.task.channels:
            raise DataError(
                f"{name}: {plural(image.shape[2], 'channel')} after preprocessing, the model was trained on "
                f"{self.task.channels}; convert the image"
            )
        return predict_image(
            self.model,
            image,
            mean=self.mean,
            std=self.std,
            size=self.tiles["size"],
            overlap=self.tiles["overlap"],
            batch=self.batch,
            precision=self.precision,
            device=self.device,
        )


def load_trained(record: Record, catalog: Catalog, places: Places) -> Trained:
    """Load a cell's best weights from the store.

    Raises:
        StoreError: the cell did not finish, or its stages were removed from the cache.
        Damaged: its weights are not those that were trained.
    """
    from bench.train.forward import place
    from bench.train.randomness import initialised
    from bench.train.weights import load_weights

    if record.state is not State.OK:
        raise StoreError(f"cell {record.id} is {record.state.word}; only a finished cell can predict")
    notes = {kind: _note(places, record, kind) for kind in ("tiles", "train", "predict")}
    train, predict = notes["train"]["facts"], notes["predict"]["facts"]
    steps = notes["tiles"]["facts"]["preprocess"]
    folder = places.stage("train", record.keys["train"])
    for flaw in flaws(folder, notes["train"]):
        raise Damaged(f"{flaw}; {done_again(record)}")
    stored = load_weights(folder / BEST)
    task = Task(*train["task"])
    for kind, used in [("model", train["model"]), *(("preprocess", step) for step in steps)]:
        _check_code(catalog, kind, used)
    settings = train["model"]["settings"]
    if "pretrained" in settings:
        settings = {**settings, "pretrained": False}  # the stored weights replace them; nothing is fetched
    component = catalog.find("model", train["model"]["use"]).component
    model: torch.nn.Module = initialised(lambda: build(component, task, settings=settings), 0)
    model.load_state_dict(stored.state)
    where = device(threads_of(train))
    chain = [build(catalog.find("preprocess", step["use"]).component, settings=step["settings"]) for step in steps]
    tiles = places.stage("tiles", record.keys["tiles"]) / TILES
    return Trained(
        model=place(model, where).eval(),
        kinds=kinds_taken(notes["tiles"].get("images"), tiles, chain),
        chain=chain,
        mean=stored.mean,
        std=stored.std,
        task=task,
        tiles=predict["tiles"],
        precision=predict["precision"],
        batch=train["recipe"]["batch"],
        threshold=notes["predict"]["threshold"],
        device=where,
    )


def _check_code(catalog: Catalog, kind: str, used: Mapping[str, Any]) -> None:
    """Refuse a component that is not the one the cell was trained with.

    Raises:
        PluginError: its version, or the content of its local file, is another one.
    """
    offer = catalog.find(kind, used["use"])
    source = offer.provider.source_hash if offer.provider.local else None
    if (offer.component.version, source) != (used["version"], used.get("source")):
        raise PluginError(
            f"the {kind} {used['use']!r} is not the one this cell was trained with "
            f"(version {used['version']} then, {offer.component.version} now, or its file changed); run the suite again"
        )


def _note(places: Places, record: Record, kind: str) -> dict[str, Any]:
    folder = places.stage(kind, record.keys[kind])
    note = stage_note(folder)
    if note is None:
        raise StoreError(
            f"{folder}: the {kind} stage of cell {record.id} is not in the cache, or damaged; {done_again(record)}"
        )
    return note
