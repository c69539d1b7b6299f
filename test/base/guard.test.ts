import { ImageError, InternalError, SegGptError } from '../../src/base/errors';
import { readAnnotations } from '../../src/annotations/read-annotations';
import { openCheckpoint } from '../../src/checkpoints/open-checkpoint';
import type { TensorSource } from '../../src/checkpoints/tensor-source';
import { Tracker } from '../../src/tasks/tracking/tracker';
import { guarded, guardMethods } from '../../src/base/guard';

const fault = () => {
  throw new TypeError('x is undefined');
};

it.each([
  ['a plain call', guarded(fault)],
  ['a promise', guarded(async () => await Promise.resolve().then(fault))],
  [
    'a stream',
    async () => {
      const items = guarded(async function* () {
        yield await Promise.resolve(1);
        fault();
      });
      for await (const item of items()) expect(item).toBe(1);
    },
  ],
])('a fault of %s becomes an InternalError with its cause', async (_, call) => {
  const error: unknown = await (async () => call())().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InternalError);
  expect(error).toMatchObject({
    code: 'INTERNAL',
    cause: new TypeError('x is undefined'),
    message: expect.stringContaining('Please report it') as string,
  });
});

it('errors on purpose, of the system and of callers are told apart', async () => {
  const own = new ImageError('no picture');
  await expect(guarded(() => Promise.reject(own))()).rejects.toBe(own);
  const system = Object.assign(new Error('EACCES'), { syscall: 'open' });
  await expect(guarded(() => Promise.reject(system))()).rejects.toBeInstanceOf(InternalError);
  const mine = new RangeError('mine');
  const onProgress = () => {
    throw mine;
  };
  const call = guarded((options: { onProgress: () => void }) => options.onProgress());
  expect(() => call({ onProgress })).toThrow(mine);
});

it('methods keep their object, their arguments and what they return', async () => {
  class Host {
    constructor(private readonly factor: number) {}
    static make(factor: number) {
      return new this(factor);
    }
    times(value: number) {
      return Promise.resolve(value * this.factor);
    }
    async *count(to: number) {
      for (let i = 0; i < to; i++) yield await this.times(i);
    }
  }
  guardMethods(Host, ['make']);
  guardMethods(Host.prototype, ['times', 'count']);
  const host = Host.make(3);
  expect(await host.times(4)).toBe(12);
  const items = [];
  for await (const item of host.count(3)) items.push(item);
  expect(items).toEqual([0, 3, 6]);
});

it('holds what is opened, read and tracked by hand, too', async () => {
  const fault = () => {
    throw new TypeError('a bug');
  };
  const broken = new Proxy({}, { get: fault });
  const source = new Proxy({}, { has: fault }) as TensorSource;
  await expect(openCheckpoint(source)).rejects.toBeInstanceOf(InternalError);
  const text = {
    [Symbol.toPrimitive]: fault,
    get toString() {
      return fault;
    },
  };
  await expect(readAnnotations(text as unknown as string)).rejects.toBeInstanceOf(SegGptError);
  for (const name of ['start', 'next', 'correct'] as const) {
    const call = async () => (Tracker.prototype[name] as (this: object) => unknown).call(broken);
    await expect(call()).rejects.toBeInstanceOf(InternalError);
  }
});
