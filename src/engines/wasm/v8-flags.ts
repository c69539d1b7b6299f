import type * as nodeV8 from 'node:v8';
import { nodeBuiltin } from '../../base/node-builtin';

/** Runs synchronous work, in Node with some of V8's flags turned on for just that long. */
export type WithFlags = <Result>(work: () => Result) => Result;

/** Compile everything in the best tier at once: what is compiled later would be compiled without the flags. */
const AT_ONCE = [
  'no-liftoff',
  'no-wasm-tier-up',
  'no-wasm-dynamic-tiering',
  'no-wasm-lazy-compilation',
];

/**
 * From V8 14 (Node 26) on, its inlining looks for the baseline compiler's feedback and ends the process where there is none.
 * The kernels were inlined when they were made; measured on 26.0, calls take as long without.
 */
const NO_INLINING = 'no-wasm-inlining';
const FIRST_TO_NEED_FEEDBACK = 14;

/** Runs work as it is. */
export const withoutFlags: WithFlags = (work) => work();

/**
 * V8's flags are the whole process's, so they are turned on for the few milliseconds in which the kernels are compiled
 * (13 to 18 ms, measured; synchronous, so that nothing else can be compiled meanwhile) and put back. The code that was
 * made stays, in this thread and in those that are given the module. Flags the process was started with stay as they are.
 */
export async function withV8Flags(flags: readonly string[]): Promise<WithFlags> {
  const { setFlagsFromString } = await nodeBuiltin<typeof nodeV8>('node:v8');
  const given = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  const needsFeedback = parseInt(process.versions.v8, 10) >= FIRST_TO_NEED_FEEDBACK;
  const wanted = [...flags, ...AT_ONCE, ...(needsFeedback ? [NO_INLINING] : [])].filter(
    (flag) => !given.some((each) => nameOf(each.replace(/^--/, '')) === nameOf(flag)),
  );
  return (work) => {
    try {
      for (const flag of wanted) setFlagsFromString(`--${flag}`);
      return work();
    } finally {
      for (const flag of wanted) setFlagsFromString(`--${opposite(flag)}`);
    }
  };
}

/** A flag without its sign, with dashes: V8 takes underscores, too. */
function nameOf(flag: string): string {
  return flag.replace(/_/g, '-').replace(/^no-/, '');
}

function opposite(flag: string): string {
  return flag.startsWith('no-') ? flag.slice(3) : `no-${flag}`;
}
