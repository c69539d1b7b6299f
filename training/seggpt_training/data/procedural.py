"""Scenes made by program, with exact labels: shapes, cells, fields, leaves, strokes, text, contours.

Each maker takes a random generator and a side S and returns an image (S, S, 3) uint8 and labels (S, S) uint8.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Scene = tuple[np.ndarray, np.ndarray]


def noise(rng: np.random.Generator, size: int, coarse: int, octaves: int = 3) -> np.ndarray:
    """Smooth value noise in [0, 1]: random grids of growing fineness, enlarged and added. (S, S) float32."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        cells = max(2, min(size, coarse * 2**octave))
        grid = rng.random((cells, cells)).astype(np.float32)
        total += cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC) / 2**octave
    low, high = total.min(), total.max()
    return (total - low) / max(1e-6, high - low)


def texture(rng: np.random.Generator, size: int) -> np.ndarray:
    """Two colours mixed by noise, stripes, checks, dots or a gradient, with some grain. (S, S, 3) float32, 0..255."""
    first = rng.uniform(0, 255, 3)
    second = np.clip(first + rng.normal(0, rng.uniform(10, 90), 3), 0, 255)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(4, 40)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kind = rng.integers(6)
    if kind == 0:
        mix = noise(rng, size, int(rng.integers(2, 30)))
    elif kind == 1:
        mix = 0.5 + 0.5 * np.sin(along * 2 * np.pi / period)
    elif kind == 2:
        mix = ((along // period + across // period) % 2).astype(np.float32)
    elif kind == 3:
        mix = ((np.sin(along * 2 * np.pi / period) + np.sin(across * 2 * np.pi / period)) > 1).astype(np.float32)
    elif kind == 4:
        mix = along / size
    else:
        mix = np.full((size, size), rng.random(), np.float32)
    painted = first + (second - first) * mix[..., None]
    shade = 1 + rng.uniform(0, 0.35) * (noise(rng, size, 3, 2)[..., None] - 0.5)
    return np.clip(painted * shade + rng.normal(0, rng.uniform(0, 10), (size, size, 1)), 0, 255).astype(np.float32)


def compose(rng: np.random.Generator, materials: np.ndarray, count: int) -> np.ndarray:
    """materials (S, S) integers below `count` -> image with one texture for each."""
    size = len(materials)
    image = np.zeros((size, size, 3), np.float32)
    for material in range(count):
        image[materials == material] = texture(rng, size)[materials == material]
    return image.astype(np.uint8)


def outline(rng: np.random.Generator, centre, radius: float) -> np.ndarray:
    """Vertices of a random ellipse, polygon, star or blob: (V, 2) int32."""
    kind = rng.integers(4)
    corners = 40 if kind in (0, 3) else int(rng.integers(3, 9)) * (2 if kind == 2 else 1)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(0, 2 * np.pi)
    reach = np.ones(corners)
    if kind == 2:
        reach[::2] = rng.uniform(0.35, 0.7)
    elif kind == 3:
        for wave in range(2, 6):
            reach += rng.normal(0, 0.12) * np.cos(wave * angle + rng.uniform(0, 6))
    stretch, turn = np.exp(rng.normal(0, 0.3)), rng.uniform(0, np.pi)
    points = np.stack([np.cos(angle) * reach * radius * stretch, np.sin(angle) * reach * radius / stretch], 1)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (points @ rotation.T + centre).astype(np.int32)


def shapes(rng: np.random.Generator, size: int) -> Scene:
    """A few kinds of shape, each kind with one material, over a textured ground. Label = kind."""
    kinds = int(rng.integers(1, 5))
    labels = np.zeros((size, size), np.uint8)
    for _ in range(int(rng.integers(2, 14))):
        radius = size * rng.uniform(0.05, 0.28)
        cv2.fillPoly(labels, [outline(rng, rng.uniform(0, size, 2), radius)], int(rng.integers(1, kinds + 1)))
    return compose(rng, labels, kinds + 1), labels


def leaves(rng: np.random.Generator, size: int) -> Scene:
    """Dead leaves: overlapping shapes of all sizes from a few materials fill the picture."""
    kinds = int(rng.integers(3, 7))
    labels = np.full((size, size), kinds, np.uint8)
    for _ in range(150):
        radius = size * min(0.35, 0.03 / max(0.06, rng.random()))
        cv2.fillPoly(labels, [outline(rng, rng.uniform(0, size, 2), radius)], int(rng.integers(1, kinds + 1)))
    return compose(rng, labels, kinds + 1), labels


def cells(rng: np.random.Generator, size: int) -> Scene:
    """Voronoi cells of a few materials."""
    kinds, count = int(rng.integers(2, 7)), int(rng.integers(4, 60))
    seeds = rng.uniform(0, size, (count, 2)).astype(np.float32)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    y, x = y + 12 * (noise(rng, size, 6) - 0.5), x + 12 * (noise(rng, size, 6) - 0.5)
    nearest = ((x[..., None] - seeds[:, 0]) ** 2 + (y[..., None] - seeds[:, 1]) ** 2).argmin(-1)
    labels = rng.integers(1, kinds + 1, count).astype(np.uint8)[nearest]
    return compose(rng, labels, kinds + 1), labels


def fields(rng: np.random.Generator, size: int) -> Scene:
    """Bands of a smooth noise field."""
    kinds = int(rng.integers(2, 5))
    field = noise(rng, size, int(rng.integers(2, 8)), int(rng.integers(1, 4)))
    labels = np.digitize(field, np.quantile(field, np.linspace(0, 1, kinds + 1)[1:-1])).astype(np.uint8)
    return compose(rng, labels, kinds), labels


def strokes(rng: np.random.Generator, size: int) -> Scene:
    """Wandering lines of some widths over a ground: cracks, roots, wires. Label = line."""
    labels = np.zeros((size, size), np.uint8)
    for _ in range(int(rng.integers(1, 7))):
        steps = int(rng.integers(6, 30))
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.05, 0.6), steps))
        path = rng.uniform(0, size, 2) + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * size / 14, 0)
        cv2.polylines(labels, [path.astype(np.int32)], False, 1, int(rng.integers(3, 12)))
    return compose(rng, labels, 2), labels


@lru_cache
def fonts() -> list[str]:
    """Scalable fonts of this machine; none is an answer too."""
    found = [str(p) for root in ("/usr/share/fonts", "/Library/Fonts") for p in sorted(Path(root).rglob("*.ttf"))]
    return [name for name in found if "Symbol" not in name and "Emoji" not in name]


def text(rng: np.random.Generator, size: int) -> Scene:
    """Lines of letters in the machine's fonts or OpenCV's, over a texture. Label 1 = ink."""
    canvas = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(canvas)
    letters = np.array(list(string.ascii_letters + string.digits + "   .,;!?&"))
    names, y = fonts(), int(rng.integers(0, 12))
    points = int(rng.integers(14, 56))
    font = ImageFont.truetype(names[rng.integers(len(names))], points) if names else None
    strokes_of = np.zeros((size, size), np.uint8)
    while y < size - 6:
        line = "".join(rng.choice(letters, int(rng.integers(4, 30))))
        x = int(rng.integers(-10, 30))
        if font:
            draw.text((x, y), line, fill=255, font=font)
        else:
            cv2.putText(strokes_of, line, (x, y + points), int(rng.integers(0, 8)), points / 30, 255, max(1, points // 10))
        y += int(points * rng.uniform(1.1, 1.8))
    labels = ((np.maximum(np.asarray(canvas), strokes_of)) > 110).astype(np.uint8)
    ground, ink = texture(rng, size), texture(rng, size)
    if abs(float(ground.mean() - ink.mean())) < 60:
        ink = np.clip(ink + (100 if ground.mean() < 128 else -100), 0, 255)
    return np.where(labels[..., None] == 1, ink, ground).astype(np.uint8), labels


def contours(labels: np.ndarray) -> np.ndarray:
    """Borders between the regions of a label map, three pixels wide: 1 = border. (H, W) -> (H, W) uint8."""
    widest = cv2.dilate(labels, np.ones((3, 3), np.uint8))
    narrowest = cv2.erode(labels, np.ones((3, 3), np.uint8))
    return (widest != narrowest).astype(np.uint8)


MAKERS: dict[str, tuple[Callable[[np.random.Generator, int], Scene], str]] = {
    # name: maker, correspondence of its labels
    "procedural-shapes": (shapes, "local"),
    "procedural-leaves": (leaves, "local"),
    "procedural-cells": (cells, "local"),
    "procedural-fields": (fields, "local"),
    "procedural-strokes": (strokes, "class"),
    "procedural-text": (text, "class"),
}
CONTOURS = "contours"  # of the regions of real pictures with `local` labels; a class of its own
