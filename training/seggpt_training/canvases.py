"""From a batch as workers make it to what the model and the loss take, on the training device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .data.batches import RANDOM_MASK
from .data.cache import IGNORE
from .normalise import normalise


@dataclass
class Canvases:
    """images, masks (N, 3, H, W) normalised; masked (N, L); semantic (N,); wanted (B, 3, H' , W) and weight
    (B, H', W) of what the model paints: the target half, or the whole canvas when `whole`."""

    images: Tensor
    masks: Tensor
    masked: Tensor
    semantic: Tensor
    wanted: Tensor
    weight: Tensor
    prompts: int
    whole: bool
    features: tuple[Tensor, Tensor] | None  # (N, h, w, channels), and (N,) 1 where there are some


def to_canvases(batch: dict, device, patch: int) -> Canvases:
    tensors = {k: v.to(device, non_blocking=True) for k, v in batch.items() if isinstance(v, Tensor)}
    labels, masked, prompts = tensors["labels"], tensors["masked"], int(batch["prompts"])
    whole = int(batch["task"]) == RANDOM_MASK
    masks = normalise(coloured(labels, tensors["colours"]))
    first = 0 if whole else labels.shape[1] // 2
    weight = pixel_weights(labels[::prompts], masked[::prompts], patch)[:, first:]
    return Canvases(
        images=normalise(tensors["images"]),
        masks=masks,
        masked=masked.flatten(1),
        semantic=tensors["semantic"],
        wanted=masks[::prompts, :, first:],
        weight=weight,
        prompts=prompts,
        whole=whole,
        features=(tensors["features"], tensors["present"]) if "features" in tensors else None,
    )


def split(batch: dict, parts: int) -> list[dict]:
    """At most so many batches of about the same size that make up this one; prompts of one target stay together."""
    groups, prompts = len(batch["images"]) // int(batch["prompts"]), int(batch["prompts"])
    parts = min(parts, groups)
    edges = [prompts * (groups * i // parts) for i in range(parts + 1)]
    return [
        {name: v[first:end] if isinstance(v, Tensor) else v for name, v in batch.items()}
        for first, end in zip(edges, edges[1:])
    ]


def coloured(labels: Tensor, colours: Tensor) -> Tensor:
    """labels (N, H, W), colours (N, 256, 3) -> (N, H, W, 3) uint8; ignored pixels are black."""
    numbers = torch.where(labels == IGNORE, 0, labels).flatten(1).long()
    painted = torch.gather(colours, 1, numbers.unsqueeze(-1).expand(-1, -1, 3))
    return painted.view(*labels.shape, 3)


def pixel_weights(labels: Tensor, masked: Tensor, patch: int) -> Tensor:
    """What each pixel counts in the loss: 0 where given or ignored; labelled pixels count up to 4 times as much
    where they are few, since IoU does not forgive a missed small thing.
    labels (N, H, W), masked (N, h, w) -> (N, H, W) float32."""
    counted = masked.repeat_interleave(patch, 1).repeat_interleave(patch, 2).bool() & (labels != IGNORE)
    shown = counted & (labels > 0)
    area = shown.sum((1, 2), dtype=torch.float32).clamp_min(1)
    rest = counted.sum((1, 2), dtype=torch.float32) - area
    factor = (rest.clamp_min(0) / area).sqrt().clamp(1, 4).view(-1, 1, 1)
    return torch.where(shown, factor, counted.float())
