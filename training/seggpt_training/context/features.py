"""Features that the context decoder reads: two windowed stages of MobileSAM's encoder and its neck, run at 512 pixels.

At 512 the neck's features tell objects as well as at 1024 (nearest features on 70 pairs of pictures: 0.284 and 0.287, 640: 0.298) in a quarter
of the time. The stages see what the neck has lost: texture and finer borders.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..config import TrainConfig
from ..data.features import CELLS, FeatureCache, FeatureWriter, encoder_input, over_picture
from ..encode import MARGIN, STEP, keep, load_encoder
from ..tiny_vit import CHANNELS as NECK
from ..tiny_vit import WIDTHS, TinyViT

SIDE = 512
CHANNELS = WIDTHS[1] + WIDTHS[2] + NECK  # stages 1 and 2, neck: 128 + 160 + 256
NAME = "context"  # of the files beside a cache's own


def open_cache(folder: Path) -> FeatureCache:
    return FeatureCache(folder, NAME, CHANNELS)


@torch.inference_mode()
def features_of(model: TinyViT, image: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (CHANNELS, CELLS, CELLS) over the picture alone. Of the padding a margin alone is encoded."""
    height, width = image.shape[:2]
    x = encoder_input(image, SIDE)
    rows, columns = (min(SIDE, -(-(SIDE * n // max(height, width) + MARGIN) // STEP) * STEP) for n in (height, width))
    x = x[:, :rows, :columns].to(model.stem1.weight.dtype)
    one, two, _, neck = model.stages_and_neck(x[None].contiguous(memory_format=torch.channels_last))
    return torch.cat([over_picture(part[0].float(), height, width, CELLS, CELLS) for part in (one, two, neck)])


def encode(split: Path, encoder: Path, config: TrainConfig, limit: int | None = None, jobs: int = 1) -> None:
    """Features for pictures of a cache folder that have none yet, up to `limit` in all, `jobs` at a time."""
    compute = partial(features_of, load_encoder(encoder))
    keep(split, open_cache(split), FeatureWriter(split, NAME, CHANNELS), compute, config, limit, jobs)


if __name__ == "__main__":
    cache, encoder, config, limit = sys.argv[1:]
    for split in sorted(Path(cache).glob("val*")):
        encode(split, Path(encoder), TrainConfig.load(Path(config)), None, 2)
    encode(Path(cache) / "train", Path(encoder), TrainConfig.load(Path(config)), int(limit), 2)
