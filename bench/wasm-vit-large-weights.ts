import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { shapesOf } from '../src/models/parameter-table';
import { vitLargeConfig } from '../src/models/seggpt/config';
import { painterParameters } from '../src/models/seggpt/parameter-table';

/**
 * Writes a checkpoint of ViT-L's size with random weights, in the Hugging Face layout: for timing, where
 * values do not matter. Normal matrices have standard deviation 0.02, norms are 1 and 0.
 */
export function writeVitLarge(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const c = vitLargeConfig;
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      architectures: ['SegGptForImageSegmentation'],
      model_type: 'seggpt',
      hidden_size: c.width,
      num_hidden_layers: c.depth,
      num_attention_heads: c.heads,
      hidden_act: 'gelu',
      layer_norm_eps: c.layerNormEpsilon,
      image_size: [c.canvas.height, c.canvas.width],
      patch_size: c.patch,
      num_channels: 3,
      qkv_bias: c.qkvBias,
      mlp_dim: c.mlpWidth,
      pretrain_image_size: c.pretrainSize,
      decoder_hidden_size: c.decoderWidth,
      use_relative_position_embeddings: c.relativePositions,
      merge_index: c.mergeIndex,
      intermediate_hidden_state_indices: c.taps,
    }),
  );
  const shapes = shapesOf(painterParameters(c));
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, shape] of shapes) {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(join(folder, 'model.safetensors'), 'w');
  writeSync(file, length);
  writeSync(file, text);
  const noise = normalNoise(1 << 20);
  for (const [name, shape] of shapes) {
    let left = shape.reduce((a, b) => a * b, 1);
    const norm = /layernorm(_before|_after)?\.weight$/.test(name);
    while (left > 0) {
      const count = Math.min(left, noise.length);
      const values = norm ? new Float32Array(count).fill(1) : noise.subarray(0, count);
      writeSync(file, new Uint8Array(values.buffer, values.byteOffset, 4 * count));
      left -= count;
    }
  }
  closeSync(file);
}

function normalNoise(length: number): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    // Box and Muller (1958)
    values[i] =
      0.02 * Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  }
  return values;
}
