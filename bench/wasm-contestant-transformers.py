"""transformers on PyTorch, float32, as a contestant of wasm-peers.mjs. Arguments: folder, threads."""

import sys
import time

import torch
from transformers import SegGptForImageSegmentation

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
model = SegGptForImageSegmentation.from_pretrained(folder).eval()
half = torch.randn(1, 3, 448, 448)
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "go":
        start = time.perf_counter()
        with torch.no_grad():
            model(pixel_values=half, prompt_pixel_values=half, prompt_masks=half, embedding_type="instance")
        print(f"{time.perf_counter() - start:.3f}", flush=True)
