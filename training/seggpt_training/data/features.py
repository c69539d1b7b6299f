"""The image encoder's features of cached pictures, each on a small square grid over the picture itself.

Beside a cache's own files stand `features.bin` (float16, pictures back to back, CHANNELS x CELLS x CELLS each) and
`features.index` (int64: the offset in `images.bin` of the picture that each belongs to). Both only grow, so a cut loses
nothing, and a reader sees what was complete when it opened them.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CELLS = 32  # rows and columns stored, whatever the picture's shape
CHANNELS = 256
TOKEN = 16  # pixels of a view's side that share a vector: the painter's patch
PATCH_SAMPLES = 2  # by which a token is read off the stored grid, in each direction


def overlap(valid: float, cells: int, source: int) -> Tensor:
    """Area resampling of the first `valid` of `source` cells to `cells`: (cells, source), rows sum to one; entry
    [i, j] is the share of cell i, which spans [i, i + 1) * valid / cells, that lies in [j, j + 1)."""
    edges = torch.arange(cells + 1, dtype=torch.float64) * valid / cells
    unit = torch.arange(source, dtype=torch.float64)
    shared = torch.minimum(edges[1:, None], unit + 1) - torch.maximum(edges[:-1, None], unit)
    return (shared.clamp_min(0) * cells / valid).float()


def over_picture(encoded: Tensor, height: int, width: int, rows: int, columns: int) -> Tensor:
    """The encoder's output for a picture that was padded at the bottom or right, over the picture alone.
    encoded (C, G, G'), G cells for the longer side of height x width pixels -> (C, rows, columns)."""
    grid = max(encoded.shape[1:])
    longer = max(height, width)
    down = overlap(grid * height / longer, rows, encoded.shape[1])
    across = overlap(grid * width / longer, columns, encoded.shape[2])
    return down @ encoded.float() @ across.t()


def seen(features: np.ndarray, view: np.ndarray, size: int, token: int = TOKEN) -> np.ndarray:
    """Features of a view of the picture, one vector for each token: what `augment.warp` does to pixels. The mean of
    PATCH_SAMPLES x PATCH_SAMPLES bilinear samples in each token; beyond the border the picture is mirrored.
    features (C, CELLS, CELLS) over a picture with `view` in units of that picture's sides, see `in_sides`;
    size: pixels of the view's side, S -> (S / token, S / token, C) float16."""
    count = size // token * PATCH_SAMPLES
    at = (np.arange(count) + 0.5) * size / count - 0.5
    x, y = np.meshgrid(at, at)
    u, v, w = view @ np.stack([x.ravel(), y.ravel(), np.ones(count * count)])
    places = torch.from_numpy(np.stack([u / w, v / w], -1).reshape(1, count, count, 2) * 2 - 1).float()
    stored = torch.from_numpy(features.astype(np.float32))[None]
    read = F.grid_sample(stored, places, mode="bilinear", padding_mode="reflection", align_corners=False)
    return F.avg_pool2d(read, PATCH_SAMPLES)[0].permute(1, 2, 0).half().numpy()


def in_sides(view: np.ndarray, height: int, width: int) -> np.ndarray:
    """A view (pixels of the view to pixels of the picture) as a map to [0, 1] across and down the picture."""
    return np.array([[1 / width, 0, 0.5 / width], [0, 1 / height, 0.5 / height], [0, 0, 1]]) @ view


class FeatureCache:
    """What is there of one cache folder; nothing where no features were made."""

    def __init__(self, folder: Path, name: str = "features", channels: int = CHANNELS):
        path = Path(folder) / f"{name}.index"
        offsets = np.fromfile(path, np.int64) if path.is_file() else np.zeros(0, np.int64)
        self.places = {int(offset): place for place, offset in enumerate(offsets)}
        shape = (len(offsets), channels, CELLS, CELLS)
        self.values = np.memmap(Path(folder) / f"{name}.bin", np.float16, "r", shape=shape) if len(offsets) else None

    def __contains__(self, offset: int) -> bool:
        return offset in self.places

    def __getitem__(self, offset: int) -> np.ndarray:
        """(CHANNELS, CELLS, CELLS) float16 of the picture at that offset of `images.bin`."""
        return self.values[self.places[offset]]


    def statistics(self, at_most: int = 500) -> tuple[Tensor, Tensor, Tensor]:
        """Over some pictures: mean and deviation of each channel, (CHANNELS,) each, and of the features so scaled the
        principal directions in rows, (CHANNELS, CHANNELS), the widest first."""
        chosen = np.linspace(0, len(self.places) - 1, min(at_most, len(self.places))).astype(int)
        values = torch.from_numpy(np.stack([self.values[i] for i in chosen]).astype(np.float32))
        mean, deviation = values.mean((0, 2, 3)), values.std((0, 2, 3))
        scaled = (values.permute(0, 2, 3, 1).flatten(0, 2) - mean) / deviation
        directions = torch.linalg.eigh(scaled.t() @ scaled)[1].t().flip(0)
        return mean, deviation, directions


class FeatureWriter:
    """Appends features of pictures."""

    def __init__(self, folder: Path, name: str = "features", channels: int = CHANNELS):
        index, values = Path(folder) / f"{name}.index", Path(folder) / f"{name}.bin"
        count = index.stat().st_size // 8 if index.is_file() else 0
        self.index, self.values = open(index, "ab"), open(values, "ab")
        self.index.truncate(count * 8)
        self.values.truncate(count * channels * CELLS * CELLS * 2)

    def add(self, offset: int, features: Tensor) -> None:
        self.values.write(features.half().numpy().tobytes())
        self.values.flush()
        self.index.write(np.int64(offset).tobytes())
        self.index.flush()


def encoder_input(image: np.ndarray, side: int) -> Tensor:
    """What MobileSAM's encoder takes: the longer side at `side`, normalised, zeros at the bottom or right.
    (H, W, 3) uint8 -> (3, side, side) float32."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = round(width * scale), round(height * scale)
    image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    image = (image - np.float32([123.675, 116.28, 103.53])) / np.float32([58.395, 57.12, 57.375])
    padded = np.zeros((side, side, 3), np.float32)
    padded[: size[1], : size[0]] = image
    return torch.from_numpy(padded.transpose(2, 0, 1))
