/**
 * Runs fuzz targets for a time, each in a thread of its own that is watched: `npm run fuzz -- --minutes 10 [--reader NAME …]
 * [--seed N]`. Prints one line for each; exits with 1 if anything but a refusal came of an input. An input is made again by
 * `--reader NAME --seed N --count 1`.
 */
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { seededRandom } from '../../src/base/random';
import { SegGptError } from '../../src/base/errors';
import { Dice } from './mutators';
import { targets } from './targets';

/** A reader that takes longer over an input hangs. */
const HANG_MS = 2_000;
/** After this long the thread is given up, and another goes on behind the input. */
const STUCK_MS = 20_000;

interface Job {
  readonly reader: string;
  readonly first: number;
  readonly count: number;
  readonly milliseconds: number;
  /** The seed at work. */
  readonly at: Int32Array<SharedArrayBuffer>;
}

interface Tally {
  inputs: number;
  read: number;
  refused: number;
  /** Seeds by what was thrown. */
  faults: Record<string, number[]>;
  hangs: number[];
  slowest: { readonly seed: number; readonly took: number };
}

const newTally = (): Tally => ({
  ...{ inputs: 0, read: 0, refused: 0, faults: {}, hangs: [] },
  slowest: { seed: 0, took: 0 },
});

/** One input of a reader. */
async function feed(reader: string, seed: number, tally: Tally): Promise<void> {
  // Neighbouring seeds begin alike, so they are spread.
  const dice = new Dice(seededRandom(Math.imul(seed, 0x9e3779b1)));
  const began = performance.now();
  const work = process.cpuUsage();
  tally.inputs++;
  try {
    await targets[reader](dice);
    tally.read++;
  } catch (error) {
    if (error instanceof SegGptError && error.code !== 'INTERNAL') tally.refused++;
    else {
      const { name, message } = error as Error;
      const kind = `${name}: ${message.replace(/\d+/g, 'N').slice(0, 90)}`;
      (tally.faults[kind] ??= []).push(seed);
    }
  }
  // Waiting for a busy machine is no fault of the reader; what waits for ever is seen from outside.
  const { user, system } = process.cpuUsage(work);
  const took = Math.min(performance.now() - began, (user + system) / 1000);
  if (took > HANG_MS) tally.hangs.push(seed);
  if (took > tally.slowest.took) tally.slowest = { seed, took };
}

async function work({ reader, first, count, milliseconds, at }: Job): Promise<void> {
  const end = performance.now() + milliseconds;
  let tally = newTally();
  await feed(reader, 0, newTally()); // what is loaded late, as decoders are, is no input's time
  for (let i = 0; i < count && performance.now() < end; i++) {
    Atomics.store(at, 0, first + i);
    await feed(reader, first + i, tally);
    if (tally.inputs % 500 > 0) continue;
    parentPort?.postMessage(tally);
    tally = newTally();
    await new Promise(setImmediate);
  }
  parentPort?.postMessage(tally);
}

/** Runs a reader's thread to its end. @returns the seed at which it was stuck or crashed, if it was. */
function watched(job: Job, total: Tally): Promise<number | null> {
  return new Promise((done) => {
    const resourceLimits = { maxOldGenerationSizeMb: 1000 };
    const worker = new Worker(new URL(import.meta.url), { workerData: job, resourceLimits });
    let since = performance.now();
    let last = -1;
    const timer = setInterval(() => {
      const seed = Atomics.load(job.at, 0);
      if (seed !== last) [last, since] = [seed, performance.now()];
      else if (performance.now() - since > STUCK_MS) {
        total.hangs.push(seed);
        void worker.terminate();
      }
    }, 500);
    worker.on('message', (tally: Tally) => add(total, tally));
    worker.on('error', (error: Error) => {
      (total.faults[`crash: ${error.message.slice(0, 90)}`] ??= []).push(Atomics.load(job.at, 0));
    });
    worker.on('exit', (code) => {
      clearInterval(timer);
      done(code === 0 ? null : Atomics.load(job.at, 0));
    });
  });
}

function add(total: Tally, tally: Tally): void {
  total.inputs += tally.inputs;
  total.read += tally.read;
  total.refused += tally.refused;
  total.hangs.push(...tally.hangs);
  for (const [kind, seeds] of Object.entries(tally.faults))
    (total.faults[kind] ??= []).push(...seeds);
  if (tally.slowest.took > total.slowest.took) total.slowest = tally.slowest;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: 'Infinity' },
      reader: { type: 'string', multiple: true, default: Object.keys(targets) },
    },
  });
  const unknown = values.reader.filter((name) => !(name in targets));
  if (unknown.length > 0) {
    console.error(`no such reader: ${unknown.join(', ')} (${Object.keys(targets).join(', ')})`);
    return 2;
  }
  const each = (Number(values.minutes) * 60_000) / values.reader.length;
  let faulty = 0;
  console.log('reader           inputs     read  refused  faults  hangs  slowest ms  memory MB');
  for (const reader of values.reader) {
    const total = newTally();
    const at = new Int32Array(new SharedArrayBuffer(4));
    const memory = process.memoryUsage().rss;
    const end = performance.now() + each;
    for (let first: number | null = Number(values.seed); first !== null;) {
      const milliseconds = end - performance.now();
      const count = Number(values.count) - total.inputs;
      if (milliseconds <= 0 || count <= 0) break;
      const stuck: number | null = await watched({ reader, first, count, milliseconds, at }, total);
      first = stuck === null ? null : stuck + 1;
    }
    const faults = Object.values(total.faults).reduce((sum, seeds) => sum + seeds.length, 0);
    const grown = Math.max(0, process.memoryUsage().rss - memory) / 2 ** 20;
    const cells = [total.inputs, total.read, total.refused, faults, total.hangs.length];
    const numbers = [...cells, Math.round(total.slowest.took), Math.round(grown)];
    const widths = [9, 8, 8, 7, 6, 11, 10];
    console.log(
      reader.padEnd(14) + numbers.map((number, i) => String(number).padStart(widths[i])).join(' '),
    );
    for (const [kind, seeds] of Object.entries(total.faults))
      console.log(`  ${kind} (${seeds.length}; seeds ${seeds.slice(0, 3).join(', ')})`);
    for (const seed of total.hangs.slice(0, 3)) console.log(`  hangs at seed ${seed}`);
    faulty += faults + total.hangs.length;
  }
  return faulty > 0 ? 1 : 0;
}

if (isMainThread) process.exit(await main());
else await work(workerData as Job);
