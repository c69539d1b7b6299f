"""The model card: what was trained on, under which licences, how, how good, and where it fails."""

from __future__ import annotations

import json
from pathlib import Path

from . import checkpoint
from .config import ModelConfig, TrainConfig
from .errors import RecipeError
from .export import run_side
from .data.tars import read_index
from .full_evaluation import BASELINES, markdown


PACKAGE_BASELINES = ("copy", "nearest", "grabCut")  # as `seggpt evaluate --json` calls them


def source_table(index: dict) -> str:
    """Every data set with source and licence in the source's own words."""
    lines = ["| data set | what | source (GitHub) | licence as stated | train | val |", "|---|---|---|---|--:|--:|"]
    for name, entry in sorted(index["datasets"].items()):
        cells = [name, entry["what"], entry["source"], entry["licence"]]
        text = " | ".join(str(cell).replace("|", "\\|") for cell in cells)
        lines.append(f"| {text} | {entry.get('train', '')} | {entry.get('val', '')} |")
    return "\n".join(lines)


def verdict(result: dict) -> str:
    """How many data sets the model wins on, against each baseline."""
    lines = []
    for name in (name for name in BASELINES if name in result["tables"]):
        wins = ties = 0
        worst = []
        for protocol, rows in result["tables"]["model"].items():
            for dataset, value in rows.items():
                other = result["tables"][name][protocol][dataset]
                wins, ties = wins + (value > other), ties + 1
                if value <= other:
                    worst.append(f"{dataset} ({protocol}, {value:.2f} against {other:.2f})")
        lines.append(f"- against `{name}`: better on {wins} of {ties} rows" + (f"; not on {', '.join(worst)}." if worst else "."))
    return "\n".join(lines)


def means(result: dict) -> str:
    """One paragraph: the means at another side."""
    parts = {"same": "two views of one image", "different": "different images", "unseen": "the unseen class"}
    told = ", ".join(f"{result['mean']['model'][key]:.3f} for {text}" for key, text in parts.items())
    text = f"\nAt {result['side']} x {result['side']}, on {result['episodes']['one prompt']} episodes drawn alike: {told}."
    if "model, five prompts" in result["mean"]:
        five, first = (result["mean"][f"model, {which}"] for which in ("five prompts", "first of the five"))
        text += (
            f" Five prompts instead of one bring different images from {first['different']:.3f} to {five['different']:.3f}, "
            f"the unseen class from {first['unseen']:.3f} to {five['unseen']:.3f}."
        )
    return text


def package_table(one: list[dict], five: list[dict] | None) -> str:
    """What `seggpt evaluate --grabcut --json` printed, with one prompt, and with `--shots 5`, as tables."""
    for rows, column, flag in ((one, "grabCut", "--grabcut"), (five or [], "firstPrompt", "--shots 5")):
        if any(column not in row for row in rows if row["protocol"] == "different"):
            raise RecipeError(f"what `seggpt evaluate` printed has no {column}: run it with {flag}")
    text = """
As the package itself measures it (`seggpt evaluate --grabcut`: its own engine, decoding and drawing of episodes, of things from
half a percent of a picture on; masks compared at the picture's full size):

"""
    head = "model | copy | nearest | grabcut"
    columns = ("model", *PACKAGE_BASELINES)
    for title, protocol in (("Two views of one image", "same"), ("Different images", "different")):
        text += f"| {title} | episodes | {head} |\n|---|--:|--:|--:|--:|--:|\n"
        text += _package_rows([row for row in one if row["protocol"] == protocol], columns) + "\n"
    text += _package_verdict(one) + "\n"
    if five:
        text += "| Different images, same targets | episodes | one prompt | five prompts |\n|---|--:|--:|--:|\n"
        text += _package_rows([row for row in five if row["protocol"] == "different"], ("firstPrompt", "model")) + "\n"
    return text


def _package_verdict(one: list[dict]) -> str:
    """On how many data sets the model is above all three baselines, and where it is not."""
    rows = [row for row in one if row["dataset"] != "mean"]
    short = [row for row in rows if row["model"] <= max(row[name] for name in PACKAGE_BASELINES)]
    text = f"Better than all three on {len(rows) - len(short)} of {len(rows)} rows"
    return text + (f"; not on {', '.join(row['dataset'] + ' (' + row['protocol'] + ')' for row in short)}.\n" if short else ".\n")


def _package_rows(rows: list[dict], columns: tuple[str, ...]) -> str:
    """One line for each data set; the package's own last row is their mean."""
    lines = ""
    for row in rows:
        best = max(row[column] for column in columns)
        cells = (f"**{row[column]:.3f}**" if row[column] == best else f"{row[column]:.3f}" for column in columns)
        lines += f"| {row['dataset']} | {row['episodes']} | {' | '.join(cells)} |\n"
    return lines


def how_trained(run: Path, earlier: tuple[float, float], pictures: int, machine: str) -> str:
    """The paragraph on training, from the run's last checkpoint and what was `earlier` (samples, hours)."""
    state = checkpoint.load(run / "last.pt")
    config = TrainConfig.from_dict(state["config"])
    samples = earlier[0] + state["step"] * config.batch_size
    hours = earlier[1] + state["seconds"] / 3600
    loss = "squared error" if config.smooth_l1_from >= 1 else "squared error, at the end smooth L1"
    optimizer = "AdamW" if config.optimizer == "adamw" else "AdamW, towards the end with Muon for the matrices of the blocks,"
    return f"""{samples:,.0f} canvases drawn from {pictures:,} pictures and from procedural scenes, in {hours:.1f} hours on {machine}.
The recipe, and what was tried, are in `training/` of the package's repository: random colours for each sample, pairs
of different pictures of one class, of two views of one picture and of neighbouring moments, both augmented
independently; {loss}; {optimizer} with a rate that falls to nothing. Training begins from weights that were written
down rather than drawn at random: queries equal to keys on colour and position, values that copy what is painted, a
decoder fitted by linear regression."""


def write_card(
    weights: Path,
    pack: Path,
    run: Path,
    result: dict,
    machine: str,
    earlier: tuple[float, float] = (0, 0),
    also: dict | None = None,
    package: tuple[list[dict], list[dict] | None] | None = None,
) -> None:
    """`earlier`: samples seen and hours spent by the weights that the run began from. `also`: a result at another
    side, of which the means are told. `package`: what the package's own command measured, with one prompt and five."""
    config = ModelConfig.from_dict(json.loads((weights / "config.json").read_text()))
    index = read_index(pack)
    size = (weights / "model.safetensors").stat().st_size / 1e6
    side, run_at = config.image_size[1], run_side(weights)
    pictures = sum(entry.get("train", 0) for entry in index["datasets"].values())
    text = f"""---
library_name: seggpt
pipeline_tag: image-segmentation
tags: [in-context-segmentation, seggpt, few-shot]
license: other
license_name: research-use-only
---

# seggpt nano

A compact SegGPT that segments by example: given a picture with a mask and a second picture, it paints the second
picture's mask. Trained from scratch for the `seggpt` package, which carries it so that it works with no download.

**Research use only.** Several of the data sets state no licence or a research licence (table below). The pictures
themselves are not distributed here.

| | |
|---|---|
| architecture | SegGPT (arXiv:2304.03284): ViT, width {config.hidden_size}, {config.num_hidden_layers} blocks, {config.num_attention_heads} heads, patch {config.patch_size}, streams merged after block {config.merge_index}, decoder width {config.decoder_hidden_size} |
| canvas | {config.image_size[0]} x {config.image_size[1]}: prompt over target, {side} x {side} each, the whole picture squeezed into it |
| run at | pictures of {run_at} x {run_at} (`preprocessor_config.json`){': positions are resized, and finer things are found' if run_at > side else ''} |
| input | RGB / 255, ImageNet mean and deviation, for pictures and painted masks alike |
| file | `model.safetensors`, {size:.1f} MB |

## Training
{how_trained(run, earlier, pictures, machine)}

## How good it is
Mean IoU at {result["side"]} x {result["side"]} on held-out pictures, {result["episodes"]["one prompt"]} episodes with a fixed seed, one prompt,
beside what one could do without a model: `copy` the prompt's mask, label each pixel like the `nearest` pixels of the prompt in
colour and position, `grabcut` started from the copied mask. No training label names horses (some pictures may show
one). Decisions about the recipe were taken on smaller samples of the same validation pictures.

{markdown(result)}
{verdict(result)}
{means(also) if also else ""}
{package_table(*package) if package else ""}
## Examples
Each tile: prompt with its mask, target, painted mask, at {run_at} x {run_at}. Free photographs and procedural
scenes.

![Twelve examples](examples.jpg)

## Limits
- It was trained at {side} x {side} pixels in patches of {config.patch_size}: small or thin things (nuclei, cracks, letters, teeth) come out blocky or
  not at all. Where the table says less than one half, look at what you get.
- As a tracker it is young: where things hardly move, the first mask copied can be better{" (videos above)" if result["videos"] else ""}.
- It was trained on few pictures for a short time: classes that look unlike anything in the table may fail, and so
  may prompts whose thing is smaller than about 1% of the picture.
- Not for medical, safety or identity decisions: some data sets are medical pictures, none was checked by physicians
  for this purpose.

## Data
{source_table(index)}
"""
    (weights / "MODEL_CARD.md").write_text(text)
