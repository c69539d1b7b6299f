import { PANEL } from '../opcodes';
import { argument, floatArgument } from './command';
import { normalizeRow } from './elementwise';
import { panelRows, panelRowsPartial } from './tile-f32';
import { gelu } from './vector-math';

/**
 * Pixel shuffle, 3x3 convolution, layer norm over channels, GELU, 1x1 convolution, on a strip of pixel
 * rows per tile. The strip is kept with a border of zeros; then the neighbourhood of a pixel within one
 * row of the strip is 3C consecutive floats, and the convolution is three matrix products whose left
 * rows overlap.
 *
 * Arguments: features, out, images, token rows, columns, p, C, convolution panels, its bias, gamma, beta,
 * epsilon, colour panels, their bias, pixel rows per strip, scratch, scratch bytes per thread.
 */
export function paintingHead(command: usize, tile: i32, thread: i32): void {
  const features = <usize>argument(command, 0);
  const out = <usize>argument(command, 1);
  const rows = <i32>argument(command, 3);
  const columns = <i32>argument(command, 4);
  const side = <i32>argument(command, 5);
  const channels = <i32>argument(command, 6);
  const convolution = <usize>argument(command, 7);
  const bias = <usize>argument(command, 8);
  const gamma = <usize>argument(command, 9);
  const beta = <usize>argument(command, 10);
  const epsilon = floatArgument(command, 11);
  const colors = <usize>argument(command, 12);
  const colorBias = <usize>argument(command, 13);
  const stripRows = <i32>argument(command, 14);

  const height = rows * side;
  const width = columns * side;
  const strips = (height + stripRows - 1) / stripRows;
  const image = tile / strips;
  const y0 = (tile % strips) * stripRows;
  const y1 = min(y0 + stripRows, height);

  const pixelBytes = <usize>channels << 2;
  const stripStride = <usize>(width + 2) * pixelBytes;
  const buffer = <usize>argument(command, 15) + <usize>thread * <usize>argument(command, 16);
  const strip = buffer + 64;
  const convolved = strip + <usize>(stripRows + 2) * stripStride;
  const painted = convolved + <usize>width * pixelBytes;

  for (let y = y0 - 1; y <= y1; y++) {
    gatherRow(features, strip + <usize>(y - y0 + 1) * stripStride, image, y, rows, columns, side, pixelBytes);
  }
  const depth = 3 * channels;
  for (let y = y0; y < y1; y++) {
    for (let x: i32 = 0; x < width; x++) memory.copy(convolved + <usize>x * pixelBytes, bias, pixelBytes);
    for (let dy: i32 = 0; dy < 3; dy++) {
      const from = strip + <usize>(y - y0 + dy) * stripStride;
      for (let n: i32 = 0; n < channels; n += PANEL) {
        const b = convolution + ((<usize>n * <usize>(3 * depth) + <usize>(dy * depth) * PANEL) << 2);
        const to = convolved + (<usize>n << 2);
        if (channels - n >= PANEL) panelRows(from, pixelBytes, b, to, pixelBytes, depth, width);
        else panelRowsPartial(from, pixelBytes, b, to, pixelBytes, depth, width, channels - n, buffer);
      }
    }
    for (let x: i32 = 0; x < width; x++) {
      const pixel = convolved + <usize>x * pixelBytes;
      normalizeRow(pixel, gamma, beta, pixel, channels, epsilon);
      geluRow(pixel, pixelBytes);
      memory.copy(painted + (<usize>x << 6), colorBias, 12);
    }
    panelRows(convolved, pixelBytes, colors, painted, 64, channels, width);
    const to = out + (<usize>((image * height + y) * width) * 12);
    for (let x: usize = 0; x < <usize>width; x++) memory.copy(to + x * 12, painted + (x << 6), 12);
  }
}

/** Pixel row `y` of the shuffled image between two zero pixels; all zeros outside the image. */
function gatherRow(
  features: usize, to: usize, image: i32, y: i32, rows: i32, columns: i32, side: i32, pixelBytes: usize,
): void {
  const width = <usize>(columns * side);
  if (y < 0 || y >= rows * side) {
    memory.fill(to, 0, (width + 2) * pixelBytes);
    return;
  }
  const run = <usize>side * pixelBytes;
  const token = <usize>side * run;
  let from = features + <usize>((image * rows + y / side) * columns) * token + <usize>(y % side) * run;
  memory.fill(to, 0, pixelBytes);
  to += pixelBytes;
  for (let column: i32 = 0; column < columns; column++) {
    memory.copy(to, from, run);
    from += token;
    to += run;
  }
  memory.fill(to, 0, pixelBytes);
}

function geluRow(pixel: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(pixel + i, gelu(v128.load(pixel + i)));
  for (; i < bytes; i += 4) store<f32>(pixel + i, f32x4.extract_lane(gelu(v128.load32_splat(pixel + i)), 0));
}
