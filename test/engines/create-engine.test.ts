import { createEngine } from '../../src/engines/create-engine';
import { BackendError, InvalidInputError } from '../../src/base/errors';
import { tfjsProvider } from '../../src/engines/tfjs/provider';

afterEach(() => {
  jest.restoreAllMocks();
});

const options = { preferredPrecision: 'f32', threads: 1 } as const;
const tfjsIsLoaded = () => '_tfengine' in globalThis;

describe('createEngine', () => {
  test('auto asks for GPUs first, in order, and takes no adapter that computes in software', async () => {
    const asked = jest.spyOn(tfjsProvider, 'start').mockResolvedValue({ unavailable: 'not today' });
    const engine = await createEngine({ ...options, backend: 'auto' });
    expect(engine.name).toBe('wasm');
    expect(asked.mock.calls).toEqual([
      ['tensorflow-gpu', false],
      ['webgpu', true],
    ]);
    engine.release();
  });

  test('auto takes a GPU that is there', async () => {
    const tf = {} as never;
    jest
      .spyOn(tfjsProvider, 'start')
      .mockImplementation((name) =>
        Promise.resolve(
          name === 'webgpu'
            ? { tf, backend: 'webgpu', software: false }
            : { unavailable: 'not installed' },
        ),
      );
    expect((await createEngine({ ...options, backend: 'auto' })).name).toBe('tfjs-webgpu');
  });

  test('what TF.js cannot do is not asked of it: auto passes it by, and by name it says so', async () => {
    const asked = jest.spyOn(tfjsProvider, 'start');
    const engine = await createEngine({ ...options, precision: 'int8' });
    expect(engine.name).toBe('wasm');
    engine.release();
    await expect(createEngine({ ...options, backend: 'cpu', precision: 'int8' })).rejects.toThrow(
      /computes in f32 alone, and int8 was asked for/,
    );
    expect(asked).not.toHaveBeenCalled();
  });

  test('webgpu by name may compute in software', async () => {
    const asked = jest.spyOn(tfjsProvider, 'start').mockResolvedValue({ unavailable: 'no driver' });
    await expect(createEngine({ ...options, backend: 'webgpu' })).rejects.toThrow(
      'webgpu: no driver',
    );
    expect(asked).toHaveBeenCalledWith('webgpu', false);
  });

  test('an error names every candidate and its reason', async () => {
    jest
      .spyOn(tfjsProvider, 'start')
      .mockImplementation((name) => Promise.resolve({ unavailable: `no ${name} here` }));
    const failure = createEngine({ ...options, backend: 'tensorflow' });
    await expect(failure).rejects.toThrow(BackendError);
    await expect(failure).rejects.toThrow(
      'tensorflow-gpu: no tensorflow-gpu here; tensorflow: no tensorflow here',
    );
  });

  test('refuses unknown names', async () => {
    await expect(createEngine({ ...options, backend: 'cuda' as never })).rejects.toThrow(
      InvalidInputError,
    );
    await expect(
      createEngine({ ...options, backend: 'wasm', precision: 'f8' as never }),
    ).rejects.toThrow(InvalidInputError);
  });

  test('TF.js is not loaded where only software offers WebGPU, or nothing does', async () => {
    const outcome = await tfjsProvider.start('webgpu', true);
    if ('unavailable' in outcome) expect(tfjsIsLoaded()).toBe(false);
    else outcome.close?.();
    const engine = await createEngine({ ...options, backend: 'wasm' });
    engine.release();
    expect(tfjsIsLoaded()).toBe('tf' in outcome);
    await tfjsProvider.start('cpu');
    expect(tfjsIsLoaded()).toBe(true);
  });
});
