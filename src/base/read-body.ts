import { unlessAborted } from './abort';

/** Silence after which a connection counts as broken, in milliseconds. */
export const STALL_MS = 30_000;

/** What a body may take. */
export interface BodyLimits {
  /** In bytes. */
  readonly most: number;
  readonly signal?: AbortSignal;
  /** Makes the error for a body that is too large or does not come, of what is wrong with it. */
  readonly fail: (what: string, cause?: unknown) => Error;
}

/**
 * Reads the whole body of an answer, as long as it keeps coming and stays within its limit. What is too large by its own
 * `Content-Length` is not begun.
 *
 * @throws what `fail` makes, AbortedError
 */
export async function readBody(
  response: Response,
  { most, signal, fail }: BodyLimits,
): Promise<Uint8Array> {
  const tooLarge = () => fail(`has more than the ${most >> 20} MB that are taken`);
  if (Number(response.headers.get('content-length') ?? 0) > most) {
    await response.body?.cancel();
    throw tooLarge();
  }
  const reader = response.body?.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const step = reader && (await stalling(unlessAborted(reader.read(), signal)));
      if (!step || step.done) break;
      size += step.value.byteLength;
      if (size > most) throw tooLarge();
      pieces.push(step.value);
    }
  } catch (error) {
    await reader?.cancel().catch(() => undefined);
    if (signal?.aborted || size > most) throw error;
    throw fail(`broke off after ${size} bytes`, error);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/** Waits for a piece of a body. @throws Error if none comes for {@link STALL_MS}. */
export function stalling<Value>(work: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout>;
  const stall = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no data came for ${STALL_MS / 1000} s`)), STALL_MS);
  });
  return Promise.race([work, stall]).finally(() => clearTimeout(timer));
}
