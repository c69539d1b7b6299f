import { type Remote, wrap } from 'comlink';
import type { EngineWorker } from './engine-worker';

function start(): Remote<EngineWorker> {
  return wrap(new Worker(new URL('./engine-worker.ts', import.meta.url), { type: 'module' }));
}

/** Answers clicks, and describes pictures. */
export const clickWorker = start();
/** Finds, and writes files. */
export const findWorker = start();
