"""The training loop on a toy that can be learned: bright squares in noise."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from bench.component import build
from bench.crops.prepare import format_of
from bench.errors import Diverged, TrainingError
from bench.score.metrics import swept
from bench.score.thresholds import best_index
from bench.suite.schema import Recipe
from bench.train.delivery import deliver
from bench.train.device import choose_device, unsettled
from bench.train.forward import forward, normalisation, resident, targets_of
from bench.train.loop import batches, epoch_rows, fit
from bench.train.predict import predict_image
from bench.train.randomness import initialised
from bench.train.validate import Validator, histogram
from bench.types import Task

CPU = torch.device("cpu")
SIDE = 64


@dataclass(frozen=True)
class Stored:
    """Crops as arrays."""

    image: np.ndarray
    mask: np.ndarray
    mean: np.ndarray | None = None
    std: np.ndarray | None = None

    def __len__(self):
        return len(self.mask)

    @property
    def size(self):
        return self.mask.shape[1]

    @property
    def format(self):
        return format_of(self.image[0])

    def read(self, rows, image_out, mask_out):
        image_out[...] = self.image[rows]
        mask_out[...] = self.mask[rows]


def squares(count: int, seed: int, dtype: type = np.uint8, channels: int = 1, side: int = SIDE) -> Stored:
    """One bright square in noise per picture; its class is 1 or 2; a border of four pixels is ignored."""
    rng = np.random.default_rng(seed)
    scale = np.iinfo(dtype).max / 255
    image = rng.normal(60, 15, (count, side, side, channels))
    mask = np.zeros((count, side, side), np.uint8)
    for picture, truth in zip(image, mask, strict=True):
        top, left = rng.integers(8, side - 24, 2)
        picture[top : top + 16, left : left + 16] += 100
        truth[top : top + 16, left : left + 16] = rng.integers(1, 3)
        truth[:4] = 255
    stored = np.clip(image * scale, 0, np.iinfo(dtype).max).astype(dtype)
    axes = (0, 1, 2)
    return Stored(stored, mask, stored.mean(axes, dtype=float), stored.std(axes, dtype=float))


RECIPE = Recipe(
    epochs=4, epoch_crops=24, batch=8, precision="float32", learning_rate=3e-3, warmup_steps=3, validate_every=2
)


UNCHANGED = ([0.0], [1.0])


def light(catalog, name, task=Task(1, 1), **chosen):  # noqa: B008 - frozen
    settings = {"encoder": "resnet10t", "depth": 3}
    settings |= {} if name == "fcn" else {"decoder": [32, 16, 8]}
    component = catalog.find("model", name).component
    return initialised(lambda: build(component, task, settings=settings | chosen), seed=0)


def trained(catalog, recipe=RECIPE, *, model=None, task=Task(1, 1), bank=None, tiles=None, progress=None, **chosen):  # noqa: B008
    tiles = tiles or squares(8, 2)
    return fit(
        model=model or light(catalog, "fcn", task),
        crops=bank or squares(32, 1),
        tiles=tiles,
        constants=(tiles.mean, tiles.std),
        recipe=recipe,
        loss=build(catalog.find("loss", recipe.loss.use).component, settings=recipe.loss.settings),
        augment=[build(catalog.find("augment", ref.use).component, settings=ref.settings) for ref in recipe.augment],
        task=task,
        device=CPU,
        progress=progress or (lambda event: None),
        **{"seed": 0} | chosen,
    )


@pytest.mark.parametrize("name", ["fcn", "unet"])
def test_a_model_learns_to_find_the_squares_in_new_pictures(catalog, name):
    model = light(catalog, name)
    tiles = squares(8, 2)
    fitted = trained(catalog, RECIPE.model_copy(update={"epochs": 6}), model=model, tiles=tiles)
    assert fitted.history[-1]["validation_loss"] < fitted.history[0]["validation_loss"]
    assert max(event["validation_f1"] for event in fitted.history) > 0.8
    model.load_state_dict(fitted.best_state)
    new = squares(1, 3, side=100)
    answer = predict_image(
        model,
        new.image[0],
        mean=tiles.mean,
        std=tiles.std,
        size=64,
        overlap=0.25,
        batch=4,
        precision="float32",
        device=CPU,
    )
    assert f1_score(new.mask[0, 4:].ravel() > 0, answer[1, 4:].ravel() > 0.5) > 0.7


def test_auto_validates_as_often_as_a_tenth_of_the_training_pays_for(catalog):
    recipe = RECIPE.model_copy(update={"validate_every": "auto"})
    fitted = trained(catalog, recipe, tiles=squares(8, 2))  # 8 tiles cost 8 / 3 of the 24 crops of an epoch
    assert [event["epoch"] for event in fitted.history] == [2, 4]


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(catalog, precision):
    recipe = RECIPE.model_copy(update={"epochs": 2, "precision": precision})
    first, second, other = (trained(catalog, recipe, seed=seed) for seed in (5, 5, 6))
    assert all(torch.equal(first.last_state[name], second.last_state[name]) for name in first.last_state)
    assert first.history == second.history
    assert not all(torch.equal(first.last_state[name], other.last_state[name]) for name in first.last_state)


def test_training_leaves_the_callers_random_numbers_alone(catalog):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    trained(catalog, RECIPE.model_copy(update={"epochs": 1}))
    assert torch.equal(torch.rand(3), expected)


def test_validation_comes_every_k_epochs_and_at_the_end_and_the_best_is_the_earliest_of_the_highest_f1(catalog):
    events = []
    fitted = trained(catalog, RECIPE.model_copy(update={"epochs": 5}), progress=events.append)
    assert [event["epoch"] for event in events] == [1, 2, 3, 4, 5]
    assert [event["epoch"] for event in fitted.history] == [2, 4, 5]
    assert [event["step"] for event in fitted.history] == [6, 12, 15]
    assert set(fitted.history[0]) == {"epoch", "step", "train_loss", "validation_loss", "validation_f1", "threshold"}
    best = max(event["validation_f1"] for event in fitted.history)
    assert fitted.best_epoch == next(event["epoch"] for event in fitted.history if event["validation_f1"] == best)
    assert fitted.convergence_epoch is None


def test_the_kept_state_is_the_one_that_was_validated(catalog):
    model, tiles = light(catalog, "fcn"), squares(8, 2)
    fitted = trained(catalog, model=model, tiles=tiles)
    model.load_state_dict(fitted.best_state)
    kept = next(event for event in fitted.history if event["epoch"] == fitted.best_epoch)
    assert validator(catalog, tiles)(model) == (kept["validation_loss"], kept["validation_f1"], kept["threshold"])


def test_the_weights_of_the_last_step_are_copied_anew_only_where_others_are_best(catalog):
    early = trained(catalog, RECIPE.model_copy(update={"epochs": 1}))
    assert early.last_state is early.best_state
    still = light(catalog, "fcn").eval()
    still.train = lambda mode=True: still  # nothing gets better, and the first of equals is the best
    late = trained(
        catalog, RECIPE.model_copy(update={"epochs": 2, "validate_every": 1, "learning_rate": 1e-12}), model=still
    )
    assert late.best_epoch == 1
    assert late.last_state is not late.best_state


def test_kept_weights_do_not_change_with_the_model(catalog):
    model = light(catalog, "fcn")
    fitted = trained(catalog, RECIPE.model_copy(update={"epochs": 1}), model=model)
    before = {name: tensor.clone() for name, tensor in fitted.best_state.items()}
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.zero_()
    assert all(torch.equal(before[name], fitted.best_state[name]) for name in before)


def validator(catalog, tiles, batch=8, task=Task(1, 1), loss="bce-dice"):  # noqa: B008 - frozen
    return Validator(
        deliver(tiles, CPU),
        CPU,
        normalisation(tiles.mean, tiles.std, CPU),
        build(catalog.find("loss", loss).component, settings={}),
        task,
        batch,
        "float32",
    )


def test_a_baseline_is_not_trained_and_not_validated(catalog):
    model = build(catalog.find("model", "otsu").component, Task(1, 1), settings={})
    fitted = trained(catalog, model=model)
    assert fitted.history == []
    assert fitted.best_epoch == 0
    assert fitted.best_state == {}


@pytest.mark.parametrize(("dtype", "channels"), [(np.uint16, 1), (np.uint8, 3)])
def test_sixteen_bits_and_colour_train_too(catalog, dtype, channels):
    task = Task(channels, 1)
    fitted = trained(
        catalog,
        RECIPE.model_copy(update={"epochs": 1}),
        task=task,
        bank=squares(24, 1, dtype, channels),
        tiles=squares(4, 2, dtype, channels),
    )
    assert np.isfinite(fitted.history[0]["validation_loss"])


def test_several_classes_train_as_softmax(catalog):
    fitted = trained(catalog, RECIPE.model_copy(update={"epochs": 1}), task=Task(1, 2))
    assert np.isfinite(fitted.history[0]["validation_loss"])


def test_a_loss_that_is_no_longer_finite_names_its_step(catalog):
    calls = []

    def breaking(logits, targets):
        calls.append(1)
        return logits.square().mean() * (float("nan") if len(calls) == 5 else 1.0)

    with pytest.raises(Diverged, match=r"training loss is nan at step 5 \(epoch 2 of 4\); lower recipe.learning_rate"):
        fit(
            model=light(catalog, "fcn"), crops=squares(32, 1), tiles=squares(8, 2), constants=UNCHANGED, recipe=RECIPE,
            loss=breaking, augment=[], task=Task(1, 1), seed=0, device=CPU, progress=lambda event: None,
        )  # fmt: skip


def test_weights_that_are_no_longer_finite_are_a_divergence_even_where_the_loss_is(catalog):
    def blind(logits, targets):
        return logits.sum() * 0 + 1

    model = light(catalog, "fcn")
    model.encoder.bn1.running_mean.fill_(float("inf"))
    with pytest.raises(Diverged, match="state of the model"):
        fit(
            model=model, crops=squares(32, 1), tiles=squares(8, 2), constants=UNCHANGED, recipe=RECIPE, loss=blind,
            augment=[], task=Task(1, 1), seed=0, device=CPU, progress=lambda event: None,
        )  # fmt: skip


def test_until_convergence_stops_where_the_curve_stands_still(catalog):
    recipe = RECIPE.model_copy(
        update={"epochs": 60, "epoch_crops": 1, "batch": 1, "learning_rate": 1e-12, "validate_every": 1}
    )
    still = light(catalog, "fcn").eval()
    still.train = lambda mode=True: still  # keeps batch norm's statistics still as well
    tiles = squares(1, 2)
    stopped = trained(catalog, recipe.model_copy(update={"budget": "until-convergence"}), model=still, tiles=tiles)
    assert len(stopped.history) == 20
    assert stopped.convergence_epoch == 1


@given(
    st.integers(1, 50), st.integers(1, 20), st.integers(1, 9), st.integers(1, 12), st.integers(0, 2**31)
)  # crops, epoch_crops, batch, epochs
@settings(max_examples=60, deadline=None)
def test_epochs_go_through_the_bank_in_order_once_and_then_shuffled_each_crop_once_a_round(
    crops, epoch_crops, batch, epochs, seed
):
    recipe = Recipe(epochs=epochs, epoch_crops=epoch_crops, batch=batch)
    steps = [list(epoch_rows(crops, epoch, recipe, seed)) for epoch in range(1, epochs + 1)]
    rows = np.concatenate([row for epoch in steps for row in epoch])
    assert len(rows) == epochs * epoch_crops
    assert all(len(epoch) == batches(recipe) for epoch in steps)
    assert all(0 < len(row) <= batch for epoch in steps for row in epoch)
    first = rows[:crops]
    assert (first == np.arange(len(first))).all()
    for start in range(0, len(rows) - crops + 1, crops):
        assert sorted(rows[start : start + crops]) == list(range(crops))


@given(st.integers(0, 2**31), st.sampled_from([0.0, 0.02, 0.5, 1.0]))
@settings(max_examples=12, deadline=None)
def test_the_best_f1_is_that_of_scikit_learn_at_its_own_threshold(seed, share):
    rng = np.random.default_rng(seed)
    truth = (rng.random(3000) < share).astype(np.int64)
    p = np.clip(rng.normal(0.3 + 0.3 * truth, 0.2), 0, 1).astype(np.float32)
    p[::3] = (rng.integers(0, 1001, 1000) / 1000).astype(np.float32)
    counts = histogram(torch.from_numpy(p), torch.from_numpy(truth)).view(2, -1).numpy()
    index, f1 = best_index(swept(counts[1], counts[0]))
    assert counts.sum() == 3000
    assert f1 == pytest.approx(f1_score(truth, p >= np.float32(index / 1000), zero_division=0))
    others = [f1_score(truth, p >= np.float32(k / 1000), zero_division=0) for k in range(100, 1001, 150)]
    assert f1 >= max(others) - 1e-12


@given(st.integers(0, 2**31), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1.0, np.nextafter(np.float32(1), 0)]))
@settings(max_examples=30, deadline=None)
def test_a_histogram_counts_what_numpy_counts_in_the_pixels_it_selects(seed, special):
    rng = np.random.default_rng(seed)
    p = rng.random((2, 20, 30), np.float32)
    p[0, :4] = special
    p[1] = (rng.integers(0, 1001, (20, 30)) / 1000).astype(np.float32)
    truth = rng.choice([0, 0, 1, 3, 255], (2, 20, 30))
    valid = (truth != 255) & np.isfinite(p)
    grid = (np.arange(1, 1001) / 1000).astype(np.float32)
    bins = np.searchsorted(grid, p[valid], side="right") + 1001 * (truth[valid] > 0)
    counts = histogram(torch.from_numpy(p), torch.from_numpy(truth))
    assert counts.dtype == torch.int64
    assert np.array_equal(counts.numpy(), np.bincount(bins, minlength=2002))


def test_a_probability_that_is_not_finite_is_in_no_histogram():
    counts = histogram(torch.tensor([0.5, float("nan"), float("inf")]), torch.tensor([1, 1, 0]))
    assert counts.sum() == 1


def test_ignored_pixels_are_in_no_histogram():
    counts = histogram(torch.full((4,), 0.5), torch.tensor([255, 0, 1, 2]))
    assert counts.sum() == 3
    assert counts.view(2, -1)[:, 500].tolist() == [1, 2]


def test_validation_of_cross_entropy_is_the_mean_over_every_valid_pixel_however_it_is_batched(catalog):
    tiles = squares(7, 4)
    tiles.mask[2, :50] = 255
    model = light(catalog, "fcn").eval()
    results = [validator(catalog, tiles, batch, loss="bce")(model) for batch in (1, 3, 7)]
    normalise = normalisation(tiles.mean, tiles.std, CPU)
    with torch.inference_mode():
        logits = model(normalise(torch.from_numpy(tiles.image)))
    targets = targets_of(torch.from_numpy(tiles.mask), Task(1, 1))
    expected = torch.nn.functional.cross_entropy(logits, targets, ignore_index=255)
    assert [loss for loss, _, _ in results] == pytest.approx([float(expected)] * 3, rel=1e-4)
    assert len({f1 for _, f1, _ in results}) == 1


def test_under_union_every_defect_is_1_and_ignored_stays_ignored():
    masks = torch.tensor([[[0, 1, 7, 255]]], dtype=torch.uint8)
    assert targets_of(masks, Task(1, 1)).tolist() == [[[0, 1, 1, 255]]]
    assert targets_of(masks, Task(1, 7)).tolist() == [[[0, 1, 7, 255]]]


@given(st.integers(1, 70), st.integers(1, 70))
@settings(max_examples=25, deadline=None)
def test_a_model_sees_multiples_of_32_and_the_answer_has_the_inputs_size(height, width):
    seen = []

    class Identity(torch.nn.Module):
        def forward(self, images):
            seen.append(images.shape[-2:])
            return images

    images = torch.randn(1, 2, height, width)
    assert torch.equal(forward(Identity(), images), images)
    assert all(side % 32 == 0 for side in seen[0])
    assert seen[0][0] - height < 32
    assert seen[0][1] - width < 32


def test_normalisation_centres_and_scales_and_leaves_a_flat_channel_unscaled():
    normalise = normalisation([10.0, 5.0], [2.0, 0.0], CPU)
    assert normalise(torch.tensor([[[[14, 6]]]], dtype=torch.uint8)).flatten().tolist() == [2.0, 1.0]


def test_a_read_only_bank_is_used_in_place_without_a_warning():
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = resident(array, CPU)
    assert tensor.data_ptr() == array.ctypes.data


def test_a_device_that_is_not_there_is_refused():
    assert choose_device("cpu") == CPU
    with pytest.raises(TrainingError, match=r"device 'cuda:99' cannot be used .* cpu or cuda"):
        choose_device("cuda:99")
    for name in ("gpu", "mps"):
        with pytest.raises(TrainingError, match=r"device: .* write cpu"):
            choose_device(name)


def test_operations_without_a_deterministic_form_are_gathered_and_other_warnings_shown():
    with warnings.catch_warnings(record=True) as shown, unsettled() as operations:
        warnings.warn("scatter with reduce=None does not have a deterministic implementation, but ...", stacklevel=1)
        warnings.warn("the lamp is off", stacklevel=1)
    assert list(operations) == ["scatter with reduce=None"]
    assert [str(warning.message) for warning in shown] == ["the lamp is off"]
