import { utf8Text } from '../base/text';
import type { StoredType } from '../tensors/stored-tensor';
import { CheckpointError } from '../base/errors';
import { elementBytes } from '../tensors/element-types';
import { checkFinite } from '../tensors/finite';
import { type PickledTensor, type PickledValue, readPickle } from './pickle';
import type { RandomAccess } from './random-access';
import type { TensorEntry, TensorSource } from './tensor-source';
import { readZipDirectory, type ZipMember } from './zip';

const TYPES: Record<string, StoredType> = {
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
};
/** Bytes of a pickle; those of published models have 20 to 300 kB. */
const LARGEST_PICKLE = 4 << 20;
const LONGEST_BYTEORDER = 16;

interface PlacedTensor extends TensorEntry {
  readonly tensor: PickledTensor;
  readonly member: ZipMember;
}

/**
 * Opens what `torch.save({'model': state_dict})` or `torch.save(state_dict)` wrote, such as the official
 * `seggpt_vit_large.pth`. The pickle is read as data;
 * nothing in it is run.
 *
 * @throws CheckpointError if the archive is damaged, or holds more than tensors.
 */
export async function openPth(access: RandomAccess, config: unknown): Promise<TensorSource> {
  const { origin } = access;
  const members = await readZipDirectory(access);
  const pickleName = [...members.keys()].find((name) => /(^|\/)data\.pkl$/.test(name));
  if (!pickleName)
    throw new CheckpointError(`${origin} holds no data.pkl; it was not written by torch.save.`);
  const root = pickleName.slice(0, -'data.pkl'.length);
  const pickle = members.get(pickleName) as ZipMember;
  if (pickle.size > LARGEST_PICKLE)
    throw new CheckpointError(`${origin}: its pickle of ${pickle.size} bytes is too large.`);
  const byteorder = members.get(`${root}byteorder`);
  if (
    byteorder &&
    (byteorder.size > LONGEST_BYTEORDER ||
      utf8Text(await access.read(byteorder.offset, byteorder.size)) !== 'little')
  ) {
    throw new CheckpointError(
      `${origin} was written on a big-endian machine; convert it there to safetensors.`,
    );
  }
  const state = stateDict(
    readPickle(await access.read(pickle.offset, pickle.size), origin),
    origin,
  );

  const placed = new Map<string, PlacedTensor>();
  for (const [name, value] of state) {
    const tensor = value as PickledTensor | null;
    if (tensor?.kind !== 'tensor') continue; // counters and the like
    placed.set(name, place(name, tensor, members, root, origin));
  }
  if (placed.size === 0) throw new CheckpointError(`${origin} holds no tensors.`);
  return {
    origin,
    config,
    entries: placed,
    async read(name) {
      const entry = placed.get(name);
      if (!entry) throw new CheckpointError(`${origin} holds no tensor "${name}".`);
      const data = await readElements(access, entry);
      const tensor = { name, dtype: entry.dtype, shape: entry.shape, data };
      checkFinite(tensor, origin);
      return tensor;
    },
    close: () => access.close(),
  };
}

/** The dictionary of tensors: the pickle's own, or the one under `model` or `state_dict`. */
function stateDict(value: PickledValue, origin: string): Map<string, PickledValue> {
  if (value instanceof Map) {
    for (const key of ['model', 'state_dict']) {
      const inner = value.get(key);
      if (inner instanceof Map) return inner;
    }
    return value;
  }
  throw new CheckpointError(`${origin} holds no dictionary of tensors.`);
}

/** Checks one tensor against the archive. */
function place(
  name: string,
  tensor: PickledTensor,
  members: Map<string, ZipMember>,
  root: string,
  origin: string,
): PlacedTensor {
  const { storage, offset, shape, strides } = tensor;
  const fail = (message: string): never => {
    throw new CheckpointError(`${origin}: "${name}" ${message}`);
  };
  const dtype =
    TYPES[storage.type] ??
    fail(`has elements of ${storage.type}; only float32, float16 and bfloat16 can be read.`);
  const member =
    members.get(`${root}data/${storage.key}`) ??
    fail(`refers to data/${storage.key}, which the archive lacks.`);
  const last = shape.reduce((sum, side, i) => sum + (side - 1) * strides[i], offset);
  const empty = shape.some((side) => side === 0);
  if (empty || (last + 1) * elementBytes(dtype) > member.size) {
    fail(
      `of shape [${shape.join(', ')}] does not fit in its storage of ${member.size} bytes; the file is truncated.`,
    );
  }
  // A stride of 0 or overlapping strides could ask for more values than the file holds.
  const values = shape.reduce((a, b) => a * b, 1);
  if (values * elementBytes(dtype) > member.size)
    fail('repeats its storage; save it with .contiguous().');
  return { dtype, shape, tensor, member };
}

/** A tensor's values in row-major order. */
async function readElements(
  access: RandomAccess,
  { tensor, member, dtype }: PlacedTensor,
): Promise<Uint8Array> {
  const bytes = elementBytes(dtype);
  const { shape, strides, offset } = tensor;
  const length = shape.reduce((a, b) => a * b, 1);
  let expected = 1;
  let contiguous = true;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) contiguous = false;
    expected *= shape[axis];
  }
  if (contiguous) return access.read(member.offset + offset * bytes, length * bytes);

  const storage = await access.read(member.offset, member.size);
  const data = new Uint8Array(length * bytes);
  const index = shape.map(() => 0);
  let at = offset;
  for (let i = 0; i < length; i++) {
    data.set(storage.subarray(at * bytes, (at + 1) * bytes), i * bytes);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return data;
}
