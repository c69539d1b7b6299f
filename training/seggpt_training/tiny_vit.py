"""MobileSAM's image encoder, a TinyViT with 5 M parameters, read from its ONNX file.

References: TinyViT (arXiv:2207.10666), MobileSAM (arXiv:2306.14289) and its `tiny_vit_sam.py`. Batch normalisation is
already folded into the convolutions. In bfloat16 it is several times as fast as the same file in onnxruntime.

Shape legend
    B  pictures;   H, W  rows and columns of a stage;   C  channels;   M  window side
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 1024  # of the padded picture that goes in
GRID = 64  # rows and columns that come out
CHANNELS = 256
WIDTHS, DEPTHS, HEADS, WINDOWS = (64, 128, 160, 320), (2, 2, 6, 2), (2, 4, 5, 10), (7, 7, 14, 7)


class MBConv(nn.Module):
    """Inverted bottleneck at stride 4."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, 4 * width, 1)
        self.conv2 = nn.Conv2d(4 * width, 4 * width, 3, padding=1, groups=4 * width)
        self.conv3 = nn.Conv2d(4 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        y = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return F.gelu(x + self.conv3(y))


class PatchMerging(nn.Module):
    """To the next stage's width, and to half the side but for the last stage."""

    def __init__(self, width: int, out: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, out, 1)
        self.conv2 = nn.Conv2d(out, out, 3, stride, 1, groups=out)
        self.conv3 = nn.Conv2d(out, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride)."""
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))


class Attention(nn.Module):
    """Inside windows, with a bias for each head and pair of places."""

    def __init__(self, width: int, heads: int, window: int):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.register_buffer("bias", torch.zeros(heads, window**2, window**2))

    def forward(self, x: Tensor) -> Tensor:
        """(B * windows, M * M, C) -> the same."""
        n, length, width = x.shape
        q, k, v = self.qkv(self.norm(x)).view(n, length, self.heads, 3, -1).permute(3, 0, 2, 1, 4)
        scores = q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1) + self.bias
        y = scores.softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(n, length, width))


class Block(nn.Module):
    """Windowed attention, a depthwise convolution, an MLP."""

    def __init__(self, width: int, heads: int, window: int):
        super().__init__()
        self.window = window
        self.attn = Attention(width, heads, window)
        self.local_conv = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> the same. Zeros fill the last windows, and are attended to."""
        b, h, w, c = x.shape
        m = self.window
        rows, columns = -(-h // m), -(-w // m)
        y = F.pad(x, (0, 0, 0, columns * m - w, 0, rows * m - h))
        y = y.view(b, rows, m, columns, m, c).transpose(2, 3).reshape(-1, m * m, c)
        y = self.attn(y).view(b, rows, columns, m, m, c).transpose(2, 3).reshape(b, rows * m, columns * m, c)
        x = x + y[:, :h, :w]
        x = self.local_conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return x + self.fc2(F.gelu(self.fc1(self.norm(x))))


class TinyViT(nn.Module):
    """(B, 3, SIDE, SIDE) normalised -> (B, CHANNELS, GRID, GRID)."""

    def __init__(self):
        super().__init__()
        first = WIDTHS[0]
        self.stem1 = nn.Conv2d(3, first // 2, 3, 2, 1)
        self.stem2 = nn.Conv2d(first // 2, first, 3, 2, 1)
        self.convs = nn.Sequential(*(MBConv(first) for _ in range(DEPTHS[0])))
        self.merges = nn.ModuleList(
            PatchMerging(WIDTHS[i], WIDTHS[i + 1], stride) for i, stride in enumerate((2, 2, 1))
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(WIDTHS[i], HEADS[i], WINDOWS[i]) for _ in range(DEPTHS[i]))) for i in (1, 2, 3)
        )
        self.neck1 = nn.Conv2d(WIDTHS[-1], CHANNELS, 1, bias=False)
        self.norm1 = nn.LayerNorm(CHANNELS, eps=1e-6)
        self.neck2 = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
        self.norm2 = nn.LayerNorm(CHANNELS, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.stages_and_neck(x)[-1]

    def stages_and_neck(self, x: Tensor) -> list[Tensor]:
        """What the three windowed stages give, (B, WIDTHS[i], SIDE / 8 or SIDE / 16, ...), and the neck's output."""
        x = self.convs(self.stem2(F.gelu(self.stem1(x))))
        kept = []
        for merge, stage in zip(self.merges, self.stages):
            x = stage(merge(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            kept.append(x)
        return [*kept, self._neck(x)]

    def _neck(self, x: Tensor) -> Tensor:
        x = self.norm1(self.neck1(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.norm2(self.neck2(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def load(path: Path) -> TinyViT:
    """The encoder of an ONNX file as MobileSAM exports it: its convolutions and matrices come in the order of the
    modules here, its norms and biases by name."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    named = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    convolutions = iter([node.input[1:] for node in graph.node if node.op_type == "Conv"])
    matrices = iter([n.input[1] for n in graph.node if n.op_type == "MatMul" and n.input[1] in named])
    tables = iter(_tables(graph, makers))

    model = TinyViT()
    state: dict[str, Tensor] = {}

    def convolution(name: str) -> None:
        for part, source in zip(("weight", "bias"), next(convolutions)):
            state[f"{name}.{part}"] = named[source]

    convolution("stem1")
    convolution("stem2")
    for i in range(DEPTHS[0]):
        for part in ("conv1", "conv2", "conv3"):
            convolution(f"convs.{i}.{part}")
    for stage, depth in enumerate(DEPTHS[1:]):
        for part in ("conv1", "conv2", "conv3"):
            convolution(f"merges.{stage}.{part}")
        for i in range(depth):
            ours, theirs = f"stages.{stage}.{i}", f"layers.{stage + 1}.blocks.{i}"
            convolution(f"{ours}.local_conv")
            state[f"{ours}.attn.bias"] = next(tables)
            for part, source in (("attn.qkv", "attn.qkv"), ("attn.proj", "attn.proj"), ("fc1", "mlp.fc1"), ("fc2", "mlp.fc2")):
                state[f"{ours}.{part}.weight"] = named[next(matrices)].t().contiguous()
                state[f"{ours}.{part}.bias"] = named[f"{theirs}.{source}.bias"]
            for part, source in (("attn.norm", "attn.norm"), ("norm", "mlp.norm")):
                for kind in ("weight", "bias"):
                    state[f"{ours}.{part}.{kind}"] = named[f"{theirs}.{source}.{kind}"]
    convolution("neck1")
    convolution("neck2")
    scales = [t for name, t in named.items() if tuple(t.shape) == (CHANNELS, 1, 1)]  # weight, bias, weight, bias
    for name, value in zip(("norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"), scales, strict=True):
        state[name] = value.flatten()
    model.load_state_dict(state, strict=True)
    return model.eval()


def _tables(graph, makers) -> Iterator[Tensor]:
    """What is added before each softmax: (heads, M * M, M * M)."""
    from onnx import numpy_helper

    for node in graph.node:
        if node.op_type == "Softmax":
            addends = [makers[name] for name in makers[node.input[0]].input]
            constant = next(maker for maker in addends if maker.op_type == "Constant")
            yield torch.from_numpy(numpy_helper.to_array(constant.attribute[0].t).copy())
