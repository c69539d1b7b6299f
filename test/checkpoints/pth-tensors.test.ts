import fc from 'fast-check';
import { CheckpointError } from '../../src/base/errors';
import { memoryAccess } from '../../src/checkpoints/memory-access';
import { openPth } from '../../src/checkpoints/pth';
import { toFloat32 } from '../../src/tensors/element-types';
import { pickleState, type StatePickle, type TensorPickle, zip } from '../helpers/archive';

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const words = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer);
const count = (length: number) => floats(...Array.from({ length }, (_, i) => i));

function archive(
  state: StatePickle,
  storages: Record<string, Uint8Array>,
  more: Record<string, Uint8Array> = {},
  root = 'archive/',
) {
  const data = Object.entries(storages).map(([key, bytes]) => [`${root}data/${key}`, bytes]);
  return zip({
    [`${root}data.pkl`]: pickleState(state),
    ...more,
    ...(Object.fromEntries(data) as Record<string, Uint8Array>),
  });
}
const open = (bytes: Uint8Array) => openPth(memoryAccess(bytes, 'x.pth'), null);
/** The values of one tensor over the numbers 0, 1, 2, … */
async function values(tensor: TensorPickle, length: number) {
  const source = await open(archive({ t: tensor }, { 0: count(length) }));
  const read = await source.read('t');
  expect(read.shape).toEqual(tensor.shape);
  return [...toFloat32(read)];
}

describe('a tensor over a storage', () => {
  it('begins at its offset', async () => {
    expect(await values({ offset: 2, shape: [2, 2], strides: [2, 1] }, 9)).toEqual([2, 3, 4, 5]);
    expect(await values({ offset: 3, shape: [], strides: [] }, 5)).toEqual([3]);
  });

  it('follows its strides', async () => {
    // Transposed, a slice of columns, every other value, and axes (2, 3, 2) in another order.
    expect(await values({ shape: [3, 2], strides: [1, 3] }, 6)).toEqual([0, 3, 1, 4, 2, 5]);
    expect(await values({ offset: 1, shape: [2, 2], strides: [4, 1] }, 8)).toEqual([1, 2, 5, 6]);
    expect(await values({ offset: 1, shape: [3], strides: [2] }, 6)).toEqual([1, 3, 5]);
    expect(await values({ shape: [2, 3, 2], strides: [1, 4, 2] }, 12)).toEqual([
      0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11,
    ]);
  });

  it('does not care about the strides of axes of one', async () => {
    expect(await values({ offset: 1, shape: [1, 3, 1], strides: [77, 1, 5] }, 4)).toEqual([
      1, 2, 3,
    ]);
    expect(await values({ shape: [3, 1], strides: [2, 9] }, 5)).toEqual([0, 2, 4]);
  });

  it('is what indexing by strides says, for any axes', async () => {
    const tensors = fc
      .array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 })
      .chain((shape) =>
        fc.record({
          shape: fc.constant(shape),
          order: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
          gap: fc.integer({ min: 1, max: 2 }),
          offset: fc.nat(3),
        }),
      );
    await fc.assert(
      fc.asyncProperty(tensors, async ({ shape, order, gap, offset }) => {
        const strides = shape.map(() => 0);
        let step = gap;
        for (const axis of order) {
          strides[axis] = step;
          step *= shape[axis];
        }
        let expected = [offset];
        shape.forEach((side, axis) => {
          expected = expected.flatMap((at) =>
            Array.from({ length: side }, (_, i) => at + i * strides[axis]),
          );
        });
        expect(await values({ offset, shape, strides }, offset + step)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('may share it with others', async () => {
    const source = await open(
      archive(
        {
          a: { shape: [2], strides: [1] },
          b: { offset: 2, shape: [2], strides: [1] },
          c: { key: '7', shape: [2], strides: [1] },
        },
        { 0: floats(1, 2, 3, 4), 7: floats(5, 6) },
      ),
    );
    expect([...source.entries.keys()]).toEqual(['a', 'b', 'c']);
    expect([...toFloat32(await source.read('a'))]).toEqual([1, 2]);
    expect([...toFloat32(await source.read('b'))]).toEqual([3, 4]);
    expect([...toFloat32(await source.read('c'))]).toEqual([5, 6]);
  });
});

it('tells float32, float16 and bfloat16 apart', async () => {
  // 1, -2 and 0.5: 0x3c00, 0xc000, 0x3800 in binary16 and 0x3f80, 0xc000, 0x3f00 in bfloat16.
  const state = {
    half: { type: 'HalfStorage', key: 'h', shape: [3], strides: [1] },
    brain: { type: 'BFloat16Storage', key: 'b', shape: [3], strides: [1] },
    full: { type: 'FloatStorage', key: 'f', shape: [3], strides: [1] },
    turned: { type: 'HalfStorage', key: 'h', offset: 1, shape: [2, 1], strides: [1, 2] },
    spread: { type: 'BFloat16Storage', key: 'b', shape: [2], strides: [2] },
  };
  const source = await open(
    archive(state, {
      h: words(0x3c00, 0xc000, 0x3800),
      b: words(0x3f80, 0xc000, 0x3f00),
      f: floats(1, -2, 0.5),
    }),
  );
  const read = async (name: string) => [...toFloat32(await source.read(name))];
  expect([...source.entries].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
    ['half', 'F16', [3]],
    ['brain', 'BF16', [3]],
    ['full', 'F32', [3]],
    ['turned', 'F16', [2, 1]],
    ['spread', 'BF16', [2]],
  ]);
  expect((await source.read('half')).dtype).toBe('F16');
  for (const name of ['half', 'brain', 'full']) expect(await read(name)).toEqual([1, -2, 0.5]);
  expect(await read('turned')).toEqual([-2, 0.5]);
  expect(await read('spread')).toEqual([1, 0.5]);
});

it('reads no more than the values of a tensor that lies in one piece', async () => {
  const bytes = archive(
    { t: { offset: 2, shape: [2, 1, 2], strides: [2, 77, 1] } },
    { 0: count(99) },
  );
  const access = memoryAccess(bytes, 'x.pth');
  const lengths: number[] = [];
  const read = (offset: number, length: number) => {
    lengths.push(length);
    return access.read(offset, length);
  };
  const source = await openPth({ ...access, read }, null);
  lengths.length = 0;
  expect([...toFloat32(await source.read('t'))]).toEqual([2, 3, 4, 5]);
  expect(lengths).toEqual([16]);
});

describe('the dictionary of tensors', () => {
  const tensor = { shape: [1], strides: [1] };
  const names = async (state: StatePickle) =>
    [...(await open(archive(state, { 0: floats(4) }))).entries.keys()].join();

  it('is that under model, under state_dict, or the whole', async () => {
    expect(await names({ model: { a: tensor }, state_dict: { b: tensor }, c: tensor })).toBe('a');
    expect(await names({ epoch: 3, state_dict: { b: tensor } })).toBe('b');
    expect(await names({ a: tensor, b: tensor })).toBe('a,b');
    expect(await names({ model: tensor, b: tensor })).toBe('model,b');
  });

  it('may hold counters, which are left out', async () => {
    expect(await names({ epoch: 3, a: tensor })).toBe('a');
  });

  it('lies in a folder of any name, or in none', async () => {
    for (const root of ['', 'other/', 'a/b/']) {
      const source = await open(
        archive(
          { a: tensor },
          { 0: floats(4) },
          { [`${root}byteorder`]: Buffer.from('little') },
          root,
        ),
      );
      expect([...toFloat32(await source.read('a'))]).toEqual([4]);
    }
  });
});

it('keeps the config it was given, and closes the file', async () => {
  let closed = 0;
  const access = memoryAccess(archive({ a: { shape: [1], strides: [1] } }, { 0: count(1) }), 'x');
  const close = () => Promise.resolve(void closed++);
  const source = await openPth({ ...access, close }, { hidden_size: 8 });
  expect(source.config).toEqual({ hidden_size: 8 });
  expect(source.origin).toBe('x');
  await source.close();
  expect(closed).toBe(1);
});

describe('fits', () => {
  it.each<[string, TensorPickle, number]>([
    ['to the last value', { shape: [2, 3], strides: [3, 1] }, 6],
    ['from an offset to the last value', { offset: 2, shape: [4], strides: [1] }, 6],
    ['with gaps to the last value', { offset: 1, shape: [2, 2], strides: [3, 1] }, 6],
    ['as one value', { offset: 5, shape: [], strides: [] }, 6],
  ])('%s, and not one value more', async (_, tensor, length) => {
    const file = (values: number) => archive({ t: tensor }, { 0: count(values) });
    await expect(open(file(length))).resolves.toBeDefined();
    await expect(open(file(length - 1))).rejects.toThrow(
      /^x.pth: "t" of shape .* does not fit in its storage of 20 bytes; the file is truncated/,
    );
  });
});

describe('refuses', () => {
  const tensor = { shape: [1], strides: [1] };
  it.each<[string, Uint8Array, RegExp]>([
    [
      'other element types',
      archive({ t: { ...tensor, type: 'DoubleStorage' } }, { 0: count(4) }),
      /"t" has elements of DoubleStorage; only float32, float16 and bfloat16/,
    ],
    [
      'a storage that is not there',
      archive({ t: { ...tensor, key: '1' } }, { 0: count(4) }),
      /"t" refers to data\/1, which the archive lacks/,
    ],
    [
      'a tensor that repeats its storage',
      archive({ t: { shape: [5], strides: [0] } }, { 0: count(4) }),
      /"t" repeats its storage; save it with \.contiguous/,
    ],
    [
      'an empty tensor',
      archive({ t: { shape: [3, 0], strides: [1, 1] } }, { 0: count(4) }),
      /"t" of shape \[3, 0\] does not fit/,
    ],
    [
      'half a value',
      archive({ t: { ...tensor, type: 'HalfStorage' } }, { 0: Uint8Array.of(1) }),
      /storage of 1 bytes/,
    ],
    ['no tensors', archive({ epoch: 3 }, {}), /holds no tensors/],
    ['an archive of other things', zip({ 'a.txt': [1] }), /holds no data.pkl/],
    [
      'a name that only ends like the pickle',
      zip({ 'old_data.pkl': pickleState({ t: tensor }) }),
      /holds no data.pkl/,
    ],
    [
      'a pickle of a number',
      zip({ 'a/data.pkl': [0x80, 2, 0x4b, 1, 0x2e] }),
      /holds no dictionary of tensors/,
    ],
    [
      'big-endian machines',
      archive({ t: tensor }, { 0: count(1) }, { 'archive/byteorder': Buffer.from('big') }),
      /big-endian/,
    ],
  ])('%s', async (_, bytes, message) => {
    const failure = await open(bytes).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CheckpointError);
    expect((failure as Error).message).toMatch(message);
  });

  it('a name it does not hold, and values that are no numbers', async () => {
    const source = await open(
      archive({ t: { shape: [2], strides: [1] } }, { 0: floats(1, Infinity) }),
    );
    await expect(source.read('u')).rejects.toThrow(/holds no tensor "u"/);
    await expect(source.read('t')).rejects.toThrow(CheckpointError);
  });
});
