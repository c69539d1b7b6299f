"""Trains the context decoder for a number of minutes: `python -m seggpt_training.context.train --cache CACHE --run RUN
--encoder encoder.onnx --minutes 60`; goes on from RUN/last.pt."""

from __future__ import annotations

import argparse
import copy
import csv
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..config import ModelConfig, TrainConfig
from ..normalise import DEVIATION, MEAN
from .evaluate import measure, trials_of
from .features import open_cache
from .model import ContextConfig, ContextDecoder, start
from .samples import ContextBatches

NOISE = 0.15  # deviation of what is added to standardised features: two views share one encoding, a user's do not
SECOND_PASSES = 0.5  # share of batches that see the target beside the prompts, with what a first pass found
DAMAGED_GUESSES = 0.3
BOOST = {
    "pets": 1.5, "ecssd": 2.0, "cats": 1.0, "people": 1.5, "pedestrians": 1.3, "sofas": 1.3, "clothing": 3.0, "voc": 5.0, "coco-mini": 6.0,
    "coco-mini-cc-by": 2.0, "rural-streets": 1.5, "camvid": 1.7, "steel-defects": 1.5, "masked-faces": 1.3,
    "coffee-leaf": 1.3, "football": 1.5,
}  # fmt: skip


def configuration(size: int, batch: int, seed: int) -> TrainConfig:
    """What the makers of episodes read."""
    return TrainConfig(
        model=ModelConfig(image_size=(2 * size, size)), seed=seed, batch_size=batch, share_features=1.0,
        share_same_features=1.0, share_same_image=0.3, share_two_prompts=0.1, share_three_prompts=0.05,
        share_negative=0.15, share_procedural=0.0, dataset_boost=BOOST, augmentation_start=0.6, augmentation_end=0.6,
        share_one_label=0.5, max_labels=2, share_neighbouring=0.2,
    )  # fmt: skip


def loss_of(logits: Tensor, presence: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy and Dice of each mask, and cross-entropy of whether it is there. logits (M, S, S), truth with 255."""
    counted = (truth != 255).float()
    goal = (truth == 1).float()
    each = F.binary_cross_entropy_with_logits(logits, goal, reduction="none") * counted
    entropy = each.sum((1, 2)) / counted.sum((1, 2)).clamp_min(1)
    there = (goal.sum((1, 2)) > 0).float()
    shown = logits.sigmoid() * counted
    dice = 1 - (2 * (shown * goal).sum((1, 2)) + 1) / (shown.sum((1, 2)) + goal.sum((1, 2)) + 1)
    known = F.binary_cross_entropy_with_logits(presence, there, reduction="none")
    return (2 * entropy + dice * there + 0.2 * known).mean()


def guessed(own: Tensor, damaged: Tensor) -> Tensor:
    """What a second pass is shown as the target's mask: the model's own first answer, or the truth as another model might
    have found it. A target without the label has no such truth. own (M, S, S) logits, damaged (M, S, S) of 0 and 1."""
    other = (torch.rand(len(own)) < DAMAGED_GUESSES) & (damaged.flatten(1) > 0).any(1)
    return torch.where(other[:, None, None], damaged.float(), own.sigmoid())


def run_batch(model: ContextDecoder, batch: dict) -> Tensor:
    n, halves, side = batch["features"].shape[:3]
    features = batch["features"].flatten(0, 1).float()
    if model.training:
        features = features + torch.randn_like(features) * model.deviation * NOISE
    pixels = (batch["images"].flatten(0, 1).float() / 255 - MEAN) / DEVIATION
    tokens = model.look(features, pixels).unflatten(0, (n, halves))
    target, given, masks = tokens[:, -1], tokens[:, :-1].flatten(1, 2), batch["masks"].float()
    if model.training and torch.rand(()) < SECOND_PASSES:
        with torch.no_grad():
            own = model(target, given, masks, batch["of"])[0].float()
        given, masks = tokens.flatten(1, 2), torch.cat([masks, guessed(own, batch["guess"])[:, None]], 1)
    logits, presence = model(target, given, masks, batch["of"])
    return loss_of(logits.float(), presence.float(), batch["truth"])


def optimizers(model: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of blocks and of matching, AdamW for the rest."""
    turned, others = [], []
    for name, parameter in model.named_parameters():
        inner = parameter.ndim == 2 and name.split(".")[0] not in ("features", "pixels", "places", "mask", "logits", "presence")
        (turned if inner else others).append(parameter)
    return [
        torch.optim.Muon(turned, lr=rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
    ]


def train(a: argparse.Namespace) -> None:
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    a.run.mkdir(parents=True, exist_ok=True)
    model = ContextDecoder(ContextConfig())
    last = a.run / "last.pt"
    seen = step = 0
    state = torch.load(last, weights_only=True) if last.exists() else None
    if state:
        model.load_state_dict(state["model"])
        seen, step = state["seen"], state["step"]
    else:
        start(model, *open_cache(a.cache / "train").statistics())
    average = copy.deepcopy(model).eval()
    if state:
        average.load_state_dict(state["average"])
    tools = optimizers(model, a.rate)
    if state and not a.fresh:
        for tool, values in zip(tools, state["tools"], strict=True):
            tool.load_state_dict(values)
    trials = trials_of(a.cache, a.encoder, 224, a.each, a.run / "trials.pt")
    batches = ContextBatches(a.cache / "train", configuration(a.size, a.batch, a.seed + step), 1_000_000)
    loader = iter(DataLoader(batches, batch_size=None, num_workers=a.workers, prefetch_factor=4 if a.workers else None))
    began, checked, best = time.time(), time.time(), 0.0
    losses: list[float] = []

    def save() -> None:
        content = {"model": model.state_dict(), "average": average.state_dict(), "seen": seen, "step": step}
        content["tools"] = [tool.state_dict() for tool in tools]
        torch.save(content, a.run / "next.pt")
        (a.run / "next.pt").rename(last)

    def validate() -> None:
        nonlocal best
        table = measure(average, trials)
        row = {"seen": seen, "minutes": round((time.time() - began) / 60, 1), **{k: round(v, 4) for k, v in table.items()}}
        print(json.dumps(row), flush=True)
        with open(a.run / "validation.csv", "a", newline="") as file:
            csv.writer(file).writerow(row.values())
        score = table["same"] + table["different"] + table["everyday"]
        if score > best:
            best = score
            torch.save(average.state_dict(), a.run / "best.pt")

    if not state:
        validate()
    while (passed := (time.time() - began) / 60) < a.minutes:
        share = passed / a.minutes
        rate = a.rate * min(1, (step + 1) / 60) * min(1.0, max(0.01, (1 - share) / a.finish))
        for tool in tools:
            for group in tool.param_groups:
                group["lr"] = rate
        batch = next(loader)
        model.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=a.half):
            loss = run_batch(model, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for tool in tools:
            tool.step()
            tool.zero_grad(set_to_none=True)
        step += 1
        seen += len(batch["features"])
        keep = min(0.998, step / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - keep)
        losses.append(float(loss.detach()))
        if step % 50 == 0:
            speed = seen / max(1e-6, time.time() - began)
            print(f"{step} steps, {seen} pairs, {speed:.1f}/s, loss {sum(losses) / len(losses):.4f}, rate {rate:.1e}", flush=True)
            losses.clear()
        if time.time() - checked > a.every * 60:
            checked = time.time()
            save()
            validate()
    save()
    validate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--finish", type=float, default=0.4, help="share of the time in which the rate falls to nothing")
    parser.add_argument("--every", type=float, default=10, help="minutes between validations")
    parser.add_argument("--each", type=int, default=4, help="validation episodes")
    parser.add_argument("--size", type=int, default=224, help="side of a view in pixels, eight to a token: 160 takes 0.4 of the time of 224")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--half", action="store_true", help="products in bfloat16")
    parser.add_argument("--fresh", action="store_true", help="forget the optimisers' state")
    train(parser.parse_args())
