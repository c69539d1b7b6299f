import type { Arena } from './arena';
import type { KernelExports } from './kernel-module';
import { LIST, ONES } from './memory-map';
import { nextTurn } from '../../base/next-turn';
import { COMMAND_WORDS, DotKind, END_TILE, FIRST_ARGUMENT, Op, TOTAL_TILES } from './opcodes';

/** The fastest shapes of the inner loops on this machine. */
export interface Tuning {
  readonly wideTiles: boolean;
  readonly dotKind: DotKind;
}

const ROWS = 64;
const DEPTH = 256;
const COLUMNS = 64;
/** Runs of a loop between two looks at the clock: enough for a JavaScript engine to call it hot. */
const RUNS = 20;
/**
 * A loop is compiled in its best tier by another thread while the plain one runs on, and gets faster all of a sudden.
 * Nothing tells when that will be, so times count once none has fallen for this long, in milliseconds and rounds.
 */
const SETTLED_MS = 15;
const SETTLED_ROUNDS = 8;
/** Milliseconds after which the best so far is taken. */
const LONGEST_MS = 200;

/**
 * Times each shape on a small product and checks its result against the plainest one, so that neither a
 * slow nor a miscompiled loop is ever chosen. Takes some 30 ms for bytes; nothing for floats where V8 joins vectors.
 */
export async function tune(
  kernels: KernelExports,
  memory: WebAssembly.Memory,
  arena: Arena,
  features: {
    readonly relaxedSimd: boolean;
    readonly wideVectors: boolean;
    /** Whether products of bytes will be asked for. */
    readonly bytes: boolean;
    /** Take the plain shapes, whatever is faster. */
    readonly deterministic?: boolean;
  },
): Promise<Tuning> {
  if (features.deterministic) {
    const plain = { wideTiles: false, dotKind: DotKind.Widened };
    kernels.configure(plain.wideTiles, plain.dotKind, ONES);
    return plain;
  }
  const bytes =
    4 * (ROWS * DEPTH + DEPTH * COLUMNS + 3 * COLUMNS + ROWS * COLUMNS + ROWS * 4) + 4096;
  const base = arena.allocate(bytes, true);
  try {
    const places = fill(memory, base);
    const once = (op: Op) => {
      writeCommand(memory, op, places);
      kernels.run(LIST, 1, 0);
    };
    const compute = (wide: boolean, kind: DotKind, op: Op) => {
      kernels.configure(wide, kind, ONES);
      once(op);
      return new Float32Array(memory.buffer, places.c, ROWS * COLUMNS).slice();
    };
    const time = (wide: boolean, kind: DotKind, op: Op) => {
      kernels.configure(wide, kind, ONES);
      let best = Infinity;
      for (let i = 0; i < RUNS; i++) {
        const start = performance.now();
        once(op);
        best = Math.min(best, performance.now() - start);
      }
      return best;
    };

    const narrow = compute(false, DotKind.Scalar, Op.Gemm);
    const shapes = agrees(compute(true, DotKind.Scalar, Op.Gemm), narrow) ? [true, false] : [false];
    // Where V8 joins vectors nothing need be timed.
    const wideTiles = features.wideVectors
      ? shapes[0]
      : await fastest(shapes, (wide) => time(wide, DotKind.Scalar, Op.Gemm));

    let dotKind: DotKind = DotKind.Scalar;
    if (features.bytes) {
      const exact = compute(false, DotKind.Scalar, Op.GemmInt8);
      const kinds = features.relaxedSimd
        ? [DotKind.Relaxed, DotKind.RelaxedQuads, DotKind.Widened]
        : [DotKind.Widened];
      const right = kinds.filter((kind) => agrees(compute(false, kind, Op.GemmInt8), exact));
      if (right.length > 0)
        dotKind = await fastest(right, (kind) => time(false, kind, Op.GemmInt8));
    }
    kernels.configure(wideTiles, dotKind, ONES);
    return { wideTiles, dotKind };
  } finally {
    arena.release(base);
  }
}

/** The shape with the shortest time, once times have settled. */
async function fastest<Shape>(
  shapes: readonly Shape[],
  time: (shape: Shape) => number,
): Promise<Shape> {
  const best = shapes.map(() => Infinity);
  const start = performance.now();
  let fell = start;
  for (let quiet = 0; shapes.length > 1; quiet++) {
    shapes.forEach((shape, i) => {
      const now = time(shape);
      if (now < 0.8 * best[i]) [quiet, fell] = [0, performance.now()];
      best[i] = Math.min(best[i], now);
    });
    await nextTurn();
    const now = performance.now();
    if ((quiet >= SETTLED_ROUNDS && now - fell > SETTLED_MS) || now - start > LONGEST_MS) break;
  }
  return shapes[best.indexOf(Math.min(...best))];
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
