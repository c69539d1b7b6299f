import sharp from 'sharp';

/** Encodes raw pixels as a file of some format. */
export function encode(
  format: 'png' | 'jpeg' | 'webp' | 'tiff' | 'gif' | 'avif',
  data: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 3 | 4 = 3,
  options: object = {},
): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .toFormat(format, options)
    .toBuffer();
}

/** A smooth RGB picture. */
export function gradient(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return [(255 * x) / width, (255 * y) / height, 128][i % 3];
  });
}

/** A label map with a rectangle of a label. */
export function box(width: number, height: number, label = 1): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x > width / 4 && x < (3 * width) / 4 && y > height / 4 && y < (3 * height) / 4
      ? label
      : 0;
  });
}
