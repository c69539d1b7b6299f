import contextlib
import errno
import math
import os
import signal

import numpy as np
import pytest
import torch

from seggpt_training import checkpoint
from seggpt_training.config import TrainConfig
from seggpt_training.errors import RecipeError
from seggpt_training.export import export
from seggpt_training.losses import beta_at, painting_loss
from seggpt_training.train import Trainer, learning_rate


def steps(trainer: Trainer, count: int) -> list[float]:
    batches = trainer._batches()
    return [trainer.learn(next(batches))[0] for _ in range(count)]


def begun(config, cache, folder, workers=0) -> Trainer:
    trainer = Trainer(config, cache, folder, workers=workers)
    trainer.begin()
    return trainer


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_resumed_run_is_bit_for_bit_the_unbroken_one(config, cache, tmp_path, optimizer):
    config.optimizer = optimizer
    whole = begun(config, cache, tmp_path / "a")
    expected = steps(whole, 8)

    part = begun(config, cache, tmp_path / "b")
    first = steps(part, 3)
    part.save()
    rest = Trainer(config, cache, tmp_path / "b", workers=2)  # the number of workers changes nothing
    rest.restore(tmp_path / "b" / "last.pt")
    assert first + steps(rest, 5) == expected
    for module in ("model", "average"):
        ours, theirs = getattr(rest, module).state_dict(), getattr(whole, module).state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_one_batch_can_be_learned(config, cache, tmp_path, optimizer):
    config.learning_rate, config.optimizer = 3e-3, optimizer
    trainer = begun(config, cache, tmp_path)
    batch = next(trainer._batches())
    losses = [trainer.learn(batch)[0] for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_loss_that_is_no_number_rolls_back_and_halves_the_rate(config, cache, tmp_path, capsys, monkeypatch):
    config.total_samples = 24
    trainer = begun(config, cache, tmp_path)
    monkeypatch.setattr(trainer, "validate", lambda *_: {})
    learn, calls = trainer.learn, []

    def poisoned(batch):
        calls.append(trainer.step)
        if len(calls) == 3:
            with torch.no_grad():
                next(trainer.model.parameters()).fill_(float("nan"))
        return learn(batch)

    monkeypatch.setattr(trainer, "learn", poisoned)
    trainer.run(minutes=5)
    assert "half the rate" in capsys.readouterr().out
    assert trainer.rate_factor == 0.5 and trainer.step == 4
    assert calls == [0, 1, 2, 0, 1, 2, 3]
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())


def test_a_killed_worker_stops_the_run_with_one_line(config, cache, tmp_path, monkeypatch):
    trainer = begun(config, cache, tmp_path, workers=1)
    monkeypatch.setattr(trainer, "validate", lambda *_: {})
    make = trainer._batches

    def doomed():
        batches = make()
        os.kill(batches._workers[0].pid, signal.SIGKILL)
        return batches

    monkeypatch.setattr(trainer, "_batches", doomed)
    with pytest.raises(RecipeError, match="worker was killed"):
        trainer.run(minutes=1)
    assert checkpoint.load(tmp_path / "last.pt", config)["step"] == 0


def test_muon_steps_the_matrices_of_the_blocks_by_what_is_nearly_orthogonal(config, cache, tmp_path):
    config.optimizer, config.weight_decay, config.warmup_steps = "muon", 0, 1
    trainer = begun(config, cache, tmp_path)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    steps(trainer, 1)
    name = "model.encoder.layers.1.mlp.lin1.weight"
    step = trainer.model.state_dict()[name] - before[name]
    sizes = torch.linalg.svdvals(step)
    assert sizes.max() < 2 * sizes.median()  # five rounds leave only the smallest behind; AdamW's first step has one large
    # as large as a step of AdamW is on average (arXiv:2502.16982, section 2.2)
    assert 0.1 < step.square().mean().sqrt() / config.learning_rate < 0.3
    patches = "model.embeddings.patch_embeddings.projection.weight"
    assert not torch.equal(trainer.model.state_dict()[patches], before[patches])


@pytest.mark.parametrize("task", ["share_random_mask", "share_two_prompts", "share_three_prompts", "one prompt"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_step_keeps_to_its_device(config, cache, tmp_path, monkeypatch, task, optimizer):
    """On the device "meta", whose tensors have no values but refuse to meet those of another device, as CUDA's do."""
    config.optimizer, config.batch_size = optimizer, 2  # fewer than three prompts need: one group all the same
    config.share_random_mask = config.share_two_prompts = config.share_three_prompts = 0
    if task != "one prompt":
        setattr(config, task, 1)
    adamw = torch.optim.AdamW
    monkeypatch.setattr(torch.optim, "AdamW", lambda *given, **more: adamw(*given, **more | {"fused": False}))
    monkeypatch.setattr(torch, "compile", lambda model: model)
    monkeypatch.setattr(torch.Tensor, "item", lambda _: 1.0)
    monkeypatch.setattr("seggpt_training.train.mixed_precision", lambda _: contextlib.nullcontext())
    trainer = Trainer(config, cache, tmp_path, device="meta", workers=0)
    trainer.learn(next(trainer._batches()))
    assert trainer.step == 1


def test_a_checkpoint_with_adamws_own_state_goes_on(config, cache, tmp_path):
    whole = begun(config, cache, tmp_path)
    steps(whole, 1)
    state = whole.state()
    checkpoint.save(tmp_path / "old.pt", state | {"optimizer": state["optimizer"][0]})
    expected = steps(whole, 2)
    again = Trainer(config, cache, tmp_path, workers=0)
    again.restore(tmp_path / "old.pt")
    assert steps(again, 2) == expected


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_that_is_not_there_is_one_line(config, cache, tmp_path):
    with pytest.raises(RecipeError, match="no CUDA device"):
        Trainer(config, cache, tmp_path / "run", device="cuda")
    assert not (tmp_path / "run").exists()


def test_another_optimiser_is_refused(config, cache, tmp_path):
    begun(config, cache, tmp_path).save()
    other = TrainConfig.from_dict(config.to_dict() | {"optimizer": "muon"})
    with pytest.raises(RecipeError, match="was trained with adamw, not muon; .*--from"):
        Trainer(other, cache, tmp_path).restore(tmp_path / "last.pt")
    other.optimizer = "sgd"
    with pytest.raises(RecipeError, match='optimizer is "sgd"; it may be "adamw" or "muon"'):
        Trainer(other, cache, tmp_path)


def test_a_checkpoint_of_another_configuration_is_refused(config, cache, tmp_path):
    begun(config, cache, tmp_path).save()
    other = TrainConfig.from_dict(config.to_dict())
    other.model.mlp_dim = 128
    with pytest.raises(RecipeError, match="mlp_dim is 64 there and 128 here"):
        Trainer(other, cache, tmp_path).restore(tmp_path / "last.pt")


def test_another_canvas_takes_over_the_weights(config, cache, tmp_path):
    begun(config, cache, tmp_path).save()
    larger = TrainConfig.from_dict(config.to_dict())
    larger.model.image_size, larger.model.pretrain_image_size = (128, 64), 128
    trainer = Trainer(larger, cache, tmp_path / "larger", workers=0)
    trainer.begin_from(tmp_path / "last.pt")
    assert math.isfinite(steps(trainer, 1)[0])
    same = Trainer(config, cache, tmp_path / "same", workers=0)
    same.begin_from(tmp_path / "last.pt")
    stored = checkpoint.load(tmp_path / "last.pt")["average"]
    assert all(torch.equal(value, stored[name]) for name, value in same.model.state_dict().items())


def test_training_goes_on_from_exported_weights(config, cache, tmp_path):
    begun(config, cache, tmp_path).save()
    export(tmp_path / "last.pt", tmp_path / "weights", "float16")
    trainer = Trainer(config, cache, tmp_path / "onward", workers=0)
    trainer.begin_from(tmp_path / "weights")
    stored = checkpoint.load(tmp_path / "last.pt")["average"]
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(value, stored[name].half().float()), name
    assert math.isfinite(steps(trainer, 1)[0])
    other = TrainConfig.from_dict(config.to_dict())
    other.model.mlp_dim = 128
    with pytest.raises(RecipeError, match="mlp_dim is 64 there and 128 here"):
        Trainer(other, cache, tmp_path / "other").begin_from(tmp_path / "weights")


def test_a_full_disk_leaves_the_old_checkpoint(config, cache, tmp_path, monkeypatch):
    trainer = begun(config, cache, tmp_path)
    trainer.save()
    before = (tmp_path / "last.pt").read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(RecipeError, match="the disk is full; the previous checkpoint is intact"):
        trainer.save()
    assert (tmp_path / "last.pt").read_bytes() == before
    assert not (tmp_path / "last.part").exists()


def test_half_a_checkpoint_is_refused(config, cache, tmp_path):
    begun(config, cache, tmp_path).save()
    data = (tmp_path / "last.pt").read_bytes()
    (tmp_path / "last.pt").write_bytes(data[: len(data) // 2])
    with pytest.raises(RecipeError, match="not a readable checkpoint"):
        checkpoint.load(tmp_path / "last.pt")


def test_the_budget_of_minutes_ends_the_run(config, cache, tmp_path, monkeypatch):
    trainer = begun(config, cache, tmp_path)
    monkeypatch.setattr(trainer, "validate", lambda *_: {})
    trainer.run(minutes=0)
    assert trainer.step == 0 and (tmp_path / "last.pt").exists()


def test_finishing_lets_the_rate_fall_with_the_minutes(config, cache, tmp_path, monkeypatch):
    config.warmup_steps = 1
    trainer = begun(config, cache, tmp_path)
    monkeypatch.setattr(trainer, "validate", lambda *_: {})
    rates, learn = [], trainer.learn

    def watched(batch):
        out = learn(batch)
        rates.append(trainer.optimizer.param_groups[0]["lr"])
        return out

    monkeypatch.setattr(trainer, "learn", watched)
    trainer.run(minutes=0.03, finish=True)
    assert rates[0] > 0.7 * config.learning_rate and rates[-1] < 0.3 * rates[0]
    assert rates == sorted(rates, reverse=True)
    assert checkpoint.load(tmp_path / "uncooled.pt", config)["step"] == 0


def test_a_finish_that_was_cut_keeps_what_it_began_from(config, cache, tmp_path, monkeypatch):
    config.total_samples = 60_000  # more than the minutes allow
    monkeypatch.setattr(Trainer, "validate", lambda *_: {})
    begun(config, cache, tmp_path).run(minutes=0.03, finish=True)
    cut = checkpoint.load(tmp_path / "last.pt", config)
    assert cut["step"] > 0 and cut["cooling"] < 1
    again = Trainer(config, cache, tmp_path, workers=0)
    again.restore(tmp_path / "last.pt")
    again.run(minutes=0.03, finish=True)
    assert again.step > cut["step"]
    assert checkpoint.load(tmp_path / "uncooled.pt", config)["step"] == 0
    again.run(minutes=0.03)  # the whole rate again: not cooled any more
    reached = again.step
    again.run(minutes=0, finish=True)
    assert checkpoint.load(tmp_path / "uncooled.pt", config)["step"] == reached


def test_validation_and_log_are_written(config, cache, tmp_path, capsys):
    trainer = begun(config, cache, tmp_path)
    trainer.step = trainer.total_steps - 2
    trainer.run(minutes=5, log_every=1)
    assert "mean" in capsys.readouterr().out
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    assert (tmp_path / "validation.csv").read_text().startswith("step,samples,minutes,")


def test_rate_warms_up_holds_and_falls(config):
    config.warmup_steps, config.decay_fraction = 10, 0.5
    rates = [learning_rate(step, 100, config) for step in range(101)]
    assert rates[0] == pytest.approx(config.learning_rate / 10)
    assert rates[10] == rates[50] == config.learning_rate
    assert rates[100] == pytest.approx(config.final_learning_rate)
    assert all(a >= b for a, b in zip(rates[50:], rates[51:]))


def test_loss_starts_squared_and_ends_as_the_papers_smooth_l1(config):
    config.smooth_l1_from, config.final_beta = 0.5, 0.01
    assert beta_at(0.49, config) is None
    assert beta_at(0.5, config) == 1 and beta_at(1.0, config) == pytest.approx(0.01)
    config.smooth_l1_from, config.first_beta = 0, 0.09
    assert [beta_at(part, config) for part in (0, 0.5, 1)] == pytest.approx([0.09, 0.03, 0.01])
    torch.manual_seed(0)
    a, b, weight = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4), torch.ones(2, 4, 4)
    expected = torch.nn.functional.smooth_l1_loss(a, b, beta=0.01)
    torch.testing.assert_close(painting_loss(a, b, weight, 0.01), expected)
    torch.testing.assert_close(painting_loss(a, b, weight, None), (a - b).square().mean())


def test_unknown_configuration_fields_are_named():
    with pytest.raises(ValueError, match="'lerning_rate'"):
        TrainConfig.from_dict({"lerning_rate": 1})
