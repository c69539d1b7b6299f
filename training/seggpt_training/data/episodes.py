"""Episodes: which pictures are paired, which labels are shown, in which colours and views.

Everything about a sample follows from (seed, number of the sample), so any worker can make it, and a run that
was cut off goes on with exactly the samples it would have seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..config import TrainConfig
from . import augment
from .cache import IGNORE, Cache
from .colours import draw_colours
from .procedural import CONTOURS, MAKERS

MADE = {*MAKERS, CONTOURS}
SHOW_ALL = 256  # stands for "all labels of this picture as one"
LEAST_SHARE = 0.004  # of a half that the first shown label covers


@dataclass
class Half:
    """One half of the canvas. image (S, S, 3), labels (S, S) with 0 background, 1.. shown labels, 255 ignore."""

    image: np.ndarray
    labels: np.ndarray
    features: np.ndarray | None = None  # (S / 16, S / 16, channels) float16; the context decoder's S / 8


@dataclass
class Episode:
    """Prompts and a target; colours (256, 3) uint8 by label. All halves have features, or none."""

    prompts: list[Half]
    target: Half
    colours: np.ndarray


class Pool:
    """Pictures that episodes are drawn from: by data set, by label, and how often each data set comes up."""

    def __init__(self, cache: Cache, config: TrainConfig, rows: list[int]):
        self.anywhere = rows
        self.by_dataset: dict[str, list[int]] = {}
        self.by_label: dict[tuple[str, int], list[int]] = {}
        for index in rows:
            name = cache.rows[index][0]
            self.by_dataset.setdefault(name, []).append(index)
            for label in cache.present(index):
                self.by_label.setdefault((name, label), []).append(index)
        self.names = sorted(self.by_dataset)
        weights = np.array([len(self.by_dataset[name]) for name in self.names], float) ** config.dataset_weight_power
        weights *= [config.dataset_boost.get(name, 1.0) for name in self.names]
        made = np.array([name in MADE for name in self.names])
        for part, share in ((made, config.share_procedural), (~made, 1 - config.share_procedural)):
            weights[part] *= share / max(1e-9, weights[part].sum())
        self.cumulative = np.cumsum(weights / weights.sum())
        self.labels_of = {
            name: [label for (d, label), holders in self.by_label.items() if d == name and len(holders) >= 2]
            for name in self.names
        }
        self.loose = {
            name
            for name in self.names
            if cache.correspondence.get(name, "local") == "local"
            and all(cache.present(i) == [1] for i in self.by_dataset[name])
        }

    def draw(self, rng: np.random.Generator) -> str:
        """A data set."""
        return self.names[min(int(np.searchsorted(self.cumulative, rng.random())), len(self.names) - 1)]


class EpisodeMaker:
    """Draws training episodes from a cache."""

    def __init__(self, cache: Cache, config: TrainConfig):
        self.cache, self.config = cache, config
        self.size = config.model.image_size[1]
        self.all = Pool(cache, config, list(range(len(cache))))
        featured = [i for i in range(len(cache)) if cache.has_features(i)]
        self.featured = Pool(cache, config, featured) if featured else None

    def strength(self, progress: float) -> float:
        """Augmentation strength at `progress` in [0, 1] of the run."""
        c = self.config
        ramp = min(1.0, progress / c.augmentation_ramp) if c.augmentation_ramp > 0 else 1.0
        return c.augmentation_start + (c.augmentation_end - c.augmentation_start) * ramp

    def make(self, number: int, prompts: int, progress: float) -> Episode:
        """The episode of sample `number` with that many prompts."""
        rng = np.random.default_rng([self.config.seed, number])
        strength = self.strength(progress)
        for _ in range(20):
            episode = self._attempt(rng, prompts, strength)
            if episode is not None:
                return episode
        return episode or self._attempt(rng, prompts, strength, anything=True)

    def _attempt(self, rng, prompts: int, strength: float, anything: bool = False) -> Episode | None:
        c = self.config
        showing = self.featured is not None and rng.random() < c.share_features
        pool = self.featured if showing else self.all
        dataset = pool.draw(rng)
        kind = self.cache.correspondence.get(dataset, "local")
        if dataset in pool.loose and rng.random() < c.share_loose:
            kind, same_share = "class", 0.0
        else:
            same_share = c.share_same_image
        negative = rng.random() < c.share_negative and not anything
        across = kind != "local" and rng.random() >= same_share
        across = across and (kind != "class" or bool(pool.labels_of[dataset]))
        rows = pool.by_dataset[dataset]
        if across and kind == "class":
            label = pool.labels_of[dataset][rng.integers(len(pool.labels_of[dataset]))]
            holders = pool.by_label[dataset, label]
            chosen = [holders[i] for i in rng.integers(len(holders), size=prompts + 1)]
            common = set.intersection(*(set(self.cache.present(i)) for i in chosen))
            shown = [[label]] + [[other] for other in sorted(common - {label})]
        elif across:
            chosen = [rows[i] for i in rng.integers(len(rows), size=prompts + 1)]
            shown = [[SHOW_ALL]]
        else:
            first, row = self._one(rng, pool, dataset, kind)
            chosen = [row] * (prompts + 1)
            present = [label for label in self.cache.present(row) if label != first]
            shown = ([[first]] if first is not None else []) + [[present[i]] for i in rng.permutation(len(present))]
            showing = showing and rng.random() < c.share_same_features
            draw = rng.random()
            if kind == "instance" and draw < 0.6:
                shown = [[SHOW_ALL]]
            elif kind == "local" and len(shown) > 3 and draw < 0.2:
                shown[0] = sum(shown[: len(shown) // 2], [])  # regions together are one thing as well
        count = 1 if rng.random() < c.share_one_label else int(rng.integers(1, c.max_labels + 1))
        shown = shown[:1] + [shown[i + 1] for i in rng.permutation(len(shown) - 1)[: count - 1]]
        if negative:
            chosen = self._negative_target(rng, rows, chosen, shown[0][0])
            shown = shown[:1]

        halves = self._views(rng, chosen, shown, strength, showing)
        if not anything:
            needed = LEAST_SHARE * self.size**2
            if any((half.labels == 1).sum() < needed for half in (halves[:-1] if negative else halves)):
                return None
            if (halves[0].labels == 1).mean() > 0.97:
                return None
        colours = np.zeros((256, 3), np.uint8)
        colours[1 : len(shown) + 1] = draw_colours(rng, len(shown))
        return Episode(halves[:-1], halves[-1], colours)

    @staticmethod
    def _one(rng, pool: Pool, dataset: str, kind: str) -> tuple[int | None, int]:
        """(a label to show first or None for any, a picture) for several views of one picture. Where labels are classes
        these come up evenly, however few pictures hold one."""
        if kind == "class" and pool.labels_of[dataset]:
            label = pool.labels_of[dataset][rng.integers(len(pool.labels_of[dataset]))]
            holders = pool.by_label[dataset, label]
            return label, holders[rng.integers(len(holders))]
        rows = pool.by_dataset[dataset]
        return None, rows[rng.integers(len(rows))]

    def _negative_target(self, rng, rows, chosen, label) -> list[int]:
        """Replaces the target by a picture without the label, of the same data set or, failing that, another."""
        for _ in range(8):
            other = rows[rng.integers(len(rows))]
            kind = self.cache.correspondence.get(self.cache.rows[other][0], "local")
            if kind == "class" and label not in self.cache.present(other):
                return chosen[:-1] + [other]
        return chosen[:-1] + [-1]

    def _views(self, rng, chosen: list[int], shown: list[list[int]], strength: float, showing: bool) -> list[Half]:
        c, size = self.config, self.size
        neighbouring = rng.random() < c.share_neighbouring
        table = self._table(shown)
        halves, base, previous = [], None, None
        for position, index in enumerate(chosen):
            absent = index < 0
            if absent:
                pictures = self.featured if showing else self.all
                index = pictures.anywhere[rng.integers(len(pictures.anywhere))]
            entry = self.cache[index]
            focus = shown[0][0] if shown[0][0] != SHOW_ALL else None
            if base is None or index != previous:
                base = augment.base_view(rng, entry.labels, focus, size, zoom=0.25 + 0.35 * strength)
            amount = strength * (0.25 if neighbouring else 1.0)
            view = base @ augment.motion(rng, size, amount) if position or not neighbouring else base
            image, labels = augment.warp(entry.image, entry.labels, view, size)
            image = augment.recolour(rng, image, amount)
            labels = np.zeros_like(labels) if absent else table[labels]
            halves.append(Half(image, labels, self.cache.features_seen(index, view, size) if showing else None))
            previous = index
        return halves

    @staticmethod
    def _table(shown: list[list[int]]) -> np.ndarray:
        """(256,) stored label -> 0, 1.. or ignore."""
        table = np.zeros(256, np.uint8)
        for number, group in enumerate(shown, 1):
            if group == [SHOW_ALL]:
                table[1:] = number
            else:
                table[group] = number
        table[IGNORE] = IGNORE
        return table
