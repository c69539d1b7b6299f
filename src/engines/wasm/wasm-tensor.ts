import type { EngineTensor, LinearWeights } from '../engine';
import type { Packing } from './pack-linear';

/** A tensor in the engine's memory: row-major float32 at `address`. */
export class WasmTensor implements EngineTensor {
  disposed = false;

  constructor(
    readonly shape: readonly number[],
    readonly address: number,
  ) {}

  /** Memory to give back. */
  get addresses(): readonly number[] {
    return [this.address];
  }

  /** Number of values. */
  get length(): number {
    return this.shape.reduce((a, b) => a * b, 1);
  }
}

/** A packed linear layer; addresses of its parts. */
export class WasmLinear implements LinearWeights {
  disposed = false;

  constructor(
    readonly inputs: number,
    readonly outputs: number,
    readonly packing: Packing,
    readonly weights: number,
    readonly bias: number,
    /** For int8: column scales and scaled column sums. */
    readonly scales: number,
    readonly sums: number,
  ) {}

  /** Memory to give back. */
  get addresses(): readonly number[] {
    const { weights, bias, scales, sums } = this;
    return this.packing === 'int8' ? [weights, bias, scales, sums] : [weights, bias];
  }
}
