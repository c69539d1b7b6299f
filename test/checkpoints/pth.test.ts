import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { inferConfig } from '../../src/models/seggpt/infer-config';
import { memoryAccess } from '../../src/checkpoints/memory-access';
import { openCheckpoint } from '../../src/checkpoints/open-checkpoint';
import { readPickle } from '../../src/checkpoints/pickle';
import { openPth } from '../../src/checkpoints/pth';
import { CheckpointError } from '../../src/base/errors';
import { parsePainterConfig } from '../../src/models/seggpt/config';
import { withPainterNames } from '../../src/models/seggpt/stored-names';
import { tinyModel } from '../helpers/reference';

const official = readFileSync(join(tinyModel, 'official.pth'));

it('holds the same parameters as the Hugging Face file, under the same names', async () => {
  const pth = withPainterNames(await openPth(memoryAccess(official, 'official.pth'), null));
  const converted = await openCheckpoint(tinyModel);
  expect([...pth.entries.keys()].sort()).toEqual([...converted.entries.keys()].sort());
  for (const name of pth.entries.keys()) {
    const [a, b] = [await pth.read(name), await converted.read(name)];
    expect(a.shape).toEqual(b.shape);
    expect(Buffer.compare(a.data, b.data)).toBe(0);
  }
  await converted.close();
});

it('carries enough to work the config out, but for the canvas without relative positions', async () => {
  const pth = withPainterNames(await openPth(memoryAccess(official, 'official.pth'), null));
  const config = JSON.parse(readFileSync(join(tinyModel, 'config.json'), 'utf8')) as unknown;
  expect(inferConfig(pth)).toEqual(parsePainterConfig(config));
});

const pickle = (...parts: (number | string)[]) =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'number' ? [part] : [...Buffer.from(part, 'latin1')])),
  );

describe('the pickle reader', () => {
  it.each<[string, Uint8Array, RegExp]>([
    [
      'a call of os.system',
      pickle(0x80, 2, 'cposix\nsystem\n', 'X', 2, 0, 0, 0, 'ls', 0x85, 'R.'),
      /refers to "posix.system".*nothing is ever run/,
    ],
    [
      'a global by stack',
      pickle(0x80, 4, 0x8c, 8, 'builtins', 0x8c, 4, 'eval', 0x93, '.'),
      /"builtins.eval"/,
    ],
    ['an instance', pickle(0x80, 2, 0x29, 0x81, '.'), /opcode 0x81/],
    ['text opcodes', pickle('I1\n.'), /opcode 0x49/],
    ['an empty stack', pickle(0x80, 2, '.'), /stack is empty/],
    ['a memo that was never set', pickle(0x80, 2, 'h', 9, '.'), /memo 9/],
    ['a string longer than the file', pickle(0x80, 2, 'X', 255, 255, 255, 127, 'a'), /cut short/],
    ['the end missing', pickle(0x80, 2, '}'), /cut short/],
    ['a call of a number', pickle(0x80, 2, 'K', 1, ')R.'), /calls what is not a tensor/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readPickle(bytes, 'x.pth')).toThrow(CheckpointError);
    expect(() => readPickle(bytes, 'x.pth')).toThrow(message);
  });

  it('reads numbers, strings and containers', () => {
    const bytes = pickle(
      0x80,
      2,
      '}(',
      'X',
      1,
      0,
      0,
      0,
      'a',
      ']',
      '(K',
      7,
      'M',
      1,
      1,
      'J',
      255,
      255,
      255,
      255,
      'e',
      'X',
      1,
      0,
      0,
      0,
      'b',
      0x8a,
      2,
      0,
      128,
      'u.',
    );
    expect(readPickle(bytes, 'x')).toEqual(
      new Map<string, unknown>([
        ['a', [7, 257, -1]],
        ['b', -32768],
      ]),
    );
  });

  it('survives random programs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readPickle(bytes, 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

it('survives any damage to the archive', async () => {
  // The interesting bytes are at the end (directory) and in the pickle, which torch writes first.
  const spots = fc.oneof(
    fc.nat(20_000),
    fc.integer({ min: official.length - 30_000, max: official.length - 1 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(spots, fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.option(fc.nat(official.length)),
      async (edits, cut) => {
        const bytes = Uint8Array.from(cut === null ? official : official.subarray(0, cut));
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        try {
          const source = await openPth(memoryAccess(bytes, 'damaged.pth'), null);
          for (const name of [...source.entries.keys()].slice(0, 3)) await source.read(name);
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError);
        }
      },
    ),
    { numRuns: 60 },
  );
});
