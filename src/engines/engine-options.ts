import { choice, flag, type OptionSchema, resolveOptions, whole } from '../base/options';

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
/** Who computes: one of {@link backendChoices}. */
export type BackendChoice = (typeof backendChoices)[number];

/** How weights are kept and multiplied. Engines of TF.js know `f32` alone. */
export const precisions = ['f32', 'f16', 'int8'] as const;
/** How weights are kept: one of {@link precisions}. */
export type Precision = (typeof precisions)[number];

/** Which engine, and how it computes. */
export interface EngineOptions {
  /** Who computes. @default 'auto' */
  readonly backend?: BackendChoice;
  /**
   * How weights are kept and multiplied. With `auto`, engines that cannot do what is asked for are passed by.
   * @default 'f32' for float checkpoints, 'int8' for quantised ones
   */
  readonly precision?: Precision;
  /** Threads of the CPU engine. @default as many as there are cores */
  readonly threads?: number;
  /**
   * Give the same bytes on every machine and version of the JavaScript engine, by kernels whose rounding is the same everywhere
   * and that are not chosen by time: for archives and tests. Somewhat slower; the package's own engine alone can do it.
   * @default false
   */
  readonly deterministic?: boolean;
}

/** The options of choosing an engine, as data. */
export const engineSchema = {
  backend: choice('who computes', backendChoices, 'auto'),
  precision: { kind: 'choice' as const, about: 'how weights are kept', choices: precisions },
  threads: whole('threads of the CPU engine', 1, Infinity),
  deterministic: flag('the same bytes on every machine', false),
} satisfies OptionSchema<EngineOptions>;

/** @throws InvalidInputError naming the option and what it may be. */
export function checkEngineOptions(options: EngineOptions): void {
  resolveOptions(engineSchema, options);
}
