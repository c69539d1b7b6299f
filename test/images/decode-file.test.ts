import sharp from 'sharp';
import { decodeBmp } from '../../src/images/bmp';
import { readImage } from '../../src/images/rgb-image';
import { readMask } from '../../src/masks/read-mask';
import { seededRandom } from '../../src/base/random';
import { fixture } from '../helpers/fixture';

const limits = { maxPixels: 1000 };
const options = { argument: 'target', limits };

interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** Bytes of each row, top row first. */
  readonly rows: readonly (readonly number[])[];
  readonly palette?: readonly number[];
  readonly masks?: readonly number[];
  readonly topDown?: boolean;
  readonly compression?: number;
}

/** A bitmap as Microsoft's documentation has it. */
function bmp({ width, height, bits, rows, palette = [], masks = [], ...more }: Bitmap): Buffer {
  const stride = Math.ceil((width * bits) / 32) * 4;
  const head = Buffer.alloc(54);
  const extra = Buffer.alloc(masks.length * 4);
  masks.forEach((mask, i) => extra.writeUInt32LE(mask >>> 0, i * 4));
  const start = 54 + extra.length + palette.length;
  head.write('BM');
  head.writeUInt32LE(start, 10);
  head.writeUInt32LE(40 + (masks.length > 3 ? 16 : 0), 14);
  head.writeInt32LE(width, 18);
  head.writeInt32LE(more.topDown ? -height : height, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(more.compression ?? (masks.length ? 3 : 0), 30);
  head.writeUInt32LE(palette.length / 4, 46);
  const order = more.topDown ? rows : [...rows].reverse();
  const body = order.map((row) =>
    Buffer.from([...row, ...new Array<number>(stride - row.length).fill(0)]),
  );
  return Buffer.concat([head, extra, Buffer.from(palette), ...body]);
}

const colors = [0, 0, 0, 0, 0, 0, 128, 0, 0, 128, 0, 0]; // black, dark red, green as blue, green, red, 0

describe('reads BMP', () => {
  it.each([1, 4, 8])('of %i bits with a palette, as labels and as a picture', async (bits) => {
    const random = seededRandom(bits);
    const [width, height] = [13, 5];
    const most = bits === 1 ? 2 : 3;
    const indices = Array.from({ length: height }, () =>
      Array.from({ length: width }, () => Math.floor(random() * most)),
    );
    const rows = indices.map((row) => {
      const bytes = new Array<number>(Math.ceil((width * bits) / 8)).fill(0);
      row.forEach((index, x) => (bytes[(x * bits) >> 3] |= index << (8 - bits - ((x * bits) & 7))));
      return bytes;
    });
    for (const topDown of [false, true]) {
      const file = bmp({ width, height, bits, rows, palette: colors.slice(0, most * 4), topDown });
      const mask = await readMask(file, { argument: 'mask', limits });
      expect([...mask.data]).toEqual(indices.flat());
      const { data } = await readImage(file, options);
      expect([...data]).toEqual(
        indices.flat().flatMap((i) => [colors[i * 4 + 2], colors[i * 4 + 1], colors[i * 4]]),
      );
    }
  });

  it('of 24, 32 and 16 bits', async () => {
    const wanted = [255, 0, 0, 0, 255, 0, 0, 0, 255];
    const three = bmp({ width: 3, height: 1, bits: 24, rows: [[0, 0, 255, 0, 255, 0, 255, 0, 0]] });
    const four = bmp({
      ...{ width: 3, height: 1, bits: 32 },
      rows: [[0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0]],
    });
    const two = bmp({ width: 3, height: 1, bits: 16, rows: [[0, 0x7c, 0xe0, 0x03, 0x1f, 0]] });
    const fields = bmp({
      ...{ width: 3, height: 1, bits: 16, masks: [0xf800, 0x07e0, 0x001f] },
      rows: [[0, 0xf8, 0xe0, 0x07, 0x1f, 0]],
    });
    for (const file of [three, four, two, fields])
      expect([...(await readImage(file, options)).data]).toEqual(wanted);
    const { data } = await readMask(three, { argument: 'mask', limits });
    expect([...data]).toEqual([1, 2, 3]);
  });

  it('with alpha where its header gives alpha a mask', async () => {
    const file = bmp({
      ...{ width: 2, height: 1, bits: 32, masks: [0xff0000, 0xff00, 0xff, 0xff000000] },
      rows: [[9, 9, 9, 255, 9, 9, 9, 0]],
    });
    expect([...decodeBmp(file, limits, 'x.bmp').data]).toEqual([9, 9, 9, 255, 9, 9, 9, 0]);
  });

  it.each<[string, Buffer, RegExp]>([
    [
      'run-lengths',
      bmp({ width: 4, height: 1, bits: 8, rows: [[0, 0, 0, 0]], compression: 1 }),
      /compression 1, which is not read; save it without/,
    ],
    ['a file cut short', bmp({ width: 4, height: 2, bits: 24, rows: [] }), /is truncated/],
    ['no size', bmp({ width: 0, height: 2, bits: 24, rows: [] }), /no pixels/],
    [
      'too many pixels',
      bmp({ width: 400, height: 200, bits: 24, rows: [] }),
      /more than the limit of 1000/,
    ],
  ])('but not %s', async (_, file, message) => {
    await expect(readImage(file, options)).rejects.toThrow(message);
  });
});

it('says what HEIC is and what to do', async () => {
  await expect(readImage(fixture('masks/heic-message/phone-photo.heic'), options)).rejects.toThrow(
    /phone-photo\.heic is a HEIC picture \(HEVC\).*convert it to JPEG or PNG/,
  );
});

it('says which formats are read, and what the decoder says of damage', async () => {
  await expect(readImage(Buffer.from('no picture at all'), options)).rejects.toThrow(
    /target cannot be decoded as an image: it is of no format that is read \(PNG, JPEG, .*BMP/,
  );
  const png = await sharp({ create: { width: 20, height: 20, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  await expect(readImage(png.subarray(0, 60), options)).rejects.toThrow(
    /cannot be decoded as an image: (?!source)/,
  );
});
