"""Decodes the tars once into memory-mapped caches, `train`, `val` and one `val-N` for each further part of the pack, and
adds procedural scenes to `train`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .data import procedural
from .data.cache import CacheWriter
from .data.tars import read_index, read_tar


def prepare(pack: Path, out: Path, short_side: int, scenes: int = 400, seed: int = 0) -> None:
    """Writes a cache for each split, with `scenes` procedural scenes of each kind; says how many pictures were
    broken and left out."""
    index = read_index(pack)
    correspondence = {name: entry["correspondence"] for name, entry in index["datasets"].items()}
    for split, shards in index["shards"].items():
        skipped: list[str] = []
        training = split == "train"
        writer = CacheWriter(out / split, short_side)
        for shard in shards:
            for picture in read_tar(pack / shard, skipped):
                more = {}
                if training and correspondence[picture.dataset] == "local" and len(np.unique(picture.labels)) > 3:
                    more[procedural.CONTOURS] = procedural.contours(writer.fit(picture.image, picture.labels)[1])
                writer.add(picture.dataset, picture.key, picture.image, picture.labels, more)
        kinds = dict(correspondence)
        if training:
            kinds[procedural.CONTOURS] = "class"
            for name, (maker, kind) in procedural.MAKERS.items():
                kinds[name] = kind
                for number in range(scenes):
                    rng = np.random.default_rng([seed, number, *name.encode()])
                    writer.add(name, f"{name}/{number:05d}", *maker(rng, short_side))
        writer.close(kinds)
        print(f"{split}: {len(writer.rows)} pictures, {len(skipped)} broken ones left out", flush=True)
