"""Commands of the recipe: `python -m seggpt_training COMMAND --help`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from .errors import RecipeError


def main() -> int:
    parser = argparse.ArgumentParser(prog="seggpt_training")
    commands = parser.add_subparsers(dest="command", required=True)

    prepare = commands.add_parser("prepare", help="decode the tars into a memory-mapped cache")
    prepare.add_argument("--pack", type=Path, required=True, help="folder with index.json and the tars")
    prepare.add_argument("--out", type=Path, required=True)
    prepare.add_argument("--short-side", type=int, default=200)

    train = commands.add_parser("train", help="train, or go on with a run, for some minutes")
    train.add_argument("--config", type=Path, required=True)
    train.add_argument("--cache", type=Path, required=True)
    train.add_argument("--run", type=Path, required=True, help="folder of checkpoints and logs")
    train.add_argument("--minutes", type=float, required=True)
    train.add_argument("--device", default="cpu")
    train.add_argument("--workers", type=int, default=1)
    train.add_argument("--threads", type=int, default=0)
    train.add_argument("--validate-every", type=float, default=10, metavar="MINUTES")
    train.add_argument("--from", dest="source", type=Path, help="start from this checkpoint's weights")
    arguments = parser.parse_args()
    try:
        globals()[f"run_{arguments.command}"](arguments)
    except RecipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def run_prepare(a) -> None:
    from .prepare import prepare

    prepare(a.pack, a.out, a.short_side)


def run_train(a) -> None:
    import torch

    from .config import TrainConfig
    from .train import Trainer

    if a.threads:
        torch.set_num_threads(a.threads)
    trainer = Trainer(TrainConfig.load(a.config), a.cache, a.run, a.device, a.workers)
    last = a.run / "last.pt"
    if last.exists():
        trainer.restore(last)
        print(f"goes on at step {trainer.step} of {trainer.total_steps}")
    else:
        trainer.begin()
    trainer.run(a.minutes, a.validate_every)


if __name__ == "__main__":
    sys.exit(main())
