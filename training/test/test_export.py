import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from seggpt_training.canvases import to_canvases
from seggpt_training.config import TrainConfig
from seggpt_training.constructed import construct
from seggpt_training.data.batches import BatchSet
from seggpt_training.errors import RecipeError
from seggpt_training.export import export, from_file_tensors, load_exported, quantise, run_side, to_file_tensors
from seggpt_training.model import SegGPT
from seggpt_training.sharding import bring_back, join, pack
from seggpt_training.train import Trainer


FIXTURES = Path(__file__).parent / "fixtures"
WEIGHTS = Path(__file__).parents[2] / "weights"
CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.fixture
def saved(config, cache, tmp_path):
    trainer = Trainer(config, cache, tmp_path / "run", workers=0)
    trainer.begin()
    trainer.save()
    return tmp_path / "run" / "last.pt"


@pytest.mark.parametrize("precision,tolerance", [("float32", 0), ("float16", 2e-3), ("int8", 3e-2)])
def test_exported_weights_paint_the_same(saved, config, tmp_path, precision, tolerance):
    export(saved, tmp_path / "out", precision)
    model = SegGPT(config.model)
    model.load_state_dict(torch.load(saved)["average"])
    torch.manual_seed(0)
    canvas = torch.randn(1, 3, 64, 32)
    arguments = (canvas, canvas, torch.ones(1, 8), torch.zeros(1))
    difference = (load_exported(tmp_path / "out")(*arguments) - model(*arguments)).abs().max()
    assert difference <= tolerance * 10
    names = set(load_file(tmp_path / "out" / "model.safetensors"))
    scales = {name for name in names if name.endswith("_scale")}
    assert names - scales == set(model.state_dict())
    assert bool(scales) == (precision == "int8")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["image_size"] == [64, 32]
    processor = json.loads((tmp_path / "out" / "preprocessor_config.json").read_text())
    assert processor["size"] == {"height": 48, "width": 48}  # 1.6 times what it was trained at


def test_shipped_weights_still_give_the_recorded_painting():
    recorded = load_file(FIXTURES / "parity.safetensors")
    model = load_exported(WEIGHTS)
    arguments = (recorded["images"], recorded["masks"], recorded["bool_masked_pos"], torch.zeros(1))
    painting = model(*arguments, whole_canvas=True)
    torch.testing.assert_close(painting, recorded["prediction"], atol=1e-4, rtol=1e-4)


def test_int8_scales_are_by_output_channel():
    weight = torch.randn(5, 3, 2, 2) * torch.logspace(-3, 3, 5).view(-1, 1, 1, 1)
    whole, scale = quantise(weight)
    assert whole.dtype == torch.int8 and scale.shape == (5,)
    error = (whole.float() * scale.view(-1, 1, 1, 1) - weight).abs().flatten(1).amax(1)
    assert (error <= scale * 0.5001).all()


def test_the_side_it_is_run_at_may_be_given(saved, tmp_path):
    export(saved, tmp_path / "out", side=64)
    assert run_side(tmp_path / "out") == 64
    with pytest.raises(RecipeError, match="--side 70 is no multiple of the patch"):
        export(saved, tmp_path / "other", side=70)
    assert not (tmp_path / "other").exists()


def test_other_precisions_are_refused(saved, tmp_path):
    with pytest.raises(RecipeError, match="float32, float16 or int8"):
        export(saved, tmp_path / "out", "int4")


def test_the_default_size_fits_into_32_mb():
    config = TrainConfig.load(CONFIGS / "default.json").model
    tensors = to_file_tensors(SegGPT(config).state_dict(), "int8")
    assert sum(t.numel() * t.element_size() for t in tensors.values()) < 32e6
    assert set(from_file_tensors(tensors)) == set(SegGPT(config).state_dict())


def test_the_constructed_start_carries_labels_before_any_training(cache, config):
    config.model = TrainConfig.load(CONFIGS / "nano.json").model
    config.model.image_size, config.model.pretrain_image_size = (128, 64), 128
    config.share_random_mask = config.share_two_prompts = config.share_three_prompts = 0.0
    config.batch_size, config.share_procedural, config.share_negative = 32, 0.0, 0.0
    data = BatchSet(cache / "train", config, 1000)
    model = SegGPT(config.model)
    construct(model, (data[i] for i in range(24)))

    error, black = [], []
    for number in range(30, 40):
        canvas = to_canvases(data[number], "cpu", 16)
        with torch.no_grad():
            painting = model(canvas.images, canvas.masks, canvas.masked, canvas.semantic)
        weight = canvas.weight.unsqueeze(1)
        error.append(((painting - canvas.wanted).square() * weight).sum() / weight.sum())
        best = (canvas.wanted * weight).sum((0, 2, 3), keepdim=True) / weight.sum()
        black.append(((best - canvas.wanted).square() * weight).sum() / weight.sum())
    assert np.mean(error) < 0.88 * np.mean(black)


def test_packed_files_come_out_whole_whatever_the_order(tmp_path):
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in (("large.bin", 700_000), ("small.bin", 30_000), ("deep/middle.bin", 150_000)):
        (source / name).write_bytes(rng.bytes(size))
    count = pack(source, tmp_path / "shards", 0.3)
    folders = sorted((tmp_path / "shards").iterdir())
    assert len(folders) == count > 1
    assert all(sum(f.stat().st_size for f in folder.iterdir()) <= 0.3 * 2**20 for folder in folders)
    complete = [name for folder in reversed(folders) for name in join(folder, tmp_path / "out")]
    assert sorted(complete) == ["deep/middle.bin", "large.bin", "small.bin"]
    for name in complete:
        assert (tmp_path / "out" / name).read_bytes() == (source / name).read_bytes()


def test_damage_on_the_way_is_noticed(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_bytes(b"abc")
    pack(tmp_path / "source", tmp_path / "shards", 1)
    (tmp_path / "shards" / "00" / "a.000").write_bytes(b"abd")
    with pytest.raises(RecipeError, match="damaged"):
        join(tmp_path / "shards" / "00", tmp_path / "out")


def test_a_checkpoint_comes_back_in_small_files(saved, config, cache, tmp_path):
    whole = saved.stat().st_size / 2**20
    bring_back(saved, tmp_path / "all", whole / 3, 8)
    join(tmp_path / "all", tmp_path / "joined")
    assert (tmp_path / "joined" / "checkpoint.pt").read_bytes() == saved.read_bytes()

    bring_back(saved, tmp_path / "slim", whole / 10, 4)
    join(tmp_path / "slim", tmp_path / "slim-joined")
    trainer = Trainer(config, cache, tmp_path / "next", workers=0)
    trainer.begin_from(tmp_path / "slim-joined" / "checkpoint.pt")
    with pytest.raises(RecipeError, match="need"):
        bring_back(saved, tmp_path / "none", whole / 100, 3)
