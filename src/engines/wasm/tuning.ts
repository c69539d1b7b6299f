import type { Arena } from './arena';
import type { KernelExports } from './kernel-module';
import { LIST, ONES } from './memory-map';
import { nextTurn } from './next-turn';
import { COMMAND_WORDS, DotKind, END_TILE, FIRST_ARGUMENT, Op, TOTAL_TILES } from './opcodes';

/** The fastest shapes of the inner loops on this machine. */
export interface Tuning {
  readonly wideTiles: boolean;
  readonly dotKind: DotKind;
}

const ROWS = 64;
const DEPTH = 256;
const COLUMNS = 64;
/** Enough runs for a JavaScript engine to compile a hot loop in its best tier. */
const WARM_UP = 40;
const TIMED = 12;

/**
 * Times each shape on a small product and checks its result against the plainest one, so that neither a
 * slow nor a miscompiled loop is ever chosen. Takes some 20 ms.
 */
export async function tune(
  kernels: KernelExports,
  memory: WebAssembly.Memory,
  arena: Arena,
  features: { readonly relaxedSimd: boolean; readonly wideVectors: boolean },
): Promise<Tuning> {
  const bytes =
    4 * (ROWS * DEPTH + DEPTH * COLUMNS + 3 * COLUMNS + ROWS * COLUMNS + ROWS * 4) + 4096;
  const base = arena.allocate(bytes, true);
  try {
    const places = fill(memory, base);
    const result = () => new Float32Array(memory.buffer, places.c, ROWS * COLUMNS).slice();
    const measure = async (wide: boolean, kind: DotKind, op: Op) => {
      const once = () => {
        writeCommand(memory, op, places);
        kernels.run(LIST, 1, 0);
      };
      kernels.configure(wide, kind, ONES);
      for (let i = 0; i < WARM_UP; i++) once();
      await nextTurn();
      let best = Infinity;
      for (let i = 0; i < TIMED; i++) {
        const start = performance.now();
        once();
        best = Math.min(best, performance.now() - start);
      }
      return { time: best, values: result() };
    };

    const narrow = await measure(false, DotKind.Widened, Op.Gemm);
    const wide = await measure(true, DotKind.Widened, Op.Gemm);
    // Where V8 joins vectors nothing need be timed; a loop it has not optimised yet would mislead.
    const faster = features.wideVectors || wide.time < narrow.time;
    const wideTiles = faster && agrees(wide.values, narrow.values);

    kernels.configure(false, DotKind.Scalar, ONES);
    writeCommand(memory, Op.GemmInt8, places);
    kernels.run(LIST, 1, 0);
    const exact = result();
    let dotKind: DotKind = DotKind.Scalar;
    let fastest = Infinity;
    for (const kind of features.relaxedSimd
      ? [DotKind.Relaxed, DotKind.RelaxedQuads, DotKind.Widened]
      : [DotKind.Widened]) {
      const { time, values } = await measure(false, kind, Op.GemmInt8);
      if (time < fastest && agrees(values, exact)) [dotKind, fastest] = [kind, time];
    }
    kernels.configure(wideTiles, dotKind, ONES);
    return { wideTiles, dotKind };
  } finally {
    arena.release(base);
  }
}

interface Places {
  readonly a: number;
  readonly weights: number;
  readonly bias: number;
  readonly scales: number;
  readonly sums: number;
  readonly parameters: number;
  readonly c: number;
  readonly scratch: number;
}

/** Lays out one product: as floats, and the same memory read as bytes. */
function fill(memory: WebAssembly.Memory, base: number): Places {
  let at = base;
  const take = (bytes: number) => {
    const address = at;
    at += bytes;
    return address;
  };
  const places: Places = {
    a: take(4 * ROWS * DEPTH),
    weights: take(4 * DEPTH * COLUMNS),
    bias: take(4 * COLUMNS),
    scales: take(4 * COLUMNS),
    sums: take(4 * COLUMNS),
    parameters: take(16 * ROWS),
    c: take(4 * ROWS * COLUMNS),
    scratch: take(1024),
  };
  const floats = (address: number, length: number) =>
    new Float32Array(memory.buffer, address, length);
  // As floats these bytes are positive and below 0.5; read as bytes both sides have 7 bits.
  const a = new Uint8Array(memory.buffer, places.a, 4 * ROWS * DEPTH);
  for (let i = 0; i < a.length; i++) a[i] = i % 4 === 3 ? 0x3e : (i * 37 + (i >> 5)) % 64;
  const weights = new Uint8Array(memory.buffer, places.weights, 4 * DEPTH * COLUMNS);
  for (let i = 0; i < weights.length; i++)
    weights[i] = i % 4 === 3 ? 0x3e : (i * 41 + (i >> 6)) % 128;
  floats(places.bias, COLUMNS).fill(0.5);
  floats(places.scales, COLUMNS).fill(0.01);
  floats(places.sums, COLUMNS).fill(0.25);
  const parameters = floats(places.parameters, 4 * ROWS);
  for (let row = 0; row < ROWS; row++) parameters.set([0.02, 0.1, 0, 0], 4 * row);
  return places;
}

function writeCommand(memory: WebAssembly.Memory, op: Op, p: Places): void {
  const words = new Uint32Array(memory.buffer, LIST, COMMAND_WORDS).fill(0);
  words[0] = op;
  words[END_TILE] = 1;
  words[TOTAL_TILES] = 1;
  words.set(
    op === Op.Gemm
      ? [
          p.a,
          p.weights,
          p.bias,
          p.c,
          0,
          ROWS,
          DEPTH,
          COLUMNS,
          0,
          ROWS,
          COLUMNS / 16,
          0,
          p.scratch,
          0,
        ]
      : [
          p.a,
          p.parameters,
          p.weights,
          p.bias,
          p.c,
          0,
          ROWS,
          DEPTH,
          COLUMNS,
          0,
          ROWS,
          COLUMNS / 16,
          p.scales,
          p.sums,
          p.scratch,
          0,
        ],
    FIRST_ARGUMENT,
  );
}

function agrees(values: Float32Array, expected: Float32Array): boolean {
  return values.every(
    (value, i) => Math.abs(value - expected[i]) <= 1e-4 * (1 + Math.abs(expected[i])),
  );
}
