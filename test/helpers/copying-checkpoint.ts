import { memoryAccess } from '../../src/checkpoints/memory-access';
import { openSafetensors } from '../../src/checkpoints/safetensors';
import { parsePainterConfig } from '../../src/models/seggpt/config';
import { painterParameters } from '../../src/models/seggpt/parameter-table';
import { safetensors, type Tensors } from './tiny-checkpoint';

/**
 * A SegGPT whose weights are written down, so that a test can tell what it paints. Each patch of the target gets the
 * mask colours of the prompt patch that looks like it, by mean colour; where several do, of the nearest one by row and
 * column. As a semantic task it knows no distances: all patches that look alike count the same.
 *
 * What it compares are corners of the colour cube ({@link looks}): they are equally long, so a product tells likeness.
 *
 * How it works. Block 0 moves what the image stream sees into `scene` and what the mask stream sees into `paint`, by
 * an MLP that the segment tokens gate. Block 1, after the merge, attends by `scene` and copies `paint` to `found`,
 * which the decoder reads. Two large constants in the width keep layer norms nearly linear: paintings are within half a level of 255.
 */
const D = 24;
const P = 4;
const SIDE = 32;
const C = 8;
const LARGE = 100;

/** Places in the width; colours take three. */
const at = { look: 0, scene: 3, paint: 6, found: 9, gate: 12, target: 13, near: 14, zero: 15 };
const constants = [16, 17] as const;

const LIKENESS = 40;
const DISTANCE = 3;
const NEVER = 1000;

export const copyingConfig = {
  model_type: 'seggpt',
  hidden_size: D,
  num_hidden_layers: 2,
  num_attention_heads: 1,
  image_size: [2 * SIDE, SIDE],
  patch_size: P,
  mlp_dim: 12,
  pretrain_image_size: SIDE,
  decoder_hidden_size: C,
  merge_index: 0,
  intermediate_hidden_state_indices: [1],
};

/** Side of half a canvas, and of a patch, in pixels. */
export const [copyingSide, copyingPatch] = [SIDE, P];

/** Colours that the model tells apart. */
export const looks = {
  black: [0, 0, 0],
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  cyan: [0, 255, 255],
  white: [255, 255, 255],
} as const;

const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];
const channels = [0, 1, 2];

/** Weights by Hugging Face name; what is not written down is zero. */
export function copyingTensors(): Tensors {
  const values = new Map<string, Float32Array>();
  const shapes = new Map<string, readonly number[]>();
  for (const { name, shape } of painterParameters(parsePainterConfig(copyingConfig))) {
    shapes.set(name, shape);
    values.set(name, new Float32Array(shape.reduce((a, b) => a * b, 1)));
  }
  const of = (name: string) => values.get(name)!;
  /** Adds to a weight at (output, input); the dimension `zero` undoes the norm's mean. */
  const add = (name: string, output: number, input: number, value: number) => {
    const width = shapes
      .get(name)!
      .slice(1)
      .reduce((a, b) => a * b, 1);
    of(name)[output * width + input] += value;
    of(name)[output * width + at.zero] -= value;
  };

  // Pictures: mean colour of a patch, from -1 to 1.
  const embedding = 'model.embeddings.patch_embeddings.projection';
  for (const c of channels) {
    const from = ((at.look + c) * 3 + c) * P * P;
    of(`${embedding}.weight`).fill((2 * DEVIATION[c]) / (P * P), from, from + P * P);
    of(`${embedding}.bias`)[at.look + c] = 2 * MEAN[c] - 1;
  }
  for (const [stream, gate] of [
    ['input', 1],
    ['prompt', -1],
  ] as const) {
    const token = of(`model.embeddings.segment_token_${stream}`);
    token[at.gate] = gate;
    token[constants[0]] = LARGE;
    token[constants[1]] = -LARGE;
  }
  of('model.embeddings.mask_token')[at.target] = 2; // 1 after the merge
  of('model.embeddings.type_token_instance')[at.near] = 1;

  // Norms that give back what they get, but for its mean.
  const gamma = LARGE * Math.sqrt(2 / D);
  const layer = 'model.encoder.layers';
  for (const name of [
    `${layer}.0.layernorm_before`,
    `${layer}.0.layernorm_after`,
    `${layer}.1.layernorm_before`,
    `${layer}.1.layernorm_after`,
    'model.encoder.layernorm',
  ])
    of(`${name}.weight`).fill(gamma);

  // Block 0: GELU(z + g) - GELU(g - z) is 2z where the gate g is high and 0 where it is low.
  const stays = 10;
  for (const [group, [to, open]] of (
    [
      [at.scene, 1],
      [at.paint, -1],
    ] as const
  ).entries()) {
    for (const c of channels) {
      for (const sign of [1, -1]) {
        const unit = group * 6 + c * 2 + (sign > 0 ? 0 : 1);
        add(`${layer}.0.mlp.lin1.weight`, unit, at.look + c, sign);
        add(`${layer}.0.mlp.lin1.weight`, unit, at.gate, open * stays);
        of(`${layer}.0.mlp.lin2.weight`)[(to + c) * 12 + unit] = sign;
      }
    }
  }

  // Block 1: queries and keys are scenes; keys of the target half are never looked at; the nearest counts most.
  const qkv = `${layer}.1.attention.qkv`;
  const sharp = LIKENESS * Math.sqrt(D);
  for (const c of channels) {
    add(`${qkv}.weight`, c, at.scene + c, sharp);
    add(`${qkv}.weight`, D + c, at.scene + c, 1);
    add(`${qkv}.weight`, 2 * D + c, at.paint + c, 1);
    of(`${layer}.1.attention.proj.weight`)[(at.found + c) * D + c] = 1;
  }
  of(`${qkv}.bias`)[at.target] = 1;
  add(`${qkv}.weight`, D + at.target, at.target, -NEVER * Math.sqrt(D));
  add(`${qkv}.weight`, at.near, at.near, 1);
  const rows = SIDE / P;
  // Entry `distance + length - 1`; a prompt's row lies `rows` above the target's.
  for (let entry = 0; entry < 4 * rows - 1; entry++)
    of(`${layer}.1.attention.rel_pos_h`)[entry * D + at.near] =
      -DISTANCE * Math.abs(entry - (2 * rows - 1) - rows);
  for (let entry = 0; entry < 2 * rows - 1; entry++)
    of(`${layer}.1.attention.rel_pos_w`)[entry * D + at.near] =
      -DISTANCE * Math.abs(entry - (rows - 1));

  // Decoder: every pixel of a patch has its colour with both signs, so that GELU(y) - GELU(-y) = y.
  const decoder = 'decoder.decoder_pred';
  for (let pixel = 0; pixel < P * P; pixel++) {
    for (const c of channels) {
      add('decoder.decoder_embed.weight', pixel * C + c, at.found + c, 1);
      add('decoder.decoder_embed.weight', pixel * C + 3 + c, at.found + c, -1);
    }
    of('decoder.decoder_embed.bias').set([LARGE, -LARGE], pixel * C + 6);
  }
  for (let c = 0; c < C; c++) of(`${decoder}.conv.weight`)[(c * C + c) * 9 + 4] = 1;
  of(`${decoder}.layernorm.weight`).fill(LARGE * Math.sqrt(2 / C));
  for (const c of channels) {
    of(`${decoder}.head.weight`)[c * C + c] = 0.5 / DEVIATION[c];
    of(`${decoder}.head.weight`)[c * C + 3 + c] = -0.5 / DEVIATION[c];
    of(`${decoder}.head.bias`)[c] = (0.5 - MEAN[c]) / DEVIATION[c];
  }

  return Object.fromEntries(
    [...values].map(([name, data]) => [
      name,
      { shape: shapes.get(name)!, data: new Uint8Array(data.buffer) },
    ]),
  );
}

/** The copying model, opened. */
export const openCopying = () =>
  openSafetensors(memoryAccess(safetensors(copyingTensors()), 'copying'), copyingConfig);
