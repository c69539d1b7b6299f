"""How well the painter's colour fits, moved onto the picture's edges: what the package does between painting and mask
(`src/colors/decode.ts`, `src/colors/guided-filter.ts`), for one label painted white."""

from __future__ import annotations

import cv2
import numpy as np

from ..evaluate import COLOUR

SHARPNESS = 8.0  # of fits: of distances in units of the colours' own
RADIUS = 12  # of the filter's windows in pixels: 3/4 of the painter's patch
EPSILON = 1e-4  # of the colours' variance: what counts as flat
LIMIT = 8.0  # beyond which a logit says no more


def fits(painting: np.ndarray) -> np.ndarray:
    """(S, S, 3) in 0 .. 255 -> (S, S) in 0 .. 1: softmax over squared distances to black and to the label's colour."""
    unit = float((COLOUR.astype(float) ** 2).sum())
    nearer = ((painting**2).sum(-1) - ((painting - COLOUR) ** 2).sum(-1)) / unit
    return (1 / (1 + np.exp(-SHARPNESS * nearer))).astype(np.float32)


def guided_filter(guide: np.ndarray, plane: np.ndarray, radius: int = RADIUS, epsilon: float = EPSILON) -> np.ndarray:
    """He, Sun & Tang 2013, section 3.4. guide (S, S, 3) uint8, plane (S, S) -> (S, S). Windows are cut off at the edges."""
    inside = _sum(np.ones(plane.shape, np.float64), radius)
    mean = lambda x: _sum(x, radius) / inside
    colours = guide.astype(np.float64) / 255
    means = [mean(colours[..., c]) for c in range(3)]
    covariance = np.empty((*plane.shape, 3, 3))
    for i in range(3):
        for j in range(i, 3):
            both = mean(colours[..., i] * colours[..., j]) - means[i] * means[j]
            covariance[..., i, j] = covariance[..., j, i] = both + (epsilon if i == j else 0)
    level = mean(plane.astype(np.float64))
    together = np.stack([mean(colours[..., c] * plane) - means[c] * level for c in range(3)], -1)
    slopes = np.linalg.solve(covariance, together[..., None])[..., 0]
    offset = mean(level - sum(slopes[..., c] * means[c] for c in range(3)))
    return (offset + sum(mean(slopes[..., c]) * colours[..., c] for c in range(3))).astype(np.float32)


def _sum(plane: np.ndarray, radius: int) -> np.ndarray:
    side = 2 * radius + 1
    return cv2.boxFilter(plane, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)


def logits(fit: np.ndarray) -> np.ndarray:
    inside = np.clip(fit, 1e-6, 1 - 1e-6)
    return np.clip(np.log(inside / (1 - inside)), -LIMIT, LIMIT)
