import type { StoredTensor } from './stored-tensor';
import { CheckpointError } from '../base/errors';

/** Bits that are all set in NaN and infinity, and in nothing else. */
const EXPONENT = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 } as const;

/** @throws CheckpointError if the tensor holds NaN or infinity: such weights paint nothing. */
export function checkFinite(tensor: StoredTensor, origin: string): void {
  const scales = tensor.scales;
  if (scales && !scales.every(Number.isFinite)) fail(tensor, origin);
  if (tensor.dtype === 'I8') return;
  const mask = EXPONENT[tensor.dtype];
  const aligned = tensor.data.byteOffset % 4 === 0 ? tensor.data : tensor.data.slice();
  const words =
    tensor.dtype === 'F32'
      ? new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4)
      : new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
  for (let i = 0; i < words.length; i++) {
    if ((words[i] & mask) === mask) fail(tensor, origin);
  }
}

function fail(tensor: StoredTensor, origin: string): never {
  throw new CheckpointError(
    `${origin}: "${tensor.name}" holds NaN or infinite weights; the checkpoint is damaged.`,
  );
}
