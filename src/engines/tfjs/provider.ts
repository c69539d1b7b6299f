import type * as tfjs from '@tensorflow/tfjs';

export type TensorFlow = typeof tfjs;

export type TfjsBackend = 'tensorflow-gpu' | 'tensorflow' | 'webgpu' | 'wasm' | 'webgl' | 'cpu';

export interface TfjsHandle {
  readonly tf: TensorFlow;
  /** The name it is registered under. */
  readonly backend: string;
  /** Whether it computes in software (SwiftShader and the like). */
  readonly software: boolean;
  /** Settles when the graphics device is gone; of backends that have one. */
  readonly lost?: Promise<DeviceLoss>;
  /** Called when the engine is released. */
  readonly close?: () => void;
}

/** Why a graphics device is gone: a part of `GPUDeviceLostInfo`. */
export interface DeviceLoss {
  readonly reason?: string;
  readonly message: string;
}

/** Why a backend cannot be had. */
export interface Unavailable {
  readonly unavailable: string;
}

/**
 * Where TF.js comes from in Node or the browser. The adapter is chosen by `#tfjs-provider` in the `imports` of
 * package.json.
 */
export interface TfjsProvider {
  /**
   * The TF.js module that serves a backend, initialised, or the reason why it cannot be had. Nothing is imported before
   * it is asked for.
   *
   * @param hardwareOnly refuse WebGPU adapters that compute in software; TF.js is then not even loaded.
   */
  start(name: TfjsBackend, hardwareOnly?: boolean): Promise<TfjsHandle | Unavailable>;
}

export { tfjsProvider } from '#tfjs-provider';
