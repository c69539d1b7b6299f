/** A graphics device that goes away takes its engine with it: that is told by type, and the next model gets another device. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { EngineLostError } from '../../src/base/errors';
import type { Progress } from '../../src/base/progress';
import { createEngine } from '../../src/engines/create-engine';
import type { Engine } from '../../src/engines/engine';
import { TfjsEngine } from '../../src/engines/tfjs/tfjs-engine';
import { releaseModels, segmentInContext } from '../../src/segment-in-context';
import { InContextSegmenter } from '../../src/tasks/in-context/segmenter';
import { describeBackends } from '../helpers/backends';
import { miniConfig, randomTensors, safetensors } from '../helpers/tiny-checkpoint';

const model = mkdtempSync(join(tmpdir(), 'seggpt-device-'));
writeFileSync(join(model, 'config.json'), JSON.stringify(miniConfig));
writeFileSync(join(model, 'model.safetensors'), safetensors(randomTensors()));
afterAll(() => rmSync(model, { recursive: true }));

describe('an engine whose device is told to be gone', () => {
  const message = 'A valid external Instance reference no longer exists.';
  /** An engine on TF.js's CPU, whose backend answers as given. */
  const engineWith = (
    lost: Promise<{ reason: string; message: string }>,
    answer: () => unknown,
  ) => {
    const engine = new TfjsEngine(tf, 'cpu', undefined, 'tfjs-webgpu', lost);
    const tensor = engine.upload(new Float32Array(1), [1]);
    jest.spyOn(tensor, 'data').mockImplementation(answer as typeof tensor.data);
    return { engine, tensor };
  };
  it('computes no more, and says why', async () => {
    const { engine } = engineWith(Promise.resolve({ reason: 'destroyed', message }), () => 0);
    await Promise.resolve();
    const told = `The graphics device was lost (destroyed: ${message.slice(0, -1)}). Load the model again.`;
    expect(() => engine.upload(new Float32Array(1), [1])).toThrow(new EngineLostError(told));
    await expect(engine.flush()).rejects.toThrow(told);
    engine.release(); // frees what there is, quietly
  });
  it('does not wait for an answer that never comes', async () => {
    const lost = new Promise<{ reason: string; message: string }>((resolve) =>
      setTimeout(resolve, 20, { reason: 'unknown', message: '' }),
    );
    const { engine, tensor } = engineWith(lost, () => new Promise(() => undefined));
    await expect(engine.download(tensor)).rejects.toThrow(
      new EngineLostError('The graphics device was lost. Load the model again.'),
    );
    engine.release();
  });
  it('takes an error before the loss for the loss, and an error alone for itself', async () => {
    const failing = () => Promise.reject(new DOMException('mapAsync failed', 'OperationError'));
    const soon = new Promise<{ reason: string; message: string }>((resolve) =>
      setTimeout(resolve, 20, { reason: 'unknown', message }),
    );
    const first = engineWith(soon, failing);
    await expect(first.engine.download(first.tensor)).rejects.toBeInstanceOf(EngineLostError);
    const second = engineWith(new Promise(() => undefined), failing);
    await expect(second.engine.download(second.tensor)).rejects.toThrow('mapAsync failed');
    for (const { engine } of [first, second]) engine.release();
  });
});

describeBackends('a real device on %s', ['webgpu'], (backend) => {
  const size = { width: 4, height: 4 };
  const prompts = [
    {
      image: { ...size, data: new Uint8Array(48).fill(9) },
      mask: { ...size, data: new Uint8Array(16).fill(1) },
    },
  ];
  const target = { ...size, data: new Uint8Array(48).fill(200) };
  const options = { model, backend };
  const device = () => (tf.findBackend('webgpu') as unknown as { device: GPUDevice }).device;
  afterEach(releaseModels);

  it('destroyed in the middle of a call: the call goes on with another', async () => {
    const loads = jest.spyOn(InContextSegmenter, 'load');
    const { labelMap } = await segmentInContext(prompts, target, options);
    const before = device();
    const onProgress = ({ stage }: Progress) => {
      if (stage === 'paint') before.destroy();
    };
    const found = await segmentInContext(prompts, target, { ...options, onProgress });
    expect(found.labelMap).toEqual(labelMap);
    expect(loads).toHaveBeenCalledTimes(2);
    expect(device()).not.toBe(before);
  });

  it('destroyed under an engine: EngineLostError, and engines that are made later compute', async () => {
    const request = { backend, preferredPrecision: 'f32' } as const;
    const engines: Engine[] = [await createEngine(request), await createEngine(request)];
    const x = engines[0].upload(new Float32Array(5000).fill(2), [5000]);
    const twice = engines[0].add(x, x);
    device().destroy();
    await expect(engines[0].download(twice)).rejects.toBeInstanceOf(EngineLostError);
    await expect(engines[1].flush()).rejects.toBeInstanceOf(EngineLostError);
    engines.push(await createEngine(request));
    for (const engine of engines.splice(0, 2)) engine.release();
    const y = engines[0].upload(new Float32Array([3, 4]), [2]);
    expect([...(await engines[0].download(y))]).toEqual([3, 4]);
    engines[0].release();
  });
});
