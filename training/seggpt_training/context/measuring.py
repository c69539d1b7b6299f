"""The context decoder beside the painter, and both as one, on the painter's validation episodes:
`python -m seggpt_training.context.measuring --help`."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .. import encode
from ..data import augment
from ..data.features import in_sides, seen
from ..data.val_episodes import UNSEEN, Half, Trial, _whole, different_images, same_image
from ..evaluate import iou, paint
from ..export import load_exported
from ..normalise import DEVIATION, MEAN
from ..video import boundary_f
from .evaluate import EVERYDAY
from .features import features_of
from .guided import LIMIT, fits, guided_filter, logits
from .model import PIXELS, ContextConfig, ContextDecoder
from .samples import ContextCache

COARSE = 16  # tokens to a side where the decoder is asked back
POWERS = 4, 8  # how much more the one counts that is more consistent: before the target is read once more, and after
MEASURES = {"IoU": iou, "F": boundary_f}


class RawCache(ContextCache):
    """Features of whole pictures as they are stored, so that any grid of tokens can be read off them later."""

    def features_seen(self, index: int, view: np.ndarray, size: int) -> np.ndarray | None:
        return self.features[self.rows[index][2]] if self.has_features(index) else None


def gather(cache: Path, encoder: Path, size: int, each: int, shots: int = 1, same: bool = True) -> list[Trial]:
    """Episodes of both validation splits. Halves hold (channels, CELLS, CELLS) over themselves; views of one picture are
    encoded by themselves, as a user's two pictures are."""
    trials: list[Trial] = []
    for split in ("val", "val-2"):
        pictures = RawCache(cache / split)
        trials += same_image(pictures, size, each) if same else []
        trials += different_images(pictures, size, each, shots)
    model = encode.load_encoder(encoder)
    for trial in trials:
        if trial.protocol == "same":
            for half in (*trial.prompts, trial.target):
                half.features = features_of(model, half.image).half().numpy()
    return trials


def absent(cache: Path, size: int, each: int, seed: int = 5) -> list[Trial]:
    """Prompts of a class with targets of the same data set that do not show it."""
    trials = []
    for split in ("val", "val-2"):
        pictures = RawCache(cache / split)
        for dataset, rows in sorted(pictures.by_dataset.items()):
            if pictures.correspondence[dataset] != "class":
                continue
            rng = np.random.default_rng([seed, *dataset.encode()])
            for label in sorted({label for i in rows for label in pictures.present(i)}):
                holders, others = pictures.by_label[dataset, label], [i for i in rows if label not in pictures.present(i)]
                for _ in range(each if others else 0):
                    prompt = _whole(pictures, int(rng.choice(holders)), label, size)
                    if (prompt.labels == 1).mean() >= 0.01:
                        trials.append(Trial(dataset, "absent", [prompt], _whole(pictures, int(rng.choice(others)), label, size)))
    return trials


def kind(trial: Trial) -> str:
    """The column that an episode counts in."""
    if trial.protocol == "different" and trial.dataset == UNSEEN:
        return "horses"
    name = {"same": "two views", "different": "different"}.get(trial.protocol, trial.protocol)
    return f"everyday {name}" if trial.dataset in EVERYDAY else name


def tokens_of(half: Half, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(T, T, channels) and normalised colours (8T, 8T, 3)."""
    size = tokens * PIXELS
    view = in_sides(augment.whole(size, size, size), size, size)
    features = torch.from_numpy(seen(half.features, view, size, PIXELS)).float()
    image = torch.from_numpy(half.image).float()
    if image.shape[0] != size:
        image = F.interpolate(image.permute(2, 0, 1)[None], (size, size), mode="bilinear", antialias=True)[0].permute(1, 2, 0)
    return features, (image / 255 - MEAN) / DEVIATION


class Reading:
    """A target read by the decoder, as the package does it (`context-session.ts`, `join-context.ts`)."""

    def __init__(self, model: ContextDecoder, trial: Trial, tokens: int):
        self.model, self.side, self.size = model, trial.target.labels.shape[0], tokens * PIXELS
        self.coarse = min(COARSE, tokens) * PIXELS
        looked = lambda size: model.look(*(torch.stack(p) for p in zip(*(tokens_of(h, size // PIXELS) for h in (*trial.prompts, trial.target)))))
        self.looked, self.looked_coarsely = looked(self.size), looked(self.coarse)
        masks = torch.from_numpy(np.stack([half.labels == 1 for half in trial.prompts])).float()[None]
        at = lambda size: F.interpolate(masks, (size,) * 2, mode="nearest-exact") if size != self.side else masks
        self.masks, self.known = at(self.size), at(self.coarse)[0, 0]
        self.plane, self.presence = self.ask(self.looked[-1:], self.looked[:-1], self.masks)

    def ask(self, target: torch.Tensor, prompts: torch.Tensor, masks: torch.Tensor) -> tuple[torch.Tensor, float]:
        plane, presence = self.model(target, prompts.flatten(0, 1)[None], masks, torch.zeros(1, dtype=torch.long))
        return plane[0].clamp(-LIMIT, LIMIT), float(presence)

    def consistency(self, plane: torch.Tensor) -> float:
        """Soft IoU of the first prompt's mask and what comes back when the target, with `plane`, is its prompt: on a coarse grid."""
        mask = resized(plane.sigmoid(), self.coarse)[None, None]
        back = self.ask(self.looked_coarsely[:1], self.looked_coarsely[-1:], mask)[0].sigmoid()
        return float((back * self.known).sum() / (back + self.known - back * self.known).sum())

    def again(self, plane: torch.Tensor) -> torch.Tensor:
        """The target among its prompts, with `plane` as its mask."""
        return self.ask(self.looked[-1:], self.looked, torch.cat([self.masks, plane.sigmoid()[None, None]], 1))[0]

    def joined(self, painted: np.ndarray) -> torch.Tensor:
        """The plane that is shown, with the painter's logits (S, S)."""
        paint = resized(torch.from_numpy(painted.astype(np.float32)), self.size)
        own = self.consistency(paint)
        found = self.again(mixed(paint, own, self.plane, self.consistency(self.plane), POWERS[0]))
        return mixed(paint, own, found, self.consistency(found), POWERS[1])

    def shown(self, plane: torch.Tensor) -> np.ndarray:
        """At the target's size."""
        return resized(plane, self.side).numpy()


def mixed(a: torch.Tensor, of_a: float, b: torch.Tensor, of_b: float, power: int) -> torch.Tensor:
    """Two planes weighed by how consistent each is."""
    of_a, of_b = of_a**power, of_b**power
    share = of_a / (of_a + of_b) if of_a + of_b > 0 else 0.5
    return share * a + (1 - share) * b


def resized(plane: torch.Tensor, side: int) -> torch.Tensor:
    if plane.shape[-1] == side:
        return plane
    return F.interpolate(plane[None, None], (side, side), mode="bilinear", antialias=plane.shape[-1] > side)[0, 0]


@torch.inference_mode()
def read(model: ContextDecoder, trial: Trial, tokens: int, painted: np.ndarray | None = None) -> tuple[list[np.ndarray], float]:
    """Logits at the target's size (S, S) of the decoder and, with the painter's, of both as one; and the presence's logit."""
    reading = Reading(model, trial, tokens)
    planes = [reading.plane] if painted is None else [reading.plane, reading.joined(painted)]
    return [reading.shown(plane) for plane in planes], reading.presence


def painted(model, trials: list[Trial], batch: int = 8) -> list[np.ndarray]:
    """The painter's logits after the guided filter, (S, S) each; trials with equally many prompts."""
    return [
        logits(guided_filter(trial.target.image, fits(painting)).clip(0, 1)).astype(np.float16)
        for trial, painting in zip(trials, paint(model, trials, batch=batch))
    ]


def table(trials: list[Trial], planes: list[np.ndarray]) -> dict[str, dict[str, list[float]]]:
    """By column and data set: mean of each measure and the number of episodes."""
    rows = defaultdict(lambda: defaultdict(list))
    for trial, plane in zip(trials, planes):
        rows[kind(trial)][trial.dataset].append([measure(plane > 0, trial.target.labels) for measure in MEASURES.values()])
    return {
        column: {name: [*np.mean(values, 0).round(4).tolist(), len(values)] for name, values in sorted(sets.items())}
        for column, sets in sorted(rows.items())
    }


def means(full: dict) -> dict[str, list[float]]:
    """Over data sets."""
    return {column: np.mean([row[:-1] for row in sets.values()], 0).round(4).tolist() for column, sets in full.items()}


def auroc(present: list[float], gone: list[float]) -> float:
    """The chance that a target with the label has the higher logit."""
    order = np.sort(gone)
    below = np.searchsorted(order, present, "left") + np.searchsorted(order, present, "right")
    return float(below.mean() / 2 / len(gone))


def load(path: Path) -> ContextDecoder:
    state = torch.load(path, weights_only=True)
    model = ContextDecoder(ContextConfig()).eval()
    model.load_state_dict(state.get("average", state))
    return model


def kept(path: Path | None, make):
    """What `make` gives, kept in a file: views are encoded and paintings painted once."""
    if path and path.exists():
        return torch.load(path, weights_only=False)
    made = make()
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(made, path)
    return made


def main(a: argparse.Namespace) -> None:
    torch.set_num_threads(a.threads)
    at = lambda name: a.keep / f"{name}-{a.side}-{a.each}.pt" if a.keep else None
    trials = kept(at("trials"), lambda: gather(a.cache, a.encoder, a.side, a.each))
    print(f"{len(trials)} episodes", flush=True)
    paintings = kept(at("paintings"), lambda: painted(_painter(a), trials))
    result = {"side": a.side, "episodes": len(trials), "tables": {}, "mean": {}}

    def note(name: str, some: list[Trial], planes: list[np.ndarray]) -> None:
        result["tables"][name] = table(some, planes)
        result["mean"][name] = means(result["tables"][name])
        print(f"{name}: {json.dumps(result['mean'][name])}", flush=True)
        a.out.write_text(json.dumps(result, indent=1) + "\n")

    note("painter", trials, paintings)
    if not a.checkpoint:
        return
    model = load(a.checkpoint)
    for tokens in a.tokens:
        answers = [read(model, trial, tokens, painting) for trial, painting in zip(trials, paintings)]
        planes, joined = zip(*(planes for planes, _ in answers))
        note(f"decoder {tokens}", trials, planes)
        note(f"both {tokens}", trials, joined)
        if tokens == a.tokens[0]:
            there = [presence for trial, (_, presence) in zip(trials, answers) if trial.protocol == "different"]
            gone = [read(model, trial, tokens)[1] for trial in absent(a.cache, a.side, max(1, a.each // 2))]
            result["presence AUROC"] = auroc(there, gone)
            print(f"presence: AUROC {result['presence AUROC']:.3f}, {len(there)} present, {len(gone)} absent", flush=True)
            if a.planes:
                torch.save([plane.astype(np.float16) for plane in planes], a.planes)
    if a.five:
        several = gather(a.cache, a.encoder, a.side, a.five, 5, same=False)
        first = [Trial(t.dataset, t.protocol, t.prompts[:1], t.target) for t in several]
        path = a.keep / f"paintings-five-{a.side}-{a.five}.pt" if a.keep else None
        paintings = kept(path, lambda: {5: painted(_painter(a), several, 2), 1: painted(_painter(a), first)})
        for count, some in ((1, first), (5, several)):
            planes, joined = zip(*(read(model, trial, a.tokens[0], p)[0] for trial, p in zip(some, paintings[count])))
            note(f"{count} of five prompts, painter", some, paintings[count])
            note(f"{count} of five prompts, decoder", some, planes)
            note(f"{count} of five prompts, both", some, joined)


def _painter(a: argparse.Namespace):
    model = load_exported(a.weights)
    model.config.image_size = (2 * a.side, a.side)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True, help="the painter's")
    parser.add_argument("--checkpoint", type=Path, help="the context decoder's; without it the painter alone is measured")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=288)
    parser.add_argument("--each", type=int, default=6, help="episodes of each data set (two views) or class (different pictures)")
    parser.add_argument("--five", type=int, default=0, help="episodes of each class with five prompts")
    parser.add_argument("--tokens", type=int, nargs="+", default=[36])
    parser.add_argument("--keep", type=Path, help="folder for episodes and paintings, which do not depend on the decoder")
    parser.add_argument("--planes", type=Path, help="file for the decoder's logits")
    parser.add_argument("--threads", type=int, default=1)
    main(parser.parse_args())
