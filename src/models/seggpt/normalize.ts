/** ImageNet's mean and standard deviation, which SegGPT's images and masks are normalised with. */
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

/** 8-bit RGB `(…, 3)` → normalised colours, float32. */
export function normalizeColors(rgb: Uint8Array): Float32Array {
  const result = new Float32Array(rgb.length);
  for (let i = 0; i < rgb.length; i++) result[i] = (rgb[i] / 255 - MEAN[i % 3]) / DEVIATION[i % 3];
  return result;
}

/** Normalised colours → RGB 0 … 255, float32, clipped as the official code clips its output. */
export function denormalizeColors(values: Float32Array): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const level = (values[i] * DEVIATION[i % 3] + MEAN[i % 3]) * 255;
    result[i] = level < 0 ? 0 : level > 255 ? 255 : level;
  }
  return result;
}
