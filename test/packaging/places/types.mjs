/**
 * The declarations, as strict projects read them: right calls compile, wrong ones do not, in each way of resolving modules,
 * with and without DOM types, and with `skipLibCheck: false`.
 */
import { command, project, versionOf, write } from '../harness.mjs';
import { passes } from '../expect.mjs';

const right = `
import { InContextSegmenter, segmentInContext, InvalidInputError, type LabelMap, type Mask, type Prompt, type SegmentationResult } from 'seggpt';
import { Painter } from 'seggpt/painter';
import { openCheckpoint } from 'seggpt/checkpoints';
import { encodeRle } from 'seggpt/masks';
import { wasmFeatures } from 'seggpt/engines';
import { segmentationSchema } from 'seggpt/options';
import { openFrames } from 'seggpt/video';

const prompts: Prompt[] = [
  { image: 'a.jpg', mask: 'a.png' },
  { image: { width: 2, height: 2, data: new Uint8Array(12) }, mask: new Uint8Array(4) },
];
const result: SegmentationResult = await segmentInContext(prompts, 'b.jpg', { backend: 'wasm', resolution: 288 });
const map: LabelMap = result.labelMap;
const mask: Mask | undefined = result.masks[0];
const area: number = mask!.area;
const values: Uint8Array = result.labelArray.data;
const segmenter = await InContextSegmenter.load('bundled', { signal: new AbortController().signal, threads: 2 });
for await (const frame of segmenter.track({ firstMask: 'a.png' }, 'video.mp4', { memory: 2 })) {
  const index: number = frame.index;
  void index;
}
const caught = (error: unknown) => (error instanceof InvalidInputError ? error.argument : undefined);
void [map, area, values, caught, Painter, openCheckpoint, encodeRle, wasmFeatures, segmentationSchema, openFrames];
`;

/** Each must fail on its own. */
const wrong = {
  'an image that is a number': `import { segmentInContext } from 'seggpt'; void segmentInContext([{ image: 42, mask: 'a.png' }], 'b.jpg');`,
  'a target that is a number': `import { segmentInContext } from 'seggpt'; void segmentInContext([{ image: 'a.jpg', mask: 'a.png' }], 7);`,
  'an unknown backend': `import { segmentInContext } from 'seggpt'; void segmentInContext([], 'b.jpg', { backend: 'cuda' });`,
  'an unknown option': `import { segmentInContext } from 'seggpt'; void segmentInContext([], 'b.jpg', { backnd: 'wasm' });`,
  'a prompt without a mask': `import { segmentInContext } from 'seggpt'; void segmentInContext([{ image: 'a.jpg' }], 'b.jpg');`,
  'an array that is written to as text': `import { segmentInContext } from 'seggpt'; const result = await segmentInContext([], 'b.jpg'); const text: string = result.labelArray; void text;`,
  'an empty object as image': `import { segmentInContext } from 'seggpt'; void segmentInContext([], {});`,
};

const settings = (module, moduleResolution, lib) =>
  JSON.stringify({
    compilerOptions: {
      target: 'es2022',
      module,
      moduleResolution,
      lib,
      types: lib.includes('dom') ? [] : ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    },
  });

export async function* checks(archive) {
  const directory = await project('types', archive, {
    packages: ['typescript', '@types/node@20'],
    files: {},
  });
  const version = `TypeScript ${await versionOf(directory, 'typescript')}`;
  for (const [module, resolution] of [
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])
    for (const lib of [['es2022'], ['es2022', 'dom', 'dom.iterable']]) {
      const name = `${resolution}-${lib.length > 1 ? 'browser' : 'node'}`;
      write(directory, {
        [`${name}/tsconfig.json`]: settings(module, resolution, lib),
        [`${name}/right.ts`]: right,
        [`${name}/package.json`]: '{"type":"module"}',
        ...Object.fromEntries(
          Object.values(wrong).map((text, i) => [`${name}/wrong-${i}.ts`, text]),
        ),
      });
      yield await passes(`${version}, ${name}`, async () => {
        const printed = await command(directory, 'npx', ['tsc', '-p', name]).then(
          ({ stdout }) => stdout,
          (error) => error.message,
        );
        const lines = printed.split('\n').filter((line) => /error TS/.test(line));
        const unexpected = lines.filter((line) => !line.includes('/wrong-'));
        if (unexpected.length) throw new Error(unexpected.join('\n'));
        Object.keys(wrong).forEach((what, i) => {
          if (!lines.some((line) => line.includes(`/wrong-${i}.ts`)))
            throw new Error(`${what} compiles`);
        });
      });
    }
}
