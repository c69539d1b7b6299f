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
    prepare.add_argument("--scenes", type=int, default=400, help="procedural scenes of each kind")

    encode = commands.add_parser("encode", help="keep an image encoder's features beside the cache")
    encode.add_argument("--cache", type=Path, required=True)
    encode.add_argument("--encoder", type=Path, required=True, help="encoder.onnx of MobileSAM")
    encode.add_argument("--config", type=Path, required=True, help="of the training: how often it draws each data set")
    encode.add_argument("--limit", type=int, help="training pictures in all; by default every one")
    encode.add_argument("--jobs", type=int, default=1, help="pictures at a time, each on one thread")

    train = commands.add_parser("train", help="train, or go on with a run, for some minutes")
    train.add_argument("--config", type=Path, required=True)
    train.add_argument("--cache", type=Path, required=True)
    train.add_argument("--run", type=Path, required=True, help="folder of checkpoints and logs")
    train.add_argument("--minutes", type=float, required=True)
    train.add_argument("--device", default="cpu")
    train.add_argument("--workers", type=int, default=1)
    train.add_argument("--threads", type=int, default=0)
    train.add_argument("--parts", type=int, default=1, help="1 or 2: cut each batch, one thread for each part, instead of --threads")
    train.add_argument("--validate-every", type=float, default=10, metavar="MINUTES")
    train.add_argument("--finish", action="store_true", help="let the rate fall to nothing over these minutes")
    train.add_argument("--from", dest="source", type=Path, help="start from the weights of this checkpoint or exported folder")

    export = commands.add_parser("export", help="write config.json, preprocessor_config.json, model.safetensors")
    export.add_argument("--checkpoint", type=Path, required=True)
    export.add_argument("--out", type=Path, required=True)
    export.add_argument("--precision", default="float16", help="float32, float16 or int8")
    export.add_argument("--side", type=int, help="of the pictures it will be run at, in pixels; by default 1.6 times the training's")
    export.add_argument("--without-features", action="store_true", help="leave out what takes an image encoder's features")
    export.add_argument("--raw", action="store_true", help="the last weights instead of their moving average")

    evaluate = commands.add_parser("evaluate", help="measure exported weights beside three baselines")
    evaluate.add_argument("--weights", type=Path, required=True)
    evaluate.add_argument("--cache", type=Path, required=True)
    evaluate.add_argument("--videos", type=Path, help="tar of videos with a mask for each frame")
    evaluate.add_argument("--each", type=int, default=20, help="episodes for each class and data set")
    evaluate.add_argument("--side", type=int, help="of the pictures, in pixels; by default what the model was trained at")
    evaluate.add_argument("--five", type=int, default=10, help="episodes with five prompts for each class; 0: none")
    evaluate.add_argument("--reuse", type=Path, help="take the baselines from this earlier result")
    evaluate.add_argument("--model-only", action="store_true", help="leave the baselines out: they take most of the time")
    evaluate.add_argument("--split", default="val", help="val-2: what the second part of the pack validates on")
    evaluate.add_argument("--encoder", type=Path, help="encoder.onnx: measure weights that take its features with them, too")
    evaluate.add_argument("--out", type=Path, required=True, help="JSON file")
    evaluate.add_argument("--device", default="cpu")
    evaluate.add_argument("--threads", type=int, default=0)

    card = commands.add_parser("card", help="write MODEL_CARD.md and its figure beside exported weights")
    card.add_argument("--weights", type=Path, required=True)
    card.add_argument("--pack", type=Path, required=True)
    card.add_argument("--run", type=Path, required=True)
    card.add_argument("--result", type=Path, required=True, help="what `evaluate` wrote")
    card.add_argument("--also", type=Path, help="what `evaluate` wrote at another side: its means are added")
    card.add_argument(
        "--package", type=Path, nargs="+", metavar="JSON",
        help="what `seggpt evaluate --grabcut --json` printed, and the same with --shots 5",
    )
    card.add_argument("--examples", type=Path, required=True, help="folder of free photographs with masks")
    card.add_argument("--machine", default="two CPU cores")
    card.add_argument(
        "--earlier", nargs=2, type=float, default=(0, 0), metavar=("SAMPLES", "HOURS"),
        help="what the weights that the run began from had seen",
    )

    parity = commands.add_parser("parity", help="write an input and its painting, to compare implementations")
    parity.add_argument("--weights", type=Path, required=True)
    parity.add_argument("--out", type=Path, required=True)

    pack = commands.add_parser("pack", help="lay files into folders of limited size")
    pack.add_argument("--source", type=Path, required=True)
    pack.add_argument("--out", type=Path, required=True)
    pack.add_argument("--max-mb", type=float, default=64)

    join = commands.add_parser("join", help="put the files of one packed folder together again")
    join.add_argument("--source", type=Path, required=True)
    join.add_argument("--out", type=Path, required=True)

    back = commands.add_parser("bring-back", help="cut a checkpoint into files of limited size")
    back.add_argument("--checkpoint", type=Path, required=True)
    back.add_argument("--out", type=Path, required=True)
    back.add_argument("--chunk-mb", type=float, default=16)
    back.add_argument("--max-files", type=int, default=8)

    arguments = parser.parse_args()
    try:
        globals()["run_" + arguments.command.replace("-", "_")](arguments)
    except RecipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def run_prepare(a) -> None:
    from .prepare import prepare

    prepare(a.pack, a.out, a.short_side, a.scenes)


def run_encode(a) -> None:
    from .config import TrainConfig
    from .encode import encode

    for split in sorted(a.cache.glob("val*")):
        encode(split, a.encoder, TrainConfig.load(a.config), None, a.jobs)
    encode(a.cache / "train", a.encoder, TrainConfig.load(a.config), a.limit, a.jobs)


def run_train(a) -> None:
    import torch

    from .config import TrainConfig
    from .train import Trainer

    if a.threads:
        torch.set_num_threads(a.threads)
    trainer = Trainer(TrainConfig.load(a.config), a.cache, a.run, a.device, a.workers, a.parts)
    last = a.run / "last.pt"
    if last.exists():
        trainer.restore(last)
        print(f"goes on at step {trainer.step} of {trainer.total_steps}")
    elif a.source:
        trainer.begin_from(a.source)
    else:
        trainer.begin()
    trainer.run(a.minutes, a.validate_every, finish=a.finish)


def run_export(a) -> None:
    from .export import export

    export(a.checkpoint, a.out, a.precision, not a.raw, a.side, not a.without_features)


def run_evaluate(a) -> None:
    import torch

    from . import full_evaluation

    if a.threads:
        torch.set_num_threads(a.threads)
    result = full_evaluation.measure(
        a.weights, a.cache, a.videos, a.each, a.five, a.device, a.reuse, a.side, not a.model_only, a.split, a.encoder
    )
    full_evaluation.write(result, a.out)
    print(full_evaluation.markdown(result))


def run_card(a) -> None:
    import json

    from .card import write_card
    from .export import load_exported, run_side
    from .figure import draw

    model = load_exported(a.weights)
    side = run_side(a.weights)
    model.config.image_size = (2 * side, side)  # the figure shows what a user of the package gets
    scores = draw(model, a.examples, a.weights / "examples.jpg")
    also = json.loads(a.also.read_text()) if a.also else None
    measured = [json.loads(path.read_text()) for path in a.package or ()]
    package = (measured[0], measured[1] if len(measured) > 1 else None) if measured else None
    write_card(a.weights, a.pack, a.run, json.loads(a.result.read_text()), a.machine, tuple(a.earlier), also, package)
    print("\n".join(f"{name}: IoU {score:.2f}" for name, score in scores))


def run_parity(a) -> None:
    from .parity import write

    write(a.weights, a.out)


def run_pack(a) -> None:
    from .sharding import pack

    print(f"{pack(a.source, a.out, a.max_mb)} folders in {a.out}")


def run_join(a) -> None:
    from .sharding import join

    print("complete: " + (", ".join(join(a.source, a.out)) or "nothing yet"))


def run_bring_back(a) -> None:
    from .sharding import bring_back

    print(f"{bring_back(a.checkpoint, a.out, a.chunk_mb, a.max_files)} files in {a.out}")


if __name__ == "__main__":
    sys.exit(main())
