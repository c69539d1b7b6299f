import * as tf from '@tensorflow/tfjs';
import ndarray from 'ndarray';
import { toFloats } from '../../../src/tensors/to-floats';
import { drive } from '../../../src/nn/drive';
import { lossAndGradients } from '../../../src/models/seggpt/gradients';
import { type PaintInputs, readBatch } from '../../../src/models/seggpt/inputs';
import { freePositions } from '../../../src/models/seggpt/shared-positions';
import { halfLength } from '../../../src/models/seggpt/token-layout';
import { Painter } from '../../../src/models/seggpt/painter';
import { describeBackends } from '../../helpers/backends';
import {
  channelsLast,
  largestDifference,
  readReference,
  type ReferenceTensor,
  tinyModel,
} from '../../helpers/reference';
import { painterParameters } from '../../../src/models/seggpt/parameter-table';

jest.setTimeout(300_000); // WebGPU runs in software here

const files = ['one_prompt', 'three_prompts', 'random_mask_training', 'other_resolution'] as const;
const semantic = new Set(['three_prompts', 'other_resolution']);

function inputsOf(name: string, reference: Map<string, ReferenceTensor>): PaintInputs {
  const images = channelsLast(reference.get('images')!);
  const flags = reference.get('bool_masked_pos')!;
  const [count, height, width] = images.shape;
  const [rows, columns] = [height / 16, width / 16];
  // Masks given once stand for every canvas.
  const repeated = new Float32Array(count * rows * columns);
  for (let n = 0; n < count; n++)
    repeated.set(flags.values.subarray(0, rows * columns), n * rows * columns);
  if (flags.shape[0] === count) repeated.set(flags.values);
  return {
    images,
    masks: channelsLast(reference.get('masks')!),
    maskedPatches: ndarray(repeated, [count, rows, columns]),
    taskType: semantic.has(name) ? 'semantic' : 'instance',
    featureEnsemble: name === 'three_prompts',
    output: 'canvas',
  };
}

const backends = ['wasm', 'cpu', 'tfjs-wasm', 'webgpu', 'tensorflow'] as const;

describeBackends('%s reproduces the official model', backends, (backend) => {
  let painter: Painter;

  beforeAll(async () => (painter = await Painter.load(tinyModel, { backend })));
  afterAll(() => painter.dispose());

  for (const name of files) {
    for (const plain of name === 'three_prompts' ? [true, false] : [true]) {
      it(`${name}, ${plain ? 'plain' : 'shared target'}: every stage within 1e-4`, async () => {
        const reference = await readReference(name);
        const inputs = { ...inputsOf(name, reference), plain };
        const { model, engine } = painter;
        const batch = readBatch(inputs, 16);
        const { layout } = batch;
        expect(layout.targets).toBe(plain ? layout.prompts : 1);
        const positions = model.positions(
          { rows: 2 * layout.rows, columns: layout.columns },
          batch.task,
        );
        const seen: string[] = [];
        const output = await drive(
          engine,
          painter.paintBatch(batch, positions),
          undefined,
          async ({ block, stream, tokens }) => {
            const stage = reference.get(`block.${block}`);
            if (!stage) return;
            const Lh = halfLength(layout);
            const width = tokens.shape[1];
            const values = await engine.download(tokens);
            const half = (index: number) =>
              values.subarray(index * Lh * width, (index + 1) * Lh * width);
            for (let n = 0; n < layout.prompts; n++) {
              const at = (stream === 'mask' ? layout.prompts + n : n) * 2 * Lh * width;
              const target = layout.prompts + (layout.targets === 1 ? 0 : n);
              expect(
                largestDifference(half(n), stage.values.subarray(at, at + Lh * width)),
              ).toBeLessThan(1e-4);
              expect(
                largestDifference(
                  half(target),
                  stage.values.subarray(at + Lh * width, at + 2 * Lh * width),
                ),
              ).toBeLessThan(1e-4);
            }
            seen.push(`${stream} ${block}`);
          },
        );
        expect(seen).toEqual([
          'mask 0',
          'mask 1',
          'mask 2',
          'image 0',
          'image 1',
          'image 2',
          'merged 3',
          'merged 5',
          'merged 11',
          'merged 17',
          'merged 23',
        ]);
        const painted = await engine.download(output);
        engine.dispose(output);
        freePositions(engine, positions);
        expect(
          largestDifference(painted, toFloats(channelsLast(reference.get('prediction')!))),
        ).toBeLessThan(1e-4);
      });
    }

    it(`${name}: paint() gives the target half, every saving on`, async () => {
      const reference = await readReference(name);
      const before = tf.memory().numTensors;
      const painted = await painter.paint({ ...inputsOf(name, reference), output: 'target' });
      expect(tf.memory().numTensors).toBe(before);
      const whole = channelsLast(reference.get('prediction')!);
      const [, height] = whole.shape;
      const wanted = toFloats(
        whole.lo(0, height / 2, 0, 0).hi(painted.shape[0], height / 2, whole.shape[2], 3),
      );
      expect(largestDifference(toFloats(painted), wanted)).toBeLessThan(1e-4);
    });
  }

  it('prepare() and paintTarget() give the same painting', async () => {
    const reference = await readReference('three_prompts');
    const inputs = inputsOf('three_prompts', reference);
    const [count, height, width] = inputs.images.shape;
    const upper = (array: typeof inputs.images) => toFloats(array.hi(count, height / 2, width, 3));
    const before = tf.memory().numTensors;
    const context = await painter.prepare(
      {
        count,
        height: height / 2,
        width,
        images: upper(inputs.images),
        masks: upper(inputs.masks),
      },
      { task: 'semantic', joinPrompts: true },
    );
    const target = toFloats(inputs.images.lo(0, height / 2, 0, 0).hi(1, height / 2, width, 3));
    for (let repeat = 0; repeat < 2; repeat++) {
      const painted = await painter.paintTarget(context, target);
      const whole = channelsLast(reference.get('prediction')!);
      expect(
        largestDifference(
          painted,
          toFloats(whole.lo(0, height / 2, 0, 0).hi(1, height / 2, width, 3)),
        ),
      ).toBeLessThan(1e-4);
    }
    context.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  // Neither the CPU engine nor TF.js wasm can differentiate.
  const differentiable = backend.includes('wasm')
    ? []
    : (['one_prompt', 'random_mask_training'] as const);
  for (const name of differentiable) {
    it(`${name}: loss and gradients within 1e-3`, async () => {
      const reference = await readReference(name);
      const before = tf.memory().numTensors;
      const { loss, gradients } = await lossAndGradients(painter, inputsOf(name, reference));
      expect(tf.memory().numTensors).toBe(before);
      expect(loss).toBeCloseTo(reference.get('loss')!.values[0], 4);
      let compared = 0;
      for (const [key, { values }] of reference) {
        if (!key.startsWith('grad.')) continue;
        const { name } = painterParameters(painter.config).find(({ aliases }) =>
          aliases.includes(key.slice(5)),
        )!;
        const found = gradients.get(name)!;
        const scale = Math.max(...values.map(Math.abs));
        expect(largestDifference(found.data, values) / scale).toBeLessThan(1e-3);
        compared++;
      }
      expect(compared).toBe(6);
    });
  }
});
