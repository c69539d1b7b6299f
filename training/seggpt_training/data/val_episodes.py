"""The fixed episodes that models are measured on. Everything follows from the seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from . import augment
from .cache import IGNORE, Cache
from .episodes import Half

UNSEEN = "horses"
VIEW_STRENGTH = 0.6  # of both views of "same image" episodes
SMALLEST = 0.01  # share of the picture that the label covers in prompt and target


@dataclass
class Trial:
    """One binary question. labels of prompts and target: 1 = the thing, 0 = not, 255 = ignore."""

    dataset: str
    protocol: str  # "same" or "different"
    prompts: list[Half]
    target: Half


def _binary(labels: np.ndarray, label: int | None) -> np.ndarray:
    """label None: all labels as one."""
    chosen = (labels > 0) if label is None else (labels == label)
    return np.where(labels == IGNORE, IGNORE, chosen).astype(np.uint8)


def _enough(half: Half) -> bool:
    return SMALLEST <= (half.labels == 1).mean() <= 0.9


def _whole(cache: Cache, index: int, label: int | None, size: int) -> Half:
    entry = cache[index]
    view = augment.whole(*entry.labels.shape, size)
    image, labels = augment.warp(entry.image, entry.labels, view, size)
    return Half(image, _binary(labels, label), cache.features_seen(index, view, size))


def same_image(cache: Cache, size: int, each: int, seed: int = 1) -> Iterator[Trial]:
    """Two augmented views of one picture, `each` per data set, one label of it at random."""
    for dataset, rows in sorted(cache.by_dataset.items()):
        rng = np.random.default_rng([seed, len(dataset), *dataset.encode()])
        made, tries = 0, 0
        while made < each and tries < 30 * each:
            tries += 1
            index = rows[rng.integers(len(rows))]
            entry = cache[index]
            present = cache.present(index)
            instance = cache.correspondence[dataset] == "instance"
            label = None if instance else present[rng.integers(len(present))]
            halves = []
            for _ in range(2):
                view = augment.whole(*entry.labels.shape, size) @ augment.motion(rng, size, VIEW_STRENGTH)
                image, labels = augment.warp(entry.image, entry.labels, view, size)
                image = augment.recolour(rng, image, VIEW_STRENGTH)
                halves.append(Half(image, _binary(labels, label)))
            if all(map(_enough, halves)):
                made += 1
                yield Trial(dataset, "same", halves[:1], halves[1])


def different_images(
    cache: Cache, size: int, each: int, shots: int = 1, seed: int = 2, least: int = 0
) -> Iterator[Trial]:
    """Prompts and target are different whole pictures that share a class, `each` per class, and more where
    that would be fewer than `least` for a data set."""
    for dataset, rows in sorted(cache.by_dataset.items()):
        kind = cache.correspondence[dataset]
        if kind == "local":
            continue
        classes = [None] if kind == "instance" else sorted({label for i in rows for label in cache.present(i)})
        wanted = max(each, -(-least // max(1, len(classes))))
        for label in classes:
            holders = rows if label is None else cache.by_label[dataset, label]
            if len(holders) < shots + 1:
                continue
            rng = np.random.default_rng([seed, label or 0, *dataset.encode()])
            made, tries = 0, 0
            while made < wanted and tries < 10 * wanted:
                tries += 1
                chosen = rng.choice(holders, shots + 1, replace=False)
                halves = [_whole(cache, int(i), label, size) for i in chosen]
                if all(map(_enough, halves)):
                    made += 1
                    yield Trial(dataset, "different", halves[:-1], halves[-1])
