"""Views of a picture: one warp straight from the cache to the canvas half, then colour, blur, noise, JPEG.

A view is `base`, the part of the picture that is looked at, followed by `motion`, a small or large change of it.
Two views of one picture share the base and differ in motion, so the strength of the augmentation is one number.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

Matrix = np.ndarray  # (3, 3), maps pixels of the view to pixels of the picture


def whole(height: int, width: int, size: int) -> Matrix:
    """The whole picture squeezed into size x size, as the model sees pictures when it is used."""
    return np.array([[width / size, 0, 0.5 * width / size - 0.5], [0, height / size, 0.5 * height / size - 0.5], [0, 0, 1]])


def base_view(rng: np.random.Generator, labels: np.ndarray, focus: int | None, size: int, zoom: float) -> Matrix:
    """A crop of the picture. Half of the crops are nearly the whole; the others may be as small as
    1 - `zoom` of each side and contain a pixel of the label `focus`. Flips at random."""
    height, width = labels.shape
    share = rng.uniform(0.85, 1.0) if rng.random() < 0.5 else rng.uniform(1 - zoom, 1.0)
    stretch = math.exp(rng.normal(0, 0.12))
    crop_h, crop_w = height * min(1, share * stretch), width * min(1, share / stretch)
    top, left = rng.uniform(0, height - crop_h), rng.uniform(0, width - crop_w)
    if focus is not None and share < 0.85:
        pixels = np.flatnonzero(labels == focus)
        if len(pixels):
            y, x = divmod(int(pixels[rng.integers(len(pixels))]), width)
            top = min(max(y - rng.uniform(0.15, 0.85) * crop_h, 0), height - crop_h)
            left = min(max(x - rng.uniform(0.15, 0.85) * crop_w, 0), width - crop_w)
    view = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]]) @ whole(round(crop_h), round(crop_w), size)
    return view @ mirror(size) if rng.random() < 0.5 else view


def mirror(size: int) -> Matrix:
    return np.array([[-1.0, 0, size - 1], [0, 1, 0], [0, 0, 1]])


def motion(rng: np.random.Generator, size: int, strength: float) -> Matrix:
    """Shift, zoom, stretch, rotation, perspective and, above half strength, flips. `strength` 0 is the identity."""
    centre = (size - 1) / 2
    angle = rng.normal(0, 12 * strength) * math.pi / 180
    if rng.random() < 0.05 * strength:
        angle = rng.uniform(-math.pi, math.pi)
    zoom, stretch = math.exp(rng.normal(-0.05, 0.22) * strength), math.exp(rng.normal(0, 0.1) * strength)
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array([[cosine * zoom * stretch, -sine * zoom, 0], [sine * zoom, cosine * zoom / stretch, 0], [0, 0, 1]])
    turn[2, :2] = rng.normal(0, 0.1 * strength / size, 2)
    shift = rng.normal(0, 0.12 * strength * size, 2)
    to_centre = np.array([[1, 0, -centre], [0, 1, -centre], [0, 0, 1]])
    back = np.array([[1, 0, centre + shift[0]], [0, 1, centre + shift[1]], [0, 0, 1]])
    matrix = back @ turn @ to_centre
    if rng.random() < 0.5 * min(1, 2 * max(0, strength - 0.5)):
        matrix = matrix @ mirror(size)
    return matrix


def warp(image: np.ndarray, labels: np.ndarray, view: Matrix, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(size, size, 3) and (size, size) uint8; beyond the border the picture is mirrored."""
    flags = cv2.WARP_INVERSE_MAP
    border = {"borderMode": cv2.BORDER_REFLECT_101}
    if abs(view[2, 0]) + abs(view[2, 1]) < 1e-12:
        affine = view[:2] / view[2, 2]
        warped = cv2.warpAffine(image, affine, (size, size), flags=flags | cv2.INTER_LINEAR, **border)
        return warped, cv2.warpAffine(labels, affine, (size, size), flags=flags | cv2.INTER_NEAREST, **border)
    warped = cv2.warpPerspective(image, view, (size, size), flags=flags | cv2.INTER_LINEAR, **border)
    return warped, cv2.warpPerspective(labels, view, (size, size), flags=flags | cv2.INTER_NEAREST, **border)


def recolour(rng: np.random.Generator, image: np.ndarray, strength: float) -> np.ndarray:
    """Gain, gamma, saturation and hue, now and then grey, blur, noise or JPEG. (H, W, 3) uint8 -> the same."""
    ramp = np.arange(256, dtype=np.float32) / 255
    gain = np.exp(rng.normal(0, 0.2) * strength + rng.normal(0, 0.08, 3) * strength)
    gamma = np.exp(rng.normal(0, 0.25 * strength, 3) * 0.4 + rng.normal(0, 0.25 * strength))
    offset = rng.normal(0, 0.06 * strength)
    table = np.clip(255 * (gain * ramp[:, None] ** gamma + offset) + 0.5, 0, 255).astype(np.uint8)
    image = cv2.LUT(image, np.ascontiguousarray(table[None]))
    if rng.random() < 0.8 * strength:
        saturation = 0.0 if rng.random() < 0.06 else math.exp(rng.normal(0, 0.35 * strength))
        image = cv2.transform(image, hue_matrix(rng.normal(0, 0.12 * strength), saturation))
    chance = rng.random(3)
    if chance[0] < 0.15 * strength:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6))
    if chance[1] < 0.12 * strength:
        noise = rng.normal(0, rng.uniform(2, 14), image.shape).astype(np.float32)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if chance[2] < 0.08 * strength:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    return image


GREY = np.array([0.299, 0.587, 0.114], np.float32)


def hue_matrix(angle: float, saturation: float) -> np.ndarray:
    """Rotation about the grey axis and scaling of what differs from grey: (3, 3)."""
    axis = np.full(3, 1 / math.sqrt(3), np.float32)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32) / math.sqrt(3)
    rotation = math.cos(angle) * np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * np.outer(axis, axis)
    grey = np.tile(GREY, (3, 1))
    return ((saturation * (rotation - grey) + grey)).astype(np.float32)
