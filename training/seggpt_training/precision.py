"""bfloat16 where the processor has it."""

from __future__ import annotations

import torch


def mixed_precision(device) -> torch.autocast:
    """Autocast to bfloat16 on CUDA and on CPUs that multiply it; elsewhere float32, since emulated bfloat16 is twenty
    times slower than that."""
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=kind != "cpu" or torch.cpu._is_avx512_bf16_supported())
