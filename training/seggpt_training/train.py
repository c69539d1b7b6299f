"""The training loop: one budget of minutes at a time, resumed from the last checkpoint."""

from __future__ import annotations

import csv
import dataclasses
import math
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from . import checkpoint, evaluate
from .canvases import Canvases, split, to_canvases
from .config import TrainConfig
from .constructed import construct
from .data.batches import BatchSet
from .data.cache import Cache
from .data.features import FeatureCache
from .errors import RecipeError
from .export import load_weights
from .initialise import mimetic_start
from .losses import beta_at, painting_loss
from .model import SegGPT
from .optimizers import Optimizers
from .precision import mixed_precision


class Onward(Sampler):
    """Batch numbers from `start` to the end."""

    def __init__(self, start: int, end: int):
        self.start, self.end = start, end

    def __iter__(self):
        return iter(range(self.start, self.end))

    def __len__(self):
        return self.end - self.start


def learning_rate(step: int, total: int, config: TrainConfig) -> float:
    """Linear warm-up, constant, then a half cosine over the last `decay_fraction` of the run."""
    warm = min(1.0, (step + 1) / config.warmup_steps)
    begin = total * (1 - config.decay_fraction)
    part = min(1.0, max(0.0, (step - begin) / max(1.0, total - begin)))
    low = config.final_learning_rate
    return warm * (low + (config.learning_rate - low) * 0.5 * (1 + math.cos(math.pi * part)))


class Trainer:
    """One run in one folder: `last.pt`, `log.csv`, `validation.csv`."""

    def __init__(
        self, config: TrainConfig, cache: Path, folder: Path, device: str = "cpu", workers: int = 1, parts: int = 1
    ):
        """`parts`: into so many each batch is cut, each part on a thread of its own with one core."""
        self.config, self.cache, self.folder, self.device, self.workers = config, cache, folder, device, workers
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise RecipeError("there is no CUDA device, or torch is built without CUDA: leave --device out to train on the CPU")
        folder.mkdir(parents=True, exist_ok=True)
        self.model = SegGPT(config.model).to(device)
        self.painter = torch.compile(self.model) if device != "cpu" else self.model  # on this CPU it gains nothing
        self.average = SegGPT(config.model).to(device).requires_grad_(False).eval()
        self.optimizer = Optimizers(self.model, config)
        self.parts, self.threads = parts, ThreadPoolExecutor(parts)
        if parts > 1:
            torch.set_num_threads(1)
        self.step = 0
        self.rate_factor = 1.0
        self.cooling = 1.0
        self.seconds = 0.0
        self.total_steps = config.total_samples // config.batch_size
        self.trials = None

    # ---- state -------------------------------------------------------------------------------------------

    def state(self) -> dict:
        return {
            "config": self.config.to_dict(),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "rate_factor": self.rate_factor,
            "cooling": self.cooling,
            "seconds": self.seconds,
            "rng": torch.get_rng_state(),
        }

    def save(self, name: str = "last.pt") -> None:
        checkpoint.save(self.folder / name, self.state())

    def restore(self, path: Path) -> None:
        state = checkpoint.load(path, self.config, self.device)
        there = TrainConfig.from_dict(state["config"]).optimizer
        if there != self.config.optimizer:
            raise RecipeError(
                f"{path} was trained with {there}, not {self.config.optimizer}; "
                f"to change, start another run from it (--from {path})"
            )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.rate_factor, self.seconds = state["step"], state["rate_factor"], state["seconds"]
        self.cooling = state.get("cooling", 1.0)  # missing in checkpoints of before it was kept
        torch.set_rng_state(state["rng"].cpu())

    def begin_from(self, path: Path) -> None:
        """The averaged weights of another run, of a checkpoint that was brought back, of another canvas, or a folder
        of exported weights; the schedule starts anew."""
        weights = load_weights(path, self.config, self.device)
        if self.config.model.feature_channels:
            self._measure_features()
        self._adopt(checkpoint.fitted(weights, self.model.state_dict()))

    def begin(self) -> None:
        """The configured start."""
        model = SegGPT(self.config.model)
        if self.config.start == "constructed":
            plain = dataclasses.replace(
                self.config, share_random_mask=0, share_two_prompts=0, share_three_prompts=0, augmentation_start=0.4
            )
            data = BatchSet(self.cache / "train", plain, 10**6)
            construct(model, (data[10**5 + i] for i in range(self.config.start_batches)), self.config.seed)
        else:
            mimetic_start(model, self.config.seed)
        self._adopt(model.state_dict())

    def _measure_features(self) -> None:
        """Scales features by those of the training pictures, and starts keys as their principal components."""
        features = FeatureCache(self.cache / "train")
        if not features.places:
            raise RecipeError(f"{self.cache / 'train'} has no features: run `encode` first")
        module = self.model.model.embeddings.feature_embeddings
        mean, deviation, directions = features.statistics()
        module.mean.copy_(mean)
        module.deviation.copy_(deviation)
        if self.config.model.feature_keys:
            with torch.no_grad():
                module.keys.weight.copy_(directions[: self.config.model.feature_keys])

    def _adopt(self, weights: dict) -> None:
        self.model.load_state_dict(weights)
        self.average.load_state_dict(weights)

    # ---- one step ----------------------------------------------------------------------------------------

    def learn(self, batch: dict) -> tuple[float, float]:
        """One optimiser step. Returns the loss and the gradient's norm; neither finite means nothing was changed."""
        c, device = self.config, self.device
        rate = self.rate_factor * self.cooling * learning_rate(self.step, self.total_steps, c)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        canvases = [to_canvases(part, device, c.model.patch_size) for part in split(batch, self.parts)]
        total = sum(canvas.weight.sum() for canvas in canvases)
        beta = beta_at(self.step / self.total_steps, c)
        self.optimizer.zero_grad(set_to_none=True)
        # gradients of two parts add up to the same bits in either order; more would not
        losses = list(self.threads.map(lambda canvas: self._backward(canvas, beta, total), canvases))
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), c.clip_norm)
        values = sum(losses), norm.item()
        if all(map(math.isfinite, values)):
            self.optimizer.step()
            self.step += 1
            decay = min(c.ema_decay, (1 + self.step) / (10 + self.step))
            with torch.no_grad():
                torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        return values

    def _backward(self, canvas: Canvases, beta: float | None, total: Tensor) -> float:
        """Adds one part's gradients; its share of the loss."""
        with mixed_precision(self.device):
            painting = self.painter(
                canvas.images, canvas.masks, canvas.masked, canvas.semantic, canvas.prompts, canvas.whole,
                features=canvas.features,
            )  # fmt: skip
        loss = painting_loss(painting, canvas.wanted, canvas.weight, beta, total)
        loss.backward()
        return loss.item()

    # ---- the run -----------------------------------------------------------------------------------------

    def validate(self, each_same: int = 6, each_different: int = 2) -> dict[str, float]:
        """Small fixed validation with the averaged weights: a row of `validation.csv` and a printed line. Where the model
        takes features, different pictures are painted with them as well."""
        featured = bool(self.config.model.feature_channels)
        if self.trials is None:
            size = self.config.model.image_size[1]
            self.trials = {
                split.name: evaluate.quick_trials(Cache(split, featured), size, each_same, each_different)
                for split in sorted(self.cache.glob("val*"))
            }
        started, row = time.time(), {}
        print(f"step {self.step}, {self.step * self.config.batch_size} samples, {self.seconds / 60:.1f} min")
        for split, trials in self.trials.items():
            copy_table = evaluate.summarise(trials, evaluate.copied(trials))
            across = [trial for trial in trials if trial.protocol == "different"]
            for name, chosen, shown in ((split, trials, False), (f"{split} with features", across, True))[: 1 + featured]:
                masks = [evaluate.decode(p) for p in evaluate.paint(self.average, chosen, self.device, features=shown)]
                table = evaluate.summarise(chosen, masks)
                print(f"{name}\n{evaluate.show(table, copy_table)}")
                prefix = "" if name == "val" else f"{name}: "
                row |= {prefix + p: v for p, v in evaluate.headline(table).items()}
                row |= {f"{prefix}{p}:{d}": v for (p, d), v in table.items()}
        print(f"({time.time() - started:.0f} s)", flush=True)
        start = {"step": self.step, "samples": self.step * self.config.batch_size, "minutes": self.seconds / 60}
        append(self.folder / "validation.csv", start | row)
        return row

    def run(
        self,
        minutes: float,
        validate_every: float = 10.0,
        save_every: float = 3.0,
        log_every: int = 25,
        finish: bool = False,
    ) -> None:
        """Trains for `minutes` of wall clock or to the end of the schedule. With `finish` the rate falls to nothing
        over these minutes, wherever the schedule stands; `uncooled.pt` is where to go on from: a run that has begun
        to cool leaves it alone."""
        if finish and self.cooling == 1:
            self.save("uncooled.pt")
        try:
            self._run(minutes, validate_every, save_every, log_every, finish)
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            message = f"a worker was killed ({error}); start again to go on from {self.folder / 'last.pt'}"
            raise RecipeError(message) from None  # it may strike in the middle of a step: nothing is saved here

    def _run(self, minutes: float, validate_every: float, save_every: float, log_every: int, finish: bool) -> None:
        end = time.time() + 60 * minutes
        stop = []
        signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
        validated = saved = time.time()
        if self.step == 0:
            self.validate()
            self.save()
        batches = self._batches()
        mark, losses = time.time(), []
        while self.step < self.total_steps and time.time() < end and not stop:
            left = max(0.0, (end - time.time()) / (60 * minutes)) if finish else 1.0
            self.cooling = 0.5 * (1 - math.cos(math.pi * left))
            loss, norm = self.learn(next(batches))
            if not (math.isfinite(loss) and math.isfinite(norm)):
                factor = self.rate_factor * 0.5
                print(f"loss {loss}, gradient {norm} at step {self.step}: back to the last checkpoint, half the rate")
                self.restore(self.folder / "last.pt")
                self.rate_factor = factor
                batches = self._batches()
                continue
            losses.append(loss)
            if self.step % log_every == 0:
                now = time.time()
                self.seconds += now - mark
                rate = self.config.batch_size * len(losses) / (now - mark)
                row = {"step": self.step, "minutes": self.seconds / 60, "loss": sum(losses) / len(losses)}
                row |= {"gradient": norm, "rate": self.optimizer.param_groups[0]["lr"], "samples_per_second": rate}
                append(self.folder / "log.csv", row)
                print(f"{self.step} loss {row['loss']:.4f} gradient {norm:.2f} {rate:.1f}/s", flush=True)
                mark, losses = now, []
                if now - saved > 60 * save_every:
                    self.save()
                    saved = time.time()
                if now - validated > 60 * validate_every:
                    self.validate()
                    validated = mark = time.time()
        self.save()
        if not stop:
            self.validate()

    def _batches(self):
        """Batches from the current step on."""
        data = BatchSet(self.cache / "train", self.config, self.total_steps)
        loader = DataLoader(
            data,
            batch_size=None,
            sampler=Onward(self.step, self.total_steps),
            num_workers=self.workers,
            prefetch_factor=4 if self.workers else None,
            worker_init_fn=_calm,
            pin_memory=self.device != "cpu",
        )
        return iter(loader)

def _calm(_: int) -> None:
    """Workers leave signals to the main process and use one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)


def append(path: Path, row: dict) -> None:
    """One row to a CSV file, with a header when the file is new."""
    fresh = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(row)
        writer.writerow(f"{v:.6g}" if isinstance(v, float) else v for v in row.values())
