"""IoU of the context decoder on the painter's validation episodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..data import augment
from ..data.features import in_sides, seen
from ..data.val_episodes import Trial, different_images, same_image
from ..encode import load_encoder
from ..evaluate import headline, summarise
from ..normalise import DEVIATION, MEAN
from .features import features_of
from .model import PIXELS, ContextDecoder
from .samples import ContextCache, half_tensors

EVERYDAY = {"voc", "coco-mini", "coco-mini-cc-by", "corridor", "rural-streets", "retina-vessels"}


def trials_of(cache: Path, encoder: Path, size: int, each: int, kept: Path | None = None, shots: int = 1) -> list[Trial]:
    """Episodes with features, every view encoded by itself; kept in a file, as encoding takes minutes."""
    if kept and kept.exists():
        return torch.load(kept, weights_only=False)
    trials = []
    for split in ("val", "val-2"):
        pictures = ContextCache(cache / split)
        some = each if split == "val" else max(1, each // 4)
        if shots == 1:
            trials += same_image(pictures, size, each)
        trials += different_images(pictures, size, some, shots)
    model = load_encoder(encoder)
    view = in_sides(augment.whole(size, size, size), size, size)
    for trial in trials:
        if trial.protocol == "same":
            for half in (*trial.prompts, trial.target):
                half.features = seen(features_of(model, half.image).numpy(), view, size, PIXELS)
    if kept:
        torch.save(trials, kept)
    return trials


@torch.inference_mode()
def answer(model: ContextDecoder, trial: Trial, passes: int = 2) -> tuple[torch.Tensor, float]:
    """Logits (S, S) and the presence's logit. From the second pass on the target stands beside the prompts, with the mask
    that the pass before found."""
    features, images = half_tensors([*trial.prompts, trial.target])
    pixels = (images.float() / 255 - MEAN) / DEVIATION
    tokens = model.look(features.float(), pixels)
    masks = torch.from_numpy(np.stack([half.labels == 1 for half in trial.prompts])).float()[None]
    given = tokens[:-1].flatten(0, 1)[None]
    first = torch.zeros(1, dtype=torch.long)
    logits, presence = model(tokens[-1:], given, masks, first)
    for _ in range(passes - 1):
        both = torch.cat([masks, logits.sigmoid()[None]], 1)
        logits, presence = model(tokens[-1:], tokens.flatten(0, 1)[None], both, first)
    return logits[0], float(presence)


def measure(model: ContextDecoder, trials: list[Trial]) -> dict[str, float]:
    """Mean IoU over data sets: same, different, unseen, and everyday photographs' different and same."""
    masks = [(answer(model, trial)[0] > 0).numpy() for trial in trials]
    table = summarise(trials, masks)
    usual = headline({key: value for key, value in table.items() if key[1] not in EVERYDAY})
    everyday = headline({key: value for key, value in table.items() if key[1] in EVERYDAY})
    return usual | {"everyday": everyday.get("different", 0.0), "everyday same": everyday.get("same", 0.0)}
