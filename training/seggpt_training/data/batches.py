"""Batches of canvases for one step, made by number."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from ..config import TrainConfig
from .cache import Cache
from .episodes import EpisodeMaker

RANDOM_MASK, PAINT_TARGET = 0, 1


class BatchSet(Dataset):
    """Batch number -> tensors, bit for bit the same whichever worker makes it. What can be computed from them
    (masks in colour, weights) is computed on the training device, by `canvases`.

    images: (N, H, W, 3) uint8, prompt half on top.  labels: (N, H, W) uint8, 255 = ignore.
    colours: (N, 256, 3) uint8 by label.  masked: (N, h, w) uint8 token grid.  semantic: (N,) uint8.
    features: (N, h, w, channels) float16 and present: (N,) uint8, where the model takes features.
    task: RANDOM_MASK or PAINT_TARGET.  prompts: K, each K consecutive canvases share a target.
    """

    def __init__(self, folder, config: TrainConfig, steps: int):
        self.folder, self.config, self.steps = folder, config, steps
        self.maker: EpisodeMaker | None = None

    def __len__(self) -> int:
        return self.steps

    def task(self, rng: np.random.Generator) -> tuple[int, int]:
        """Task and number of prompts of a batch."""
        c, draw = self.config, rng.random()
        if draw < c.share_random_mask:
            return RANDOM_MASK, 1
        if draw < c.share_random_mask + c.share_two_prompts:
            return PAINT_TARGET, 2
        if draw < c.share_random_mask + c.share_two_prompts + c.share_three_prompts:
            return PAINT_TARGET, 3
        return PAINT_TARGET, 1

    def __getitem__(self, number: int) -> dict:
        if self.maker is None:
            self.maker = EpisodeMaker(Cache(self.folder, bool(self.config.model.feature_channels)), self.config)
        c = self.config
        rng = np.random.default_rng([c.seed, 1 << 40, number])
        task, prompts = self.task(rng)
        groups = max(1, c.batch_size // prompts)
        n, size = groups * prompts, self.maker.size
        rows, columns = c.model.grid
        images = np.empty((n, 2 * size, size, 3), np.uint8)
        labels = np.empty((n, 2 * size, size), np.uint8)
        colours = np.empty((n, 256, 3), np.uint8)
        masked = np.zeros((n, rows, columns), np.uint8)
        features = np.zeros((n, rows, columns, c.model.feature_channels), np.float16)
        present = np.zeros(n, np.uint8)
        for group in range(groups):
            episode = self.maker.make(number * c.batch_size + group, prompts, number / self.steps)
            for i, prompt in enumerate(episode.prompts, group * prompts):
                images[i, :size], images[i, size:] = prompt.image, episode.target.image
                labels[i, :size], labels[i, size:] = prompt.labels, episode.target.labels
                colours[i] = episode.colours
                if episode.target.features is not None:
                    features[i, : rows // 2], features[i, rows // 2 :] = prompt.features, episode.target.features
                    present[i] = 1
        if task == RANDOM_MASK:
            hidden = int(c.random_mask_ratio * rows * columns)
            for i in range(n):
                masked[i].reshape(-1)[rng.permutation(rows * columns)[:hidden]] = 1
        else:
            masked[:, rows // 2 :] = 1
        semantic = np.repeat(rng.integers(0, 2, groups), prompts).astype(np.uint8)
        arrays = {"images": images, "labels": labels, "colours": colours, "masked": masked, "semantic": semantic}
        if c.model.feature_channels:
            arrays |= {"features": features, "present": present}
        return {name: torch.from_numpy(value) for name, value in arrays.items()} | {"task": task, "prompts": prompts}
