"""Everything a run needs to go on bit for bit: weights, averages, optimiser, step, random state, configuration."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import torch

from .config import TrainConfig
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


def load(path: Path, config: TrainConfig | None = None, device="cpu") -> dict:
    """Reads a checkpoint; with `config`, refuses one of another architecture."""
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError as error:
        raise RecipeError(f"{path} does not exist") from error
    except Exception as error:
        raise RecipeError(f"{path} is not a readable checkpoint: {error}") from error
    if config is not None:
        stored, wanted = TrainConfig.from_dict(state["config"]).model, config.model
        for name in wanted.__dataclass_fields__:
            old, new = getattr(stored, name), getattr(wanted, name)
            if old != new:
                raise RecipeError(f"{path} is of another configuration: {name} is {old} there and {new} here")
    return state
