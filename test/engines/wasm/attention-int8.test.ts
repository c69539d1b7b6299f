/** Attention on bytes beside attention in floats, which is tested against the tfjs engine. */
import fc from 'fast-check';
import type { TokenLayout } from '../../../src/engines/engine';
import { createWasmEngine, type WasmEngine } from '../../../src/engines/wasm';
import { largestDifference } from '../../helpers/reference';
import { byteEngine, byteKernels, randomFloats } from './helpers';

interface Case {
  readonly layout: TokenLayout;
  readonly heads: number;
  readonly d: number;
  readonly relative?: boolean;
  readonly queries?: readonly (readonly [number, number])[];
}

async function attend(engine: WasmEngine, values: Float32Array, each: Case): Promise<Float32Array> {
  const { layout, heads, d, queries } = each;
  const { prompts, targets, rows, columns } = layout;
  const all = (prompts + targets) * rows * columns;
  const before = engine.memory().tensors;
  const out = engine.tidy(() => {
    const table = (length: number, seed: number) =>
      engine.upload(randomFloats(length * length * d, seed), [length * length, d]);
    const relative = each.relative
      ? { rows: table(2 * rows, 2), columns: table(columns, 3) }
      : null;
    const qkv = engine.upload(values, [all, 3 * heads * d]);
    return engine.attention(qkv, layout, { heads, relative, queries });
  });
  const result = await engine.download(out);
  engine.dispose(out);
  expect(engine.memory().tensors).toBe(before);
  return result;
}

/** qkv of one head, written value by value. */
function tokens(count: number, d: number, at: (token: number, part: number, k: number) => number) {
  return Float32Array.from({ length: count * 3 * d }, (_, i) => {
    const column = i % (3 * d);
    return at(Math.floor(i / (3 * d)), Math.floor(column / d), column % d);
  });
}

const [Q, K] = [0, 1];
const one = { prompts: 1, targets: 1 };

describe.each(byteKernels)('int8 attention, $name', ({ steps, ...kernel }) => {
  let bytes: WasmEngine;
  let floats: WasmEngine;
  beforeAll(async () => {
    bytes = await byteEngine(kernel);
    floats = await createWasmEngine({ threads: 1 });
  });
  afterAll(() => {
    bytes.release();
    floats.release();
  });

  it('is near attention in floats: shared targets, relative positions, queries, odd sizes', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          prompts: fc.integer({ min: 1, max: 3 }),
          rows: fc.integer({ min: 1, max: 8 }),
          columns: fc.integer({ min: 1, max: 40 }),
          shared: fc.boolean(),
        }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 10 }),
        fc.boolean(),
        fc.boolean(),
        async ({ shared, ...size }, heads, quarter, relative, some) => {
          const layout = { ...size, targets: shared ? 1 : size.prompts };
          const half = size.rows * size.columns;
          const d = 4 * quarter;
          const count = (layout.prompts + layout.targets) * half;
          const values = randomFloats(count * 3 * heads * d, 1).map((value) => 2 * value);
          const first = layout.prompts * half;
          const queries = some
            ? ([
                [half - size.columns, half],
                [first, first + half],
              ] as const)
            : undefined;
          const each = { layout, heads, d, relative, queries };
          const expected = await attend(floats, values, each);
          const found = await attend(bytes, values, each);
          expect(largestDifference(found, expected)).toBeLessThan((0.1 * 255) / steps);
          const mean = found.reduce((sum, value, i) => sum + Math.abs(value - expected[i]), 0);
          expect(mean / found.length).toBeLessThan((0.015 * 255) / steps);
        },
      ),
      { numRuns: 40 },
    ));

  it('multiplies floats where a head is not whole words', async () => {
    const each = { layout: { ...one, rows: 3, columns: 5 }, heads: 2, d: 6 };
    const values = randomFloats(30 * 36, 4);
    const expected = await attend(floats, values, each);
    expect(largestDifference(await attend(bytes, values, each), expected)).toBeLessThan(1e-6);
  });

  it('returns the value that all keys share, however weights are rounded', async () => {
    const d = 20;
    const each = { layout: { ...one, rows: 9, columns: 31 }, heads: 1, d };
    const noise = randomFloats(2 * 9 * 31 * 3 * d, 5);
    const shared = (k: number) => (k - 7) / 3;
    const values = tokens(2 * 9 * 31, d, (token, part, k) =>
      part > K ? shared(k) : 5 * noise[(token * 3 + part) * d + k],
    );
    const found = await attend(bytes, values, each);
    found.forEach((value, i) => expect(value).toBeCloseTo(shared(i % d), 4));
  });

  it('is exact where every query sees one key and no value is rounded', async () => {
    const [d, rows, columns] = [64, 4, 16];
    const each = { layout: { ...one, rows, columns }, heads: 1, d };
    // Token t of either half points at dimension t; a value's largest integer is 63.
    const value = (token: number, k: number) =>
      token === 0 ? 63 : ((token * 37 + k * 11) % 127) - 63;
    const values = tokens(2 * rows * columns, d, (token, part, k) => {
      if (part === Q || part === K) return k === token % d ? (part === Q ? 500 : 8) : 0;
      return value(token % d, k);
    });
    const found = await attend(bytes, values, each);
    found.forEach((x, i) => expect(x).toBeCloseTo(value(Math.floor(i / d) % d, i % d), 3));
  });

  it('keeps many small weights beside a large one elsewhere', async () => {
    // One key of the first half weighs as much as 1,000 others together; all those have another value.
    const [d, rows, columns] = [16, 10, 50];
    const each = { layout: { ...one, rows, columns }, heads: 1, d };
    const values = tokens(1000, d, (token, part, k) => {
      if (part === Q) return k === 0 ? 4 : 0;
      if (part === K) return k === 0 && token === 0 ? Math.log(1000) : 0;
      return token === 0 ? 1 : -1;
    });
    const expected = await attend(floats, values, each);
    const found = await attend(bytes, values, each);
    expect(Math.abs(expected[0])).toBeLessThan(0.01);
    expect(largestDifference(found, expected)).toBeLessThan(0.15);
  });
});
