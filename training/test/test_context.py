"""The context decoder: what it computes, the batches it learns from, how it is measured and exported."""

import argparse
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from seggpt_training import tiny_vit
from seggpt_training.context import evaluate, measuring
from seggpt_training.context.export import export
from seggpt_training.context.features import CHANNELS, NAME, features_of, open_cache
from seggpt_training.context.guided import fits, guided_filter, logits
from seggpt_training.context.model import PIXELS, ContextConfig, ContextDecoder, attend, places, start
from seggpt_training.context.samples import ContextBatches, ContextCache, damaged
from seggpt_training.context.train import configuration, guessed, loss_of, optimizers, run_batch, train
from seggpt_training.data.cache import Cache
from seggpt_training.data.episodes import Half
from seggpt_training.data.features import CELLS, FeatureWriter
from seggpt_training.data.val_episodes import Trial

ENCODER = os.environ.get("SEGGPT_ENCODER")
SMALL = ContextConfig(channels=20, width=24, heads=3, looks=1, state=16, state_heads=2, decodes=2, waves=2)
SIDE = 32  # of views: 4 x 4 tokens


@pytest.fixture(scope="module")
def contexts(cache, tmp_path_factory) -> Path:
    """The tiny cache with features that say where in the picture they are, then noise."""
    folder = tmp_path_factory.mktemp("contexts") / "cache"
    shutil.copytree(cache, folder)
    generator = torch.Generator().manual_seed(0)
    ramp = (torch.arange(CELLS) + 0.5) / CELLS
    for part in ("train", "val"):
        writer = FeatureWriter(folder / part, NAME, CHANNELS)
        for offset in sorted({row[2] for row in Cache(folder / part).rows}):
            features = torch.randn(CHANNELS, CELLS, CELLS, generator=generator)
            features[0], features[1] = ramp[None], ramp[:, None]
            writer.add(offset, features)
    return folder


@pytest.fixture
def small() -> ContextDecoder:
    torch.manual_seed(3)
    model = ContextDecoder(SMALL).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def pictures(count: int, side: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(count)
    features = torch.randn(count, side, side, SMALL.channels, generator=generator)
    return features, torch.randn(count, PIXELS * side, PIXELS * side, 3, generator=generator)


def some_masks(questions: int, prompts: int, side: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(questions)
    return (torch.rand(questions, prompts, PIXELS * side, PIXELS * side, generator=generator) > 0.6).float()


def test_attention_is_the_plain_formula():
    q, k, v = torch.randn(2, 5, 6), torch.randn(2, 7, 6), torch.randn(2, 7, 9)
    parts = [torch.softmax(a @ b.transpose(1, 2) / 2**0.5, -1) @ c for a, b, c in zip(q.split(2, -1), k.split(2, -1), v.split(3, -1))]
    torch.testing.assert_close(attend(q, k, v, 3), torch.cat(parts, -1))


@torch.no_grad()
def test_questions_together_are_answered_as_each_by_itself(small):
    tokens = small.look(*pictures(4)).unflatten(0, (2, 2))
    masks, of = some_masks(5, 1), torch.tensor([0, 1, 1, 0, 1])
    together, there = small(tokens[:, 1], tokens[:, 0], masks, of)
    for i, pair in enumerate(of.tolist()):
        one, known = small(tokens[pair, 1:], tokens[pair, :1], masks[i : i + 1], torch.zeros(1, dtype=torch.long))
        torch.testing.assert_close(together[i], one[0])
        torch.testing.assert_close(there[i], known[0])
    assert not torch.allclose(together[0], together[3], atol=1e-3)  # another mask, another answer
    assert not torch.allclose(together[1], small(tokens[:, 1], tokens[:, 0], masks, 1 - of)[0][1], atol=1e-3)


@torch.no_grad()
def test_prompts_have_no_order_and_a_repeated_one_adds_nothing(small):
    a, b, target = small.look(*pictures(3))
    masks = some_masks(1, 2)
    ask = lambda tokens, shown: small(target[None], torch.cat(tokens)[None], shown, torch.zeros(1, dtype=torch.long))[0]
    both = ask([a, b], masks)
    torch.testing.assert_close(both, ask([b, a], masks.flip(1)))
    torch.testing.assert_close(ask([a], masks[:, :1]), ask([a, a], masks[:, [0, 0]]))
    assert not torch.allclose(both, ask([a], masks[:, :1]), atol=1e-3)


@torch.no_grad()
def test_a_token_is_its_own_square_of_pixels(small):
    """In masks that go in and in logits that come out."""
    side, y, x = 3, 13, 6  # token 1, 0: pixel 5, 6 in it
    mask = torch.zeros(1, 1, side * PIXELS, side * PIXELS)
    mask[0, 0, y, x] = 1
    small.mask.weight.zero_()
    small.mask.bias.zero_()
    small.mask.weight[0, 5 * PIXELS + 6] = 1
    small.thing.weight.zero_()
    read = small.values(torch.zeros(1, side * side, SMALL.width), mask)[0, :, 0]
    assert read.tolist() == pytest.approx([0.5 if token == 3 else -0.5 for token in range(9)])
    tokens = small.look(*pictures(2, side))
    small.logits.weight.zero_()
    small.logits.bias.copy_(torch.arange(64.0))
    plane, _ = small(tokens[1:], tokens[:1], mask, torch.zeros(1, dtype=torch.long))
    torch.testing.assert_close(plane[0], torch.arange(64.0).view(8, 8).repeat(side, side))


def test_places_run_from_edge_to_edge_on_any_grid():
    coarse, fine = places(2, 3).view(2, 2, 12), places(6, 3).view(6, 6, 12)
    torch.testing.assert_close(coarse, fine[1::3, 1::3])  # cells of both have the same centres there
    torch.testing.assert_close(fine[2, 4, 0], torch.tensor(np.pi * 2.5 / 6).sin().float())  # rows first
    torch.testing.assert_close(fine[2, 4, 6], torch.tensor(np.pi * 4.5 / 6).sin().float())


def test_training_starts_by_comparing_features():
    torch.manual_seed(0)
    config = ContextConfig(channels=40, width=24, heads=3, looks=2, state=16, state_heads=2, decodes=2)
    model = ContextDecoder(config)
    mean, deviation = torch.randn(40), torch.rand(40) + 0.5
    start(model, mean, deviation, torch.linalg.qr(torch.randn(40, 40))[0])
    features = torch.randn(1, 5, 5, 40) * deviation + mean
    with torch.no_grad():
        tokens = model.look(features.expand(2, -1, -1, -1), torch.zeros(2, 40, 40, 3))
        likeness = model.query(tokens[0]) @ model.key(tokens[1]).t()
    assert likeness.argmax(-1).tolist() == list(range(25))  # each token finds itself in the same picture
    assert torch.equal(model.query.weight, model.key.weight)


# ---- what it learns from ---------------------------------------------------------------------------------


def test_statistics_are_those_of_the_pictures(contexts):
    mean, deviation, directions = open_cache(contexts / "train").statistics()
    assert mean[0].item() == pytest.approx(0.5, abs=1e-3) and deviation[1].item() == pytest.approx(12**-0.5, abs=1e-3)
    torch.testing.assert_close(directions @ directions.t(), torch.eye(CHANNELS), atol=1e-4, rtol=0)


def test_features_are_seen_through_the_view_and_questions_know_their_pair(contexts):
    config = configuration(SIDE, 4, 7)
    data, again = (ContextBatches(contexts / "train", config, 100) for _ in range(2))
    again[3]
    several = 0
    for number in range(16):
        batch, other = data[number], again[number]
        assert all(torch.equal(batch[name], other[name]) for name in batch)
        pairs, halves = batch["features"].shape[:2]
        assert batch["features"].shape[2:] == (SIDE // PIXELS, SIDE // PIXELS, CHANNELS)
        assert batch["images"].shape == (pairs, halves, SIDE, SIDE, 3)
        assert batch["masks"].shape == (len(batch["of"]), halves - 1, SIDE, SIDE)
        assert set(batch["of"].tolist()) == set(range(pairs))  # every pair is asked about
        assert set(batch["masks"].unique().tolist()) <= {0, 1} and set(batch["truth"].unique().tolist()) <= {0, 1, 255}
        several += len(batch["of"]) > pairs
        across = batch["features"][..., 0].float()
        assert (across.amax((2, 3)) <= 1).all() and (across.amin((2, 3)) >= 0).all()
        assert (across.amax((2, 3)) - across.amin((2, 3)) > 0.2).all()  # a view shows more than a fifth of a side
    assert several


def test_a_damaged_mask_is_still_much_the_same_mask():
    mask = np.zeros((80, 80), np.uint8)
    mask[20:60, 15:65] = 1
    rng = np.random.default_rng(0)
    overlaps = []
    for _ in range(60):
        other = damaged(rng, mask)
        assert set(np.unique(other)) <= {0, 1}
        overlaps.append((other & mask).sum() / (other | mask).sum())
    assert 0.6 < np.mean(overlaps) < 0.97 and min(overlaps) > 0.3
    assert mask.sum() == 2000  # the original is left alone


def test_the_loss_leaves_out_what_is_ignored_and_asks_nothing_of_shape_where_the_label_is_absent():
    truth = torch.zeros(2, 8, 8, dtype=torch.uint8)
    truth[0, :4] = 1
    truth[:, :, 7] = 255
    plane, known = torch.randn(2, 8, 8), torch.zeros(2)
    moved = plane.clone()
    moved[:, :, 7] += 9
    assert loss_of(plane, known, truth) == pytest.approx(loss_of(moved, known, truth).item())
    right = torch.where(truth == 1, 9.0, -9.0)
    assert loss_of(right, torch.tensor([9.0, -9.0]), truth) < 0.01
    assert loss_of(right, torch.tensor([-9.0, 9.0]), truth) > 0.5  # presence counts
    assert loss_of(-right, torch.tensor([9.0, -9.0]), truth) > 10
    alone = loss_of(torch.full((1, 8, 8), -9.0), torch.tensor([-9.0]), truth[1:])
    assert alone < 0.01


def test_it_learns_a_batch_by_heart(contexts):
    torch.manual_seed(0)
    model = ContextDecoder(ContextConfig(width=48, heads=3, looks=1, state=32, state_heads=2, decodes=2))
    start(model, *open_cache(contexts / "train").statistics())
    batch = ContextBatches(contexts / "train", configuration(SIDE, 3, 7), 100)[0]
    tools, losses = optimizers(model.train(), 3e-3), []
    for _ in range(40):
        loss = run_batch(model, batch)
        loss.backward()
        for tool in tools:
            tool.step()
            tool.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def made_up_trials(contexts: Path) -> list[Trial]:
    pictures = ContextCache(contexts / "val")
    halves = [measuring._whole(pictures, i, None, SIDE) for i in range(4)]
    return [Trial("alike", "different", [halves[0]], halves[1]), Trial("things", "same", [halves[2]], halves[3])]


def test_a_run_goes_on_where_it_stopped(contexts, tmp_path, capsys):
    torch.save(made_up_trials(contexts), tmp_path / "trials.pt")
    given = argparse.Namespace(
        cache=contexts, encoder=None, run=tmp_path, minutes=0.03, finish=0.5, every=10, each=1, batch=2, rate=1e-3,
        seed=1, threads=1, workers=0, half=False, fresh=False, size=SIDE,
    )  # fmt: skip
    train(given)
    first = torch.load(tmp_path / "last.pt", weights_only=True)
    assert first["step"] > 0 and (tmp_path / "best.pt").exists()
    given.minutes = 0
    train(given)
    second = torch.load(tmp_path / "last.pt", weights_only=True)
    assert second["step"] == first["step"] and second["seen"] == first["seen"]
    assert all(torch.equal(second["model"][name], value) for name, value in first["model"].items())
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [row["seen"] for row in rows] == [0, first["seen"], first["seen"]]
    assert rows[1]["same"] == rows[2]["same"]


# ---- measuring and export --------------------------------------------------------------------------------


def test_measuring_reads_the_same_as_validation_on_the_same_grid(contexts):
    torch.manual_seed(1)
    model = ContextDecoder(ContextConfig(width=24, heads=3, looks=1, state=16, state_heads=2, decodes=2)).eval()
    raw, ready = measuring.RawCache(contexts / "val"), ContextCache(contexts / "val")
    question = lambda cache: Trial("alike", "different", [measuring._whole(cache, 0, None, SIDE)], measuring._whole(cache, 1, None, SIDE))
    [plane], presence = measuring.read(model, question(raw), SIDE // PIXELS)
    expected, known = evaluate.answer(model, question(ready), passes=1)
    torch.testing.assert_close(torch.from_numpy(plane), expected.clamp(-8, 8), atol=0.01, rtol=0.01)
    assert presence == pytest.approx(known, abs=0.01)
    [finer], _ = measuring.read(model, question(raw), 6)
    assert finer.shape == (SIDE, SIDE) and not np.allclose(finer, plane, atol=1e-3)
    # A painter that says what the decoder says leaves the second pass alone.
    with torch.inference_mode():
        reading = measuring.Reading(model, question(raw), SIDE // PIXELS)
        again, _ = evaluate.answer(model, question(ready), passes=2)
        torch.testing.assert_close(reading.again(reading.plane), again.clamp(-8, 8), atol=0.02, rtol=0.02)
        joined = reading.joined(plane)
        a, b = (reading.consistency(each) ** 8 for each in (reading.plane, again.clamp(-8, 8)))
    of = a / (a + b)
    torch.testing.assert_close(joined, of * reading.plane + (1 - of) * again.clamp(-8, 8), atol=0.03, rtol=0.03)


@torch.inference_mode()
def test_what_is_right_brings_the_prompts_mask_back():
    """A model whose matching is by colour alone: the target's own thing finds the prompt's, anything else does not."""
    reading = object.__new__(measuring.Reading)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1
    reading.known, reading.looked_coarsely, reading.coarse = mask[0, 0], torch.zeros(2, 1, 1), 8
    reading.ask = lambda target, prompts, shown: ((shown[0, 0] - 0.5) * 40, 0.0)
    right = (mask[0, 0] - 0.5) * 40
    assert reading.consistency(right) > 0.99
    assert reading.consistency(-right) < 0.01


def test_second_passes_are_shown_guesses():
    own = torch.full((4000, 2, 2), -3.0)
    damaged = torch.ones(4000, 2, 2, dtype=torch.uint8)
    damaged[:2000] = 0  # the target does not show it
    shown = guessed(own, damaged)
    assert shown[:2000].max() < 0.1
    assert 0.25 < (shown[2000:] == 1).all((1, 2)).float().mean() < 0.35


def test_columns_and_means():
    half = Half(np.zeros((4, 4, 3), np.uint8), np.eye(4, dtype=np.uint8))
    trials = [Trial(*names, [half], half) for names in [("pets", "same"), ("voc", "same"), ("voc", "different"), ("horses", "different")]]
    assert [measuring.kind(t) for t in trials] == ["two views", "everyday two views", "everyday different", "horses"]
    full = measuring.table([trials[0], trials[0], trials[1]], [np.eye(4) - 0.5, -np.ones((4, 4)), np.eye(4) - 0.5])
    assert full["two views"]["pets"][0] == 0.5 and full["two views"]["pets"][2] == 2
    assert measuring.means({"a": {"x": [0.2, 0.4, 9], "y": [0.4, 0.8, 1]}}) == {"a": [0.3, 0.6]}


def test_auroc_counts_pairs():
    assert measuring.auroc([3.0, 2.0], [1.0, 0.0]) == 1
    assert measuring.auroc([1.0], [1.0]) == 0.5
    assert measuring.auroc([0.0, 2.0], [1.0]) == 0.5


def test_the_guided_filter_is_a_fit_in_every_window():
    rng = np.random.default_rng(0)
    guide, plane, radius, epsilon = rng.integers(0, 256, (7, 7, 3)).astype(np.uint8), rng.random((7, 7)), 2, 1e-3
    colours = guide / 255.0
    slopes, offsets = np.zeros((7, 7, 3)), np.zeros((7, 7))
    windows = {}
    for y in range(7):
        for x in range(7):
            part = windows[y, x] = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            c, p = colours[part].reshape(-1, 3), plane[part].ravel()
            centred = c - c.mean(0)
            slopes[y, x] = np.linalg.solve(centred.T @ centred / len(c) + epsilon * np.eye(3), centred.T @ (p - p.mean()) / len(c))
            offsets[y, x] = p.mean() - slopes[y, x] @ c.mean(0)
    expected = [[offsets[windows[y, x]].mean() + slopes[windows[y, x]].mean((0, 1)) @ colours[y, x] for x in range(7)] for y in range(7)]
    np.testing.assert_allclose(guided_filter(guide, plane, radius, epsilon), expected, atol=1e-5)


def test_fits_and_their_logits():
    painting = np.array([[[0, 0, 0], [255, 255, 255], [127.5, 127.5, 127.5], [63.75, 63.75, 63.75]]])
    fit = fits(painting)[0]
    assert fit[2] == pytest.approx(0.5) and fit[3] == pytest.approx(1 - 0.982, abs=1e-3)
    np.testing.assert_allclose(logits(fit), [-8, 8, 0, -4], atol=1e-4)
    assert logits(np.array([0.0, 1.0])).tolist() == [-8, 8]


def test_export_keeps_statistics_exact_and_says_its_shape(tmp_path):
    torch.manual_seed(0)
    model = ContextDecoder(ContextConfig())
    model.mean.normal_(std=100)
    torch.save({"average": model.state_dict(), "step": 3}, tmp_path / "last.pt")
    torch.save(model.state_dict(), tmp_path / "best.pt")
    export(tmp_path / "last.pt", tmp_path / "a", 28)
    export(tmp_path / "best.pt", tmp_path / "b")
    ours, same = (load_file(tmp_path / name / "model.safetensors") for name in "ab")
    state = model.state_dict()
    assert ours.keys() == same.keys() == state.keys()
    assert torch.equal(ours["mean"], state["mean"]) and ours["looks.0.qkv.weight"].dtype == torch.float16
    for name, value in state.items():
        torch.testing.assert_close(ours[name].float(), value, atol=1e-3, rtol=1e-3)
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert config["model_type"] == "seggpt_context" and config["tokens"] == 28 and config["channels"] == CHANNELS


@pytest.mark.skipif(not ENCODER, reason="SEGGPT_ENCODER is not set")
def test_features_are_two_stages_and_the_neck():
    model = tiny_vit.load(Path(ENCODER))
    image = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    features = features_of(model, image)
    assert features.shape == (CHANNELS, CELLS, CELLS)
    alike = torch.nn.functional.cosine_similarity(features[288:].flatten(), features_of(model, image[:, ::-1])[288:].flip(-1).flatten(), 0)
    assert 0.5 < alike < 0.9999  # a mirrored picture has nearly mirrored features
