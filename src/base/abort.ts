import { AbortedError } from './errors';

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

/**
 * Gives work a signal that is aborted with the caller's. Platforms leave their listeners on the signal that `fetch` is
 * given until it is collected; on a caller's own, used for many calls, they would pile up.
 *
 * @param patience milliseconds after which the work's signal is aborted by itself. @default none
 */
export async function withOwnSignal<Value>(
  signal: AbortSignal | undefined,
  work: (own: AbortSignal) => Promise<Value>,
  patience?: number,
): Promise<Value> {
  const own = new AbortController();
  const stop = () => own.abort(signal?.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  const late = () => own.abort(new Error(`no answer came for ${patience! / 1000} s`));
  const timer = patience === undefined ? undefined : setTimeout(late, patience);
  try {
    return await work(own.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
