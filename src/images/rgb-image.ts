import { warn } from '../base/warn';
import type { ImageInput } from './image-input';
import { checkWindow, toLevels, type Window } from './ranges';
import { inputName, type Pixels, readPixels, type ReadOptions } from './read-input';

/** An sRGB picture: `(height, width, 3)` row-major, 8 bits a channel. */
export interface RgbImage {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** `(height, width, 3)` row-major RGB, 0 … 255. */
  readonly data: Uint8Array;
}

export interface ReadImageOptions extends Omit<ReadOptions, 'purpose' | 'asStored'> {
  /** Values that become black and white. @default chosen by the values where their type does not tell */
  readonly window?: Window;
}

/** A picture, and EXIF's orientation of its file, where that has one. */
export interface ReadPicture extends RgbImage {
  readonly orientation?: number;
}

/**
 * Reads any {@link ImageInput} as an RGB picture. Grey is repeated; transparency is composited over
 * white; values of more than 8 bits are brought to 8 (see {@link toLevels}), with a warning where a window had to be chosen.
 *
 * @throws InvalidInputError, ImageError, AbortedError
 */
export async function readImage(
  input: ImageInput,
  options: ReadImageOptions,
): Promise<ReadPicture> {
  const { window, argument } = options;
  checkWindow(window);
  const asStored = window !== undefined;
  const pixels = await readPixels(input, { ...options, purpose: 'image', asStored });
  const { data, width, height, orientation } = pixels;
  if (pixels.channels === 3 && pixels.owned && !window && data instanceof Uint8Array)
    return { width, height, data, orientation };
  const { levels, note } = toLevels(pixels, window, argument);
  if (note) warn('RANGE', `${inputName(input, argument)}: ${note}`);
  return { width, height, data: toRgb(pixels, levels), orientation };
}

function toRgb({ width, height, channels }: Pixels, levels: ArrayLike<number>): Uint8Array {
  const count = width * height;
  const result = new Uint8Array(count * 3);
  if (channels === 3) {
    result.set(levels);
    return result;
  }
  const hasAlpha = channels !== 1;
  const step = channels === 4 ? 1 : 0; // from red to green to blue; grey stands for all three
  for (let i = 0, to = 0; i < count; i++) {
    const from = i * channels;
    const alpha = hasAlpha ? levels[from + channels - 1] / 255 : 1;
    for (let c = 0; c < 3; c++, to++) {
      const level = levels[from + c * step];
      result[to] = hasAlpha ? Math.round(level * alpha + 255 * (1 - alpha)) : level;
    }
  }
  return result;
}
