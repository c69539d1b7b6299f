"""Runs the image encoder over cached pictures once, and keeps its features beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import tiny_vit
from .config import TrainConfig
from .data.cache import Cache
from .data.episodes import MADE
from .data.features import CELLS, FeatureCache, FeatureWriter, encoder_input, over_picture

MARGIN, STEP = 48, 32  # pixels of padding that are encoded, and what their number is rounded up to


def encode(
    split: Path, encoder: Path, config: TrainConfig, limit: int | None = None, jobs: int = 1
) -> None:
    """Features for pictures of a cache folder that have none yet, in `in_turn`'s order: up to `limit` pictures in all.
    Products are in bfloat16; `jobs` pictures at a time, one thread each."""
    keep(split, FeatureCache(split), FeatureWriter(split), partial(features_of, load_encoder(encoder)), config, limit, jobs)


def keep(
    split: Path,
    there: FeatureCache,
    writer: FeatureWriter,
    compute: Callable[[np.ndarray], Tensor],
    config: TrainConfig,
    limit: int | None,
    jobs: int,
) -> None:
    """Writes what `compute` makes of the pictures that are not `there` yet."""
    torch.set_num_threads(1)
    cache, started = Cache(split), time.time()
    todo = [row for row in in_turn(cache, config)[:limit] if cache.rows[row][2] not in there]
    with ThreadPoolExecutor(jobs) as pool:
        for start in range(0, len(todo), 16):
            part = todo[start : start + 16]
            for row, features in zip(part, pool.map(lambda r: compute(cache[r].image), part)):
                writer.add(cache.rows[row][2], features)
            if start % 160 == 0:
                rate = (time.time() - started) / (start + len(part))
                print(f"{split.name}: {start + len(part)} of {len(todo)}, {rate:.3f} s each", flush=True)


def load_encoder(path: Path) -> tiny_vit.TinyViT:
    """In bfloat16, channels last: three times as fast as the other order on a CPU."""
    return tiny_vit.load(path).bfloat16().to(memory_format=torch.channels_last)


@torch.inference_mode()
def features_of(model: tiny_vit.TinyViT, image: np.ndarray, whole: bool = False) -> Tensor:
    """(H, W, 3) uint8 -> (CHANNELS, CELLS, CELLS). Unless `whole`, only a margin of the padding is encoded: it takes
    part in what is seen near the border alone."""
    height, width = image.shape[:2]
    x = encoder_input(image, tiny_vit.SIDE)
    if not whole:
        kept = (min(tiny_vit.SIDE, -(-(tiny_vit.SIDE * n // max(height, width) + MARGIN) // STEP) * STEP) for n in (height, width))
        rows, columns = kept
        x = x[:, :rows, :columns]
    weight = model.stem1.weight
    encoded = model(x[None].to(weight.dtype).contiguous(memory_format=torch.channels_last))[0]
    return over_picture(encoded.float(), height, width, CELLS, CELLS)


def in_turn(cache: Cache, config: TrainConfig, seed: int = 0) -> list[int]:
    """Rows of photographs, one for each picture, so ordered that any beginning is divided among the data sets as
    training draws them."""
    keyed = []
    for name, rows in cache.by_dataset.items():
        if name in MADE:
            continue
        weight = len(rows) ** config.dataset_weight_power * config.dataset_boost.get(name, 1.0)
        rng = np.random.default_rng([seed, *name.encode()])
        keyed += [((turn + 0.5) / weight, rows[i]) for turn, i in enumerate(rng.permutation(len(rows)))]
    return [row for _, row in sorted(keyed)]
