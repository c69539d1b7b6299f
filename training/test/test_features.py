"""The image encoder's features: their grid, their way into batches, and the painter that takes them."""

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from seggpt_training import checkpoint, evaluate, tiny_vit
from seggpt_training.canvases import split
from seggpt_training.data import augment
from seggpt_training.data.batches import BatchSet
from seggpt_training.data.cache import Cache
from seggpt_training.data.features import CELLS, CHANNELS, FeatureCache, FeatureWriter, in_sides, over_picture, seen
from seggpt_training.data.val_episodes import different_images
from seggpt_training.errors import RecipeError
from seggpt_training.export import export, load_exported
from seggpt_training.model import SegGPT
from seggpt_training.train import Trainer

ENCODER = os.environ.get("SEGGPT_ENCODER")


@pytest.fixture(scope="session")
def featured(cache, tmp_path_factory) -> Path:
    """The tiny cache with made-up features for two of three training pictures and all for validation."""
    folder = tmp_path_factory.mktemp("featured") / "cache"
    shutil.copytree(cache, folder)
    generator = torch.Generator().manual_seed(0)
    for part, every in (("train", 3), ("val", 1)):
        writer = FeatureWriter(folder / part)
        offsets = sorted({row[2] for row in Cache(folder / part).rows})
        for number, offset in enumerate(offsets):
            if every == 1 or number % every:
                writer.add(offset, torch.randn(CHANNELS, CELLS, CELLS, generator=generator))
    return folder


@pytest.fixture
def with_features(config):
    return dataclasses.replace(config, model=dataclasses.replace(config.model, feature_channels=CHANNELS, feature_keys=8))


def begun(config, cache, folder, plain, **more) -> Trainer:
    trainer = Trainer(config, cache, folder, workers=0, **more)
    trainer.begin_from(plain)
    return trainer


@pytest.fixture
def plain(config, cache, tmp_path) -> Path:
    """Weights of a painter that takes no features."""
    trainer = Trainer(config, cache, tmp_path / "plain", workers=0)
    trainer.begin()
    trainer.save()
    return tmp_path / "plain" / "last.pt"


def steps(trainer: Trainer, count: int) -> list[float]:
    batches = trainer._batches()
    return [trainer.learn(next(batches))[0] for _ in range(count)]


def columns_ramp() -> np.ndarray:
    """Channel 0 grows from 0 to 1 across the picture, channel 1 down it."""
    features = np.zeros((CHANNELS, CELLS, CELLS), np.float16)
    ramp = (np.arange(CELLS) + 0.5) / CELLS
    features[0], features[1] = ramp[None], ramp[:, None]
    return features


def test_padding_is_left_out_and_cells_are_averaged_by_area():
    encoded = torch.zeros(1, 64, 64)
    encoded[0, :48] = torch.arange(48)[:, None] // 12  # a picture of 4 to 3: four bands in the first 48 rows
    encoded[0, 48:] = 99
    grid = over_picture(encoded, 300, 400, 4, 5)
    torch.testing.assert_close(grid[0], torch.arange(4.0)[:, None].expand(4, 5))
    part = over_picture(encoded[:, :52], 300, 400, 4, 5)  # less of the padding changes nothing
    torch.testing.assert_close(part, grid)
    uneven = over_picture(torch.arange(64.0)[None, None].expand(1, 64, 64), 10, 10, 1, 3)
    torch.testing.assert_close(uneven[0, 0, 0], torch.tensor((sum(range(21)) + 21 / 3) / (64 / 3)))


def test_features_follow_the_view():
    whole = in_sides(augment.whole(60, 90, 64), 60, 90)
    np.testing.assert_allclose(seen(columns_ramp(), whole, 64)[0, :, 0], [0.125, 0.375, 0.625, 0.875], atol=2e-3)
    crop = np.array([[1, 0, 45], [0, 1, 0], [0, 0, 1.0]]) @ augment.whole(60, 45, 64)  # the right half
    right = seen(columns_ramp(), in_sides(crop, 60, 90), 64)
    np.testing.assert_allclose(right[0, :, 0], 0.5 + np.array([0.125, 0.375, 0.625, 0.875]) / 2, atol=2e-3)
    np.testing.assert_allclose(right[:, 0, 1], [0.125, 0.375, 0.625, 0.875], atol=2e-3)
    flipped = seen(columns_ramp(), in_sides(crop @ augment.mirror(64), 60, 90), 64)
    np.testing.assert_array_equal(flipped, right[:, ::-1])


def test_a_cut_while_features_are_written_loses_one_picture(tmp_path):
    writer = FeatureWriter(tmp_path)
    writer.add(7, torch.ones(CHANNELS, CELLS, CELLS))
    writer.values.write(b"half a picture")
    writer.values.close()
    writer = FeatureWriter(tmp_path)
    writer.add(9, torch.full((CHANNELS, CELLS, CELLS), 2.0))
    features = FeatureCache(tmp_path)
    assert 7 in features and 9 in features and 8 not in features
    assert (features[7] == 1).all() and (features[9] == 2).all()


def test_batches_show_features_to_the_share_that_has_them(featured, with_features):
    with_features.share_procedural = 0
    data, again = (BatchSet(featured / "train", with_features, 100) for _ in range(2))
    again[2]
    shown = []
    for number in range(20):
        batch, other = data[number], again[number]
        assert torch.equal(batch["features"], other["features"])
        shown += batch["present"].tolist()
        for features, present in zip(batch["features"], batch["present"]):
            assert bool(features.any()) == bool(present)
    assert 0.15 < np.mean(shown) < 0.75
    with_features.share_features = 0.0
    assert not BatchSet(featured / "train", with_features, 100)[0]["present"].any()


def test_a_painter_begins_as_the_one_without_features(featured, with_features, config, plain, tmp_path):
    trainer = begun(with_features, featured, tmp_path / "run", plain)
    old = SegGPT(config.model)
    old.load_state_dict(checkpoint.load(plain)["average"])
    generator = torch.Generator().manual_seed(1)
    images, masks = (torch.randn(2, 3, 64, 32, generator=generator) for _ in range(2))
    masked = torch.tensor([[0.0] * 4 + [1.0] * 4])
    features = torch.randn(2, 4, 2, CHANNELS, generator=generator)
    expected = old(images, masks, masked, torch.zeros(1))
    given = images, masks, masked, torch.zeros(1)
    assert torch.equal(trainer.model(*given, features=(features, torch.ones(2))), expected)
    assert trainer.model.model.embeddings.feature_embeddings.deviation.min() > 0.5  # measured on the training pictures
    # once learned, they count; where they are absent, nothing is added
    torch.nn.init.normal_(trainer.model.model.embeddings.feature_embeddings.projection.weight, std=0.1)
    torch.nn.init.normal_(trainer.model.model.embeddings.feature_embeddings.projection.bias, std=0.1)
    for layer in trainer.model.model.encoder.layers:
        torch.nn.init.normal_(layer.attention.feature_likeness)
    some = trainer.model(*given, features=(features, torch.tensor([1.0, 0.0])))
    assert not torch.allclose(some[0], expected[0], atol=1e-3)
    torch.testing.assert_close(some[1], expected[1])
    assert torch.equal(trainer.model(*given), expected)


def test_likeness_rides_along_in_queries_and_keys(with_features):
    torch.manual_seed(0)
    attention = SegGPT(with_features.model).model.encoder.layers[0].attention
    for parameter in (attention.rel_pos_h, attention.rel_pos_w, attention.feature_likeness):
        torch.nn.init.normal_(parameter)
    given = torch.randn(2, 8, 32), 4, 2, torch.randn(2, 8, 8)
    torch.testing.assert_close(attention(*given), attention.forward_plain(*given), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(attention(*given), attention(*given[:3]), atol=1e-3)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_resumed_run_with_features_is_bit_for_bit_the_unbroken_one(featured, with_features, plain, tmp_path, parts):
    expected = steps(begun(with_features, featured, tmp_path / "a", plain, parts=parts), 6)
    part = begun(with_features, featured, tmp_path / "b", plain, parts=parts)
    first = steps(part, 2)
    part.save()
    rest = Trainer(with_features, featured, tmp_path / "b", workers=2, parts=parts)
    rest.restore(tmp_path / "b" / "last.pt")
    assert first + steps(rest, 4) == expected


def test_a_batch_in_two_parts_has_the_gradient_of_the_whole(featured, with_features, plain, tmp_path):
    one, two = (begun(with_features, featured, tmp_path / str(parts), plain, parts=parts) for parts in (1, 2))
    batch = next(one._batches())
    assert sum(len(part["images"]) for part in split(batch, 2)) == len(batch["images"])
    (loss, norm), (loss_of_two, norm_of_two) = one.learn(batch), two.learn(batch)
    assert loss == pytest.approx(loss_of_two, rel=1e-2) and norm == pytest.approx(norm_of_two, rel=5e-2)


def test_export_with_features_and_without(featured, with_features, plain, tmp_path):
    trainer = begun(with_features, featured, tmp_path / "run", plain)
    steps(trainer, 2)
    trainer.save()
    export(tmp_path / "run" / "last.pt", tmp_path / "with", "float32")
    export(tmp_path / "run" / "last.pt", tmp_path / "without", "float32", features=False)
    full, bare = load_exported(tmp_path / "with"), load_exported(tmp_path / "without")
    assert full.config.feature_channels == CHANNELS and not bare.config.feature_channels
    trials = list(different_images(Cache(featured / "val", True), 32, 2))
    absent = evaluate.paint(full, trials)
    np.testing.assert_array_equal(absent, evaluate.paint(bare, trials))
    assert not np.array_equal(absent, evaluate.paint(full, trials, features=True))


def test_weights_that_take_features_do_not_become_ones_that_do_not(featured, config, with_features, plain, tmp_path):
    begun(with_features, featured, tmp_path / "run", plain).save()
    with pytest.raises(RecipeError, match="feature_channels is 256 there and 0 here"):
        Trainer(config, featured, tmp_path / "other").begin_from(tmp_path / "run" / "last.pt")


def test_without_features_one_is_told_to_encode(cache, with_features, plain, tmp_path):
    with pytest.raises(RecipeError, match="run `encode` first"):
        begun(with_features, cache, tmp_path / "run", plain)


@pytest.mark.skipif(not ENCODER, reason="SEGGPT_ENCODER is not set")
def test_the_encoder_equals_its_onnx_file():
    onnxruntime = pytest.importorskip("onnxruntime")
    x = torch.randn(1, 3, tiny_vit.SIDE, tiny_vit.SIDE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = tiny_vit.load(Path(ENCODER))(x)
    theirs = onnxruntime.InferenceSession(ENCODER).run(None, {"input": x.numpy()})[0]
    torch.testing.assert_close(ours, torch.from_numpy(theirs), atol=1e-4, rtol=1e-4)
