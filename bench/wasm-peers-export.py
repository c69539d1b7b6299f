"""Exports a Hugging Face SegGPT folder to ONNX, in float32 and in dynamically quantised int8.

usage: python wasm-peers-export.py FOLDER OUTPUT_FOLDER
needs torch, transformers, onnx, onnxscript, onnxruntime
"""

import pathlib
import sys

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import SegGptForImageSegmentation


class Painting(torch.nn.Module):
    """pixel_values, prompt_pixel_values, prompt_masks -> pred_masks"""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values, prompt_pixel_values, prompt_masks):
        return self.model(
            pixel_values=pixel_values,
            prompt_pixel_values=prompt_pixel_values,
            prompt_masks=prompt_masks,
            embedding_type="instance",
        ).pred_masks


def main(folder, output):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    model = SegGptForImageSegmentation.from_pretrained(folder, attn_implementation="eager").eval()
    half = torch.randn(1, 3, 448, 448)
    names = ["pixel_values", "prompt_pixel_values", "prompt_masks"]
    with torch.no_grad():
        torch.onnx.export(
            Painting(model), (half, half, half), str(output / "fp32.onnx"),
            input_names=names, output_names=["pred_masks"], dynamo=True, opset_version=18,
        )
    quantize_dynamic(
        str(output / "fp32.onnx"), str(output / "int8.onnx"), weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul", "Gemm"], use_external_data_format=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
