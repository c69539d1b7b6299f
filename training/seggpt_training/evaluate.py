"""IoU of a model on fixed validation episodes, beside what a copied prompt mask would give."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch

from .data.cache import IGNORE, Cache
from .data.val_episodes import UNSEEN, Trial, different_images, same_image
from .normalise import DEVIATION, MEAN, normalise
from .precision import mixed_precision

COLOUR = np.array([255, 255, 255], np.uint8)  # what the processor's palette gives to a single label


def iou(predicted: np.ndarray, truth: np.ndarray) -> float:
    """predicted (S, S) bool; truth (S, S) with 255 = ignore."""
    counted = truth != IGNORE
    thing = (truth == 1) & counted
    union = ((predicted & counted) | thing).sum()
    return float((predicted & thing).sum() / union) if union else 1.0


def canvases(trials: list[Trial]) -> tuple[torch.Tensor, torch.Tensor]:
    """Canvases of trials with equally many prompts, prompts of one trial in a row: two (N, H, W, 3) uint8."""
    images, masks = [], []
    for trial in trials:
        for prompt in trial.prompts:
            images.append(np.concatenate([prompt.image, trial.target.image]))
            painted = (prompt.labels == 1)[..., None] * COLOUR
            masks.append(np.concatenate([painted, np.zeros_like(painted)]).astype(np.uint8))
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks))


def canvas_features(model, trials: list[Trial]) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of the same canvases, (N, h, w, channels), and (N,) 1 where both halves have them."""
    channels = model.config.feature_channels
    features, present = [], []
    for trial in trials:
        for prompt in trial.prompts:
            halves = prompt.features, trial.target.features
            present.append(float(all(half is not None for half in halves)))
            tokens = trial.target.labels.shape[0] // model.config.patch_size
            empty = np.zeros((2 * tokens, tokens, channels), np.float16)
            features.append(np.concatenate(halves) if present[-1] else empty)
    return torch.from_numpy(np.stack(features)).float(), torch.tensor(present)


@torch.no_grad()
def paint(model, trials: list[Trial], device="cpu", batch: int = 32, features: bool = False) -> list[np.ndarray]:
    """The model's paintings: (S, S, 3) float in [0, 255] each. With `features`, what the halves have of them."""
    paintings = []
    rows, columns = model.config.grid
    masked = torch.zeros(1, rows, columns, device=device)
    masked[:, rows // 2 :] = 1
    shots = len(trials[0].prompts)
    for start in range(0, len(trials), batch):
        part = trials[start : start + batch]
        images, masks = canvases(part)
        shown = tuple(t.to(device) for t in canvas_features(model, part)) if features else None
        with mixed_precision(device):
            out = model(
                normalise(images.to(device)),
                normalise(masks.to(device)),
                masked.flatten(1),
                torch.zeros(1, device=device),
                prompts=shots,
                features=shown,
            )
        paintings.extend(denormalised.cpu().numpy() for denormalised in denormalise(out.float()))
    return paintings


def denormalise(painting: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) -> (B, H, W, 3) in [0, 255]."""
    mean, deviation = MEAN.to(painting.device), DEVIATION.to(painting.device)
    return (painting.permute(0, 2, 3, 1) * deviation + mean) * 255


def decode(painting: np.ndarray) -> np.ndarray:
    """Nearest of black and the label's colour: (S, S) bool."""
    return (painting**2).sum(-1) > ((painting - COLOUR) ** 2).sum(-1)


def group(trial: Trial) -> tuple[str, str]:
    return ("unseen" if trial.dataset == UNSEEN and trial.protocol == "different" else trial.protocol), trial.dataset


def summarise(trials: list[Trial], masks: list[np.ndarray], measure=iou) -> dict[tuple[str, str], float]:
    """Mean IoU, or of another measure, by (protocol, data set)."""
    scores = defaultdict(list)
    for trial, mask in zip(trials, masks):
        scores[group(trial)].append(measure(mask, trial.target.labels))
    return {key: float(np.mean(values)) for key, values in scores.items()}


def headline(table: dict[tuple[str, str], float]) -> dict[str, float]:
    """Mean over data sets, by protocol."""
    by_protocol = defaultdict(list)
    for (protocol, _), value in table.items():
        by_protocol[protocol].append(value)
    return {protocol: float(np.mean(values)) for protocol, values in by_protocol.items()}


def quick_trials(cache: Cache, size: int, each_same: int, each_different: int) -> list[Trial]:
    return list(same_image(cache, size, each_same)) + list(different_images(cache, size, each_different, least=12))


def copied(trials: list[Trial]) -> list[np.ndarray]:
    """Baseline: the prompt's mask laid over the target."""
    return [trial.prompts[0].labels == 1 for trial in trials]


def show(model_table: dict, copy_table: dict) -> str:
    """A text table, one line per data set and protocol."""
    names = sorted({name for _, name in model_table})
    lines = [f"{'data set':16s} {'same':>6s} {'copy':>6s}   {'diff.':>6s} {'copy':>6s}"]
    for name in names:
        cells = []
        for protocols in (("same",), ("different", "unseen")):
            key = next(((p, name) for p in protocols if (p, name) in model_table), None)
            cells.append("      -      -" if key is None else f"{model_table[key]:7.3f}{copy_table[key]:7.3f}")
        lines.append(f"{name:16s}{cells[0]}  {cells[1]}")
    mean, copy = headline(model_table), headline(copy_table)
    lines.append("mean  " + "  ".join(f"{p} {mean[p]:.3f} (copy {copy[p]:.3f})" for p in mean))
    return "\n".join(lines)
