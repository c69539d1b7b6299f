"""The module against outputs of the official definition. Set SEGGPT_REFERENCE to the folder that holds them."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from seggpt_training.config import ModelConfig
from seggpt_training.model import SegGPT

REFERENCE = Path(os.environ.get("SEGGPT_REFERENCE", Path(__file__).parents[2] / "reference" / "tiny"))
CASES = ["one_prompt", "three_prompts", "random_mask_training", "other_resolution"]
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="SEGGPT_REFERENCE is not set")


@pytest.fixture(scope="module")
def model():
    config = ModelConfig.from_dict(json.loads((REFERENCE / "config.json").read_text()))
    module = SegGPT(config)
    module.load_state_dict(load_file(REFERENCE / "model.safetensors"), strict=True)
    return module


@needs_reference
@pytest.mark.parametrize("case", CASES)
def test_every_stage_equals_the_official_model(model, case):
    path = REFERENCE / f"{case}.safetensors"
    expected = load_file(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    prompts = int(metadata["n"]) if int(metadata["merge_between_batch"]) >= 0 else 1
    semantic = torch.tensor([float(metadata["seg_type"] == "semantic")])
    trace = {}
    arguments = (expected["images"], expected["masks"], expected["bool_masked_pos"], semantic)
    trace["prediction"] = model(*arguments, prompts=prompts, whole_canvas=True, trace=trace)
    compared = 0
    for name, value in trace.items():
        if name in expected:
            torch.testing.assert_close(value, expected[name], atol=1e-4, rtol=1e-4)
            compared += 1
    assert compared >= 11

    half = model(*arguments, prompts=prompts)
    height = half.shape[2]
    torch.testing.assert_close(half, expected["prediction"][::prompts, :, height:], atol=1e-4, rtol=1e-4)


@needs_reference
@pytest.mark.parametrize("case", ["one_prompt", "random_mask_training"])
def test_gradients_equal_the_official_model(model, case):
    expected = load_file(REFERENCE / f"{case}.safetensors")
    model.zero_grad()
    painting = model(
        expected["images"], expected["masks"], expected["bool_masked_pos"], torch.zeros(1), whole_canvas=True
    )
    masked = expected["bool_masked_pos"]
    n, _, height, width = painting.shape
    p = model.config.patch_size
    weight = masked.reshape(-1, 1, height // p, width // p).repeat_interleave(p, 2).repeat_interleave(p, 3)
    weight = weight.expand_as(painting)
    error = torch.nn.functional.smooth_l1_loss(painting, expected["masks"], reduction="none", beta=0.01)
    loss = (error * weight).sum() / weight.sum()
    torch.testing.assert_close(loss, expected["loss"][0], atol=1e-4, rtol=1e-4)
    loss.backward()
    body, layers = model.model, model.model.encoder.layers
    ours = {
        "patch_embed.proj.weight": body.embeddings.patch_embeddings.projection.weight,
        "mask_token": body.embeddings.mask_token,
        "pos_embed": body.embeddings.position_embeddings,
        "segment_token_x": body.embeddings.segment_token_input,
        "type_token_ins": body.embeddings.type_token_instance,
        "blocks.0.attn.qkv.weight": layers[0].attention.qkv.weight,
        "blocks.3.attn.rel_pos_h": layers[3].attention.rel_pos_h,
        "blocks.23.attn.proj.weight": layers[23].attention.proj.weight,
        "norm.weight": body.encoder.layernorm.weight,
        "decoder_embed.bias": model.decoder.decoder_embed.bias,
        "decoder_pred.0.weight": model.decoder.decoder_pred.conv.weight,
    }
    compared = [name for name in ours if f"grad.{name}" in expected]
    assert len(compared) >= 4
    for name in compared:
        torch.testing.assert_close(ours[name].grad, expected[f"grad.{name}"], atol=1e-4, rtol=1e-3)


def test_fused_attention_equals_the_plain_one():
    torch.manual_seed(0)
    config = ModelConfig(hidden_size=32, num_attention_heads=2, image_size=(64, 32), num_hidden_layers=3)
    attention = SegGPT(config).model.encoder.layers[0].attention
    torch.nn.init.normal_(attention.rel_pos_h)
    torch.nn.init.normal_(attention.rel_pos_w)
    x = torch.randn(2, 8, 32)
    torch.testing.assert_close(attention(x, 4, 2), attention.forward_plain(x, 4, 2), atol=1e-5, rtol=1e-5)


def test_relative_positions_can_be_left_out():
    config = ModelConfig(
        hidden_size=32, num_attention_heads=2, image_size=(64, 32), use_relative_position_embeddings=False
    )
    module = SegGPT(config)
    assert not any("rel_pos" in name for name in module.state_dict())
    canvas = torch.zeros(1, 3, 64, 32)
    assert module(canvas, canvas, torch.zeros(1, 8), torch.zeros(1)).shape == (1, 3, 32, 32)


def test_the_model_compiles_whole_for_every_task(config):
    """What a CUDA run compiles: one graph for each task and number of prompts, with the same painting."""
    torch.manual_seed(0)
    model = SegGPT(config.model)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    height, width = config.model.image_size
    images, masks = torch.randn(2, 6, 3, height, width)
    masked, semantic = (torch.rand(6, height * width // 256) < 0.5).float(), torch.zeros(6)
    for prompts, whole in ((1, True), (1, False), (2, False), (3, False)):
        given = images, masks, masked, semantic, prompts, whole
        torch.testing.assert_close(compiled(*given), model(*given))
