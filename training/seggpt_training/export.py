"""Weights as the package loads them: config.json, preprocessor_config.json and model.safetensors."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from . import checkpoint
from .config import ModelConfig, TrainConfig
from .errors import RecipeError
from .model import SegGPT


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric int8 by output channel: (out, ...) -> int8 of that shape and scales (out,) float32, where
    weight is about int8 * scale."""
    scale = (weight.flatten(1).abs().amax(1) / 127).clamp_min(1e-12)
    return (weight / scale.view(-1, *[1] * (weight.ndim - 1))).round().clamp(-127, 127).to(torch.int8), scale


def is_matrix(name: str) -> bool:
    """Weights of linear layers and convolutions; the rest is small and stays in floating point."""
    return name.endswith(("qkv.weight", "keys.weight", "proj.weight", "lin1.weight", "lin2.weight", "decoder_embed.weight", "projection.weight"))


def to_file_tensors(state: dict[str, Tensor], precision: str) -> dict[str, Tensor]:
    """`float32`, `float16`, or `int8`: matrices as int8 `NAME` with `NAME_scale` beside them, others float16."""
    if precision not in ("float32", "float16", "int8"):
        raise RecipeError(f"precision {precision!r}: float32, float16 or int8")
    tensors = {}
    for name, value in state.items():
        value = value.detach().float().cpu()
        if precision == "int8" and is_matrix(name):
            tensors[name], tensors[f"{name}_scale"] = (part.contiguous() for part in quantise(value))
        else:
            tensors[name] = value.to(torch.float32 if precision == "float32" else torch.float16).contiguous()
    return tensors


def from_file_tensors(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse, in float32."""
    state = {}
    for name, value in tensors.items():
        if name.endswith("_scale"):
            continue
        scale = tensors.get(f"{name}_scale")
        state[name] = value.float() if scale is None else value.float() * scale.view(-1, *[1] * (value.ndim - 1))
    return state


# Side of the pictures a model is run at, as a multiple of the side it was trained at.
INPUT_SCALE = 1.6


def input_side(trained: int, patch: int) -> int:
    """In pixels, a multiple of the patch."""
    return round(trained * INPUT_SCALE / patch) * patch


def preprocessor(config: ModelConfig, side: int | None = None) -> dict:
    """`preprocessor_config.json` of SegGptImageProcessor, for pictures of `side` pixels.

    By default pictures go in larger than in training: positions are resized, and finer things are found (the package's
    docs/decisions.md has the measurement).
    """
    side = side or input_side(config.image_size[1], config.patch_size)
    if side % config.patch_size:
        raise RecipeError(f"--side {side} is no multiple of the patch, {config.patch_size}")
    return {
        "image_processor_type": "SegGptImageProcessor",
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"height": side, "width": side},
    }


def run_side(folder: Path) -> int:
    """The side in pixels that exported weights are run at."""
    return json.loads((folder / "preprocessor_config.json").read_text())["size"]["height"]


def export(
    source: Path,
    folder: Path,
    precision: str = "float16",
    averaged: bool = True,
    side: int | None = None,
    features: bool = True,
) -> None:
    """Writes the three files from a checkpoint, and reads them back to be sure. Without `features` the part that takes
    them is left out: what remains is the same painter where there are none."""
    state = checkpoint.load(source)
    config = TrainConfig.from_dict(state["config"]).model
    pictures = preprocessor(config, side)
    weights = state["average" if averaged else "model"]
    if not features:
        config = dataclasses.replace(config, feature_channels=0, feature_keys=0)
        weights = {name: value for name, value in weights.items() if checkpoint.FEATURES not in name}
    folder.mkdir(parents=True, exist_ok=True)
    tensors = to_file_tensors(weights, precision)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    written = config.to_hugging_face() | {"dtype": "float32" if precision == "float32" else "float16"}
    (folder / "config.json").write_text(json.dumps(written, indent=2) + "\n")
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures, indent=2) + "\n")
    load_exported(folder)
    size = (folder / "model.safetensors").stat().st_size / 2**20
    count = sum(value.numel() for value in weights.values())
    print(f"{folder}: {count / 1e6:.2f} M parameters, {precision}, {size:.1f} MiB, step {state['step']}")


def load_exported(folder: Path) -> SegGPT:
    """A model from exported files, in float32."""
    config = ModelConfig.from_dict(json.loads((folder / "config.json").read_text()))
    model = SegGPT(config)
    model.load_state_dict(from_file_tensors(load_file(folder / "model.safetensors")), strict=True)
    return model.eval()


def load_weights(path: Path, config: TrainConfig, device="cpu") -> dict[str, Tensor]:
    """The averaged weights of a checkpoint, or the weights of an exported folder; the canvas may differ."""
    if not path.is_dir():
        return checkpoint.load(path, config, device, any_canvas=True)["average"]
    model = load_exported(path)
    checkpoint.refuse_other(path, model.config, config.model, any_canvas=True)
    return {name: value.to(device) for name, value in model.state_dict().items()}
