"""Configurations: the model's (the fields of Hugging Face's SegGptConfig) and the run's."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class ModelConfig:
    """Architecture of one checkpoint; `to_hugging_face` writes the `config.json` beside it."""

    hidden_size: int = 192
    num_hidden_layers: int = 12
    num_attention_heads: int = 3
    mlp_dim: int = 768
    image_size: tuple[int, int] = (320, 160)  # the whole canvas: prompt over target
    patch_size: int = 16
    num_channels: int = 3
    pretrain_image_size: int = 320  # side of the square grid that absolute positions are stored for
    decoder_hidden_size: int = 16
    use_relative_position_embeddings: bool = True
    merge_index: int = 2
    intermediate_hidden_state_indices: tuple[int, ...] = (2, 5, 8, 11)
    layer_norm_eps: float = 1e-6
    qkv_bias: bool = True
    feature_channels: int = 0  # of an image encoder's features that the image stream takes; 0: none
    feature_keys: int = 0  # of a projection of them whose likeness every attention adds to its scores; 0: none

    @property
    def grid(self) -> tuple[int, int]:
        """Token rows and columns of the configured canvas."""
        return self.image_size[0] // self.patch_size, self.image_size[1] // self.patch_size

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads

    def to_hugging_face(self) -> dict:
        """The fields of `config.json`, as `SegGptConfig` names them."""
        features = {name: getattr(self, name) for name in ("feature_channels", "feature_keys") if getattr(self, name)}
        return features | {
            "architectures": ["SegGptForImageSegmentation"],
            "model_type": "seggpt",
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "initializer_range": 0.02,
            "layer_norm_eps": self.layer_norm_eps,
            "image_size": list(self.image_size),
            "patch_size": self.patch_size,
            "num_channels": self.num_channels,
            "qkv_bias": self.qkv_bias,
            "mlp_dim": self.mlp_dim,
            "drop_path_rate": 0.0,
            "pretrain_image_size": self.pretrain_image_size,
            "decoder_hidden_size": self.decoder_hidden_size,
            "use_relative_position_embeddings": self.use_relative_position_embeddings,
            "merge_index": self.merge_index,
            "intermediate_hidden_state_indices": list(self.intermediate_hidden_state_indices),
            "beta": 0.01,
        }

    @classmethod
    def from_dict(cls, values: dict) -> "ModelConfig":
        """Takes the known fields of `config.json` (others are Hugging Face's own) and ignores the rest."""
        known = {f.name for f in dataclasses.fields(cls)}
        taken = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        return cls(**taken)


@dataclass
class TrainConfig:
    """One training run. Every share is a probability per batch or per sample."""

    model: ModelConfig = field(default_factory=ModelConfig)
    seed: int = 0
    batch_size: int = 32  # canvases per step
    optimizer: str = "adamw"  # or "muon": for the matrices of the blocks
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    warmup_steps: int = 200
    decay_fraction: float = 0.3  # of the run, at its end, over which the rate falls
    weight_decay: float = 0.02
    beta1: float = 0.9
    beta2: float = 0.98
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    total_samples: int = 200_000  # the schedules' length
    # loss: squared error, then smooth L1 with a falling beta
    smooth_l1_from: float = 1.0  # fraction of the run after which smooth L1 takes over; 1 = never
    first_beta: float = 1.0
    final_beta: float = 0.01
    # tasks, per batch
    share_random_mask: float = 0.05
    random_mask_ratio: float = 0.75
    share_two_prompts: float = 0.06
    share_three_prompts: float = 0.04
    # content, per sample
    share_negative: float = 0.04
    share_features: float = 0.7  # of samples drawn among pictures that have features, where the model takes them
    share_same_features: float = 0.5  # of those, of pairs of two views: shown them, since one encoding serves both views
    share_same_image: float = 0.5  # of the data sets whose labels match across images
    share_loose: float = 0.4  # of pictures of data sets whose one label is "the salient thing": paired across images
    share_neighbouring: float = 0.15  # of same-image pairs: second view = first moved a little
    dataset_weight_power: float = 0.5  # data sets are drawn by their size to this power
    dataset_boost: dict[str, float] = field(default_factory=dict)  # factors on that, by name
    share_procedural: float = 0.15  # scenes made by program, and contours
    augmentation_start: float = 0.1
    augmentation_end: float = 1.0
    augmentation_ramp: float = 0.15  # fraction of the run until augmentation has its final strength
    max_labels: int = 3
    share_one_label: float = 0.6
    start: str = "constructed"  # or "mimetic"
    start_batches: int = 40  # that the constructed start measures its scales and fits its decoder on

    @classmethod
    def load(cls, path: str | Path) -> "TrainConfig":
        values = json.loads(Path(path).read_text())
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: dict) -> "TrainConfig":
        values = dict(values)
        model = ModelConfig.from_dict(values.pop("model", {}))
        known = {f.name for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(f"unknown configuration field {unknown[0]!r}")
        return cls(model=model, **values)

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)
