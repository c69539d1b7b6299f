"""Where training starts from."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .model import SegGPT


def sine_positions(side_rows: int, side_columns: int, width: int) -> Tensor:
    """(rows * columns, width): sines and cosines of the row in the first half, of the column in the second."""

    def one(length: int, dims: int) -> Tensor:
        frequency = math.pi / 2 ** torch.linspace(0, math.log2(length), dims // 2) 
        angle = torch.arange(length)[:, None] * frequency[None]
        return torch.cat([angle.sin(), angle.cos()], 1)

    rows = one(side_rows, width // 2)[:, None].expand(-1, side_columns, -1)
    columns = one(side_columns, width // 2)[None].expand(side_rows, -1, -1)
    return torch.cat([rows, columns], -1).reshape(side_rows * side_columns, width)


@torch.no_grad()
def mimetic_start(model: SegGPT, seed: int = 0) -> None:
    """Key projection equal to the query projection, value and output projection near the identity, positions
    that agree in both halves of the canvas (mimetic initialisation, arXiv:2305.09828)."""
    torch.manual_seed(seed)
    config = model.config
    d = config.hidden_size
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)
    nn.init.trunc_normal_(model.model.embeddings.patch_embeddings.projection.weight, std=0.03)
    for name in ("mask_token", "segment_token_input", "segment_token_prompt"):
        nn.init.normal_(getattr(model.model.embeddings, name), std=0.02)
    for layer in model.model.encoder.layers:
        q, _, v = layer.attention.qkv.weight.chunk(3)
        nn.init.normal_(q, std=1.2 / math.sqrt(d))
        k = q + torch.randn_like(q) * 0.02
        v.copy_(0.6 * torch.linalg.qr(torch.randn(d, d))[0])
        layer.attention.qkv.weight[d : 2 * d].copy_(k)
        layer.attention.proj.weight.copy_(0.6 * v.t() / 0.36 * 0.6)
    grid = config.pretrain_image_size // config.patch_size
    # the stored square is stretched over both halves, so the period of the rows is one half of the canvas
    rows = sine_positions(grid, grid, d)
    model.model.embeddings.position_embeddings[0, 1:] = 0.3 * rows
