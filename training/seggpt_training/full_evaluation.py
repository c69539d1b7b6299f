"""The whole measurement: the model beside three baselines, by data set, one and five prompts, and videos."""

from __future__ import annotations

import json
from pathlib import Path

from . import video
from .baselines import BASELINES
from .data.cache import Cache
from .data.augment import whole
from .data.features import in_sides, seen
from .data.val_episodes import Trial, different_images, same_image
from .encode import features_of, load_encoder
from .errors import RecipeError
from .evaluate import decode, headline, paint, summarise
from .export import load_exported
from .video import boundary_f

WITH_FEATURES = "model with features"


def measure(
    weights: Path,
    cache: Path,
    videos: Path | None,
    each: int,
    five: int,
    device: str = "cpu",
    reuse: Path | None = None,
    side: int | None = None,
    baselines: bool = True,
    split: str = "val",
    encoder: Path | None = None,
) -> dict:
    """Everything measured, as plain numbers: tables by method, protocol and data set. Baselines do not depend on
    the model: `reuse` takes them from an earlier result on the same episodes. `side` of the pictures, in pixels: by
    default what the model was trained at. `encoder`: the image encoder, whose
    features the model is measured with as well."""
    if not (weights / "model.safetensors").is_file():
        raise RecipeError(f"{weights / 'model.safetensors'} is missing: export first")
    model = load_exported(weights).to(device)
    size, patch = side or model.config.image_size[1], model.config.patch_size
    if size % patch:
        raise RecipeError(f"--side {size} is no multiple of the model's patch, {patch}: try {size - size % patch + patch}")
    model.config.image_size = (2 * size, size)  # positions are resized to what comes in
    featured = encoder is not None and bool(model.config.feature_channels)
    val = Cache(cache / split, featured)
    one = list(same_image(val, size, each)) + list(different_images(val, size, each))
    earlier = json.loads(reuse.read_text()) if reuse else None
    if earlier and (earlier["side"], earlier["episodes"]["each"], earlier["episodes"]["one prompt"]) != (size, each, len(one)):
        raise RecipeError(f"{reuse} was measured on other episodes: leave out --reuse")
    if earlier and baselines and not set(BASELINES) <= set(earlier["tables"]):
        raise RecipeError(f"{reuse} has no baselines, as --model-only leaves them out: leave out --reuse")
    masks = {"model": [decode(p) for p in paint(model, one, device)]}
    if featured:
        encode_views(one, encoder)
        masks[WITH_FEATURES] = [decode(p) for p in paint(model, one, device, features=True)]
    tables = {name: summarise(one, found) for name, found in masks.items()}
    masks["copy"] = [BASELINES["copy"](trial) for trial in one]
    edges = {name: headline(summarise(one, found, boundary_f)) for name, found in masks.items()}
    for name, baseline in BASELINES.items() if baselines else ():
        if earlier:
            rows = earlier["tables"][name].items()
            tables[name] = {(protocol, dataset): v for protocol, row in rows for dataset, v in row.items()}
        else:
            tables[name] = summarise(one, [baseline(trial) for trial in one])
    several = list(different_images(val, size, five, shots=5)) if five else []
    if several:
        tables["model, five prompts"] = summarise(several, [decode(p) for p in paint(model, several, device, 4)])
        first_only = [type(t)(t.dataset, t.protocol, t.prompts[:1], t.target) for t in several]
        tables["model, first of the five"] = summarise(first_only, [decode(p) for p in paint(model, first_only, device)])
        if featured:
            found = [decode(p) for p in paint(model, several, device, 4, features=True)]
            tables[f"{WITH_FEATURES}, five prompts"] = summarise(several, found)
    return {
        "side": size,
        "episodes": {"one prompt": len(one), "five prompts": len(several), "each": each},
        "boundary F": edges,
        "mean": {name: headline(table) for name, table in tables.items()},
        "tables": {name: nested(table) for name, table in tables.items()},
        "videos": video.measure(model, videos, size, device) if videos else {},
    }


def encode_views(trials: list[Trial], encoder: Path) -> None:
    """Features of views of one picture, each encoded by itself as a user's two pictures would be. (Training warps one
    encoding instead, which makes two views alike that are not.)"""
    model = load_encoder(encoder)
    for trial in trials:
        if trial.protocol == "same":
            for half in (*trial.prompts, trial.target):
                size = half.labels.shape[0]
                view = in_sides(whole(size, size, size), size, size)
                half.features = seen(features_of(model, half.image).numpy(), view, size)


def nested(table: dict[tuple[str, str], float]) -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    for (protocol, name), value in table.items():
        out.setdefault(protocol, {})[name] = value
    return out


def markdown(result: dict) -> str:
    """The tables of the model card."""
    methods = [name for name in ("model", WITH_FEATURES, *BASELINES) if name in result["tables"]]
    lines = []
    titles = {
        "same": "Two views of one image",
        "different": "Different images",
        "unseen": "Unseen class, different images",
    }
    for protocol, title in titles.items():
        rows = result["tables"]["model"].get(protocol)
        if not rows:
            continue
        lines += ["", f"| {title} | " + " | ".join(methods) + " |", "|---|" + "--:|" * len(methods)]
        for name in sorted(rows):
            values = [result["tables"][m][protocol][name] for m in methods]
            lines.append(f"| {name} | " + " | ".join(bold(v, v == max(values)) for v in values) + " |")
        means = [result["mean"][m][protocol] for m in methods]
        lines.append("| **mean** | " + " | ".join(bold(v, v == max(means)) for v in means) + " |")
    if "model, five prompts" in result["mean"]:
        lines += ["", "| Same targets, different images | one prompt | five prompts |", "|---|--:|--:|"]
        five, first = (result["mean"][f"model, {which}"] for which in ("five prompts", "first of the five"))
        for protocol in five:
            lines.append(f"| {protocol} (mean over data sets) | {first[protocol]:.3f} | {five[protocol]:.3f} |")
    if result["videos"]:
        lines += ["", "| Video | J | F | J of the first mask copied | F of it |", "|---|--:|--:|--:|--:|"]
        for name, row in result["videos"].items():
            lines.append(f"| {name} | {row['J']:.3f} | {row['F']:.3f} | {row['copy J']:.3f} | {row['copy F']:.3f} |")
    return "\n".join(lines).strip() + "\n"


def bold(value: float, best: bool) -> str:
    return f"**{value:.3f}**" if best else f"{value:.3f}"


def write(result: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
