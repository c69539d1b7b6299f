/** Attention on bytes beside attention in floats, which is tested against the tfjs engine. */
import fc from 'fast-check';
import { fusedHeads } from '../../../src/engines/attention-plan';
import type { Engine } from '../../../src/engines/engine';
import { createWasmEngine, type WasmEngine } from '../../../src/engines/wasm';
import { largestDifference } from '../../helpers/reference';
import { type AttentionCase, attentionCases, headsOf } from '../attention-cases';
import { byteEngine, byteKernels, randomFloats } from './helpers';

async function attend(engine: WasmEngine, each: AttentionCase): Promise<Float32Array> {
  const before = engine.memory().tensors;
  const out = engine.tidy(() => {
    const { q, k, v, plan } = headsOf(engine, each);
    return (engine as Engine).attention(q, k, v, plan);
  });
  const result = await (engine as Engine).download(out);
  (engine as Engine).dispose(out);
  expect(engine.memory().tensors).toBe(before);
  return result;
}

/** Self-attention of one head among all tokens, in two spans of keys. */
async function attendAmong(engine: WasmEngine, values: Float32Array, count: number, d: number) {
  const out = engine.tidy(() => {
    const half = Math.floor(count / 2);
    const keys = [
      { start: half, end: count },
      { start: 0, end: half },
    ];
    const segments = [{ queries: { start: 0, end: count }, keys: [keys] }];
    const qkv = engine.upload(values, [count, 3 * d]);
    return engine.attention(...fusedHeads(qkv), { heads: 1, headWidth: d, segments });
  });
  const result = await engine.download(out);
  engine.dispose(out);
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

  it('is near attention in floats: sets of keys, relative positions, bias, odd sizes', () =>
    fc.assert(
      fc.asyncProperty(attentionCases(true), async (each) => {
        const expected = await attend(floats, each);
        const found = await attend(bytes, each);
        expect(largestDifference(found, expected)).toBeLessThan((0.12 * 255) / steps);
        const mean = found.reduce((sum, value, i) => sum + Math.abs(value - expected[i]), 0);
        expect(mean / found.length).toBeLessThan((0.015 * 255) / steps);
      }),
      { numRuns: 40 },
    ));

  it('multiplies floats where a head is not whole words', async () => {
    const span = { start: 0, end: 30 };
    const each: AttentionCase = {
      heads: 2,
      headWidth: 6,
      queryRows: 30,
      keyRows: 30,
      segments: [{ queries: span, keys: [[span]] }],
      grid: null,
      bias: null,
      seed: 4,
    };
    const expected = await attend(floats, each);
    expect(largestDifference(await attend(bytes, each), expected)).toBeLessThan(1e-6);
  });

  it('returns the value that all keys share, however weights are rounded', async () => {
    const d = 20;
    const noise = randomFloats(2 * 9 * 31 * 3 * d, 5);
    const shared = (k: number) => (k - 7) / 3;
    const values = tokens(2 * 9 * 31, d, (token, part, k) =>
      part > K ? shared(k) : 5 * noise[(token * 3 + part) * d + k],
    );
    const found = await attendAmong(bytes, values, 2 * 9 * 31, d);
    found.forEach((value, i) => expect(value).toBeCloseTo(shared(i % d), 4));
  });

  it('is exact where every query sees one key and no value is rounded', async () => {
    const [d, rows, columns] = [64, 4, 16];
    // Token t of either half points at dimension t; a value's largest integer is 63.
    const value = (token: number, k: number) =>
      token === 0 ? 63 : ((token * 37 + k * 11) % 127) - 63;
    const values = tokens(2 * rows * columns, d, (token, part, k) => {
      if (part === Q || part === K) return k === token % d ? (part === Q ? 500 : 8) : 0;
      return value(token % d, k);
    });
    const found = await attendAmong(bytes, values, 2 * rows * columns, d);
    found.forEach((x, i) => expect(x).toBeCloseTo(value(Math.floor(i / d) % d, i % d), 3));
  });

  it('keeps many small weights beside a large one elsewhere', async () => {
    // One key of the first half weighs as much as 1,000 others together; all those have another value.
    const d = 16;
    const values = tokens(1000, d, (token, part, k) => {
      if (part === Q) return k === 0 ? 4 : 0;
      if (part === K) return k === 0 && token === 0 ? Math.log(1000) : 0;
      return token === 0 ? 1 : -1;
    });
    const expected = await attendAmong(floats, values, 1000, d);
    const found = await attendAmong(bytes, values, 1000, d);
    expect(Math.abs(expected[0])).toBeLessThan(0.01);
    expect(largestDifference(found, expected)).toBeLessThan(0.15);
  });
});
