"""ImageNet normalisation, the same for pictures and for painted masks, as in the official code."""

from __future__ import annotations

import torch
from torch import Tensor

MEAN = torch.tensor([0.485, 0.456, 0.406])
DEVIATION = torch.tensor([0.229, 0.224, 0.225])


def normalise(canvas: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32."""
    mean, deviation = MEAN.to(canvas.device), DEVIATION.to(canvas.device)
    return ((canvas.float() / 255 - mean) / deviation).permute(0, 3, 1, 2)
