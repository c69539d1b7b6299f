import { utf8Bytes } from '../base/text';
import type { StoredTensor } from '../tensors/stored-tensor';

/**
 * Bytes of a safetensors file. Scales of int8 tensors are stored beside them as `NAME_scale`.
 *
 * @param metadata strings by name that stand in the header.
 */
export function writeSafetensors(
  tensors: readonly StoredTensor[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: Uint8Array[] = [];
  let offset = 0;
  const add = (name: string, dtype: string, shape: readonly number[], data: Uint8Array) => {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    parts.push(data);
    offset += data.byteLength;
  };
  for (const { name, dtype, shape, data, scales } of tensors) {
    add(name, dtype, shape, data);
    if (scales)
      add(
        `${name}_scale`,
        'F32',
        [scales.length],
        new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength),
      );
  }
  const json = JSON.stringify(header);
  // Padded so that tensors begin on a multiple of 8.
  const text = utf8Bytes(json.padEnd(Math.ceil(json.length / 8) * 8));
  const file = new Uint8Array(8 + text.length + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let at = 8 + text.length;
  for (const part of parts) {
    file.set(part, at);
    at += part.byteLength;
  }
  return file;
}
