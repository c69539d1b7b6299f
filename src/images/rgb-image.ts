import { InvalidInputError } from '../base/errors';
import type { ImageInput } from './image-input';
import { type Pixels, readPixels, type ReadOptions } from './read-input';

/** An sRGB picture: `(height, width, 3)` row-major, 8 bits a channel. */
export interface RgbImage {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** `(height, width, 3)` row-major RGB, 0 … 255. */
  readonly data: Uint8Array;
}

/**
 * Reads any {@link ImageInput} as an RGB picture. Grey is repeated; transparency is composited over
 * white.
 *
 * @throws InvalidInputError, ImageError, AbortedError
 */
export async function readImage(
  input: ImageInput,
  options: Omit<ReadOptions, 'purpose'>,
): Promise<RgbImage> {
  const pixels = await readPixels(input, { ...options, purpose: 'image' });
  return toRgb(pixels, options.argument);
}

function toRgb(pixels: Pixels, argument: string): RgbImage {
  const { width, height, channels, data } = pixels;
  if (channels === 3 && pixels.owned && data instanceof Uint8Array) return { width, height, data };
  const levels = pixels.bytes ? data : toLevels(pixels, argument);
  const count = width * height;
  const result = new Uint8Array(count * 3);
  if (channels === 3) {
    result.set(levels);
  } else if (channels === 1) {
    for (let i = 0, to = 0; i < count; i++, to += 3)
      result[to] = result[to + 1] = result[to + 2] = levels[i];
  } else {
    for (let i = 0, to = 0; i < count; i++, to += 3) {
      const alpha = levels[i * 4 + 3] / 255;
      for (let c = 0; c < 3; c++)
        result[to + c] = Math.round(levels[i * 4 + c] * alpha + 255 * (1 - alpha));
    }
  }
  return { width, height, data: result };
}

/** Values of any type as levels 0 … 255. @throws InvalidInputError for a value that is none. */
function toLevels({ data, fractional }: Pixels, argument: string): Uint8Array | Float32Array {
  const top = fractional ? 1 : 255;
  const levels = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (!(value >= 0 && value <= top)) {
      throw new InvalidInputError(
        argument,
        `holds the value ${value}; ${fractional ? 'floating-point pixels are 0 … 1 (divide by 255)' : 'pixels are 0 … 255'}.`,
      );
    }
    levels[i] = fractional ? Math.fround(value * 255) : value;
  }
  return fractional ? Uint8Array.from(levels, Math.round) : levels;
}
