import { CheckpointError } from '../../base/errors';
import { shown } from '../../base/shown';
import { resizeBicubic, resizeBilinear } from '../../images/resize';
import type { RgbImage } from '../../images/rgb-image';

/** How a model wants its pictures, from `preprocessor_config.json`. */
export interface Preprocessing {
  /** Of each channel, 0 … 1. */
  readonly mean: readonly number[];
  /** Of each channel, 0 … 1. */
  readonly deviation: readonly number[];
  readonly smooth: 'bilinear' | 'bicubic';
}

/** ImageNet's, which all of these models are trained with. */
const usual: Preprocessing = {
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
  smooth: 'bicubic',
};

/** Pillow's numbers of filters. */
const filters: Readonly<Record<number, Preprocessing['smooth']>> = { 2: 'bilinear', 3: 'bicubic' };

/** @throws CheckpointError for means or deviations that are none. */
export function parsePreprocessing(json: unknown, origin: string): Preprocessing {
  const given = Object(json) as Record<string, unknown>;
  const three = (key: string, fallback: readonly number[], least: number) => {
    const value = given[key] ?? fallback;
    const isFine =
      Array.isArray(value) &&
      value.length === 3 &&
      value.every((each) => typeof each === 'number' && each >= least && each <= 255);
    if (!isFine)
      throw new CheckpointError(`${origin}: ${key} must be three numbers, is ${shown(value)}.`);
    return value as number[];
  };
  return {
    mean: three('image_mean', usual.mean, 0),
    deviation: three('image_std', usual.deviation, 1e-6),
    smooth: filters[Number(given.resample)] ?? usual.smooth,
  };
}

/** A picture at another size as normalised colours: `(height, width, 3)`. */
export function toPixels(
  image: RgbImage,
  height: number,
  width: number,
  { mean, deviation, smooth }: Preprocessing,
): Float32Array {
  const resize = smooth === 'bicubic' ? resizeBicubic : resizeBilinear;
  const fitted = resize(image.data, [image.height, image.width, 3], [height, width]);
  const pixels = new Float32Array(fitted.length);
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = (fitted[i] / 255 - mean[i % 3]) / deviation[i % 3];
  return pixels;
}
