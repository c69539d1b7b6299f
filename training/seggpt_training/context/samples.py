"""Batches for the context decoder, made by number from the episodes that the painter learns from, too."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from ..config import TrainConfig
from ..data.cache import IGNORE, Cache
from ..data.episodes import EpisodeMaker, Half
from ..data.features import in_sides, seen
from .features import open_cache
from .model import PIXELS

MOST_LABELS = 2  # questions of one pair
DAMAGED = 0.12  # share of questions whose prompt's mask is as a prediction might be


class ContextCache(Cache):
    """A cache with the context decoder's features, on its own grid of tokens."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.features = open_cache(folder)

    def features_seen(self, index: int, view: np.ndarray, size: int) -> np.ndarray | None:
        if not self.has_features(index):
            return None
        _, _, offset, _, height, width, _ = self.rows[index]
        return seen(self.features[offset], in_sides(view, height, width), size, PIXELS)


class ContextBatches(Dataset):
    """Batch number -> tensors.

    features: (N, P + 1, T, T, channels) float16, the target last.  images: (N, P + 1, S, S, 3) uint8.
    masks: (M, P, S, S) uint8 of 0 and 1.  truth: (M, S, S) uint8 of 0, 1 and 255.  of: (M,) the pair of each question.
    guess: (M, S, S) uint8 of 0 and 1, the truth as a prediction may be.
    """

    def __init__(self, folder: Path, config: TrainConfig, steps: int):
        self.folder, self.config, self.steps = folder, config, steps
        self.maker: EpisodeMaker | None = None

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, number: int) -> dict:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        if self.maker is None:
            self.maker = EpisodeMaker(ContextCache(self.folder), self.config)
        c = self.config
        rng = np.random.default_rng([c.seed, 1 << 41, number])
        draw = rng.random()
        prompts = 2 if draw < c.share_two_prompts else 3 if draw < c.share_two_prompts + c.share_three_prompts else 1
        pairs = max(1, round(c.batch_size * 2 / (prompts + 1)))
        episodes = [self.maker.make(number * c.batch_size + i, prompts, number / self.steps) for i in range(pairs)]
        masks, truth, guess, of = [], [], [], []
        for i, episode in enumerate(episodes):
            labels = [v for v in np.unique(episode.prompts[0].labels) if v not in (0, IGNORE)] or [1]
            for label in [1, *(v for v in labels if v != 1)][:MOST_LABELS]:
                shown = [(half.labels == label).astype(np.uint8) for half in episode.prompts]
                masks.append(np.stack([damaged(rng, one) if rng.random() < DAMAGED else one for one in shown]))
                goal = episode.target.labels
                truth.append(np.where(goal == IGNORE, IGNORE, goal == label).astype(np.uint8))
                guess.append(damaged(rng, damaged(rng, (goal == label).astype(np.uint8))))
                of.append(i)
        halves = [[*episode.prompts, episode.target] for episode in episodes]
        return {
            "features": torch.from_numpy(np.stack([[half.features for half in row] for row in halves])),
            "images": torch.from_numpy(np.stack([[half.image for half in row] for row in halves])),
            "masks": torch.from_numpy(np.stack(masks)),
            "truth": torch.from_numpy(np.stack(truth)),
            "guess": torch.from_numpy(np.stack(guess)),
            "of": torch.tensor(of),
        }


def damaged(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """A mask as a prediction may be: eroded or grown, shifted, with a disc added or missing. (S, S) of 0 and 1."""
    size = mask.shape[0]
    reach = int(rng.integers(1, max(2, 1 + size // 40)))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    mask = (cv2.erode if rng.random() < 0.5 else cv2.dilate)(mask, disk)
    if rng.random() < 0.5:
        shift = np.float32([[1, 0, rng.normal(0, size / 50)], [0, 1, rng.normal(0, size / 50)]])
        mask = cv2.warpAffine(mask, shift, (size, size), flags=cv2.INTER_NEAREST)
    if rng.random() < 0.5:
        near = np.argwhere(mask)
        if len(near):
            y, x = near[rng.integers(len(near))]
            mask = cv2.circle(mask.copy(), (int(x), int(y)), int(rng.integers(3, size // 8)), int(rng.integers(2)), -1)
    return mask


def half_tensors(halves: list[Half]) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, T, T, channels) and (N, S, S, 3) uint8."""
    features = torch.from_numpy(np.stack([half.features for half in halves]))
    return features, torch.from_numpy(np.stack([half.image for half in halves]))
