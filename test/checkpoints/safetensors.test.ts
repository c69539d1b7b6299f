import fc from 'fast-check';
import { halfToFloat, toFloat32 } from '../../src/tensors/element-types';
import { memoryAccess } from '../../src/checkpoints/memory-access';
import type { RandomAccess } from '../../src/checkpoints/random-access';
import { openSafetensors } from '../../src/checkpoints/safetensors';
import { CheckpointError } from '../../src/base/errors';
import { randomTensors, safetensors, type Tensors } from '../helpers/tiny-checkpoint';

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const words = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer);
const open = (bytes: Uint8Array) => openSafetensors(memoryAccess(bytes, 'model.safetensors'));
const openTensors = (tensors: Tensors) => open(safetensors(tensors));

it('reads F32, F16, BF16 and I8 with scales', async () => {
  const source = await openTensors({
    a: { shape: [2, 1], data: floats(1.5, -2) },
    b: { dtype: 'F16', shape: [3], data: words(0x3c00, 0xc000, 0x0001) },
    c: { dtype: 'BF16', shape: [2], data: words(0x3f80, 0xc040) },
    d: { dtype: 'I8', shape: [2, 2], data: Uint8Array.of(1, 255, 127, 129) },
    d_scale: { shape: [2], data: floats(0.5, 2) },
  });
  expect([...source.entries.keys()]).toEqual(['a', 'b', 'c', 'd']);
  expect([...toFloat32(await source.read('a'))]).toEqual([1.5, -2]);
  expect([...toFloat32(await source.read('b'))]).toEqual([1, -2, 2 ** -24]);
  expect([...toFloat32(await source.read('c'))]).toEqual([1, -3]);
  expect([...toFloat32(await source.read('d'))]).toEqual([0.5, -0.5, 254, -254]);
});

it('knows the special half-precision numbers', () => {
  expect([0x7bff, 0x0400, 0x8000, 0x7c00].map(halfToFloat)).toEqual([
    65504,
    2 ** -14,
    -0,
    Infinity,
  ]);
  expect(halfToFloat(0x7e00)).toBeNaN();
});

it('reads one tensor at a time, and no byte twice', async () => {
  const bytes = safetensors({
    a: { shape: [100], data: new Uint8Array(400) },
    b: { shape: [100], data: new Uint8Array(400) },
  });
  const reads: number[] = [];
  const inner = memoryAccess(bytes, 'x');
  const counting: RandomAccess = {
    ...inner,
    read: (offset, length) => (reads.push(length), inner.read(offset, length)),
  };
  const source = await openSafetensors(counting);
  await source.read('b');
  expect(reads).toEqual([8, expect.any(Number), 400]);
});

const sound: Tensors = {
  a: { shape: [2], data: floats(1, 2) },
  b: { shape: [1], data: floats(3) },
};
const withHeader = (change: (entries: Record<string, unknown>) => unknown) =>
  safetensors(sound, change);

describe('refuses', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['a file of a few bytes', Uint8Array.of(1, 2, 3), /has 3 bytes/],
    [
      'a header longer than the file',
      Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 0),
      /header claims \d+ bytes of a file of 9/,
    ],
    ['a header that is not JSON', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7b), /not JSON/],
    ['a list for a header', withHeader(() => []), /not an object/],
    ['a truncated file', safetensors(sound).slice(0, -5), /lies at bytes .* truncated/],
    [
      'offsets that are not numbers',
      withHeader((e) => ({ ...e, a: { dtype: 'F32', shape: [2], data_offsets: ['0', '8'] } })),
      /lacks a valid/,
    ],
    [
      'negative offsets',
      withHeader((e) => ({ ...e, a: { dtype: 'F32', shape: [2], data_offsets: [-8, 0] } })),
      /lacks a valid/,
    ],
    [
      'a huge shape',
      withHeader((e) => ({
        ...e,
        a: { dtype: 'F32', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 8] },
      })),
      /takes .* bytes, not 8/,
    ],
    [
      'overlapping tensors',
      withHeader((e) => ({ ...e, b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } })),
      /"a" and "b" overlap/,
    ],
    [
      'types it cannot hold',
      withHeader((e) => ({ ...e, a: { dtype: 'F8_E4M3', shape: [8], data_offsets: [0, 8] } })),
      /element type "F8_E4M3"/,
    ],
    ['an entry that is null', withHeader((e) => ({ ...e, a: null })), /"a" lacks/],
  ])('%s', async (_, bytes, message) => {
    const failure = await open(bytes).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CheckpointError);
    expect((failure as Error).message).toMatch(message);
  });

  it('NaN and infinite weights, of every type', async () => {
    const source = await openTensors({
      a: { shape: [2], data: floats(1, NaN) },
      b: { dtype: 'F16', shape: [1], data: words(0x7c00) },
      c: { dtype: 'BF16', shape: [1], data: words(0xff80) },
      d: { dtype: 'I8', shape: [1], data: Uint8Array.of(1) },
      d_scale: { shape: [1], data: floats(Infinity) },
    });
    for (const name of ['a', 'b', 'c', 'd'])
      await expect(source.read(name)).rejects.toThrow(/NaN or infinite/);
  });

  it('int8 tensors without scales', async () => {
    const source = await openTensors({ d: { dtype: 'I8', shape: [1], data: Uint8Array.of(1) } });
    await expect(source.read('d')).rejects.toThrow(/needs "d_scale" with 1 float32 scales/);
  });
});

it('survives any damage: a typed error or a sound file, nothing else, and no read past the end', async () => {
  const file = safetensors({
    ...sound,
    e: { dtype: 'I8', shape: [2, 2], data: new Uint8Array(4) },
    e_scale: { shape: [2], data: floats(1, 1) },
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 12 }),
      fc.nat(file.length),
      async (edits, cut) => {
        const bytes = file.slice(0, edits.length % 3 === 0 ? cut : file.length);
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        try {
          const source = await open(bytes);
          for (const name of source.entries.keys()) {
            const tensor = await source.read(name);
            expect(tensor.data.byteLength).toBeLessThanOrEqual(bytes.length);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

/** A header as it stands, with bytes behind it. */
function file(header: unknown, data: Uint8Array, trailing = data.length): Uint8Array {
  const text = Buffer.from(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + trailing);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data.subarray(0, trailing), 8 + text.length);
  return bytes;
}
const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
  ...{ dtype, shape, data_offsets: [begin, end] },
});

describe('the header', () => {
  it('may carry metadata, name tensors in any order, and leave gaps', async () => {
    const data = floats(1, 2, 3, 4, 5);
    const header = {
      __metadata__: { format: 'pt' },
      last: entry(16, 20),
      first: entry(0, 8, [2, 1]),
      scalar: entry(8, 12, []),
    };
    const source = await open(file(header, data));
    expect([...source.entries]).toEqual([
      ['last', { dtype: 'F32', shape: [1] }],
      ['first', { dtype: 'F32', shape: [2, 1] }],
      ['scalar', { dtype: 'F32', shape: [] }],
    ]);
    const values = async (name: string) => [...toFloat32(await source.read(name))];
    expect(await values('first')).toEqual([1, 2]);
    expect(await values('scalar')).toEqual([3]);
    expect(await values('last')).toEqual([5]);
  });

  it('may name tensors of nothing, wherever they lie', async () => {
    const header = { none: entry(4, 4, [0, 3]), b: entry(4, 8), a: entry(0, 4), end: entry(8, 8) };
    const source = await open(file(header, floats(1, 2)));
    expect((await source.read('none')).data).toHaveLength(0);
    expect([...toFloat32(await source.read('b'))]).toEqual([2]);
  });

  it('may fill the file', async () => {
    expect((await open(file({}, new Uint8Array(0)))).entries.size).toBe(0);
    const bytes = file({}, new Uint8Array(0));
    bytes[0]++;
    await expect(open(bytes)).rejects.toThrow('claims 3 bytes of a file of 10');
  });

  it.each<[string, unknown, RegExp]>([
    ['one value too few', { a: entry(0, 4, [2]) }, /takes 8 bytes, not 4/],
    ['an end before the begin', { a: entry(4, 0, []) }, /lies at bytes 4-0 of 8/],
    ['an end behind the file', { a: entry(0, 12) }, /lies at bytes 0-12 of 8; the file is trunc/],
    ['three offsets', { a: { ...entry(0, 4), data_offsets: [0, 4, 8] } }, /"a" lacks/],
    ['broken sides', { a: { ...entry(0, 4), shape: [0.5, 2] } }, /"a" lacks/],
    ['a shape that is a number', { a: { ...entry(0, 4), shape: 1 } }, /"a" lacks/],
    ['no type', { a: { ...entry(0, 4), dtype: undefined } }, /element type undefined/],
    ['one tensor over another', { b: entry(4, 8), a: entry(0, 8) }, /"a" and "b" overlap/],
    ['one inside another', { a: entry(0, 8), b: entry(0, 4) }, /"b" and "a" overlap/],
    ['nothing', null, /its header is not an object/],
    ['a number', 3, /its header is not an object/],
  ])('refuses %s', async (_, header, message) => {
    const failure = await open(file(header, floats(1, 2))).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CheckpointError);
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).toMatch(/^model\.safetensors is not a sound safetensors/);
  });

  it('refuses text that is no UTF-8, and says why', async () => {
    const bytes = file({ a: 1 }, new Uint8Array(0));
    bytes[10] = 0xff;
    const failure = (await open(bytes).catch((error: unknown) => error)) as Error;
    expect(failure.message).toContain('its header is not JSON');
    expect(failure.cause).toMatchObject({ name: 'TypeError' });
  });

  it('of seven bytes is too short, of eight it is empty', async () => {
    await expect(open(new Uint8Array(7))).rejects.toThrow('has 7 bytes');
    await expect(open(new Uint8Array(8))).rejects.toThrow('not JSON');
  });
});

describe('scales', () => {
  const integers = { dtype: 'I8', shape: [2, 2], data: Uint8Array.of(1, 2, 3, 4) };
  it('belong to int8 tensors alone: elsewhere the name is like any other', async () => {
    const source = await openTensors({
      a: { shape: [1], data: floats(1) },
      a_scale: { shape: [1], data: floats(2) },
      lone_scale: { shape: [1], data: floats(3) },
      scale: { shape: [1], data: floats(4) },
    });
    expect([...source.entries.keys()]).toEqual(['a', 'a_scale', 'lone_scale', 'scale']);
    expect((await source.read('a')).scales).toBeUndefined();
  });

  it.each<[string, Tensors[string]]>([
    ['of another type', { dtype: 'F16', shape: [4], data: new Uint8Array(8) }],
    ['for fewer rows', { shape: [1], data: floats(1) }],
    ['for more rows', { shape: [3], data: floats(1, 1, 1) }],
  ])('are refused %s', async (_, scale) => {
    const source = await openTensors({ d: integers, d_scale: scale });
    await expect(source.read('d')).rejects.toThrow(/needs "d_scale" with 2 float32 scales/);
  });

  it('are given with the integers', async () => {
    const source = await openTensors({ d: integers, d_scale: { shape: [2], data: floats(3, 5) } });
    const { scales, data, dtype } = await source.read('d');
    expect([dtype, [...data], [...scales!]]).toEqual(['I8', [1, 2, 3, 4], [3, 5]]);
  });
});

it('keeps origin and config, names what it lacks, and closes the file', async () => {
  let closed = 0;
  const access = memoryAccess(safetensors(sound), 'm.safetensors');
  const close = () => Promise.resolve(void closed++);
  const source = await openSafetensors({ ...access, close }, { depth: 3 });
  expect([source.origin, source.config]).toEqual(['m.safetensors', { depth: 3 }]);
  expect((await open(safetensors(sound))).config).toBeNull();
  await expect(source.read('c')).rejects.toThrow('m.safetensors holds no tensor "c"');
  await source.close();
  expect(closed).toBe(1);
});

it.each([0, 1, 2, 3])(
  'reads a Buffer whose tensors are %i bytes off their alignment',
  async (off) => {
    const sound = safetensors(randomTensors());
    const padded = Buffer.alloc(sound.length + off);
    padded.set(sound, off);
    // As files are read: a Buffer that is a part of a larger memory, whose own slice() does not copy.
    const source = await openSafetensors(memoryAccess(padded.subarray(off), 'x'));
    const expected = await openSafetensors(memoryAccess(sound, 'x'));
    for (const name of source.entries.keys()) {
      const { data } = await source.read(name);
      expect(toFloat32(await source.read(name))).toEqual(toFloat32(await expected.read(name)));
      expect(data.slice().byteOffset).toBe(0);
    }
  },
);
