"""A start that already works: weights written down so that step 0 carries labels to places that look alike.

The width is divided into parts. The patch embedding writes the lowest cosine frequencies of each colour into
`look`; the first MLPs, gated by the segment token, move what the mask stream holds there into `paint`; from the
merge on, queries equal keys on `look` and position, and values copy `paint`. The decoder is the linear map that
best reads the painted colours from the taps of this network, found by ridge regression on a few batches.
Training then has features to learn, and not the mechanism. Free of it, everything carries small noise.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .canvases import to_canvases
from .config import ModelConfig
from .model import SegGPT
from .normalise import normalise
from .precision import mixed_precision

FREQUENCIES = 21  # cosine coefficients per colour: the first six diagonals
MATCHED = 10  # of them, those that attention compares: the first four diagonals
POSITION = 32
TEXTURE = 64  # at most: further frequencies of the luminance, where there is room
GATE, HALF_SIGNAL, CONSTANT = 1.5, 1.0, 6.0


def cosine_filters(patch: int) -> Tensor:
    """Orthonormal two-dimensional cosine filters in zigzag order: (P * P, P, P)."""
    n = torch.arange(patch)
    basis = torch.cos(math.pi * (n[None] + 0.5) * n[:, None] / patch) * math.sqrt(2 / patch)
    basis[0] /= math.sqrt(2)
    order = sorted(((u, v) for u in range(patch) for v in range(patch)), key=lambda uv: (sum(uv), uv))
    return torch.stack([basis[u][:, None] * basis[v][None] for u, v in order])


def positions(config: ModelConfig, width: int) -> Tensor:
    """Positions inside a half, equal in both halves, on the stored square grid: (side * side, width)."""
    side = config.pretrain_image_size // config.patch_size

    def waves(at: Tensor) -> Tensor:
        angle = at[:, None] * math.pi / 2 * 2 ** torch.linspace(0, 3, width // 4)[None]
        return torch.cat([angle.sin(), angle.cos()], 1)

    rows = waves((torch.arange(side) % (side // 2) + 0.5) / (side // 2))
    columns = waves((torch.arange(side) + 0.5) / side)
    both = torch.cat([rows[:, None].expand(-1, side, -1), columns[None].expand(side, -1, -1)], -1)
    return both.reshape(side * side, width)


@torch.no_grad()
def construct(model: SegGPT, batches, seed: int = 0) -> None:
    """Writes the weights; `batches` yields training batches (one prompt, target to be painted) for scales and
    for the decoder's regression."""
    torch.manual_seed(seed)
    config = model.config
    d, patch, heads, c = config.hidden_size, config.patch_size, config.num_attention_heads, config.head_dim
    colours = 3 * FREQUENCIES
    look, paint = slice(0, colours), slice(colours, 2 * colours)
    place = slice(2 * colours, 2 * colours + POSITION)
    segment, half = place.stop, place.stop + 1
    texture = slice(half + 1, min(d, half + 1 + TEXTURE))
    if half + 1 > d or c < 3 * MATCHED + POSITION + 1 or c < colours:
        raise ValueError(f"width {d} with heads of {c} has no room for the constructed start")

    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)

    # patch embedding: look (colour by colour), texture (further frequencies of the luminance)
    batches = iter(batches)
    first = next(batches)
    pictures = normalise(first["images"])
    filters = cosine_filters(patch)
    bank = torch.zeros(d, 3, patch, patch)
    bank[look] = torch.stack([on_channel(f, channel) for f in filters[:FREQUENCIES] for channel in range(3)])
    extra = filters[FREQUENCIES : FREQUENCIES + texture.stop - texture.start]
    bank[texture] = torch.stack([sum(on_channel(f, channel) for channel in range(3)) / math.sqrt(3) for f in extra])
    spread = nn.functional.conv2d(pictures, bank, stride=patch).std((0, 2, 3))
    spread[spread == 0] = 1
    embeddings = model.model.embeddings
    embeddings.patch_embeddings.projection.weight.copy_(bank / spread[:, None, None, None])
    embeddings.patch_embeddings.projection.weight[paint.start : half + 1] = 0
    embeddings.segment_token_input[..., segment] = 3.0
    embeddings.segment_token_prompt[..., segment] = -3.0
    stored = embeddings.position_embeddings
    stored.zero_()
    side = config.pretrain_image_size // patch
    stored[0, 1:, place] = 0.7 * positions(config, POSITION)
    stored[0, 1:, half] = torch.where(torch.arange(side * side) < side * side // 2, 1.0, -1.0) * HALF_SIGNAL

    # first blocks: the mask stream's look becomes paint. GELU(z + g) - GELU(g - z) is 2z where the gate g is
    # high (mask stream) and nothing where it is low (image stream)
    share = torch.ones(colours)
    relative = spread[look] / spread[look].max()
    for index in range(config.merge_index + 1):
        layer = model.model.encoder.layers[index]
        layer.attention.proj.weight.mul_(0.3)
        one, two = layer.mlp.lin1, layer.mlp.lin2
        units = torch.arange(colours)
        two.weight.mul_(0.3)
        for sign, offset in ((1, 0), (-1, colours)):
            one.weight[offset + units] = 0
            one.weight[offset + units, units] = sign * 0.4
            one.weight[offset + units, segment] = -GATE
            two.weight[:, offset + units] = 0
            two.weight[units, offset + units] = -sign * 0.5 * share  # erase, as far as the norm's scale allows
            two.weight[colours + units, offset + units] = sign * 0.7 * relative.sqrt()
    # from the merge on: find alike places in the other half, copy their paint
    matched = torch.arange(3 * MATCHED)
    importance = 1 / (1 + 0.35 * torch.arange(MATCHED).float()).repeat_interleave(3)
    placed = torch.arange(POSITION)
    for index in range(config.merge_index + 1, config.num_hidden_layers):
        layer = model.model.encoder.layers[index]
        qkv = layer.attention.qkv
        for head in range(heads):
            by_look, by_place, other_half = HEADS[head % len(HEADS)]
            q, k, v = (part[head * c : (head + 1) * c] for part in qkv.weight.chunk(3))
            for part in (q, k):
                part[matched, matched] += by_look * importance
                part[3 * MATCHED + placed, place.start + placed] += by_place
            q[3 * MATCHED + POSITION, half] += other_half
            k[3 * MATCHED + POSITION, half] -= other_half
            units = torch.arange(colours)
            v[units, colours + units] += 1.0
            layer.attention.proj.weight[colours + units, head * c + units] += 0.35 / heads
        layer.mlp.lin2.weight.mul_(0.3)

    fit_decoder(model, batches)


HEADS = [  # weight of looks, of places, of being in the other half
    (1.0, 0.5, 4.0),
    (0.7, 1.0, 4.0),
    (0.8, 0.9, 1.0),
]


def on_channel(one: Tensor, channel: int) -> Tensor:
    out = torch.zeros(3, *one.shape)
    out[channel] = one
    return out


@torch.no_grad()
def fit_decoder(model: SegGPT, batches, ridge: float = 3.0) -> None:
    """decoder_embed := ridge regression from taps to the colours of the patch, doubled with both signs;
    a large constant keeps the channel norm nearly linear, and GELU(z) - GELU(-z) = z undoes the GELU."""
    config = model.config
    patch, width = config.patch_size, config.decoder_hidden_size
    rows, columns = config.grid
    taps = len(config.intermediate_hidden_state_indices) * config.hidden_size
    gram, cross = torch.zeros(taps + 1, taps + 1, dtype=torch.double), 0
    for batch in batches:
        canvas = to_canvases(batch, "cpu", patch)
        with mixed_precision("cpu"):
            x, _ = model.model.embeddings(
                canvas.images, canvas.masks, canvas.masked, canvas.semantic, rows, columns
            )
            x = model.model.encoder(x, rows, columns, 1, slice(rows // 2, rows), None)
        x = x.float().reshape(-1, taps)
        x = torch.cat([x, torch.ones(len(x), 1)], 1)
        y = canvas.wanted.unfold(2, patch, patch).unfold(3, patch, patch).permute(0, 2, 3, 4, 5, 1).reshape(len(x), -1)
        weight = canvas.weight.unfold(1, patch, patch).unfold(2, patch, patch)
        weighted = x * weight.mean((-2, -1)).reshape(-1, 1)
        gram += (weighted.t() @ x).double()
        cross = cross + (weighted.t() @ y).double()
    gram += ridge * torch.eye(taps + 1, dtype=torch.double) * gram.diagonal()[:-1].mean() * 1e-3
    solution = torch.linalg.solve(gram, cross).float()  # (taps + 1, P * P * 3)
    by_pixel = solution.reshape(taps + 1, patch * patch, 3)

    embed = model.decoder.decoder_embed
    weight = embed.weight.view(patch * patch, width, taps)
    bias = embed.bias.view(patch * patch, width)
    weight.mul_(0.3)
    for sign, offset in ((1, 0), (-1, 3)):
        weight[:, offset : offset + 3] = sign * by_pixel[:-1].permute(1, 2, 0)
        bias[:, offset : offset + 3] = sign * by_pixel[-1]
    weight[:, 6:8] = 0
    bias[:, 6], bias[:, 7] = CONSTANT, -CONSTANT
    prediction = model.decoder.decoder_pred
    channels = torch.arange(8)
    prediction.conv.weight[:8] *= 0.3
    prediction.conv.weight[channels, channels, 1, 1] = 1.0
    scale = math.sqrt((2 * CONSTANT**2 + 2 * 9.0) / width)
    prediction.head.weight.mul_(0.3)
    for colour in range(3):
        prediction.head.weight[colour, colour] += scale
        prediction.head.weight[colour, colour + 3] -= scale
