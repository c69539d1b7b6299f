"""Decoded pictures in two flat memory-mapped files, so that an epoch costs no decoding.

A cache folder holds `images.bin` (uint8 RGB, pictures back to back), `labels.bin` (uint8) and `cache.json`.
Several pictures may share one image (the same photograph under another mask).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import RecipeError
from .features import FeatureCache, in_sides, seen

FORMAT = 1
IGNORE = 255


@dataclass
class Entry:
    """image (H, W, 3) and labels (H, W), views into the memory maps."""

    image: np.ndarray
    labels: np.ndarray
    dataset: str
    key: str


class CacheWriter:
    """Appends pictures; `close` writes the table of contents last, so an interrupted cache is never read."""

    def __init__(self, folder: Path, short_side: int):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cache.json").unlink(missing_ok=True)
        self.folder, self.short_side = folder, short_side
        self.images = open(folder / "images.bin", "wb")
        self.labels = open(folder / "labels.bin", "wb")
        self.rows: list[list] = []

    def fit(self, image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shrinks so that the short side is at most `short_side`."""
        height, width = labels.shape
        scale = self.short_side / min(height, width)
        if scale >= 1:
            return image, labels
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.resize(
            labels, size, interpolation=cv2.INTER_NEAREST_EXACT
        )

    def add(self, dataset: str, key: str, image: np.ndarray, labels: np.ndarray, more: dict | None = None) -> None:
        """`more`: {dataset: labels}, further label maps of the same image."""
        offset = self.images.tell()
        image, first = self.fit(image, labels)
        self.images.write(np.ascontiguousarray(image).tobytes())
        self._row(dataset, key, offset, first)
        for name, other in (more or {}).items():
            self._row(name, key, offset, self.fit(image, other)[1] if other.shape != first.shape else other)

    def _row(self, dataset: str, key: str, image_offset: int, labels: np.ndarray) -> None:
        present, counts = np.unique(labels, return_counts=True)
        enough = [int(v) for v, c in zip(present, counts) if v not in (0, IGNORE) and c >= 0.002 * labels.size]
        if not enough:
            return
        self.rows.append([dataset, key, image_offset, self.labels.tell(), *labels.shape, enough])
        self.labels.write(np.ascontiguousarray(labels).tobytes())

    def close(self, correspondence: dict[str, str]) -> None:
        self.images.close()
        self.labels.close()
        content = {"format": FORMAT, "correspondence": correspondence, "rows": self.rows}
        (self.folder / "cache.json").write_text(json.dumps(content))


class Cache:
    """Random access to a written cache."""

    def __init__(self, folder: Path, features: bool = False):
        """With `features`, those that `encode` has made so far go along."""
        path = Path(folder) / "cache.json"
        if not path.is_file():
            raise RecipeError(f"{path} is missing: run `prepare` first")
        content = json.loads(path.read_text())
        if content.get("format") != FORMAT:
            raise RecipeError(f"{path} has another format: run `prepare` again")
        self.rows = content["rows"]
        self.correspondence: dict[str, str] = content["correspondence"]
        self.images = np.memmap(Path(folder) / "images.bin", np.uint8, "r")
        self.labels = np.memmap(Path(folder) / "labels.bin", np.uint8, "r")
        self.features = FeatureCache(Path(folder)) if features else None
        self.by_dataset: dict[str, list[int]] = {}
        self.by_label: dict[tuple[str, int], list[int]] = {}
        for index, row in enumerate(self.rows):
            self.by_dataset.setdefault(row[0], []).append(index)
            for label in row[6]:
                self.by_label.setdefault((row[0], label), []).append(index)

    def __len__(self) -> int:
        return len(self.rows)

    def present(self, index: int) -> list[int]:
        """Labels that cover at least 0.2% of the picture."""
        return self.rows[index][6]

    def has_features(self, index: int) -> bool:
        return self.features is not None and self.rows[index][2] in self.features

    def features_seen(self, index: int, view: np.ndarray, size: int) -> np.ndarray | None:
        """Features of a view of size x size pixels, on its token grid, or None."""
        if not self.has_features(index):
            return None
        _, _, offset, _, height, width, _ = self.rows[index]
        return seen(self.features[offset], in_sides(view, height, width), size)

    def __getitem__(self, index: int) -> Entry:
        dataset, key, image_offset, label_offset, height, width, _ = self.rows[index]
        image = self.images[image_offset : image_offset + height * width * 3].reshape(height, width, 3)
        labels = self.labels[label_offset : label_offset + height * width].reshape(height, width)
        return Entry(image, labels, dataset, key)
