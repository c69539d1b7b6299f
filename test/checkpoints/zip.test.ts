import { CheckpointError } from '../../src/base/errors';
import { memoryAccess } from '../../src/checkpoints/memory-access';
import { readZipDirectory } from '../../src/checkpoints/zip';
import { zip, type ZipOptions } from '../helpers/archive';

const files = { 'a/data.pkl': [1, 2, 3], 'a/data/0': [9, 8, 7, 6, 5], 'a/empty': [] };
const read = (bytes: Uint8Array) => readZipDirectory(memoryAccess(bytes, 'x.pth'));
/** What the directory says of an archive, as bytes. */
async function contents(bytes: Uint8Array) {
  const members = await read(bytes);
  return Object.fromEntries(
    [...members].map(([name, { offset, size }]) => [
      name,
      [...bytes.subarray(offset, offset + size)],
    ]),
  );
}

it.each<[string, ZipOptions]>([
  ['as old zip', {}],
  ['behind a comment', { comment: 'written by nobody' }],
  ['with a directory in zip64', { wideEnd: true }],
  ['with sizes in zip64', { wide: ['full', 'size'] }],
  ['with one size in zip64', { wide: ['full'] }],
  ['with the other size in zip64', { wide: ['size'] }],
  ['with places in zip64', { wide: ['header'] }],
  ['with a size and places in zip64', { wide: ['size', 'header'] }],
  ['with all of it in zip64', { wide: ['full', 'size', 'header'], wideEnd: true, comment: '!' }],
])('finds members %s', async (_, options) => {
  const bytes = zip(files, options);
  expect(await contents(bytes)).toEqual(files);
  // A file that is a part of a larger buffer.
  const padded = new Uint8Array(bytes.length + 20);
  padded.set(bytes, 13);
  expect(await contents(padded.subarray(13, 13 + bytes.length))).toEqual(files);
});

it('gives offsets of the data, past a header whose padding the directory does not tell', async () => {
  const members = await read(zip({ ab: [1, 2], c: [3] }));
  // A header is 30 bytes, its padding 9.
  expect([...members]).toEqual([
    ['ab', { offset: 30 + 2 + 9, size: 2, crc: 0 }],
    ['c', { offset: 41 + 2 + 30 + 1 + 9, size: 1, crc: 0 }],
  ]);
});

it('finds the end behind the longest comment', async () => {
  expect(await contents(zip(files, { comment: 'x'.repeat(65_535) }))).toEqual(files);
});

describe('refuses', () => {
  const bytes = zip(files);
  /** A copy with some bytes changed. */
  const edited = (from: Uint8Array, at: number, ...values: number[]) => {
    const copy = Uint8Array.from(from);
    copy.set(values, at);
    return copy;
  };
  const end = bytes.length - 22;
  const directory = new DataView(bytes.buffer).getUint32(end + 16, true);
  const wide = zip(files, { wideEnd: true });
  const locator = wide.length - 22 - 20;
  const record = locator - 56;

  it.each<[string, Uint8Array, RegExp]>([
    ['compressed members', zip(files, { method: 8 }), /"a\/data.pkl" is compressed/],
    ['members of two sizes', zip(files, { unpacked: 1 }), /"a\/data.pkl" is compressed/],
    ['an archive without an end', bytes.subarray(0, end), /end record is missing/],
    ['less than an end record', bytes.subarray(0, 5), /end record is missing/],
    ['a directory past the end', edited(bytes, end + 16, 255, 255, 0, 0), /directory lies outside/],
    [
      'a directory longer than the file',
      edited(bytes, end + 12, ...[255, 255, 0, 0]),
      /directory lies outside/,
    ],
    ['a directory of other things', edited(bytes, directory, 0), /directory is damaged/],
    ['more members than there are', edited(bytes, end + 10, 4), /directory is damaged/],
    ['a name longer than the directory', edited(bytes, directory + 28, 255, 1), /is damaged/],
    ['a header of other things', edited(bytes, 0, 0), /header of its member "a\/data.pkl" is/],
    [
      'a header past the end',
      edited(bytes, directory + 42, 255, 255, 0, 0),
      /"a\/data.pkl" lies outside/,
    ],
    [
      'data past the end',
      edited(edited(bytes, directory + 20, 255, 255, 0, 0), directory + 24, 255, 255, 0, 0),
      /"a\/data.pkl" reaches past the end/,
    ],
    ['a zip64 record of other things', edited(wide, record, 0), /zip64 record is damaged/],
    [
      'a zip64 record past the end',
      edited(wide, locator + 8, 255, 255, 0, 0),
      /zip64 record lies outside/,
    ],
    [
      'a zip64 record that reaches past the end',
      edited(wide, locator + 8, (wide.length - 55) & 255, (wide.length - 55) >> 8),
      /zip64 record lies outside/,
    ],
    [
      'a zip64 field cut short',
      zip(files, { wide: ['size', 'header'], cut: 1 }),
      /zip64 entry is damaged/,
    ],
    [
      'a zip64 field without the places',
      zip(files, { wide: ['full', 'size', 'header'], cut: 8 }),
      /zip64 entry is damaged/,
    ],
    [
      'a directory entry without its zip64 field',
      edited(edited(bytes, directory + 20, 255, 255, 255, 255), directory + 24, 3),
      /zip64 entry is damaged/,
    ],
  ])('%s', async (_, damaged, message) => {
    const failure = await read(damaged).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CheckpointError);
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).toMatch(/^x.pth is not a sound PyTorch archive: /);
  });
});
