import { utf8Text } from '../base/text';
import type { StoredTensor, StoredType } from '../tensors/stored-tensor';
import { CheckpointError } from '../base/errors';
import { shown } from '../base/shown';
import { elementBytes } from '../tensors/element-types';
import { checkFinite } from '../tensors/finite';
import type { RandomAccess } from './random-access';
import type { TensorEntry, TensorSource } from './tensor-source';

/** Far less than the format's own 100 MB: a tensor takes about 120 bytes, and a model here has some hundreds. */
const LARGEST_HEADER = 2 << 20;
const SCALE_SUFFIX = '_scale';

interface Placed extends TensorEntry {
  /** Byte offset in the file. */
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Opens a safetensors file (huggingface/safetensors, README "Format"): eight bytes of header length,
 * a JSON header, then the tensors' bytes. Everything in the header is checked against the file's size
 * before any tensor is read.
 *
 * An int8 tensor `NAME` has its scales, one float32 per output channel, in `NAME_scale`.
 *
 * @throws CheckpointError if the header is damaged or names bytes that are not there.
 */
export async function openSafetensors(
  access: RandomAccess,
  config: unknown = null,
): Promise<TensorSource> {
  const placed = await readHeader(access);
  const entries = new Map<string, TensorEntry>();
  for (const [name, { dtype, shape }] of placed) {
    const scaled =
      name.endsWith(SCALE_SUFFIX) &&
      placed.get(name.slice(0, -SCALE_SUFFIX.length))?.dtype === 'I8';
    if (!scaled) entries.set(name, { dtype, shape });
  }
  return {
    origin: access.origin,
    config,
    entries,
    async read(name) {
      const tensor = await readTensor(access, placed, name);
      checkFinite(tensor, access.origin);
      return tensor;
    },
    close: () => access.close(),
  };
}

async function readTensor(
  access: RandomAccess,
  placed: Map<string, Placed>,
  name: string,
): Promise<StoredTensor> {
  const entry = placed.get(name);
  if (!entry) throw new CheckpointError(`${access.origin} holds no tensor "${name}".`);
  const { dtype, shape, offset, bytes } = entry;
  const tensor: StoredTensor = { name, dtype, shape, data: await access.read(offset, bytes) };
  if (dtype !== 'I8') return tensor;
  const scale = placed.get(name + SCALE_SUFFIX);
  if (!scale || scale.dtype !== 'F32' || scale.bytes !== 4 * shape[0]) {
    throw new CheckpointError(
      `${access.origin}: the int8 tensor "${name}" needs "${name + SCALE_SUFFIX}" with ${shape[0]} float32 scales.`,
    );
  }
  const scales = new Float32Array(shape[0]);
  new Uint8Array(scales.buffer).set(await access.read(scale.offset, scale.bytes));
  return { ...tensor, scales };
}

async function readHeader(access: RandomAccess): Promise<Map<string, Placed>> {
  const { origin, size } = access;
  const fail = (message: string, cause?: unknown): never => {
    throw new CheckpointError(`${origin} is not a sound safetensors file: ${message}`, { cause });
  };
  if (size < 8) fail(`it has ${size} bytes, fewer than its header length takes.`);
  const first = await access.read(0, 8);
  const length = Number(new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true));
  if (length <= size - 8 && length > LARGEST_HEADER)
    fail(`its header has ${length} bytes; no model's has more than ${LARGEST_HEADER}.`);
  if (length > size - 8) {
    fail(
      `its header claims ${length} bytes of a file of ${size}; it is truncated, or of another format.`,
    );
  }
  let header: unknown;
  try {
    header = JSON.parse(utf8Text(await access.read(8, length), true));
  } catch (cause) {
    fail('its header is not JSON.', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    fail('its header is not an object.');

  const start = 8 + length;
  const placed = new Map<string, Placed>();
  for (const [name, value] of Object.entries(header as object) as [string, unknown][]) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: range } = (value ?? {}) as Record<string, unknown>;
    if (!isCounts(shape) || !isCounts(range) || range.length !== 2) {
      return fail(`the entry of "${name}" lacks a valid shape or data_offsets.`);
    }
    if (!isStoredType(dtype)) {
      return fail(`"${name}" has element type ${shown(dtype)}; F32, F16, BF16 and I8 can be read.`);
    }
    const [begin, end] = range;
    const bytes = shape.reduce((product, side) => product * side, elementBytes(dtype));
    if (begin > end || start + end > size) {
      fail(`"${name}" lies at bytes ${begin}-${end} of ${size - start}; the file is truncated.`);
    }
    if (end - begin !== bytes)
      fail(`"${name}" of shape [${shape.join(', ')}] takes ${bytes} bytes, not ${end - begin}.`);
    placed.set(name, { dtype, shape, offset: start + begin, bytes });
  }
  const ordered = [...placed].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  for (let i = 1; i < ordered.length; i++) {
    const [before, after] = [ordered[i - 1], ordered[i]];
    if (before[1].offset + before[1].bytes > after[1].offset)
      fail(`"${before[0]}" and "${after[0]}" overlap.`);
  }
  return placed;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isStoredType(value: unknown): value is StoredType {
  return value === 'F32' || value === 'F16' || value === 'BF16' || value === 'I8';
}
