"""SegGPT's painter in PyTorch: the module that is trained, under Hugging Face's parameter names.

References: SegGPT (arXiv:2304.03284), Painter (arXiv:2212.02499) and the official definition
`baaivision/Painter/SegGPT/SegGPT_inference/models_seggpt.py`; `test/test_model.py` compares every stage
with outputs of that definition.

Shape legend
    N  canvases, groups of K prompts that share one target: N = B * K
    H, W  canvas pixels, prompt half over target half;   h, w  token rows and columns;   L = h * w
    D  width;   A  heads;   C = D / A;   P  patch;   E  decoder width
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig


Features = tuple[Tensor, Tensor] | None


class PatchEmbeddings(nn.Module):
    """Non-overlapping P x P patches to vectors; a convolution whose stride equals its kernel, as one matmul."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.patch = config.patch_size
        self.projection = nn.Conv2d(config.num_channels, config.hidden_size, self.patch, self.patch)

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, L, D)."""
        n, c, height, width = pixels.shape
        p = self.patch
        x = pixels.reshape(n, c, height // p, p, width // p, p).permute(0, 2, 4, 1, 3, 5)
        x = x.reshape(n, (height // p) * (width // p), c * p * p)
        return F.linear(x, self.projection.weight.flatten(1), self.projection.bias)


LIKENESS = 30.0  # what the likeness of two equal tokens adds to a score whose scale is 1


class FeatureEmbeddings(nn.Module):
    """An image encoder's features on the token grid: an addend to the image stream, which starts at zero, and short
    keys whose products tell attention which tokens are alike."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        channels = config.feature_channels
        self.register_buffer("mean", torch.zeros(channels))  # of each channel over training pictures
        self.register_buffer("deviation", torch.ones(channels))
        self.projection = nn.Linear(channels, config.hidden_size)
        nn.init.zeros_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)
        if config.feature_keys:
            self.keys = nn.Linear(channels, config.feature_keys, bias=False)

    def forward(self, features: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        """features (N, h, w, channels); present (N,), 0 = the canvas has none -> (N, L, D) to be added, and where
        configured (N, L, R) keys of length sqrt(LIKENESS). Both are zero where absent."""
        scaled = ((features.float() - self.mean) / self.deviation).flatten(1, 2)
        shown = present.view(-1, 1, 1)
        addend = self.projection(scaled)
        addend = addend * shown.to(addend.dtype)
        if not hasattr(self, "keys"):
            return addend, None
        keys = F.normalize(self.keys(scaled).float(), dim=-1) * LIKENESS**0.5 * shown
        return addend, keys


class Embeddings(nn.Module):
    """Patch, segment, type and position embeddings of both streams."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        d = config.hidden_size
        side = config.pretrain_image_size // config.patch_size
        self.patch_embeddings = PatchEmbeddings(config)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, 1, d))
        self.segment_token_input = nn.Parameter(torch.zeros(1, 1, 1, d))
        self.segment_token_prompt = nn.Parameter(torch.zeros(1, 1, 1, d))
        self.type_token_semantic = nn.Parameter(torch.zeros(1, 1, 1, d))
        self.type_token_instance = nn.Parameter(torch.zeros(1, 1, 1, d))
        self.position_embeddings = nn.Parameter(torch.zeros(1, 1 + side * side, d))  # index 0: class token
        if config.feature_channels:
            self.feature_embeddings = FeatureEmbeddings(config)

    def positions(self, h: int, w: int) -> Tensor:
        """Absolute positions resized to the canvas: (1, L, D)."""
        stored = self.position_embeddings[:, 1:]
        side = int(round(stored.shape[1] ** 0.5))
        if (h, w) == (side, side):
            return stored
        grid = stored.float().reshape(1, side, side, -1).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(h, w), mode="bicubic", align_corners=False)
        return grid.permute(0, 2, 3, 1).reshape(1, h * w, -1)

    def forward(
        self, images: Tensor, masks: Tensor, masked: Tensor, semantic: Tensor, h: int, w: int, features: Features = None
    ) -> tuple[Tensor, Tensor | None]:
        """images, masks (N, 3, H, W) normalised; masked (N or 1, L), 1 = to be painted; semantic (N or 1,),
        1 = semantic token, 0 = instance token; features as `FeatureEmbeddings` takes them
        -> (2N, L, D), the image stream first, and (N, L, R) keys or None."""
        n = images.shape[0]
        both = self.patch_embeddings(torch.cat([images, masks]))
        image_tokens, mask_tokens = both[:n], both[n:]
        hidden = masked.to(both.dtype).unsqueeze(-1)  # (N or 1, L, 1)
        mask_tokens = mask_tokens * (1 - hidden) + self.mask_token[0].to(both.dtype) * hidden
        kind = semantic.to(both.dtype).view(-1, 1, 1)
        shared = self.positions(h, w) + self.type_token_semantic[0] * kind + self.type_token_instance[0] * (1 - kind)
        keys = None
        if features is not None:
            addend, keys = self.feature_embeddings(*features)
            image_tokens = image_tokens + addend.to(both.dtype)
        image_tokens = image_tokens + (self.segment_token_input[0] + shared).to(both.dtype)
        mask_tokens = mask_tokens + (self.segment_token_prompt[0] + shared).to(both.dtype)
        return torch.cat([image_tokens, mask_tokens]), keys


def relative_table(stored: Tensor, size: int) -> Tensor:
    """Relative positions for `size` rows: (2S-1, C) stored -> (size, size, C), entry [q, k] for offset q - k."""
    length = 2 * size - 1
    if stored.shape[0] != length:
        stored = F.interpolate(stored.float().t()[None], size=length, mode="linear")[0].t()
    index = torch.arange(size, device=stored.device)
    return stored[index[:, None] - index[None, :] + size - 1]


class Attention(nn.Module):
    """Multi-head attention with decomposed relative positions."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        d, c = config.hidden_size, config.head_dim
        self.heads = config.num_attention_heads
        self.qkv = nn.Linear(d, 3 * d, bias=config.qkv_bias)
        self.proj = nn.Linear(d, d)
        self.relative = config.use_relative_position_embeddings
        if self.relative:
            rows, columns = config.grid
            self.rel_pos_h = nn.Parameter(torch.zeros(2 * rows - 1, c))
            self.rel_pos_w = nn.Parameter(torch.zeros(2 * columns - 1, c))
        if config.feature_keys:
            self.feature_likeness = nn.Parameter(torch.zeros(self.heads))

    def relative_terms(self, q: Tensor, h: int, w: int) -> Tensor:
        """What a query adds to the score of each row and column: (N, A, L, C) -> (N, A, L, h + w)."""
        n, heads, _, c = q.shape
        grid = q.reshape(n, heads, h, w, c)
        rows = torch.einsum("nahwc,hkc->nahwk", grid, relative_table(self.rel_pos_h, h).to(q.dtype))
        columns = torch.einsum("nahwc,wkc->nahwk", grid, relative_table(self.rel_pos_w, w).to(q.dtype))
        return torch.cat([rows, columns], -1).reshape(n, heads, h * w, h + w)

    def forward(self, x: Tensor, h: int, w: int, keys: Tensor | None = None) -> Tensor:
        """(N, L, D) -> (N, L, D). Likeness of `keys` (N, L, R) and the relative terms ride along as further dimensions of q, against one-hot
        row and column codes in k, so that plain attention does everything: the fused call on CUDA, two
        matrix products on the CPU, where they train twice as fast in bfloat16."""
        n, length, d = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        c = q.shape[-1]
        if self.relative:
            codes = position_codes(h, w, q.device, q.dtype).expand(n, self.heads, -1, -1)
            q = torch.cat([q * c**-0.5, self.relative_terms(q, h, w)], -1)
            k = torch.cat([k, codes], -1)
        else:
            q = q * c**-0.5
        if keys is not None:
            keys = keys.to(q.dtype)[:, None].expand(-1, self.heads, -1, -1)
            q = torch.cat([q, keys * self.feature_likeness.to(q.dtype).view(-1, 1, 1)], -1)
            k = torch.cat([k, keys], -1)
        if x.is_cuda:
            v = F.pad(v, (0, q.shape[-1] - c))  # the fused kernels want one head size
            y = F.scaled_dot_product_attention(q, k, v, scale=1.0)[..., :c]
        else:
            # copies in the order that the products read: a third faster than views, forward and backward
            y = (q @ k.transpose(-2, -1).contiguous()).softmax(-1) @ v.contiguous()
        return self.proj(y.transpose(1, 2).reshape(n, length, d))

    def forward_plain(self, x: Tensor, h: int, w: int, keys: Tensor | None = None) -> Tensor:
        """The same with an explicit (L, L) score matrix, as the official code writes it: the specification."""
        n, length, d = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        if self.relative:
            terms = self.relative_terms(q, h, w)
            rows, columns = terms[..., :h, None], terms[..., None, h:]
            scores = (scores.unflatten(-1, (h, w)) + rows + columns).flatten(-2)
        if keys is not None:
            scores = scores + self.feature_likeness.view(-1, 1, 1) * (keys @ keys.transpose(-2, -1))[:, None]
        y = scores.softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(n, length, d))


def position_codes(h: int, w: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """One-hot row and column of each token: (1, 1, L, h + w)."""
    rows = torch.eye(h, device=device, dtype=dtype).repeat_interleave(w, 0)
    columns = torch.eye(w, device=device, dtype=dtype).repeat(h, 1)
    return torch.cat([rows, columns], -1)[None, None]


class MLP(nn.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        self.lin1 = nn.Linear(config.hidden_size, config.mlp_dim)
        self.lin2 = nn.Linear(config.mlp_dim, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.lin2(F.gelu(self.lin1(x)))


class Layer(nn.Module):
    """One transformer block: attention, feature ensemble, MLP."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.layernorm_before = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.attention = Attention(config)
        self.layernorm_after = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, h: int, w: int, prompts: int, keys: Tensor | None) -> Tensor:
        """(N, L, D) -> (N, L, D). With `prompts` K > 1, each K consecutive canvases share a target and its
        attention output is averaged over them."""
        y = self.attention(self.layernorm_before(x), h, w, keys)
        if prompts > 1:
            y = ensemble_target(y, prompts)
        x = x + y
        return x + self.mlp(self.layernorm_after(x))


def ensemble_target(y: Tensor, prompts: int) -> Tensor:
    """Feature ensemble: the target half (second half of L) averaged over each group of `prompts` canvases."""
    prompt, target = y.chunk(2, 1)
    groups = target.reshape(-1, prompts, *target.shape[1:])
    target = groups.mean(1, keepdim=True).expand_as(groups).reshape(target.shape)
    return torch.cat([prompt, target], 1)


class Encoder(nn.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        self.merge_index = config.merge_index
        self.taps = tuple(config.intermediate_hidden_state_indices)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(
        self, x: Tensor, h: int, w: int, prompts: int, rows: slice, trace: dict | None, keys: Tensor | None = None
    ) -> Tensor:
        """(2N, L, D) -> (N, rows * w, taps * D). Feature ensemble before the merge averages each stream by
        itself, which falls out of the stream-first order; only token rows in `rows` are kept for the decoder."""
        tapped = []
        both = None if keys is None else torch.cat([keys, keys])
        for index, layer in enumerate(self.layers):
            x = layer(x, h, w, prompts, both if index <= self.merge_index else keys)
            if trace is not None:
                trace[f"block.{index}"] = x.unflatten(1, (h, w))
            if index == self.merge_index:
                image_stream, mask_stream = x.chunk(2)
                x = (image_stream + mask_stream) * 0.5
            if index in self.taps:
                kept = x.unflatten(1, (h, w))[::prompts, rows] if trace is None else x.unflatten(1, (h, w))[:, rows]
                tapped.append(self.layernorm(kept))
        return torch.cat(tapped, -1)


class Body(nn.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)


class DecoderHead(nn.Module):
    """3x3 convolution, LayerNorm over channels, GELU, 1x1 convolution to colours."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        e = config.decoder_hidden_size
        self.conv = nn.Conv2d(e, e, 3, padding=1)
        self.layernorm = nn.LayerNorm(e, eps=config.layer_norm_eps)
        self.head = nn.Conv2d(e, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, H, W, E), channels last in memory -> (N, 3, H, W)."""
        y = self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        y = F.gelu(self.layernorm(y))
        return F.linear(y, self.head.weight.flatten(1), self.head.bias).permute(0, 3, 1, 2)


class Decoder(nn.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        self.patch, self.width = config.patch_size, config.decoder_hidden_size
        taps = len(config.intermediate_hidden_state_indices)
        self.decoder_embed = nn.Linear(taps * config.hidden_size, self.patch**2 * self.width)
        self.decoder_pred = DecoderHead(config)

    def forward(self, x: Tensor, trace: dict | None = None) -> Tensor:
        """(N, rows, w, taps * D) -> (N, 3, rows * P, w * P)."""
        x = self.decoder_embed(x)
        if trace is not None:
            trace["decoder_embed"] = x
        n, h, w, _ = x.shape
        p = self.patch
        x = x.reshape(n, h, w, p, p, self.width).transpose(2, 3).reshape(n, h * p, w * p, self.width)
        return self.decoder_pred(x)


class SegGPT(nn.Module):
    """The painter. `state_dict()` has exactly the names and shapes of a Hugging Face SegGPT checkpoint."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.model = Body(config)
        self.decoder = Decoder(config)

    def forward(
        self,
        images: Tensor,
        masks: Tensor,
        masked: Tensor,
        semantic: Tensor,
        prompts: int = 1,
        whole_canvas: bool = False,
        trace: dict | None = None,
        features: Features = None,
    ) -> Tensor:
        """Paints.

        images, masks: (N, 3, H, W), normalised with ImageNet's mean and deviation, prompt half on top.
        masked: (N or 1, L), 1 where the mask stream is hidden.  semantic: (N or 1,), 1 = semantic token.
        features: (N, h, w, channels) of both halves in one grid, and (N,) 1 where a canvas has them.
        prompts: K, each K consecutive canvases share a target and are ensembled.
        Returns the painted target half (B, 3, H/2, W), B = N / K, or with `whole_canvas` (B, 3, H, W).
        With a `trace` dict every stage of all N canvases is recorded and all N are decoded.
        """
        patch = self.config.patch_size
        h, w = images.shape[2] // patch, images.shape[3] // patch
        x, keys = self.model.embeddings(images, masks, masked, semantic, h, w, features)
        if trace is not None:
            trace["embeddings"] = x.unflatten(1, (h, w))
        # The 3x3 convolution reaches one pixel over the seam, so one token row of the prompt half comes along.
        rows = slice(0, h) if whole_canvas else slice(h // 2 - 1, h)
        x = self.model.encoder(x, h, w, prompts, rows, trace, keys)
        painting = self.decoder(x, trace)
        return painting if whole_canvas else painting[:, :, patch:]
