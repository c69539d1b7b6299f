import { InternalError } from './errors';

/** Errors of the language and its platform: nobody throws these on purpose here. */
const FAULTS = /^(Type|Range|Reference|Syntax|URI|Eval|Runtime|Compile|Link)Error$/;
/** Errors that callers' own functions threw, which are theirs. */
const ofCallers = new WeakSet<object>();

type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Holds methods that people call to the promise that every error is a `SegGptError`: a fault becomes an `InternalError`.
 * What the caller's `onProgress` throws comes through as it is.
 *
 * @param names of methods that return a promise, an async generator or a plain value.
 */
export function guardMethods<Host extends object>(
  host: Host,
  names: readonly (keyof Host & string)[],
): void {
  for (const name of names) host[name] = guarded(host[name] as Method) as Host[typeof name];
}

/** A function of the same kind whose faults are told; see {@link guardMethods}. */
export function guarded<Call extends (...args: never[]) => unknown>(call: Call): Call {
  const method = call as unknown as Method;
  return function (this: unknown, ...args: unknown[]) {
    try {
      const result = method.apply(this, args.map(marking));
      if (result instanceof Promise) return result.catch(rethrow);
      const isStream = Symbol.asyncIterator in Object(result) && 'next' in Object(result);
      return isStream ? stream(result as AsyncGenerator<unknown, unknown, unknown>) : result;
    } catch (error) {
      return rethrow(error);
    }
  } as unknown as Call;
}

async function* stream(
  items: AsyncGenerator<unknown, unknown, unknown>,
): AsyncGenerator<unknown, unknown, unknown> {
  try {
    return yield* items;
  } catch (error) {
    return rethrow(error);
  }
}

function rethrow(error: unknown): never {
  const { name, message, syscall } = Object(error) as Partial<NodeJS.ErrnoException>;
  const isFault = FAULTS.test(name ?? '') || syscall !== undefined;
  if (!isFault || ofCallers.has(error as object)) throw error;
  throw new InternalError(message ?? '', { cause: error });
}

/** Options whose `onProgress` marks what it throws as the caller's. */
function marking(argument: unknown): unknown {
  const { onProgress } = Object(argument) as { onProgress?: unknown };
  if (typeof onProgress !== 'function') return argument;
  const marked = (...args: unknown[]): unknown => {
    try {
      return (onProgress as Method)(...args);
    } catch (error) {
      if (typeof error === 'object' && error !== null) ofCallers.add(error);
      throw error;
    }
  };
  return { ...(argument as object), onProgress: marked };
}
