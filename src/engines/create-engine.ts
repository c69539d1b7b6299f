import { BackendError } from '../base/errors';
import type { Engine } from './engine';
import { type BackendChoice, checkEngineOptions, type Precision } from './engine-options';
import { type TfjsBackend, tfjsProvider } from './tfjs/provider';
import { createWasmEngine, wasmFeatures } from './wasm';

/** What an engine is to be started with. */
export interface EngineRequest {
  readonly backend?: BackendChoice;
  /** What the caller asked for; engines that cannot do it are passed by. */
  readonly precision?: Precision;
  /** What to use where the caller asked for nothing and the engine has a choice. */
  readonly preferredPrecision: Precision;
  readonly threads?: number;
  /** Only engines that give the same bytes everywhere. */
  readonly deterministic?: boolean;
}

type Attempt = {
  readonly name: string;
  readonly open: (request: EngineRequest) => Promise<Engine | { unavailable: string }>;
};

const viaTfjs = (name: TfjsBackend, hardwareOnly = false): Attempt => ({
  name,
  async open({ precision = 'f32', deterministic }) {
    if (deterministic)
      return { unavailable: 'TF.js rounds as its device does, and deterministic was asked for' };
    if (precision !== 'f32')
      return { unavailable: `TF.js computes in f32 alone, and ${precision} was asked for` };
    const found = await tfjsProvider.start(name, hardwareOnly);
    if ('unavailable' in found) return found;
    const { TfjsEngine } = await import('./tfjs/tfjs-engine');
    const { tf, close, lost } = found;
    return new TfjsEngine(tf, found.backend, close, `tfjs-${name}`, lost);
  },
});

/** This package's own CPU engine. */
const ownWasm: Attempt = {
  name: 'wasm',
  async open({ precision, preferredPrecision, threads, deterministic }) {
    const { simd } = await wasmFeatures();
    if (!simd) return { unavailable: 'WebAssembly SIMD is missing' };
    try {
      return await createWasmEngine({
        ...{ precision: precision ?? preferredPrecision, threads, deterministic },
      });
    } catch (error) {
      if (error instanceof BackendError) return { unavailable: error.message.replace(/\.$/, '') };
      throw error;
    }
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

/**
 * Starts an engine. What was chosen stands in its `name`.
 *
 * @throws InvalidInputError for an unknown name, BackendError naming why each candidate failed.
 */
export async function createEngine(request: EngineRequest): Promise<Engine> {
  checkEngineOptions(request);
  const { backend = 'auto' } = request;
  const failures: string[] = [];
  for (const attempt of backend === 'auto' ? automatic : explicit[backend]) {
    const outcome = await attempt.open(request);
    if (!('unavailable' in outcome)) return outcome;
    failures.push(`${attempt.name}: ${outcome.unavailable}`);
  }
  throw new BackendError(
    `The backend "${backend}" is not available here (${failures.join('; ')}). Choose another, or "auto" to let the package choose.`,
  );
}
