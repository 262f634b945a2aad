"""The parts of a record: its scores, what it cost, where its numbers come from."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ConfigDict, Field, RootModel, ValidationError

from bench.documented import Documented
from bench.leaves import Flag, Leaves, Number, Text, Tree, Whole, look, number, numbers_in, pair, text_of, texts_of
from bench.types import JsonValue
from bench.words import plural


class Part(Documented):
    """A frozen part of a record; fields that this version does not know stay in what is stored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    def plain(self) -> dict[str, JsonValue]:
        """The fields that were given, as plain JSON values."""
        return self.model_dump(mode="json", exclude_unset=True)

    @property
    def numbers(self) -> dict[str, float]:
        """Dotted name of every number that was given to its value."""
        return dict(numbers_in(self.plain()))


class ImageCounts(Part):
    """Counts of pixels of every image of a split: what intervals and comparisons are made of."""

    ids: tuple[str, ...]
    """Ids of the images."""
    groups: tuple[str, ...]
    """Group (physical object) of each image."""
    counts: tuple[tuple[int, int, int, int], ...]
    """True positives, false positives, false negatives and true negatives of each image."""


class Scores(RootModel[Tree]):
    """The scores of one split by name: numbers, and for some a mapping of further names to numbers."""

    model_config = ConfigDict(frozen=True)

    @property
    def numbers(self) -> dict[str, float]:
        """Dotted name of every score to its value, as ``f1`` or ``sizes.q1.recall``; what has none is left out."""
        return dict(numbers_in(self.root))

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of F1 over groups."""
        return pair(self.root.get("f1_interval"))

    @property
    def interval_note(self) -> str | None:
        """What must be known of that interval, such as how few groups it rests on."""
        return text_of(self.root.get("interval_note") or None)

    @property
    def flags(self) -> tuple[str, ...]:
        """Remarks and alarms on these scores."""
        return texts_of(self.root.get("flags"))

    @property
    def image_counts(self) -> ImageCounts | None:
        """Counts of pixels per image; None where they were not kept."""
        try:
            return ImageCounts.model_validate(self.root.get("image_counts"))
        except ValidationError:
            return None

    @property
    def types(self) -> Mapping[str, Mapping[str, JsonValue]]:
        """Scores of each defect type."""
        return self._members("types")

    @property
    def sizes(self) -> Mapping[str, Mapping[str, JsonValue]]:
        """Scores of defects by quartile of their area."""
        return self._members("sizes")

    @property
    def operating(self) -> Mapping[str, Mapping[str, JsonValue]]:
        """Scores at thresholds of other rules, chosen on validation."""
        return self._members("operating")

    def __getitem__(self, name: str) -> JsonValue:
        """What a name holds.

        Raises:
            KeyError: nothing has this name.
        """
        return self.root[name]

    def number(self, *path: str) -> float | None:
        """The number of a name, or of names inside each other; None where there is none."""
        return number(look(self.root, path))

    def _members(self, name: str) -> Mapping[str, Mapping[str, JsonValue]]:
        found = self.root.get(name)
        members = found.items() if isinstance(found, Mapping) else ()
        return {str(key): member for key, member in members if isinstance(member, Mapping)}


class Asked(Part):
    """The settings of a cell as its suite asked for them, every default filled in; they decide its id."""

    axes: Leaves = Field(default_factory=dict)
    """Level of every axis: data set, pretraining, preprocessing, crop, crop size, model, seed."""
    recipe: Leaves = Field(default_factory=dict)
    """How it is trained."""
    protocol: Leaves = Field(default_factory=dict)
    """How it is split, predicted and scored."""


class Provider(Part):
    """Who offered a component."""

    package: str = ""
    """Name of the package, or of the local file."""
    version: str = ""
    """Version of the package."""
    source: str = ""
    """Digest of the code of the module that offers it."""
    component: Whole = None
    """Version of the component itself; null in records from before it was kept (2026-11-29)."""


class Convergence(Part):
    """When the training stopped getting better."""

    epoch: Whole = None
    """First epoch from which validation F1 stayed near its best; null where it did not within the budget."""
    best_epoch: Whole = None
    """Epoch whose weights are scored: that of the best validation F1."""
    budget: Whole = None
    """Epochs that were to be trained."""


class Cost(Part):
    """What the cell cost; a stage that another cell had finished keeps the time that it took there."""

    tiles_s: Number = None
    """Seconds to store the validation tiles."""
    crops_s: Number = None
    """Seconds to draw and store the training crops."""
    train_s: Number = None
    """Seconds of training, with its validations."""
    pretrain_s: Number = None
    """Seconds of the training that the weights come from; null without pretraining."""
    predict_s: Number = None
    """Seconds of prediction of validation and test images."""
    image_latency_s: Number = None
    """Mean seconds of prediction of one image, tiles and stitching included, beside whatever else ran: no latency."""
    evidence_s: Number = None
    """Seconds of counting pixels and defects in these predictions; on spare cores they pass beside predict_s."""
    crops_per_s: Number = None
    """Training crops seen per second."""
    step_s: Number = None
    """Mean seconds of a training step, without validations."""
    validation_s: Number = None
    """Mean seconds of a validation during training."""
    continued: Whole = None
    """How often the training went on from a checkpoint; null where it never had to."""
    peak_memory_bytes: Whole = None
    """Highest use of memory during training, since it last went on from a checkpoint."""
    peak_memory_of: Text = None
    """What that was measured of: the GPU, or the process."""


class Latency(Part):
    """What prediction of one image takes, warm and alone, as ``bench perf infer`` measured it."""

    predict: Text = None
    """Key of the stage that predicts: a figure of other weights or settings is none of this record."""
    date: Text = None
    """Day of the measurement."""
    machine: Text = None
    """Digest of what decides how fast the machine is."""
    device: Text = None
    """Name of the GPU or processor."""
    threads: Whole = None
    """Threads of one operation on the processor."""
    batch: Whole = None
    """Tiles predicted at once."""
    megapixels: Number = None
    """Of the image: the test image of middle size."""
    p50_s: Number = None
    """Median seconds for the image, preprocessing, tiles and stitching included, as the mean over processes."""
    p95_s: Number = None
    """95th percentile of these seconds."""
    ratio: Number = None
    """The median in runs of the reference load."""
    noise: Number = None
    """Width of the 95 % interval of that over processes, as a share of it."""
    processes: Whole = None
    """Processes that it was measured in, one after the other; null where it was one, whose noise tells less."""

    @property
    def on(self) -> str:
        """What it was measured on, in words."""
        threads = f", {plural(self.threads, 'thread')}" if self.threads else ""
        return f"{self.device}{threads}"


class Provenance(Part):
    """Where and with what the cell was trained, so that its numbers can be made again."""

    model_config = ConfigDict(frozen=True, extra="allow")

    date: Text = None
    """Day of the training."""
    python: Text = None
    """Version of Python."""
    platform: Text = None
    """Operating system and processor architecture."""
    device: Text = None
    """Name of the GPU or processor."""
    threads: Whole = None
    """Threads of one operation on the processor."""
    packages: Leaves = Field(default_factory=dict)
    """Versions of the packages that decide numbers."""
    driver: Text = None
    """Version of the NVIDIA driver; null on a processor."""
    cuda: Text = None
    """Version of CUDA that torch was built with; null on a processor."""
    commit: Text = None
    """Git commit of bench where it ran from a checkout; null for a release."""
    commit_changed: Flag = None
    """Whether that checkout had changes that were not committed; null for a release."""
    data_fingerprint: Text = None
    """Digest of every image and mask of the data set, as the stage keys have it."""
    split_digest: Text = None
    """Digest of which image is in which split, as the stage keys have it."""
    workers: Whole = None
    """Workers that the run had at once, the one that trained this cell among them."""

    @property
    def on_boards(self) -> Mapping[str, JsonValue]:
        """What the foot of a board says: that which every schema has had."""
        return {name: value for name, value in self.plain().items() if name not in SINCE_2}


SINCE_2 = ("driver", "cuda", "commit", "commit_changed", "data_fingerprint", "split_digest", "workers")
"""Provenance that records have since schema 2; boards do not print it."""
