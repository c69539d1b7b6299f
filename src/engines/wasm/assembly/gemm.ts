import { PANEL, PanelType } from '../opcodes';
import { argument } from './command';
import { panelRows, panelRowsPartial } from './tile-f32';
import { gelu, halfToFloat } from './vector-math';

/** Inputs per block: a panel of 256 x 16 floats takes half of a 32 KB L1 cache. */
const DEPTH_BLOCK: i32 = 256;

/**
 * `C (R, N) = A (R, K) · W + bias`, then GELU, then a residual. One tile is a block of rows by a block
 * of panels.
 *
 * Arguments: A, W, bias, C, residual (0: none), R, K, N, GELU, rows per tile, panels per tile, panel
 * type, scratch, scratch bytes per thread.
 */
export function gemm(command: usize, tile: i32, thread: i32): void {
  const a = <usize>argument(command, 0);
  const weights = <usize>argument(command, 1);
  const bias = <usize>argument(command, 2);
  const c = <usize>argument(command, 3);
  const residual = <usize>argument(command, 4);
  const rows = <i32>argument(command, 5);
  const depth = <i32>argument(command, 6);
  const columns = <i32>argument(command, 7);
  const activate = argument(command, 8) != 0;
  const rowStep = <i32>argument(command, 9);
  const panelStep = <i32>argument(command, 10);
  const half = argument(command, 11) == PanelType.Float16;
  const scratch = <usize>argument(command, 12) + <usize>thread * <usize>argument(command, 13);

  const rowTiles = (rows + rowStep - 1) / rowStep;
  const panels = (columns + PANEL - 1) / PANEL;
  const r0 = (tile % rowTiles) * rowStep;
  const r1 = min(r0 + rowStep, rows);
  const p0 = (tile / rowTiles) * panelStep;
  const p1 = min(p0 + panelStep, panels);
  const aStride = <usize>depth << 2;
  const cStride = <usize>columns << 2;
  const first = p0 * PANEL;
  const last = min(p1 * PANEL, columns);

  startRows(c, bias, activate ? 0 : residual, r0, r1, first, last, cStride);
  const buffer = scratch;
  const panelBuffer = scratch + 64;
  for (let k: i32 = 0; k < depth; k += DEPTH_BLOCK) {
    const block = min(DEPTH_BLOCK, depth - k);
    for (let p = p0; p < p1; p++) {
      let b = weights + (<usize>(p * depth + k) << (half ? 5 : 6));
      if (half) {
        expandHalves(b, panelBuffer, block * PANEL);
        b = panelBuffer;
      }
      const from = a + <usize>r0 * aStride + (<usize>k << 2);
      const to = c + <usize>r0 * cStride + (<usize>p << 6);
      const there = columns - p * PANEL;
      if (there >= PANEL) panelRows(from, aStride, b, to, cStride, block, r1 - r0);
      else panelRowsPartial(from, aStride, b, to, cStride, block, r1 - r0, there, buffer);
    }
  }
  if (activate) finishRows(c, residual, r0, r1, first, last, cStride);
}

/** Fills a block of C with the bias, plus the residual if there is one. */
function startRows(
  c: usize, bias: usize, residual: usize, r0: i32, r1: i32, first: i32, last: i32, stride: usize,
): void {
  for (let r = r0; r < r1; r++) {
    const row = <usize>r * stride;
    let n = first;
    for (; n + 4 <= last; n += 4) {
      const at = <usize>n << 2;
      let x = v128.load(bias + at);
      if (residual) x = f32x4.add(x, v128.load(residual + row + at));
      v128.store(c + row + at, x);
    }
    for (; n < last; n++) {
      const at = <usize>n << 2;
      let x = load<f32>(bias + at);
      if (residual) x += load<f32>(residual + row + at);
      store<f32>(c + row + at, x);
    }
  }
}

/** GELU over a block of C, then the residual. */
function finishRows(
  c: usize, residual: usize, r0: i32, r1: i32, first: i32, last: i32, stride: usize,
): void {
  for (let r = r0; r < r1; r++) {
    const row = <usize>r * stride;
    let n = first;
    for (; n + 4 <= last; n += 4) {
      const at = row + (<usize>n << 2);
      let x = gelu(v128.load(c + at));
      if (residual) x = f32x4.add(x, v128.load(residual + at));
      v128.store(c + at, x);
    }
    for (; n < last; n++) {
      const at = row + (<usize>n << 2);
      let x = f32x4.extract_lane(gelu(v128.load32_splat(c + at)), 0);
      if (residual) x += load<f32>(residual + at);
      store<f32>(c + at, x);
    }
  }
}

/** `count` (a multiple of 8) half-precision numbers to floats. */
function expandHalves(from: usize, to: usize, count: i32): void {
  for (let i: i32 = 0; i < count; i += 8) {
    const eight = v128.load(from);
    v128.store(to, halfToFloat(i32x4.extend_low_i16x8_u(eight)));
    v128.store(to, halfToFloat(i32x4.extend_high_i16x8_u(eight)), 16);
    from += 16;
    to += 32;
  }
}
