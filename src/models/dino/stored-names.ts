import { CheckpointError } from '../../base/errors';
import { elementBytes } from '../../tensors/element-types';
import type { TensorEntry, TensorSource } from '../../checkpoints/tensor-source';
import { renamed } from '../parameter-table';

/** What files carry beside the encoder: heads of training, a MAE's decoder, constants. */
const beside =
  /^(pooler|decoder\w*|head|classifier|cls_norm|local_cls_norm|rope_embed|last_layer)\b|mask_token$|\.bias_mask$|rope_embeddings\./;

/** Names of published files, one rule after the other; see `parameter-table.ts` for what comes out. */
const rules: readonly (readonly [RegExp, string])[] = [
  [/^(?:vit|dinov2|dinov2_with_registers|dinov3_vit|model|backbone|module)\./, ''],
  [/^(?:teacher\.)?backbone\./, ''],
  [/^(cls_token)$/, 'embeddings.$1'],
  [/^pos_embed$/, 'embeddings.position_embeddings'],
  [/^(?:register|storage)_tokens$/, 'embeddings.register_tokens'],
  [/^patch_embed\.proj\./, 'embeddings.patch_embeddings.'],
  [/^embeddings\.patch_embeddings\.projection\./, 'embeddings.patch_embeddings.'],
  [/^norm\./, 'layernorm.'],
  [/^(?:encoder\.)?(?:layers?|blocks)\.(\d+)\./, 'encoder.layer.$1.'],
  [/\.layernorm_before\./, '.norm1.'],
  [/\.layernorm_after\./, '.norm2.'],
  [/\.attention\.attention\./, '.attention.'],
  [/\.attn\.qkv\./, '.attention.qkv.'],
  [/\.attn\.proj\./, '.attention.output.'],
  [/\.attention\.q_proj\./, '.attention.query.'],
  [/\.attention\.k_proj\./, '.attention.key.'],
  [/\.attention\.v_proj\./, '.attention.value.'],
  [/\.attention\.(?:o_proj|output\.dense)\./, '.attention.output.'],
  [/\.ls([12])\.gamma$/, '.layer_scale$1.lambda1'],
  [/(\.\d+)\.intermediate\.dense\./, '$1.mlp.up_proj.'],
  [/(\.\d+)\.output\.dense\./, '$1.mlp.down_proj.'],
  [/\.mlp\.fc1\./, '.mlp.up_proj.'],
  [/\.mlp\.(?:fc2|weights_out|w3)\./, '.mlp.down_proj.'],
  [/\.mlp\.(?:weights_in|w12)\./, '.mlp.gate_and_up.'],
  [/\.mlp\.w1\./, '.mlp.gate_proj.'],
  [/\.mlp\.w2\./, '.mlp.up_proj.'],
];

/** Tensors that hold several parameters one under the other. */
const stacks: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\.attention\.qkv\.(weight|bias)$/, ['.attention.query', '.attention.key', '.attention.value']],
  [/\.mlp\.gate_and_up\.(weight|bias)$/, ['.mlp.gate_proj', '.mlp.up_proj']],
];

/**
 * A checkpoint under the table's names, whether it has Hugging Face's for one of the models or those of the original
 * repositories (`dino_deitsmall8_pretrain.pth`, `dinov2_vits14_pretrain.pth`, `mae_pretrain_vit_base.pth` …). Unknown names stay.
 */
export function withDinoNames(given: TensorSource): TensorSource {
  const named = renamed(given, (stored) =>
    rules.reduce((name, [pattern, put]) => name.replace(pattern, put), stored),
  );
  const kept = new Map([...named.entries].filter(([name]) => !beside.test(name)));
  return unstacked({ ...named, entries: kept });
}

/** Parts of stacked tensors as tensors of their own. DINOv3's keys have no biases: its files hold some that do not count. */
function unstacked(source: TensorSource): TensorSource {
  const isThird = ![...source.entries.keys()].includes('embeddings.position_embeddings');
  const parts = new Map<string, { readonly of: string; readonly index: number; count: number }>();
  const entries = new Map<string, TensorEntry>();
  for (const [name, entry] of source.entries) {
    const stack = stacks.find(([pattern]) => pattern.test(name));
    if (!stack) {
      entries.set(name, entry);
      continue;
    }
    const [pattern, places] = stack;
    const [rows, ...rest] = entry.shape;
    if (rows % places.length !== 0)
      throw new CheckpointError(
        `${source.origin}: "${name}" has ${rows} rows, which are not ${places.length} parts.`,
      );
    places.forEach((place, index) => {
      const part = name.replace(pattern, `${place}.$1`);
      if (isThird && part.endsWith('.attention.key.bias')) return;
      entries.set(part, { ...entry, shape: [rows / places.length, ...rest] });
      parts.set(part, { of: name, index, count: places.length });
    });
  }
  if (parts.size === 0) return { ...source, entries };
  return {
    ...source,
    entries,
    async read(name) {
      const part = parts.get(name);
      if (!part) return source.read(name);
      const whole = await source.read(part.of);
      const rows = whole.shape[0] / part.count;
      const bytes =
        (elementBytes(whole.dtype) * whole.shape.reduce((a, b) => a * b, 1)) / part.count;
      return {
        ...whole,
        name,
        shape: [rows, ...whole.shape.slice(1)],
        data: whole.data.subarray(part.index * bytes, (part.index + 1) * bytes),
        ...(whole.scales && {
          scales: whole.scales.subarray(part.index * rows, (part.index + 1) * rows),
        }),
      };
    },
  };
}
