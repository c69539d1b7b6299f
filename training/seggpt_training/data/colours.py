"""Labels to random colours, as SegGPT's in-context colouring asks; also the fixed palette the processor uses."""

from __future__ import annotations

import numpy as np

WHITE = np.array([255, 255, 255])


def palette(count: int) -> np.ndarray:
    """Hugging Face's lattice of `count` label colours: (count, 3) uint8. Background is black and not in it."""
    base = int(count ** (1 / 3)) + 1
    margin = 256 // base
    k = np.arange(count)
    digits = np.stack([k // base**2, (k % base**2) // base, k % base], 1)
    return (255 - margin * digits).astype(np.uint8)


def draw_colours(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 3) uint8, apart from black and from each other; the palette's own colours in 3 of 10 draws."""
    if rng.random() < 0.3:
        return palette(count)[rng.permutation(count)]
    taken = [np.zeros(3)]
    distance = 150.0
    while len(taken) <= count:
        colour = rng.integers(0, 256, 3).astype(float)
        if min(np.linalg.norm(colour - other) for other in taken) >= distance:
            taken.append(colour)
        else:
            distance *= 0.99
    return np.stack(taken[1:]).astype(np.uint8)
