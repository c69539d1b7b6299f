/** Inflates a zlib stream with the platform's own decompressor, as far as `size`; `null` if it is damaged. */
export async function inflate(bytes: Uint8Array, size: number): Promise<Uint8Array | null> {
  const result = new Uint8Array(size);
  let filled = 0;
  try {
    const reader = through(bytes, new DecompressionStream('deflate')).getReader();
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
  const stream = through(bytes, new CompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function through(
  bytes: Uint8Array,
  transform: CompressionStream | DecompressionStream,
): ReadableStream<Uint8Array> {
  const blob = new Blob([bytes as Uint8Array<ArrayBuffer>]);
  return blob.stream().pipeThrough(transform);
}
