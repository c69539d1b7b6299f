/** How the engine behaves as a machine: memory, overlapping work, aborting, dying workers, releasing. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  AbortedError,
  BackendError,
  DisposedError,
  InvalidInputError,
} from '../../../src/base/errors';
import { createWasmEngine, wasmFeatures, type WasmEngine } from '../../../src/engines/wasm';
import type { ThreadPool } from '../../../src/engines/wasm/thread-pool';
import type { WasmTensor } from '../../../src/engines/wasm/wasm-tensor';
import { randomFloats, stored } from './helpers';

/** Workers of an engine, to harm them. */
function workersOf(engine: WasmEngine): { terminate(): void }[] {
  return workersIn(poolOf(engine));
}

function workersIn(pool: ThreadPool): { terminate(): void }[] {
  return (pool as unknown as { workers: { terminate(): void }[] }).workers;
}

function poolOf(engine: WasmEngine): ThreadPool {
  return (engine as unknown as { held: { pool: ThreadPool } }).held.pool;
}

/** Whether memory of WebAssembly hangs on an object. */
function reachesMemory(value: unknown, seen = new Set<unknown>()): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value)) return false;
  seen.add(value);
  return (
    value instanceof WebAssembly.Memory ||
    Object.values(value).some((inner) => reachesMemory(inner, seen))
  );
}

describe('wasm engine', () => {
  const engines: WasmEngine[] = [];
  const start = async (options: Parameters<typeof createWasmEngine>[0] = { threads: 2 }) => {
    const engine = await createWasmEngine(options);
    engines.push(engine);
    return engine;
  };
  afterEach(() => engines.splice(0).forEach((engine) => engine.release()));

  const [rows, width] = [300, 256];
  const layerOf = (engine: WasmEngine) =>
    engine.loadLinear(stored([width, width], 1), stored([width], 2));

  it('finds SIMD, shared memory and threads in Node', async () => {
    const features = await wasmFeatures();
    expect(features).toMatchObject({ simd: true, relaxedSimd: true, sharedMemory: true });
    expect(features.threads).toBeGreaterThanOrEqual(1);
  });

  it('keeps its memory constant over 200 calls', async () => {
    const engine = await start();
    const layer = layerOf(engine);
    const call = async () => {
      const y = engine.tidy(() => {
        const x = engine.upload(randomFloats(rows * width, 3), [rows, width]);
        return engine.linear(engine.linear(x, layer, { activation: 'gelu' }), layer, {
          residual: x,
        });
      });
      const values = await engine.download(y);
      engine.dispose(y);
      return values;
    };
    const first = await call();
    const before = engine.memory();
    for (let i = 0; i < 200; i++) await call();
    expect(engine.memory()).toEqual(before);
    expect(await call()).toEqual(first);
  });

  it('gives each of eight overlapping calls its own result', async () => {
    const engine = await start();
    const layer = layerOf(engine);
    const call = async (seed: number) => {
      let x = engine.upload(randomFloats(rows * width, seed), [rows, width]);
      for (let i = 0; i < 5; i++) {
        const next = engine.tidy(() =>
          engine.linear(engine.add(x, x), layer, { activation: 'gelu' }),
        );
        engine.dispose(x);
        x = next;
        await engine.flush();
      }
      const values = await engine.download(x);
      engine.dispose(x);
      return values;
    };
    const alone: Float32Array[] = [];
    for (let seed = 0; seed < 8; seed++) alone.push(await call(seed));
    const together = await Promise.all(alone.map((_, seed) => call(seed)));
    together.forEach((values, seed) => expect(values).toEqual(alone[seed]));
  });

  it('uploads while recorded ops still read freed memory', async () => {
    const engine = await start();
    const x = engine.upload(new Float32Array(1000).fill(1), [1000]);
    const doubled = engine.add(x, x);
    engine.dispose(x);
    const other = engine.upload(new Float32Array(1000).fill(7), [1000]);
    expect((await engine.download(doubled)).every((value) => value === 2)).toBe(true);
    expect((await engine.download(other)).every((value) => value === 7)).toBe(true);
  });

  it('aborts a flush, and works on afterwards', async () => {
    const engine = await start();
    const layer = layerOf(engine);
    const x = engine.upload(randomFloats(rows * width, 3), [rows, width]);
    const expected = await engine.download(engine.linear(x, layer));
    const controller = new AbortController();
    for (let i = 0; i < 200; i++)
      engine.tidy(() => void engine.linear(x, layer, { activation: 'gelu' }));
    const flushed = engine.flush(controller.signal);
    controller.abort(new Error('enough'));
    await expect(flushed).rejects.toBeInstanceOf(AbortedError);
    await expect(engine.flush(controller.signal)).rejects.toBeInstanceOf(AbortedError);
    expect(await engine.download(engine.linear(x, layer))).toEqual(expected);
  });

  it('runs nothing of what an aborted call left, but what others need of it', async () => {
    const engine = await start();
    const layer = layerOf(engine);
    const x = engine.upload(randomFloats(rows * width, 3), [rows, width]);
    const step = (from: WasmTensor) => engine.linear(from, layer, { activation: 'gelu' });
    const expected = await engine.download(step(step(x)));
    const pool = poolOf(engine);
    let commands = 0;
    const run = pool.run.bind(pool);
    pool.run = (count) => {
      commands += count;
      return run(count);
    };
    const controller = new AbortController();
    const first = step(x);
    const useless = Array.from({ length: 300 }, () => engine.tidy(() => step(step(first))));
    const second = step(first);
    const flushed = engine.flush(controller.signal);
    controller.abort();
    await expect(flushed).rejects.toBeInstanceOf(AbortedError);
    engine.dispose(first, ...useless);
    commands = 0;
    expect(await engine.download(second)).toEqual(expected);
    expect(commands).toBeLessThan(40); // of some 600
  });

  it('holds no memory once it was released, though it is still referenced', async () => {
    const engine = await start();
    await engine.download(engine.upload(new Float32Array(4), [4]));
    expect(reachesMemory(engine)).toBe(true);
    engine.release();
    expect(reachesMemory(engine)).toBe(false);
  });

  it('turns a killed worker into an error, at work and asleep', async () => {
    for (const atWork of [true, false]) {
      const engine = await start();
      const layer = layerOf(engine);
      const x = engine.upload(randomFloats(rows * width, 3), [rows, width]);
      engine.linear(x, layer);
      await engine.flush();
      const work = async () => {
        for (let i = 0; i < 1000; i++) {
          engine.tidy(() => void engine.linear(x, layer, { activation: 'gelu' }));
          await engine.flush();
        }
      };
      const running = atWork ? work() : undefined;
      for (const worker of workersOf(engine)) worker.terminate();
      if (!running) await new Promise((resolve) => setTimeout(resolve, 100));
      await expect(running ?? work()).rejects.toBeInstanceOf(BackendError);
      await expect(engine.flush()).resolves.toBeUndefined(); // nothing is left to wait for
      engine.linear(x, layer);
      await expect(engine.flush()).rejects.toBeInstanceOf(BackendError);
    }
  });

  it('refuses work after release, and rejects what was waiting', async () => {
    const engine = await start();
    const x = engine.upload(new Float32Array(4), [4]);
    engine.add(x, x);
    const waiting = engine.flush();
    engine.release();
    await expect(waiting).rejects.toBeInstanceOf(DisposedError);
    expect(() => engine.add(x, x)).toThrow(DisposedError);
    expect(engine.memory()).toEqual({ tensors: 0, bytes: 0 });
  });

  it('ends a list at work when it is released in the middle of it', async () => {
    const engine = await start();
    const layer = layerOf(engine);
    const pool = poolOf(engine);
    const lists: Promise<void>[] = [];
    let atWork = 0;
    const run = pool.run.bind(pool);
    pool.run = async (count) => {
      atWork++;
      const list = run(count).finally(() => atWork--);
      lists.push(list);
      return list;
    };
    const x = engine.upload(randomFloats(3000 * width, 3), [3000, width]);
    for (let i = 0; i < 200; i++)
      engine.tidy(() => void engine.linear(x, layer, { activation: 'gelu' }));
    const waiting = expect(engine.flush()).rejects.toBeInstanceOf(DisposedError);
    do await new Promise((resolve) => setImmediate(resolve));
    while (atWork === 0);
    engine.release();
    await waiting;
    await expect(lists.at(-1)).rejects.toBeInstanceOf(DisposedError);
  });

  it('ends workers that were still starting when it was released', async () => {
    const engine = await start();
    const x = engine.upload(new Float32Array(4), [4]);
    engine.add(x, x);
    const waiting = expect(engine.flush()).rejects.toBeInstanceOf(DisposedError);
    const terminated = jest.spyOn(Worker.prototype, 'terminate');
    const pool = poolOf(engine);
    engine.release();
    await waiting;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(workersIn(pool)).toHaveLength(1);
    expect(terminated).toHaveBeenCalledTimes(1);
    terminated.mockRestore();
  });

  it('frees what tidy made, keeps what it returns, and frees all when it throws', async () => {
    const engine = await start();
    const before = engine.memory().tensors;
    const kept = engine.tidy(() => {
      const a = engine.upload(new Float32Array(4).fill(1), [4]);
      const inner = engine.tidy(() => [engine.add(a, a), { deep: engine.add(a, a) }] as const);
      return { a, inner };
    });
    expect(engine.memory().tensors).toBe(before + 3);
    engine.dispose(kept.a, kept.inner[0], kept.inner[1].deep, kept.a);
    expect(() => engine.add(kept.a, kept.a)).toThrow(DisposedError);
    expect(() =>
      engine.tidy(() => {
        engine.upload(new Float32Array(4), [4]);
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(engine.memory().tensors).toBe(before);
  });

  it('checks shapes', async () => {
    const engine = await start();
    const x = engine.upload(new Float32Array(6), [2, 3]);
    expect(() => engine.upload(new Float32Array(5), [2, 3])).toThrow(InvalidInputError);
    expect(() => engine.add(x, engine.upload(new Float32Array(2), [2]))).toThrow(InvalidInputError);
    expect(() => engine.linear(x, layerOf(engine))).toThrow(InvalidInputError);
    expect(() => engine.maskRows(x, new Uint8Array(3), x)).toThrow(InvalidInputError);
  });

  it('names the remedy when its memory limit is reached', async () => {
    const engine = await start({ threads: 1, memoryLimit: 8 << 20 });
    expect(() => engine.upload(new Float32Array(4 << 20), [4 << 20])).toThrow(/memory limit/);
  });

  it('goes on after memory that it was refused', async () => {
    const engine = await start({ threads: 1 });
    const grow = jest.spyOn(WebAssembly.Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory');
    });
    const { tensors } = engine.memory();
    const large = () => engine.upload(new Float32Array(32 << 20).fill(1), [32 << 20]);
    expect(large).toThrow(BackendError);
    grow.mockRestore();
    expect(engine.memory().tensors).toBe(tensors);
    const sum = await engine.download(engine.add(large(), large()));
    expect([sum[0], sum.at(-1)]).toEqual([2, 2]);
  });

  it('computes the same on one thread as on three', async () => {
    const results: Float32Array[] = [];
    for (const threads of [1, 3]) {
      const engine = await start({ threads });
      const x = engine.upload(randomFloats(rows * width, 3), [rows, width]);
      results.push(
        await engine.download(engine.linear(x, layerOf(engine), { activation: 'gelu' })),
      );
    }
    expect(results[0]).toEqual(results[1]);
  });

  it('does not keep a process alive', () => {
    const script = `
      import { build } from 'esbuild';
      const { outputFiles } = await build({
        entryPoints: ['src/engines/wasm/index.ts'], bundle: true, write: false, format: 'esm', platform: 'node',
      });
      const source = 'data:text/javascript;base64,' + Buffer.from(outputFiles[0].contents).toString('base64');
      const { createWasmEngine } = await import(source);
      const engine = await createWasmEngine({ threads: 2 });
      const x = engine.upload(new Float32Array(64).fill(1), [64]);
      console.log((await engine.download(engine.add(x, x)))[63]);
    `;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: join(__dirname, '../../..'),
      timeout: 30_000,
      encoding: 'utf8',
    });
    expect({ stdout: stdout.trim(), status }).toEqual({ stdout: '2', status: 0 });
  });
});
