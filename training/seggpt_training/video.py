"""J and F on videos: the first frame's mask is given, later frames remember earlier answers as further prompts."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from .data import augment
from .data.cache import IGNORE
from .data.episodes import Half
from .data.tars import read_tar
from .data.val_episodes import Trial
from .evaluate import decode, iou, paint

MEMORY = 2  # earlier frames beside the first


def read_videos(tar: Path, size: int) -> dict[str, list[Half]]:
    """Frames by video in order, squeezed to (size, size). Labels stay as stored."""
    skipped: list[str] = []
    videos = defaultdict(list)
    for picture in sorted(read_tar(tar, skipped), key=lambda p: p.key):
        view = augment.whole(*picture.labels.shape, size)
        videos[picture.dataset].append(Half(*augment.warp(picture.image, picture.labels, view, size)))
    return dict(videos)


def boundary(mask: np.ndarray) -> np.ndarray:
    """Pixels of the mask that touch its outside."""
    return mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


def boundary_f(predicted: np.ndarray, truth: np.ndarray) -> float:
    """F of precision and recall of boundaries, within 0.8% of the diagonal (DAVIS)."""
    counted = truth != IGNORE
    ours, theirs = boundary(predicted & counted), boundary((truth == 1) & counted)
    if not ours.any() or not theirs.any():
        return float(not ours.any() and not theirs.any())
    reach = int(np.ceil(0.008 * np.hypot(*truth.shape)))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near_theirs = cv2.dilate(theirs.astype(np.uint8), disk).astype(bool)
    near_ours = cv2.dilate(ours.astype(np.uint8), disk).astype(bool)
    precision, recall = (ours & near_theirs).sum() / ours.sum(), (theirs & near_ours).sum() / theirs.sum()
    return float(2 * precision * recall / max(1e-9, precision + recall))


def track(model, frames: list[Half], label: int, device="cpu") -> list[np.ndarray]:
    """Masks of frames 1.. of one label."""

    def only(half: Half) -> np.ndarray:
        return np.where(half.labels == IGNORE, IGNORE, half.labels == label).astype(np.uint8)

    first = Half(frames[0].image, only(frames[0]))
    memory: list[Half] = []
    masks = []
    for frame in frames[1:]:
        trial = Trial("video", "video", [first, *memory], Half(frame.image, only(frame)))
        mask = decode(paint(model, [trial], device)[0])
        masks.append(mask)
        memory = [*memory, Half(frame.image, mask.astype(np.uint8))][-MEMORY:]
    return masks


def measure(model, tar: Path, size: int, device="cpu") -> dict[str, dict[str, float]]:
    """J and F by video, the mean over labels and frames, beside the first mask copied."""
    result = {}
    for name, frames in read_videos(tar, size).items():
        rows = defaultdict(list)
        for label in sorted(set(np.unique(frames[0].labels)) - {0, IGNORE}):
            for mask, frame in zip(track(model, frames, label, device), frames[1:]):
                truth = np.where(frame.labels == IGNORE, IGNORE, frame.labels == label).astype(np.uint8)
                copy = frames[0].labels == label
                rows["J"].append(iou(mask, truth))
                rows["F"].append(boundary_f(mask, truth))
                rows["copy J"].append(iou(copy, truth))
                rows["copy F"].append(boundary_f(copy, truth))
        result[name] = {key: float(np.mean(values)) for key, values in rows.items()}
    return result
