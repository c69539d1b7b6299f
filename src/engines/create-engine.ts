import { BackendError, InvalidInputError } from '../base/errors';
import { type TfjsBackend, tfjsProvider } from './tfjs/provider';
import type { Engine } from './engine';
import { TfjsEngine } from './tfjs/tfjs-engine';
import { createWasmEngine, wasmFeatures } from './wasm';

/** Backends by name. `wasm` is this package's own CPU engine; the `tfjs-` names force TF.js. */
export const backendChoices = [
  'auto',
  'webgpu',
  'wasm',
  'tensorflow',
  'webgl',
  'cpu',
  'tfjs-wasm',
] as const;
export type BackendChoice = (typeof backendChoices)[number];

/** How weights are kept and multiplied. TF.js engines compute in float32 whatever is asked for. */
export const precisions = ['f32', 'f16', 'int8'] as const;
export type Precision = (typeof precisions)[number];

export interface EngineOptions {
  readonly precision: Precision;
  readonly threads?: number;
}

type Attempt = {
  readonly name: string;
  readonly open: (options: EngineOptions) => Promise<Engine | { unavailable: string }>;
};

const viaTfjs = (name: TfjsBackend, hardwareOnly = false): Attempt => ({
  name,
  async open() {
    const found = await tfjsProvider.start(name, hardwareOnly);
    if ('unavailable' in found) return found;
    return new TfjsEngine(found.tf, found.backend, found.close, `tfjs-${name}`);
  },
});

/** This package's own CPU engine. */
const ownWasm: Attempt = {
  name: 'wasm',
  async open(options) {
    const { simd } = await wasmFeatures();
    return simd ? createWasmEngine(options) : { unavailable: 'WebAssembly SIMD is missing' };
  },
};

/**
 * What `auto` tries, best first: TensorFlow with a GPU, WebGPU on a real adapter, this package's own
 * engine on the CPU, then what else TF.js has.
 */
const automatic: readonly Attempt[] = [
  viaTfjs('tensorflow-gpu'),
  viaTfjs('webgpu', true),
  ownWasm,
  viaTfjs('tensorflow'),
  viaTfjs('wasm'),
  viaTfjs('webgl'),
  viaTfjs('cpu'),
];

const explicit: Record<Exclude<BackendChoice, 'auto'>, readonly Attempt[]> = {
  webgpu: [viaTfjs('webgpu')],
  wasm: [ownWasm],
  'tfjs-wasm': [viaTfjs('wasm')],
  tensorflow: [viaTfjs('tensorflow-gpu'), viaTfjs('tensorflow')],
  webgl: [viaTfjs('webgl')],
  cpu: [viaTfjs('cpu')],
};

/** What `backend`, `precision` and `threads` may be. @throws InvalidInputError naming the option. */
export function checkEngineOptions(
  choice: BackendChoice = 'auto',
  { precision, threads }: Partial<EngineOptions> = {},
): void {
  if (!backendChoices.includes(choice)) {
    throw new InvalidInputError(
      'backend',
      `unknown backend "${String(choice)}"; choose one of ${backendChoices.join(', ')}.`,
    );
  }
  if (precision !== undefined && !precisions.includes(precision)) {
    throw new InvalidInputError(
      'precision',
      `must be one of ${precisions.join(', ')}, is "${String(precision)}".`,
    );
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0)) {
    throw new InvalidInputError(
      'threads',
      `must be a whole number from 1 on, is ${String(threads)}.`,
    );
  }
}

/**
 * Starts an engine. What was chosen stands in its `name`.
 *
 * @throws InvalidInputError for an unknown name, BackendError naming why each candidate failed.
 */
export async function createEngine(
  choice: BackendChoice = 'auto',
  options: EngineOptions,
): Promise<Engine> {
  checkEngineOptions(choice, options);
  const failures: string[] = [];
  for (const attempt of choice === 'auto' ? automatic : explicit[choice]) {
    const outcome = await attempt.open(options);
    if (!('unavailable' in outcome)) return outcome;
    failures.push(`${attempt.name}: ${outcome.unavailable}`);
  }
  throw new BackendError(
    `The backend "${choice}" is not available here (${failures.join('; ')}). Choose another, or "auto" to let the package choose.`,
  );
}
