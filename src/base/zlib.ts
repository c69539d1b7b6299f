/**
 * Inflates a zlib stream with the platform's own decompressor, as far as `size`.
 *
 * @param parts pieces of the stream, in order.
 * @returns what came, at most `size` bytes and fewer where the stream is truncated; `null` if it is damaged.
 */
export async function inflate(
  parts: readonly Uint8Array[],
  size: number,
): Promise<Uint8Array | null> {
  const result = new Uint8Array(size);
  let filled = 0;
  try {
    const { DecompressionStream: Inflater } = platform();
    const reader = through(parts, new Inflater('deflate')).getReader();
    while (filled < size) {
      const { done, value } = await reader.read();
      if (done) break;
      result.set(value.subarray(0, size - filled), filled);
      filled += value.byteLength;
    }
    await reader.cancel();
  } catch {
    return null; // the caller knows the file, and says so
  }
  return result.subarray(0, filled);
}

/** Deflates bytes as a zlib stream. */
export async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  const { CompressionStream: Deflater } = platform();
  const parts: Uint8Array[] = [];
  const reader = through([bytes], new Deflater('deflate')).getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read())
    parts.push(step.value);
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function through(
  parts: readonly Uint8Array[],
  transform: CompressionStream | DecompressionStream,
): ReadableStream<Uint8Array> {
  const { Blob: Source } = platform();
  return new Source([...parts] as BlobPart[]).stream().pipeThrough(transform);
}

/** jsdom's files have no streams, and its globals lack compressors under Jest; it runs in Node, which has both. */
function platform(): Pick<typeof globalThis, 'Blob' | 'CompressionStream' | 'DecompressionStream'> {
  if (typeof DecompressionStream === 'function' && 'stream' in Blob.prototype) return globalThis;
  const node = {
    ...process.getBuiltinModule('node:stream/web'),
    Blob: process.getBuiltinModule('node:buffer').Blob,
  };
  return node as unknown as typeof globalThis;
}
