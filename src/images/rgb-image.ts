import { InvalidInputError } from '../base/errors';
import type { ImageInput } from './image-input';
import { type Pixels, readPixels, type ReadOptions } from './read-input';

/** An sRGB picture: `(height, width, 3)` row-major, 8 bits a channel. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
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

function toRgb({ width, height, channels, data, fractional }: Pixels, argument: string): RgbImage {
  const count = width * height;
  const result = new Uint8Array(count * 3);
  const top = fractional ? 1 : 255;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (!(value >= 0 && value <= top)) {
      throw new InvalidInputError(
        argument,
        `holds the value ${value}; ${fractional ? 'floating-point pixels are 0 … 1 (divide by 255)' : 'pixels are 0 … 255'}.`,
      );
    }
  }
  const scale = 255 / top;
  if (channels === 3 && !fractional) {
    result.set(data);
    return { width, height, data: result };
  }
  for (let i = 0; i < count; i++) {
    const alpha = channels === 4 ? data[i * 4 + 3] / top : 1;
    for (let c = 0; c < 3; c++) {
      const value = data[channels === 1 ? i : i * channels + c] * scale;
      result[i * 3 + c] = Math.round(value * alpha + 255 * (1 - alpha));
    }
  }
  return { width, height, data: result };
}
