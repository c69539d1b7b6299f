import { readMask } from '../../../src/masks/read-mask';
import { InContextSegmenter } from '../../../src/index';
import { resizeNearest } from '../../../src/images/resize';
import { readPrompts, readTarget } from '../../../src/tasks/in-context/prompts';
import { ContextSession } from '../../../src/tasks/in-context/context-session';
import { fitOf } from '../../../src/colors/logits';

jest.setTimeout(300_000);

let segmenter: InContextSegmenter;
beforeAll(async () => {
  segmenter = await InContextSegmenter.load('bundled', { backend: 'wasm' });
});
afterAll(() => segmenter.dispose());

/** A session for the cup (label 1) that holds its example twice, and the cup of another picture as it is. */
async function prepared() {
  const example = { image: 'examples/cup-1.jpg', mask: 'examples/cup-1.png' };
  const { prompts, labels } = await readPrompts([example, example], {});
  const model = await segmenter.helper.context();
  const held = model.sam.engine.memory().tensors;
  const session = await ContextSession.prepare(model, prompts, labels);
  const image = await readTarget('examples/cup-2.jpg', {});
  const limits = { argument: 'mask', limits: { maxPixels: 1e8 } };
  const truth = await readMask('examples/cup-2.png', limits, new Map());
  const { size } = session;
  const small = resizeNearest(truth.data, [truth.height, truth.width, 1], [size, size]);
  const mask = Float32Array.from(small, (label) => (label > 0 ? 1 : 0));
  return { session, image, mask, tensors: () => model.sam.engine.memory().tensors - held };
}

it('a right mask brings the example’s back, and others do not', async () => {
  const { session, image, mask, tensors } = await prepared();
  const reading = await session.read(image);
  const shifted = Float32Array.from(mask, (_, i) => mask[(i + 100) % mask.length]);
  const inverse = mask.map((each) => 1 - each);
  const [[right], [beside], [wrong]] = await reading.consistency([[mask], [shifted], [inverse]]);
  expect(right).toBeGreaterThan(0.8);
  expect(beside).toBeLessThan(right - 0.2);
  expect(wrong).toBeLessThan(0.2);
  reading.release();
  session.dispose();
  expect(tensors()).toBe(0);
});

it('reads once more with what was found', async () => {
  const { session, image, mask, tensors } = await prepared();
  const reading = await session.read(image);
  const kept = tensors();
  const [half] = [mask.map((each, i) => (i % 288 < 144 ? each : 0))];
  const { planes, size } = await reading.again([mask]);
  const [other] = (await reading.again([half])).planes;
  const iou = (logits: Float32Array, wanted: Float32Array) => {
    let [both, either] = [0, 0];
    for (let i = 0; i < size * size; i++) {
      const inside = fitOf(logits[i]) > 0.5;
      if (inside && wanted[i]) both++;
      if (inside || wanted[i]) either++;
    }
    return both / either;
  };
  expect(iou(planes[0], mask)).toBeGreaterThan(0.9);
  // Half of the cup was found: the example tells that there is more of it.
  expect(iou(other, mask)).toBeGreaterThan(iou(half, mask));
  expect(tensors()).toBe(kept);
  reading.release();
  session.dispose();
  expect(tensors()).toBe(0);
});
