"""Whole images by tiles: beside MONAI's sliding window in the same precision, and what all but the model takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from studies.gpu.figures import Part, interleaved
from studies.gpu.sizes import Sizes
from studies.gpu.step import device_here

OVERLAP = 0.25


def measure(part: Part, sizes: Sizes) -> None:
    """Megapixels per second of ours and of MONAI's, and the share of the model in ours."""
    import torch
    from monai.inferers.utils import sliding_window_inference

    from bench.catalog import load_catalog
    from bench.component import build
    from bench.crops import tiles
    from bench.suite.schema import Recipe
    from bench.train.device import settle, synchronise
    from bench.train.forward import forward, place, precise
    from bench.train.predict import predict_image
    from bench.types import Task

    settle(threads=1)
    device = device_here()
    unet = load_catalog().find("model", "unet").component
    precision = Recipe.model_validate({"precision": sizes.precision}).precision
    model: Any = place(build(unet, Task(1, 1), settings=sizes.unet), device).eval()
    image = np.random.default_rng(0).integers(0, 255, (sizes.side, sizes.side, 1), dtype=np.uint8)
    corners = tiles.grid(sizes.side, sizes.side, sizes.crop, OVERLAP)
    cut = torch.from_numpy(tiles.cut(image, corners, sizes.crop)).to(device).permute(0, 3, 1, 2).float()

    def ours() -> None:
        predict_image(
            model, image, mean=[128.0], std=[64.0], size=sizes.crop, overlap=OVERLAP, batch=sizes.batch,
            precision=precision, device=device,
        )  # fmt: skip

    def monai() -> None:
        pixels = (torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float() - 128) / 64
        with torch.inference_mode(), precise(precision, device):
            answer = sliding_window_inference(pixels, (sizes.crop, sizes.crop), sizes.batch, model, overlap=OVERLAP)
        assert isinstance(answer, torch.Tensor)
        answer.float().softmax(dim=1).cpu().numpy()

    def alone() -> None:
        with torch.inference_mode(), precise(precision, device):
            for batch in torch.split(cut, sizes.batch):
                forward(model, batch)
        synchronise(device)

    whole, theirs, model_alone = interleaved([ours, monai, alone], sizes.rounds)
    speed = image.size / 1e6 / whole
    part.figure("tiled inference", speed, f"{speed:,.1f} megapixels/s in {precision}, overlap {OVERLAP}")
    part.figure("against MONAI's sliding window", theirs / whole, f"{theirs / whole:.2f} x", 1.5)
    share = 1 - model_alone / whole
    part.figure("all but the model: cutting, softmax, copies, stitching", share, f"{share:.1%}", 0.05, at_most=True)
