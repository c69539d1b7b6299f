"""Writes the context decoder as the package loads it: `python -m seggpt_training.context.export RUN/best.pt OUT [TOKENS]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from .model import ContextConfig, ContextDecoder

TOKENS = 36  # to a side, when it is used: masks of 288 pixels, the painter's own size


def export(checkpoint: Path, out: Path, tokens: int = TOKENS) -> None:
    """Matrices in float16, what is added and the statistics of features in float32."""
    state = torch.load(checkpoint, weights_only=True)
    state = state.get("average", state)
    config = ContextConfig()
    ContextDecoder(config).load_state_dict(state)
    out.mkdir(parents=True, exist_ok=True)
    kept = {k: (v.half() if v.ndim > 1 else v.float()).contiguous() for k, v in state.items()}
    save_file(kept, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps({"model_type": "seggpt_context", **config.to_dict(), "tokens": tokens}, indent=2) + "\n")


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:4]))
