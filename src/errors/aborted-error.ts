import { SegGptError } from './seggpt-error';

/**
 * The caller's `AbortSignal` fired. `name` is `'AbortError'`, as the platform's own APIs have it, and
 * `cause` is the signal's reason.
 */
export class AbortedError extends SegGptError {
  override name = 'AbortError';

  constructor(signal: AbortSignal) {
    super('ABORTED', 'The operation was aborted by its signal.', { cause: signal.reason });
  }
}

/** @throws AbortedError if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortedError(signal);
}

/** Waits for work that goes on when the wait is aborted. @throws AbortedError then, at once. */
export function unlessAborted<Value>(
  work: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(new AbortedError(signal));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
