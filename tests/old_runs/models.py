"""Models that end a cell in several ways, and a metric of their own, for the runs kept here."""

from bench.api import Component, Task, hookimpl


def build(task: Task, /, *, width: int = 4):
    import torch

    first = torch.nn.Conv2d(task.channels, width, 5, padding=2)
    return torch.nn.Sequential(first, torch.nn.ReLU(), torch.nn.Conv2d(width, 1 + task.classes, 1))


def exploding(task: Task, /):
    import torch

    class Exploding(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, images):
            return images[:, :1].repeat(1, 2, 1, 1) * self.scale * float("inf")

    return Exploding()


def failing(task: Task, /):
    raise RuntimeError("this model cannot be built")


def dying(task: Task, /):
    import os

    os._exit(7)


@hookimpl
def bench_models():
    yield Component("tiny", build)
    yield Component("exploding", exploding)
    yield Component("failing", failing)
    yield Component("dying", dying)
    yield Component("impossible", build, supports=lambda task, **_: f"not for {task.classes} class")
