"""The context decoder: masks of a target from the features of pictures whose masks are known.

Frozen features of an image encoder say what things are; this small model compares them between pictures, as few-shot
segmentation by attention does (DCAMA, arXiv:2207.08549) and as memory networks read masks of earlier frames (STM,
arXiv:1904.00607), and decodes what it read into a mask.

Shape legend
    N  pictures;   M  questions, a label of a target each;   T  rows and columns of tokens;   L = T * T tokens of a picture
    P  prompts of a target;   W  width;   S  width of the decoder's state;   h  heads
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PIXELS = 8  # a token's side


@dataclass
class ContextConfig:
    channels: int = 544  # of the features
    width: int = 192
    heads: int = 6  # of looking and matching
    looks: int = 2  # blocks
    state: int = 128
    state_heads: int = 4  # of spreading along the target's own likeness
    decodes: int = 4  # blocks; every second one spreads
    waves: int = 4  # frequencies of places

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Plain attention with scores over sqrt(d). (B, L, C), (B, K, C), (B, K, C') -> (B, L, C')."""
    split = lambda x: x.unflatten(-1, (heads, -1)).transpose(1, 2)
    return F.scaled_dot_product_attention(split(q), split(k), split(v)).transpose(1, 2).flatten(2)


class Depthwise(nn.Module):
    """3 x 3 over the grid, zeros beyond it."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C) -> the same."""
        side = math.isqrt(x.shape[1])
        grid = x.transpose(1, 2).unflatten(2, (side, side))
        return self.conv(grid).flatten(2).transpose(1, 2)


class Look(nn.Module):
    """A transformer block on one picture's tokens, with a convolution that knows neighbours."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.near = Depthwise(width)
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 3 * width)
        self.fc2 = nn.Linear(3 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, W) -> the same."""
        x = x + self.near(x)
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        x = x + self.proj(attend(q, k, v, self.heads))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Decode(nn.Module):
    """State of a question: neighbours, then an MLP; before that, if it spreads, attention along the target's likeness."""

    def __init__(self, state: int, width: int, heads: int, spreads: bool):
        super().__init__()
        self.heads = heads
        if spreads:
            self.norm0 = nn.LayerNorm(state)
            self.query = nn.Linear(width, state)
            self.key = nn.Linear(width, state)
            self.value = nn.Linear(state, state)
            self.proj = nn.Linear(state, state)
        self.spreads = spreads
        self.near = Depthwise(state)
        self.norm = nn.LayerNorm(state)
        self.fc1 = nn.Linear(state, 2 * state)
        self.fc2 = nn.Linear(2 * state, state)

    def forward(self, s: Tensor, target: Tensor, of: Tensor) -> Tensor:
        """s (M, L, S), normalised tokens of targets (N, L, W), of (M,): each question's target -> (M, L, S)."""
        if self.spreads:
            q, k = self.query(target)[of], self.key(target)[of]
            s = s + self.proj(attend(q, k, self.value(self.norm0(s)), self.heads))
        return s + self.fc2(F.gelu(self.fc1(self.norm(self.near(s)))))


class ContextDecoder(nn.Module):
    def __init__(self, config: ContextConfig):
        super().__init__()
        c, self.config = config, config
        self.register_buffer("mean", torch.zeros(c.channels))
        self.register_buffer("deviation", torch.ones(c.channels))
        self.features = nn.Linear(c.channels, c.width)
        self.pixels = nn.Linear(3 * PIXELS**2, c.width, bias=False)
        self.places = nn.Linear(4 * c.waves, c.width, bias=False)
        self.looks = nn.ModuleList(Look(c.width, c.heads) for _ in range(c.looks))
        self.norm = nn.LayerNorm(c.width)
        self.query = nn.Linear(c.width, c.width)
        self.key = nn.Linear(c.width, c.width)
        self.mask = nn.Linear(PIXELS**2, c.width)
        self.thing = nn.Linear(c.width, c.width, bias=False)
        self.read = nn.Linear(c.width, c.state)
        self.own = nn.Linear(c.width, c.state, bias=False)
        self.decodes = nn.ModuleList(Decode(c.state, c.width, c.state_heads, i % 2 == 0) for i in range(c.decodes))
        self.last = nn.LayerNorm(c.state)
        self.logits = nn.Linear(c.state, PIXELS**2)
        self.presence = nn.Linear(2 * c.state, 1)

    def look(self, features: Tensor, pixels: Tensor) -> Tensor:
        """What is computed of a picture alone. features (N, T, T, channels) as the encoder gives them, pixels (N, 8T, 8T, 3)
        normalised colours -> (N, L, W)."""
        n, side = features.shape[:2]
        x = self.features(((features - self.mean) / self.deviation).flatten(1, 2))
        patches = pixels.view(n, side, PIXELS, side, PIXELS, 3).transpose(2, 3).reshape(n, side * side, -1)
        x = x + self.pixels(patches) + self.places(places(side, self.config.waves).to(x.device))
        for block in self.looks:
            x = block(x)
        return self.norm(x)

    def values(self, prompts: Tensor, masks: Tensor) -> Tensor:
        """What is read where a prompt is attended to. prompts (M, P * L, W) from `look`, masks (M, P, 8T, 8T) in 0 .. 1 ->
        (M, P * L, W)."""
        m, p, size = masks.shape[:3]
        side = size // PIXELS
        patches = masks.view(m, p, side, PIXELS, side, PIXELS).transpose(3, 4).reshape(m, p * side * side, -1)
        return self.mask(patches - 0.5) + patches.mean(-1, keepdim=True) * self.thing(prompts)

    def forward(self, targets: Tensor, prompts: Tensor, masks: Tensor, of: Tensor) -> tuple[Tensor, Tensor]:
        """targets (N, L, W) and prompts (N, P * L, W) from `look`, masks (M, P, 8T, 8T), of (M,): the target of each question
        -> logits (M, 8T, 8T) and whether it is there at all (M,), as a logit."""
        m = masks.shape[0]
        side = math.isqrt(targets.shape[1])
        q, k = self.query(targets)[of], self.key(prompts)[of]
        s = self.read(attend(q, k, self.values(prompts[of], masks), self.config.heads)) + self.own(targets)[of]
        for block in self.decodes:
            s = block(s, targets, of)
        s = self.last(s)
        presence = self.presence(torch.cat([s.mean(1), s.amax(1)], -1))[:, 0]
        logits = self.logits(s).view(m, side, side, PIXELS, PIXELS).transpose(2, 3)
        return logits.reshape(m, side * PIXELS, side * PIXELS), presence


def places(side: int, waves: int) -> Tensor:
    """(L, 4 * waves): sine and cosine of pi * 2^i * y and of x, which run from 0 to 1 over the picture."""
    at = (torch.arange(side) + 0.5) / side
    angles = math.pi * at[:, None] * 2.0 ** torch.arange(waves)
    one = torch.cat([angles.sin(), angles.cos()], -1)
    return torch.cat([one[:, None].expand(side, side, -1), one[None].expand(side, side, -1)], -1).flatten(0, 1)


def start(model: ContextDecoder, mean: Tensor, deviation: Tensor, directions: Tensor) -> None:
    """A start that compares features from the first step on: tokens are principal components of the features, queries and
    keys are the same, and every block begins as the identity."""
    c = model.config
    with torch.no_grad():
        model.mean.copy_(mean)
        model.deviation.copy_(deviation)
        model.features.weight.copy_(directions[: c.width] / 4)
        model.features.bias.zero_()
        for linear in (model.pixels, model.places):
            linear.weight.mul_(0.3)
        mixing = torch.linalg.qr(torch.randn(c.width, c.width))[0] * 2.0
        for linear in (model.query, model.key):
            linear.weight.copy_(mixing)
            linear.bias.zero_()
        for block in model.looks:
            for linear in (block.proj, block.fc2):
                linear.weight.mul_(0.1)
            block.near.conv.weight.zero_()
            block.near.conv.bias.zero_()
        for block in model.decodes:
            block.near.conv.weight.mul_(0.3)
            block.near.conv.weight[:, 0, 1, 1] += 1
            if block.spreads:
                mixing = torch.linalg.qr(torch.randn(c.width, c.state))[0].t() * 2.0
                block.query.weight.copy_(mixing)
                block.key.weight.copy_(mixing)
