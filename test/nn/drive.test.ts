import { AbortedError } from '../../src/base/errors';
import type { Engine } from '../../src/engines/engine';
import { drive, driveNow } from '../../src/nn/drive';

function steps(count: number) {
  const log: string[] = [];
  function* work() {
    try {
      for (let i = 0; i < count; i++) {
        log.push(`step ${i}`);
        yield i as never;
      }
      return 'done';
    } finally {
      log.push('freed');
    }
  }
  return { log, work };
}

const engineWith = (flush: Engine['flush']) => ({ flush }) as Engine;

describe('drive', () => {
  it('flushes after every step, then tells of it', async () => {
    const { log, work } = steps(3);
    const engine = engineWith(() => {
      log.push('flush');
      return Promise.resolve();
    });
    const result = await drive(engine, work(), undefined, (step) => void log.push(`told ${step}`));
    expect(result).toBe('done');
    expect(log).toEqual([
      ...[0, 1, 2].flatMap((i) => [`step ${i}`, 'flush', `told ${i}`]),
      'freed',
    ]);
  });

  it('ends the work when a flush is aborted, so that it can free what it holds', async () => {
    const { log, work } = steps(3);
    const controller = new AbortController();
    const engine = engineWith((signal) =>
      log.length > 1 ? Promise.reject(new AbortedError(signal!)) : Promise.resolve(),
    );
    controller.abort();
    await expect(drive(engine, work(), controller.signal)).rejects.toBeInstanceOf(AbortedError);
    expect(log).toEqual(['step 0', 'step 1', 'freed']);
  });

  it('ends the work when who listens throws', async () => {
    const { log, work } = steps(3);
    const engine = engineWith(() => Promise.resolve());
    const failing = () => Promise.reject(new Error('stop'));
    await expect(drive(engine, work(), undefined, failing)).rejects.toThrow('stop');
    expect(log).toEqual(['step 0', 'freed']);
  });

  it('driveNow asks for nothing in between', () => {
    const { log, work } = steps(2);
    expect(driveNow(work())).toBe('done');
    expect(log).toEqual(['step 0', 'step 1', 'freed']);
  });
});
