"""Everything a run needs to go on bit for bit: weights, averages, optimiser, step, random state, configuration."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import ModelConfig, TrainConfig
from .errors import RecipeError


def save(path: Path, state: dict) -> None:
    """Writes beside the old file and renames, so that a cut never leaves half a checkpoint."""
    temporary = path.with_suffix(".part")
    try:
        torch.save(state, temporary)
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)
        full = getattr(error, "errno", None) == errno.ENOSPC or "PytorchStreamWriter" in str(error)
        reason = "the disk is full" if full else str(error)
        raise RecipeError(f"cannot write {path}: {reason}; the previous checkpoint is intact") from error


CANVAS = ("image_size", "pretrain_image_size")  # what `fitted` can change
FEATURES = ".feature_"  # in the names of what takes features: starts at zero where weights have none


def load(path: Path, config: TrainConfig | None = None, device="cpu", any_canvas: bool = False) -> dict:
    """Reads a checkpoint; with `config`, refuses one of another architecture (or only of another canvas)."""
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError as error:
        raise RecipeError(f"{path} does not exist") from error
    except Exception as error:
        raise RecipeError(f"{path} is not a readable checkpoint: {error}") from error
    if config is not None:
        refuse_other(path, TrainConfig.from_dict(state["config"]).model, config.model, any_canvas)
    return state


def refuse_other(path: Path, stored: ModelConfig, wanted: ModelConfig, any_canvas: bool) -> None:
    """Raises where the architectures differ."""
    for name in wanted.__dataclass_fields__:
        old, new = getattr(stored, name), getattr(wanted, name)
        begun = name.startswith("feature_") and not old
        if old != new and not (any_canvas and (name in CANVAS or begun)):
            raise RecipeError(f"{path} is of another configuration: {name} is {old} there and {new} here")


def fitted(weights: dict[str, Tensor], like: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights for another canvas: relative positions resized linearly, absolute ones bicubically, to the shapes
    of `like`; its own start where the weights take no features and it does."""
    out = {name: value for name, value in like.items() if FEATURES in name and name not in weights}
    for name, value in weights.items():
        value, shape = value.float(), like[name].shape
        if value.shape != shape and "rel_pos" in name:
            value = F.interpolate(value.t()[None], size=shape[0], mode="linear")[0].t()
        elif value.shape != shape and "position_embeddings" in name:
            old, new = (round((n - 1) ** 0.5) for n in (value.shape[1], shape[1]))
            grid = value[:, 1:].unflatten(1, (old, old)).permute(0, 3, 1, 2)
            grid = F.interpolate(grid, size=(new, new), mode="bicubic", align_corners=False)
            value = torch.cat([value[:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)], 1)
        out[name] = value.contiguous()
    return out
