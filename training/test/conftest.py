"""A tiny pack of made-up pictures, its cache, and a tiny configuration."""

import io
import json
import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from seggpt_training.config import ModelConfig, TrainConfig  # noqa: E402
from seggpt_training.data import procedural  # noqa: E402
from seggpt_training.prepare import prepare  # noqa: E402

torch.set_num_threads(1)


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def add_picture(tar: tarfile.TarFile, key: str, image: np.ndarray, labels: np.ndarray) -> None:
    add(tar, f"{key}.jpg", cv2.imencode(".jpg", image[..., ::-1])[1].tobytes())
    add(tar, f"{key}.png", cv2.imencode(".png", labels)[1].tobytes())


@pytest.fixture(scope="session")
def pack(tmp_path_factory) -> Path:
    """Three data sets, one of each correspondence, eight pictures each; one broken JPEG and one lone mask."""
    folder = tmp_path_factory.mktemp("pack")
    kinds = {"alike": "class", "things": "instance", "places": "local"}
    index = {
        "datasets": {
            name: {"source": "test", "licence": "CC0", "what": "shapes", "kind": "made", "correspondence": kind, "classes": {}}
            for name, kind in kinds.items()
        },
        "shards": {"train": ["train-000.tar"], "val": ["val-000.tar"]},
    }
    (folder / "index.json").write_text(json.dumps(index))
    for split in ("train", "val"):
        with tarfile.open(folder / f"{split}-000.tar", "w") as tar:
            for number in range(24):
                name = list(kinds)[number % 3]
                image, labels = procedural.leaves(np.random.default_rng([number, len(split)]), 72)
                add_picture(tar, f"{name}/{number:05d}", image, labels)
            add(tar, "alike/99990.jpg", b"not a picture")
            add(tar, "alike/99990.png", b"nor this")
            add(tar, "alike/99991.png", b"alone")
    return folder


@pytest.fixture(scope="session")
def cache(pack, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    prepare(pack, folder, 64, scenes=3)
    return folder


@pytest.fixture
def config() -> TrainConfig:
    model = ModelConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, mlp_dim=64, image_size=(64, 32),
        pretrain_image_size=64, decoder_hidden_size=8, merge_index=1, intermediate_hidden_state_indices=(1, 3),
    )  # fmt: skip
    return TrainConfig(
        model=model, batch_size=6, total_samples=600, warmup_steps=3, start="mimetic",
        share_random_mask=0.2, share_two_prompts=0.2, share_three_prompts=0.2,
    )  # fmt: skip
