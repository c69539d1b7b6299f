"""Decodes the tars once into memory-mapped caches: `train` and `val`."""

from __future__ import annotations

from pathlib import Path

from .data.cache import CacheWriter
from .data.tars import read_index, read_tar


def prepare(pack: Path, out: Path, short_side: int) -> None:
    """Writes out/train and out/val; says how many pictures were broken and left out."""
    index = read_index(pack)
    correspondence = {name: entry["correspondence"] for name, entry in index["datasets"].items()}
    for split, shards in index["shards"].items():
        skipped: list[str] = []
        writer = CacheWriter(out / split, short_side)
        for shard in shards:
            for picture in read_tar(pack / shard, skipped):
                writer.add(picture.dataset, picture.key, picture.image, picture.labels)
        writer.close(correspondence)
        print(f"{split}: {len(writer.rows)} pictures, {len(skipped)} broken ones left out", flush=True)
