"""A small input with the painting that PyTorch gives for exported weights, for other implementations to compare with."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from .export import load_exported

CANVAS = (128, 64)  # smaller than the model's own, so that positions are resized as well


def write(weights: Path, out: Path, seed: int = 0) -> None:
    """Tensors: images, masks (1, 3, H, W) normalised; bool_masked_pos (1, L); prediction (1, 3, H, W) over the
    whole canvas in float32, instance token."""
    model = load_exported(weights)
    patch = model.config.patch_size
    height, width = CANVAS
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(2, 3, height // 8, width // 8, generator=generator)
    images, masks = torch.nn.functional.interpolate(coarse, size=CANVAS, mode="bicubic").split(1)
    masked = torch.zeros(1, height // patch, width // patch)
    masked[:, height // patch // 2 :] = 1
    with torch.no_grad():
        painting = model(images, masks, masked.flatten(1), torch.zeros(1), whole_canvas=True)
    tensors = {"images": images, "masks": masks, "bool_masked_pos": masked.flatten(1), "prediction": painting}
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in tensors.items()}, out, metadata={"seg_type": "instance", "n": "1"})
