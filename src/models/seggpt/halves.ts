/**
 * Canvases `(N, H, W, C)` as halves `(2N, H/2, W, C)` in the order of a token matrix: all upper
 * (prompt) halves, then all lower (target) halves.
 *
 * @param shareTarget keep the first canvas's lower half alone: `(N + 1, H/2, W, C)`.
 */
export function splitHalves(
  canvases: Float32Array,
  count: number,
  shareTarget: boolean,
): Float32Array {
  const half = canvases.length / count / 2;
  const targets = shareTarget ? 1 : count;
  const halves = new Float32Array((count + targets) * half);
  for (let n = 0; n < count; n++) {
    halves.set(canvases.subarray(2 * n * half, (2 * n + 1) * half), n * half);
    if (n < targets)
      halves.set(canvases.subarray((2 * n + 1) * half, (2 * n + 2) * half), (count + n) * half);
  }
  return halves;
}

/** Flags of canvas patches `(N, L)` in the order of a token matrix. */
export function splitMaskedPatches(
  flags: Uint8Array,
  count: number,
  shareTarget: boolean,
): Uint8Array {
  return Uint8Array.from(splitHalves(Float32Array.from(flags), count, shareTarget));
}

/** Whether all canvases have the same lower half. */
export function targetsEqual(values: ArrayLike<number>, count: number): boolean {
  const size = values.length / count;
  for (let n = 1; n < count; n++) {
    for (let i = size / 2; i < size; i++) {
      if (values[i] !== values[n * size + i]) return false;
    }
  }
  return true;
}
