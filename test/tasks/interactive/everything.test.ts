/** Automatic mask generation beside transformers': `test/fixtures/make_sam.py`. */
import { readFileSync } from 'node:fs';
import { decodeRle, type Rle } from '../../../src/masks/rle';
import { InteractiveSegmenter } from '../../../src/tasks/interactive/interactive-segmenter';

jest.setTimeout(300_000);

const { pointsPerSide, found } = JSON.parse(
  readFileSync('test/fixtures/sam/everything.json', 'utf8'),
) as { pointsPerSide: number; found: Record<string, (Rle & { iou: number })[]> };

function iou(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i] & b[i];
    either += a[i] | b[i];
  }
  return both / either;
}

it('finds the masks that transformers finds, no more and no fewer', async () => {
  const segmenter = await InteractiveSegmenter.load(undefined, {
    backend: 'wasm',
    precision: 'f32',
  });
  for (const [name, expected] of Object.entries(found)) {
    const picture = await segmenter.encode(`examples/${name}.jpg`);
    const masks = [];
    for await (const mask of picture.everything({ pointsPerSide })) masks.push(mask);
    expect([name, masks.length]).toEqual([name, expected.length]);
    const drawn = masks.map((mask) => mask.toBinary());
    for (const each of expected) {
      const wanted = decodeRle(each);
      const likeness = drawn.map((mask) => iou(mask, wanted));
      const best = likeness.indexOf(Math.max(...likeness));
      expect(likeness[best]).toBeGreaterThan(0.99);
      expect(Math.abs(masks[best].predictedIou - each.iou)).toBeLessThan(0.005);
    }
  }
  segmenter.dispose();
});
