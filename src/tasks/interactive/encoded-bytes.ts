import { utf8Text } from '../../base/text';
import { InvalidInputError } from '../../base/errors';
import { memoryAccess } from '../../checkpoints/memory-access';
import { openSafetensors } from '../../checkpoints/safetensors';
import { writeSafetensors } from '../../checkpoints/write-safetensors';
import { floatsToHalves } from '../../tensors/half';
import { toFloat32 } from '../../tensors/element-types';

/** What travels of an encoded picture. */
export interface EncodedFields {
  /** The picture's, in its own pixels. */
  readonly width: number;
  /** The picture's, in its own pixels. */
  readonly height: number;
  /** Which models' decoders read the features. */
  readonly model: string;
  /** `(rows, channels)` */
  readonly features: Float32Array;
  readonly channels: number;
}

const FORMAT = 'seggpt-encoded-image';

/** A safetensors file of one float16 tensor, `features (G * G, channels)`; size and model stand in its metadata. */
export function encodedToBytes({
  width,
  height,
  model,
  features,
  channels,
}: EncodedFields): Uint8Array {
  const data = new Uint8Array(floatsToHalves(features).buffer);
  const shape = [features.length / channels, channels];
  return writeSafetensors([{ name: 'features', dtype: 'F16', shape, data }], {
    format: FORMAT,
    width: String(width),
    height: String(height),
    model,
  });
}

/** @throws InvalidInputError if the bytes are nothing that {@link encodedToBytes} made. */
export async function encodedFromBytes(bytes: Uint8Array): Promise<EncodedFields> {
  const fail = (cause?: unknown) =>
    new InvalidInputError('bytes', 'are no encoded picture; they come from toBytes() of one.', {
      cause,
    });
  try {
    if (!(bytes.length > 8)) throw fail();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = Number(view.getBigUint64(0, true));
    const header = JSON.parse(utf8Text(bytes.subarray(8, 8 + length))) as {
      __metadata__?: Record<string, string>;
    };
    const { format, width, height, model } = header.__metadata__ ?? {};
    const sides = [Number(width), Number(height)];
    if (
      format !== FORMAT ||
      !model ||
      !sides.every((side) => Number.isSafeInteger(side) && side > 0)
    )
      throw fail();
    const tensor = await (
      await openSafetensors(memoryAccess(bytes, 'the given bytes'))
    ).read('features');
    return {
      width: sides[0],
      height: sides[1],
      model,
      features: toFloat32(tensor),
      channels: tensor.shape[1],
    };
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw fail(error);
  }
}
