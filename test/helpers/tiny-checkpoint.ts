import { parsePainterConfig, type PainterConfig } from '../../src/models/seggpt/config';
import { painterParameters } from '../../src/models/seggpt/parameter-table';
import { memoryAccess } from '../../src/checkpoints/memory-access';
import { openSafetensors } from '../../src/checkpoints/safetensors';
import { seededRandom } from '../../src/base/random';

/** A painter small enough to run in milliseconds: 3 blocks of width 8, canvas 32 x 16. */
export const miniConfig = {
  model_type: 'seggpt',
  hidden_size: 8,
  num_hidden_layers: 4,
  num_attention_heads: 2,
  image_size: [32, 16],
  patch_size: 8,
  mlp_dim: 16,
  pretrain_image_size: 16,
  decoder_hidden_size: 4,
  merge_index: 1,
  intermediate_hidden_state_indices: [1, 3],
};

export type Tensors = Record<
  string,
  { dtype?: string; shape: readonly number[]; data: Uint8Array }
>;

/** Seeded weights for a config, by Hugging Face name. */
export function randomTensors(
  config: PainterConfig = parsePainterConfig(miniConfig),
  seed = 1,
): Tensors {
  const random = seededRandom(seed);
  const tensors: Tensors = {};
  for (const { name, shape } of painterParameters(config)) {
    const length = shape.reduce((a, b) => a * b, 1);
    const scale = name.includes('norm') && name.endsWith('weight') ? 0 : 0.4;
    const values = Float32Array.from({ length }, () => (scale ? scale * (random() - 0.5) : 1));
    tensors[name] = { shape, data: new Uint8Array(values.buffer) };
  }
  return tensors;
}

/** A model that runs in milliseconds, opened; its weights are random, so what it paints is noise. */
export const openMini = () =>
  openSafetensors(memoryAccess(safetensors(randomTensors()), 'mini'), miniConfig);

/** Bytes of a safetensors file. */
export function safetensors(
  tensors: Tensors,
  header: (entries: Record<string, unknown>) => unknown = (entries) => entries,
): Uint8Array {
  const entries: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, { dtype = 'F32', shape, data }] of Object.entries(tensors)) {
    entries[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header(entries)));
  const bytes = new Uint8Array(8 + text.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let at = 8 + text.length;
  for (const { data } of Object.values(tensors)) {
    bytes.set(data, at);
    at += data.byteLength;
  }
  return bytes;
}
