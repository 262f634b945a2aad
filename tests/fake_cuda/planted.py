"""Augmentations that make the host wait for the device in every step, each in a way of its own."""

from __future__ import annotations

from typing import Any

import torch

Batch = tuple[torch.Tensor, torch.Tensor]


def draws_there_from_a_generator_of_the_host(images: Any, masks: Any, generator: Any) -> Batch:
    return images + torch.randn(images.shape, generator=generator, device=images.device), masks


def reads_a_number(images: Any, masks: Any, generator: Any) -> Batch:
    return images - images.mean().item(), masks


def decides_by_a_number(images: Any, masks: Any, generator: Any) -> Batch:
    return (images.flip(-1), masks.flip(-1)) if images.mean() > 0 else (images, masks)


def reads_a_list(images: Any, masks: Any, generator: Any) -> Batch:
    return images - sum(images.mean(dim=(1, 2, 3)).tolist()), masks


def brings_a_tensor_back(images: Any, masks: Any, generator: Any) -> Batch:
    return images / images.cpu().std(), masks


def selects_by_a_mask(images: Any, masks: Any, generator: Any) -> Batch:
    return images - images[:, 0][masks == 0].mean(), masks


def fills_by_a_mask(images: Any, masks: Any, generator: Any) -> Batch:
    noise = torch.zeros_like(images)
    noise[images > 1] = images.flatten()
    return images + noise, masks


def counts_classes(images: Any, masks: Any, generator: Any) -> Batch:
    return images * masks.flatten().bincount(minlength=2)[1], masks


def finds_places(images: Any, masks: Any, generator: Any) -> Batch:
    return images + masks.nonzero().float().mean(), masks


def mixes_by_an_index_of_the_host(images: Any, masks: Any, generator: Any) -> Batch:
    order = torch.randperm(len(images), generator=generator)
    return images[order], masks[order]


def mixes_by_a_list(images: Any, masks: Any, generator: Any) -> Batch:
    return images[[1, 0]], masks[[1, 0]]


def sends_by_a_copy_that_blocks(images: Any, masks: Any, generator: Any) -> Batch:
    return images * torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device), masks


def sends_from_memory_that_is_not_pinned(images: Any, masks: Any, generator: Any) -> Batch:
    return images * torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device, non_blocking=True), masks


def sends_a_number(images: Any, masks: Any, generator: Any) -> Batch:
    return images * torch.tensor(2.0, device=images.device), masks


def mixes_devices(images: Any, masks: Any, generator: Any) -> Batch:
    return images * torch.rand(len(images), 1, 1, 1, generator=generator), masks


def awaits_the_device(images: Any, masks: Any, generator: Any) -> Batch:
    torch.cuda.synchronize()
    return images, masks


class ReadsInBackward(torch.autograd.Function):
    """The identity, whose gradient is read."""

    @staticmethod
    def forward(context: Any, logits: torch.Tensor) -> torch.Tensor:
        return logits.clone()

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient / max(gradient.abs().max().item(), 1.0)


def loss_that_reads_in_backward(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return ReadsInBackward.apply(logits).square().mean()
