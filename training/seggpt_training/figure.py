"""A figure of twelve examples, good and bad: free photographs and procedural scenes, never pixels of the data sets."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from .data import augment, procedural
from .data.episodes import Half
from .data.val_episodes import Trial
from .errors import RecipeError
from .evaluate import decode, iou, paint

PAIRS = [
    ("coins-left", "coins-right"),
    ("page-left", "page-right"),
    ("stain-left", "stain-right"),
    ("cup-1", "cup-2"),
    ("cat-video/000", "cat-video/005"),
    ("cat-video/000", "cat-video/015"),
]
TINT = np.array([255, 40, 120])


def read_half(folder: Path, name: str, size: int) -> Half:
    image, labels = cv2.imread(str(folder / f"{name}.jpg")), cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    if image is None or labels is None:
        raise RecipeError(f"{folder / name}.jpg or .png is missing")
    view = augment.whole(*labels.shape, size)
    image, labels = augment.warp(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (labels > 0).astype(np.uint8), view, size)
    return Half(image, labels)


def scene_trials(size: int) -> list[Trial]:
    """Two views of one scene of each kind; strokes and text: two different scenes."""
    trials = []
    for name, (maker, kind) in procedural.MAKERS.items():
        rng = np.random.default_rng([11, *name.encode()])
        image, labels = maker(rng, 200)
        other = maker(rng, 200) if kind == "class" else (image, labels)
        label = max(range(1, labels.max() + 1), key=lambda l: (labels == l).sum())
        halves = []
        for one_image, one_labels in ((image, labels), other):
            view = augment.whole(200, 200, size) @ augment.motion(rng, size, 0.6)
            warped, mask = augment.warp(one_image, (one_labels == label).astype(np.uint8), view, size)
            halves.append(Half(warped, mask))
        trials.append(Trial(name, "same", halves[:1], halves[1]))
    return trials


def tinted(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    out = image.astype(np.float32)
    out[mask] = 0.45 * out[mask] + 0.55 * TINT
    return out.astype(np.uint8)


def draw(model, examples: Path, out: Path) -> list[tuple[str, float]]:
    """Writes the figure, each tile `prompt with its mask | target | painted mask`; returns names and IoU."""
    size = model.config.image_size[1]
    trials = [Trial(b, "example", [read_half(examples, a, size)], read_half(examples, b, size)) for a, b in PAIRS]
    trials += scene_trials(size)
    tiles, scores = [], []
    for trial, painting in zip(trials, paint(model, trials)):
        mask = decode(painting)
        score = iou(mask, trial.target.labels)
        prompt = trial.prompts[0]
        row = [tinted(prompt.image, prompt.labels == 1), trial.target.image, tinted(trial.target.image, mask)]
        strip = np.full((20, 3 * size, 3), 255, np.uint8)
        title = f"{trial.dataset}  IoU {score:.2f}"
        cv2.putText(strip, title, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
        tile = np.concatenate([strip, np.concatenate(row, 1)])
        tiles.append(cv2.copyMakeBorder(tile, 0, 6, 0, 10, cv2.BORDER_CONSTANT, value=(255, 255, 255)))
        scores.append((trial.dataset, score))
    rows = [np.concatenate(tiles[i : i + 3], 1) for i in range(0, len(tiles), 3)]
    figure = np.concatenate(rows)[..., ::-1]
    cv2.imwrite(str(out), figure, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return scores
