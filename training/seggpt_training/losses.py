"""Weighted painting losses."""

from __future__ import annotations

import torch
from torch import Tensor

from .config import TrainConfig


def painting_loss(
    painting: Tensor, wanted: Tensor, weight: Tensor, beta: float | None, total: Tensor | None = None
) -> Tensor:
    """painting, wanted (B, 3, H, W) normalised; weight (B, H, W). beta None: squared error; else smooth L1. The sum is
    divided by `total`, the weight of the whole batch where this is a part of one."""
    error = painting.float() - wanted
    if beta is None:
        error = error.square()
    else:
        size = error.abs()
        error = torch.where(size < beta, 0.5 * size.square() / beta, size - 0.5 * beta)
    return (error * weight.unsqueeze(1)).sum() / (3 * (weight.sum() if total is None else total)).clamp_min(1.0)


def beta_at(progress: float, config: TrainConfig) -> float | None:
    """None (squared error) until `smooth_l1_from`, then beta from `first_beta` down to `final_beta`, geometrically."""
    if progress < config.smooth_l1_from or config.smooth_l1_from >= 1:
        return None
    part = (progress - config.smooth_l1_from) / (1 - config.smooth_l1_from)
    return config.first_beta * (config.final_beta / config.first_beta) ** part
