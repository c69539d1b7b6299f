import { COMMAND_BYTES, COMMAND_WORDS, FINISHED_TILES } from './opcodes';
import { ARENA_START, CONTROL, LIST, ONES } from './memory-map';

/** What a worker is started with. */
export interface WorkerSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
  readonly wideTiles: boolean;
  readonly dotKind: number;
}

/**
 * Body of a worker, as text: neither bundlers nor module formats then matter. It defines
 * `start(setup)`, which sleeps until a list of commands is open, works it off, and sleeps again.
 */
const body = `
function start({ module, memory, thread, wideTiles, dotKind }) {
  const words = new Int32Array(memory.buffer, 0, ${ARENA_START / 4});
  const { configure, run } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  configure(wideTiles, dotKind, ${ONES});
  for (;;) {
    const epoch = Atomics.load(words, ${CONTROL.epoch});
    if (Atomics.load(words, ${CONTROL.stop})) return;
    Atomics.add(words, ${CONTROL.active}, 1);
    try {
      if (Atomics.load(words, ${CONTROL.open})) {
        const count = words[${CONTROL.count}];
        for (let done = 0; done < count && Atomics.load(words, ${CONTROL.open}); ) {
          done += run(${LIST} + done * ${COMMAND_BYTES}, count - done, thread);
          if (done < count) {
            const finished = ${LIST / 4 + FINISHED_TILES} + done * ${COMMAND_WORDS};
            Atomics.wait(words, finished, Atomics.load(words, finished), 1);
          }
        }
      }
    } catch (error) {
      Atomics.store(words, ${CONTROL.failed}, 1);
      throw error;
    } finally {
      Atomics.sub(words, ${CONTROL.active}, 1);
      Atomics.notify(words, ${CONTROL.active});
    }
    Atomics.wait(words, ${CONTROL.epoch}, epoch);
  }
}
`;

/** For `new worker_threads.Worker(source, { eval: true, workerData })`. */
export const nodeWorkerSource = `'use strict';${body}start(require('node:worker_threads').workerData);`;

/** For a Web Worker made from a Blob; the setup comes as its first message, which it answers before it goes to sleep. */
export const webWorkerSource = `'use strict';${body}onmessage = (event) => { postMessage('ready'); start(event.data); };`;
