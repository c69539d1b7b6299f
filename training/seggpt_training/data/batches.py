"""Batches of canvases for one step, made by number."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from ..config import TrainConfig
from .cache import IGNORE, Cache
from .episodes import EpisodeMaker

RANDOM_MASK, PAINT_TARGET = 0, 1


class BatchSet(Dataset):
    """Batch number -> tensors, bit for bit the same whichever worker makes it.

    images, masks: (N, H, W, 3) uint8 canvases, prompt half on top.  weight: (N, H, W) float32, what each pixel
    counts in the loss (0 where ignored or not painted).  masked: (N, L) uint8.  semantic: (N,) uint8.
    task: RANDOM_MASK or PAINT_TARGET.  prompts: K; only the first canvas of K carries weight.
    """

    def __init__(self, folder, config: TrainConfig, steps: int):
        self.folder, self.config, self.steps = folder, config, steps
        self.maker: EpisodeMaker | None = None

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, number: int) -> dict:
        if self.maker is None:
            self.maker = EpisodeMaker(Cache(self.folder), self.config)
        c = self.config
        rng = np.random.default_rng([c.seed, 1 << 40, number])
        task, prompts = PAINT_TARGET, 1
        draw = rng.random()
        if draw < c.share_random_mask:
            task = RANDOM_MASK
        elif draw < c.share_random_mask + c.share_two_prompts:
            prompts = 2
        elif draw < c.share_random_mask + c.share_two_prompts + c.share_three_prompts:
            prompts = 3
        groups = c.batch_size // prompts
        size = self.maker.size
        patch = c.model.patch_size
        rows, columns = c.model.grid
        n = groups * prompts
        images = np.empty((n, 2 * size, size, 3), np.uint8)
        masks = np.empty_like(images)
        weight = np.zeros((n, 2 * size, size), np.float32)
        masked = np.zeros((n, rows, columns), np.uint8)
        for group in range(groups):
            episode = self.maker.make(number * c.batch_size + group, prompts, number / self.steps)
            for k, prompt in enumerate(episode.prompts):
                i = group * prompts + k
                images[i, :size], images[i, size:] = prompt.image, episode.target.image
                masks[i, :size] = episode.colours[np.where(prompt.labels == IGNORE, 0, prompt.labels)]
                masks[i, size:] = episode.colours[np.where(episode.target.labels == IGNORE, 0, episode.target.labels)]
            first = group * prompts
            if task == RANDOM_MASK:
                order = rng.permutation(rows * columns)[: int(c.random_mask_ratio * rows * columns)]
                masked[first].reshape(-1)[order] = 1
                pixels = masked[first].repeat(patch, 0).repeat(patch, 1)
                labels = np.concatenate([episode.prompts[0].labels, episode.target.labels])
                weight[first] = pixels * pixel_weights(labels)
            else:
                masked[first : first + prompts, rows // 2 :] = 1
                weight[first, size:] = pixel_weights(episode.target.labels)
        semantic = np.repeat(rng.integers(0, 2, groups), prompts)
        return {
            "images": torch.from_numpy(images),
            "masks": torch.from_numpy(masks),
            "weight": torch.from_numpy(weight),
            "masked": torch.from_numpy(masked.reshape(n, -1)),
            "semantic": torch.from_numpy(semantic.astype(np.uint8)),
            "task": task,
            "prompts": prompts,
        }


def pixel_weights(labels: np.ndarray) -> np.ndarray:
    """Labelled pixels count up to 4 times as much where they are few: IoU does not forgive a missed small thing.
    (H, W) uint8 -> (H, W) float32."""
    ignored = labels == IGNORE
    shown = (labels > 0) & ~ignored
    area = max(1, int(shown.sum()))
    factor = float(np.clip(((labels.size - area) / area) ** 0.5, 1.0, 4.0))
    return np.where(ignored, 0.0, np.where(shown, factor, 1.0)).astype(np.float32)
