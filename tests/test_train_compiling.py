"""``recipe.compile``: steps through torch's compiler, in the id, close to those without it, the same twice."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch._dynamo.backends.cudagraphs import check_for_skip
from torch._subclasses import FakeTensorMode
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx

from bench.catalog import load_catalog
from bench.component import build
from bench.errors import TrainingError
from bench.suite.schema import Recipe
from bench.train.compiling import compiled
from bench.train.forward import forward
from bench.train.products import Products
from bench.types import Task
from light_models import LIGHT
from sampling import whole_run
from test_train_loop import RECIPE, trained
from tiny import bench, write_world

CATALOG = load_catalog()
COMPILED = RECIPE.model_copy(update={"epochs": 1, "compile": "inductor"})


class Pyramid(torch.nn.Module):
    """Every kind of layer that is changed or random: resizing, pooling, norm, dropout."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)
        self.drop = torch.nn.Dropout2d(0.2)
        self.last = torch.nn.Conv2d(4, 2, 1)

    def forward(self, images):
        fine = self.drop(torch.relu(self.norm(self.first(images))))
        coarse = torch.nn.functional.adaptive_avg_pool2d(fine, 3)
        fine = fine + torch.nn.functional.interpolate(coarse, size=fine.shape[-2:], mode="bilinear")
        return torch.nn.functional.interpolate(self.last(fine), size=images.shape[-2:], mode="bilinear")


def test_a_recipe_without_the_compiler_is_written_as_before_there_was_one():
    assert "compile" not in Recipe().model_dump(mode="json")
    assert Recipe(compile="inductor").model_dump(mode="json")["compile"] == "inductor"
    assert Recipe.model_validate_json(Recipe().model_dump_json()) == Recipe()


@whole_run
def test_compiled_steps_train_as_the_others_do_and_give_the_same_bits_twice(catalog):
    plain = trained(catalog, COMPILED.model_copy(update={"compile": "none"}), model=Pyramid())
    first, second = (trained(catalog, COMPILED, model=Pyramid()) for _ in range(2))
    assert set(first.last_state) == set(plain.last_state)
    assert first.history == second.history
    for name, tensor in first.last_state.items():
        assert torch.equal(tensor, second.last_state[name])
        assert torch.allclose(tensor.double(), plain.last_state[name].double(), rtol=1e-2, atol=1e-3)


@whole_run
def test_products_are_compiled_with_the_model():
    torch.compiler.reset()
    model = Pyramid().eval()
    images = torch.randn(2, 1, 32, 32)
    with Products():
        explained = torch._dynamo.explain(model)(images)
    assert explained.graph_break_count == 0
    called = {str(op) for op in explained.ops_per_graph[0]}
    assert any("matmul" in name for name in called)


@whole_run
def test_without_a_compiler_one_line_says_what_is_missing():
    from torch._inductor import config
    from torch._inductor.utils import fresh_cache

    with config.patch({"cpp.cxx": ("no-such-compiler",)}), fresh_cache():
        passes = compiled(Pyramid(), "inductor")
        with pytest.raises(TrainingError, match=r"^recipe.compile: inductor cannot compile .* recipe.compile: none$"):
            passes(torch.randn(2, 1, 32, 32))


@whole_run
def test_what_cannot_be_a_graph_is_refused_at_the_first_step_and_not_left_without_one(catalog):
    with pytest.raises(TrainingError, match=r"^recipe.compile: cudagraphs cannot .* recipe.compile: none$"):
        trained(catalog, COMPILED.model_copy(update={"compile": "cudagraphs"}), model=Pyramid())


def test_a_suite_with_graphs_is_refused_on_a_processor_before_anything_is_made(tmp_path):
    write_world(tmp_path)
    done = bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py", "-x", "recipe.compile=cudagraphs")
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if "cudagraphs" in line]
    assert line == "recipe.compile: cudagraphs: a processor has no CUDA graphs; set recipe.compile: none"
    assert not list((tmp_path / "home").rglob("*.h5"))


class Hosted(torch.nn.Conv2d):
    """A layer that brings something from the host in its pass."""

    def forward(self, images):
        return super().forward(images) + torch.zeros(1).to(images.device)


def why_not_captured(model):
    """Why torch would not make a CUDA graph of a model's forward pass; traced in types of a GPU that is not here."""
    given = model.train().state_dict()
    with FakeTensorMode() as fake:
        state = {name: fake.from_tensor(tensor).to("cuda") for name, tensor in given.items()}

        def passes(state, images):
            return forward(lambda batch: functional_call(model, state, (batch,)), images)

        traced = make_fx(passes)(state, torch.empty(2, 1, 64, 64, device="cuda"))
    return check_for_skip(traced, len(state))


@pytest.mark.sampled(each=2)
@pytest.mark.parametrize("name", [offer.component.name for offer in CATALOG.offers("model") if offer.component.learns])
def test_the_forward_pass_of_a_model_on_a_gpu_can_be_captured(name):
    model = build(CATALOG.find("model", name).component, Task(1, 1), settings=LIGHT[name])
    assert why_not_captured(model) is None


def test_a_pass_that_brings_something_from_the_host_cannot_be_captured():
    assert "cpu" in why_not_captured(Hosted(1, 2, 3))


NOTING = '''
"""A model that notes where its process keeps what it compiles."""

import os
from pathlib import Path

from bench.api import Component, hookimpl


def noting(task, /):
    import torch

    kept = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
    assert kept.is_dir()
    Path(__file__).with_name(f"{os.getpid()}.kept").write_text(str(kept))
    return torch.nn.Conv2d(task.channels, 1 + task.classes, 5, padding=2)


@hookimpl
def bench_models():
    yield Component("noting", noting)
'''


@whole_run
def test_each_worker_compiles_into_a_folder_of_its_own_that_is_gone_with_it(tmp_path, monkeypatch):
    write_world(tmp_path)
    (tmp_path / "models.py").write_text(NOTING)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    chosen = ["axes.model=[noting]", "axes.seed=[0, 1]", "runtime.workers=2"]
    done = bench(
        tmp_path, "run", "tiny.yaml", "--plugin", "models.py", *(part for one in chosen for part in ("-x", one))
    )
    assert done.returncode == 0, done.stderr
    kept = [file.read_text() for file in tmp_path.glob("*.kept")]
    assert kept
    assert len(set(kept)) == len(kept)
    assert not any(Path(folder).exists() for folder in kept)
