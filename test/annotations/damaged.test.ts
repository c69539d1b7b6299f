import fc from 'fast-check';
import { toLabelMap } from '../../src/annotations/model/to-label-map';
import { readAnnotations } from '../../src/annotations/read-annotations';
import { readLabelTiff } from '../../src/annotations/readers/label-tiff';
import { SegGptError } from '../../src/base/errors';
import { fixture, json } from './fixtures';

/** Whether work ends well or with an error of this package. */
async function endsWell(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof SegGptError)) throw error;
  }
}

const draw = async (text: string) => {
  for (const picture of await readAnnotations(text, 'a')) toLabelMap(picture);
};

/** Paths to every value in parsed JSON, at most so deep in lists of numbers. */
function places(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Array.isArray(value) ? [...value.keys()].slice(0, 4) : Object.keys(value);
  return [path, ...keys.flatMap((key) => places((value as never)[key], [...path, key]))];
}

it.each(['coco.json', 'labelme-masks.json', 'label-studio.json'])(
  'reads %s or says what is wrong, whatever one value is',
  async (name) => {
    const others = fc.constantFrom<unknown>(
      null,
      -1,
      0,
      1.5,
      1e15,
      'x',
      '',
      [],
      {},
      [[]],
      [null],
      true,
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places(json(name))), others, async (path, other) => {
        const changed = { root: json(name) };
        const keys = ['root', ...path];
        let at: never = changed as never;
        for (const key of keys.slice(0, -1)) at = at[key];
        (at as Record<string | number, unknown>)[keys.at(-1)!] = other;
        await endsWell(() => draw(JSON.stringify(changed.root)));
      }),
      { numRuns: 300 },
    );
  },
);

it.each(['coco.json', 'cvat.xml'])(
  'reads %s or says what is wrong, wherever it is cut or changed',
  async (name) => {
    const text = new TextDecoder().decode(fixture(name));
    const cut = fc.record({
      from: fc.nat(text.length),
      length: fc.nat(9),
      instead: fc.constantFrom('', '<', '"', '0', '&', '-1', '9999999999', ']'),
    });
    await fc.assert(
      fc.asyncProperty(cut, ({ from, length, instead }) =>
        endsWell(() => draw(text.slice(0, from) + instead + text.slice(from + length))),
      ),
      { numRuns: 300 },
    );
  },
);

it.each(['imagej.tif', 'napari.tif', 'predicted.tif'])(
  'reads %s or says what is wrong, whatever a byte of its fields is',
  async (name) => {
    const bytes = fixture(name);
    await fc.assert(
      fc.asyncProperty(fc.nat(300), fc.nat(255), (at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        return endsWell(() => readLabelTiff(changed, 'a'));
      }),
      { numRuns: 300 },
    );
  },
);
