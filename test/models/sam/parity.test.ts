import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BundledInteractiveModel } from '../../../src/checkpoints/checkpoint-files';
import { memoryAccess } from '../../../src/checkpoints/memory-access';
import { openSafetensors } from '../../../src/checkpoints/safetensors';
import type { SamPrompt } from '../../../src/models/sam/prompt-encoder';
import { Sam } from '../../../src/models/sam/sam';
import { toFloat32 } from '../../../src/tensors/element-types';
import { describeBackends } from '../../helpers/backends';
import { largestDifference } from '../../helpers/reference';

jest.setTimeout(300_000);

const folder = join(__dirname, '..', '..', 'fixtures', 'sam');

async function readAll(name: string): Promise<Map<string, Float32Array>> {
  const source = await openSafetensors(memoryAccess(readFileSync(join(folder, name)), name));
  const all = new Map<string, Float32Array>();
  for (const key of source.entries.keys()) all.set(key, toFloat32(await source.read(key)));
  return all;
}

const points = { points: [30, 40, 100, 17.5], labels: [1, 0] };
const box = [20, 10, 120, 100] as const;

describeBackends(
  "%s reproduces transformers' SamModel",
  ['wasm', 'cpu', 'tfjs-wasm'],
  (backend) => {
    let sam: Sam;
    let expected: Map<string, Float32Array>;
    beforeAll(async () => {
      sam = await Sam.load(folder, { backend });
      expected = await readAll('vit.safetensors');
    });
    afterAll(() => sam.dispose());

    it('features, through windows with padding and global blocks', async () => {
      const features = await sam.encode(expected.get('pixels')!);
      expect(largestDifference(features, expected.get('features')!)).toBeLessThan(1e-4);
    });

    const cases: Record<string, SamPrompt> = {
      point: { points: points.points.slice(0, 2), labels: [1] },
      points,
      box: { box },
      all: { ...points, box },
      mask: {},
    };
    it.each(Object.keys(cases))('masks by %s', async (name) => {
      const context = sam.prepare(expected.get('features')!);
      const masked = name === 'all' || name === 'mask';
      const prompt = { ...cases[name], ...(masked && { mask: expected.get('mask')! }) };
      for (const [key, multimask] of [
        ['one', false],
        ['three', true],
      ] as const) {
        const found = await sam.decode(context, [prompt], multimask);
        expect(found.masks).toBe(multimask ? 3 : 1);
        const logits = expected.get(`${name}.${key}.logits`)!;
        const scale = Math.max(...logits.map(Math.abs));
        expect(largestDifference(found.logits, logits) / scale).toBeLessThan(1e-4);
        expect(largestDifference(found.iou, expected.get(`${name}.${key}.iou`)!)).toBeLessThan(
          1e-4,
        );
      }
      sam.release(context);
    });

    it('many prompts together, with and without masks, as one by one', async () => {
      const context = sam.prepare(expected.get('features')!);
      const prompts = Array.from({ length: 11 }, (_, i) => ({
        ...(i % 3 !== 1 && { points: [12 * i, 150 - 9 * i], labels: [i % 2] }),
        ...(i % 3 === 1 && { box: [i, 2 * i, 90 + i, 120] as const }),
        ...(i % 4 === 2 && { mask: expected.get('mask')! }),
      }));
      const together = await sam.decode(context, prompts, true);
      const size = together.logits.length / prompts.length;
      for (const [i, prompt] of prompts.entries()) {
        const alone = await sam.decode(context, [prompt], true);
        const part = together.logits.subarray(i * size, (i + 1) * size);
        expect(largestDifference(part, alone.logits)).toBeLessThan(1e-3);
        expect(largestDifference(together.iou.subarray(3 * i, 3 * i + 3), alone.iou)).toBeLessThan(
          1e-5,
        );
      }
      sam.release(context);
    });

    it('nothing is left on the engine', async () => {
      const before = sam.engine.memory().tensors;
      await sam.encode(expected.get('pixels')!);
      const context = sam.prepare(expected.get('features')!);
      await sam.decode(context, [{ ...points, mask: expected.get('mask')! }], true);
      sam.release(context);
      expect(sam.engine.memory().tensors).toBe(before);
      const stop = new AbortController();
      const stopped = sam.encode(expected.get('pixels')!, {
        signal: stop.signal,
        onProgress: () => stop.abort(),
      });
      await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
      expect(sam.engine.memory().tensors).toBe(before);
    });
  },
);

describeBackends('%s reproduces the ONNX files of the bundled weights', ['wasm'], (backend) => {
  it('features, points, boxes and masks', async () => {
    const sam = await Sam.load(BundledInteractiveModel, { backend, precision: 'f32' });
    const expected = await readAll('mobile.safetensors');
    const pixels = new Float32Array(1024 * 1024 * 3);
    for (let y = 0, at = 0; y < 1024; y++)
      for (let x = 0; x < 1024; x++)
        for (let c = 1; c <= 3; c++, at++)
          pixels[at] = Math.sin(0.02 * y * c) + (x < 700 ? Math.cos(0.031 * x) : 0);
    const features = await sam.encode(pixels);
    const sampled = expected.get('features')!.map((_, i) => features[i * 997]);
    expect(largestDifference(sampled, expected.get('features')!)).toBeLessThan(1e-4);
    const context = sam.prepare(features);
    const mask = new Float32Array(256 * 256);
    for (let y = 40; y < 120; y++) mask.fill(8, y * 256 + 60, y * 256 + 140);
    const prompts: Record<string, SamPrompt> = {
      points: { points: [300, 300, 600, 200], labels: [1, 0] },
      box: { box: [100, 200, 500, 600], points: [90, 90], labels: [0] },
      mask: { points: [300, 300, 350, 310], labels: [1, 1], mask },
    };
    for (const [name, prompt] of Object.entries(prompts)) {
      const { logits, iou } = await sam.decode(context, [prompt], false);
      const wanted = expected.get(`${name}.logits`)!;
      const found = wanted.map((_, i) => logits[i * 31]);
      expect(largestDifference(found, wanted)).toBeLessThan(1e-3);
      expect(largestDifference(iou, expected.get(`${name}.iou`)!)).toBeLessThan(1e-4);
    }
    sam.dispose();
  });
});
