"""What a user could do without a model. Each takes a trial and gives the target's mask, (S, S) bool."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import cKDTree

from .data.val_episodes import Trial

NEAREST_SIDE = 80  # nearest neighbours are sought at this resolution
PLACE_WEIGHT = 0.5  # of positions in [0, 1] against colours in [0, 1]


def copied(trial: Trial) -> np.ndarray:
    """The (first) prompt's mask, laid over the target."""
    return trial.prompts[0].labels == 1


def features(image: np.ndarray) -> np.ndarray:
    """Colour and position of each pixel at NEAREST_SIDE: (pixels, 5)."""
    small = cv2.resize(image, (NEAREST_SIDE, NEAREST_SIDE), interpolation=cv2.INTER_AREA).reshape(-1, 3) / 255
    place = np.stack(np.mgrid[:NEAREST_SIDE, :NEAREST_SIDE], -1).reshape(-1, 2) / NEAREST_SIDE
    return np.concatenate([small, PLACE_WEIGHT * place], 1)


def nearest(trial: Trial, neighbours: int = 5) -> np.ndarray:
    """Each target pixel takes the majority label of the prompt pixels nearest in colour and position."""
    size, side = trial.target.labels.shape[0], (NEAREST_SIDE, NEAREST_SIDE)
    points, labels = [], []
    for prompt in trial.prompts:
        points.append(features(prompt.image))
        thing = (prompt.labels == 1).astype(np.float32)
        labels.append(cv2.resize(thing, side, interpolation=cv2.INTER_AREA).reshape(-1) > 0.5)
    tree, labels = cKDTree(np.concatenate(points)), np.concatenate(labels)
    found = tree.query(features(trial.target.image), k=neighbours)[1]
    votes = labels[found].mean(1).astype(np.float32).reshape(side)
    return cv2.resize(votes, (size, size), interpolation=cv2.INTER_LINEAR) > 0.5


def grab_cut(trial: Trial, rounds: int = 5) -> np.ndarray:
    """GrabCut on the target, started from the copied mask as "probably the thing"."""
    thing = copied(trial)
    if not thing.any() or thing.all():
        return thing
    state = np.where(thing, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    try:
        cv2.setRNGSeed(0)
        image = np.ascontiguousarray(trial.target.image)
        cv2.grabCut(image, state, None, np.zeros((1, 65)), np.zeros((1, 65)), rounds, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return thing
    return (state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD)


BASELINES = {"copy": copied, "nearest": nearest, "grabcut": grab_cut}
