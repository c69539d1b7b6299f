"""WebDataset tars: `KEY.jpg` (RGB) beside `KEY.png` (8-bit labels, 0 background, 255 ignore)."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import RecipeError


@dataclass
class Picture:
    """key: `dataset/number`.  image: (H, W, 3) uint8 RGB.  labels: (H, W) uint8."""

    key: str
    image: np.ndarray
    labels: np.ndarray

    @property
    def dataset(self) -> str:
        return self.key.rsplit("/", 1)[0]


def read_index(folder: Path) -> dict:
    """The pack's table of contents: sources, licences, classes and how labels correspond by data set, and the shards of
    each split. `index.json` may have further parts, `index-2.json` and so on: their training shards are added to `train`;
    what they validate on stays apart as `val-2`, so that means over `val` keep their meaning."""
    path = folder / "index.json"
    if not path.is_file():
        raise RecipeError(f"{path} is missing: point --pack at the folder that holds index.json and the tars")
    index = json.loads(path.read_text())
    for more in sorted(folder.glob("index-*.json")):
        part = json.loads(more.read_text())
        again = sorted(set(part["datasets"]) & set(index["datasets"]))
        if again:
            raise RecipeError(f"{more} names {again[0]!r}, which an earlier part names too")
        index["datasets"] |= part["datasets"]
        index["shards"]["train"] = index["shards"]["train"] + part["shards"].get("train", [])
        if part["shards"].get("val"):
            index["shards"][more.stem.replace("index", "val")] = part["shards"]["val"]
    return index


def decode(key: str, jpeg: bytes, png: bytes) -> Picture | None:
    """None when either file is broken, their sizes differ, or the labels are not of 8 bits."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    labels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or labels is None or labels.dtype != np.uint8 or image.shape[:2] != labels.shape:
        return None
    return Picture(key, cv2.cvtColor(image, cv2.COLOR_BGR2RGB), labels)


def read_tar(path: Path, skipped: list[str]) -> Iterator[Picture]:
    """Pictures of one tar in order. Broken ones are appended to `skipped` by key and left out."""
    if not path.is_file():
        raise RecipeError(f"{path} is missing: index.json lists it as a shard")
    waiting: dict[str, dict[str, bytes]] = {}
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                if not member.isfile():
                    continue
                key, _, extension = member.name.rpartition(".")
                parts = waiting.setdefault(key, {})
                parts[extension] = tar.extractfile(member).read()
                if "jpg" in parts and "png" in parts:
                    del waiting[key]
                    picture = decode(key, parts["jpg"], parts["png"])
                    if picture is None:
                        skipped.append(key)
                    else:
                        yield picture
    except tarfile.TarError as error:
        raise RecipeError(f"{path} is not a readable tar: {error}") from error
    skipped.extend(waiting)
