"""What turns gradients into steps: AdamW for everything, or Muon for the blocks' matrices and AdamW for the rest."""

from __future__ import annotations

import torch
from torch.nn import Parameter

from .config import TrainConfig
from .errors import RecipeError
from .model import SegGPT


class Optimizers:
    """One optimiser or two behind the part of `torch.optim.Optimizer` that the trainer uses. With "muon" (Jordan et al.
    2024; scaled as in arXiv:2502.16982, so that AdamW's rate fits) the matrices of the transformer blocks step by
    their orthogonalised momentum."""

    def __init__(self, model: SegGPT, config: TrainConfig):
        if config.optimizer not in ("adamw", "muon"):
            raise RecipeError(f'optimizer is "{config.optimizer}"; it may be "adamw" or "muon"')
        turned, matrices, others = split_parameters(model, config.optimizer == "muon")
        groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
        betas = (config.beta1, config.beta2)
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, lr=config.learning_rate, betas=betas, fused=True)
        ]
        if turned:
            self.parts.append(
                torch.optim.Muon(
                    turned,
                    lr=config.learning_rate,
                    weight_decay=config.weight_decay,
                    adjust_lr_fn="match_rms_adamw",
                )
            )

    @property
    def param_groups(self) -> list[dict]:
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none)

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def state_dict(self) -> list[dict]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict] | dict) -> None:
        """Takes what `state_dict` gave, or AdamW's own state, as checkpoints had it before there could be two parts."""
        states = [states] if isinstance(states, dict) else states
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)


def split_parameters(model: SegGPT, muon: bool) -> tuple[list[Parameter], list[Parameter], list[Parameter]]:
    """(matrices for Muon, other matrices, the rest). The rest (biases, norms, tokens, positions) has no weight decay."""
    turned, matrices, others = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2 or "token" in name or "position" in name or "rel_pos" in name:
            others.append(parameter)
        elif muon and parameter.ndim == 2 and ".layers." in name:
            turned.append(parameter)
        else:
            matrices.append(parameter)
    return turned, matrices, others
