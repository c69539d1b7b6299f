import { InvalidInputError } from '../../base/errors';
import type { RunOptions } from '../../base/progress';
import type { RgbImage } from '../../images/rgb-image';
import { Sam } from '../../models/sam/sam';
import { encodedFromBytes } from './encoded-bytes';
import { EncodedImage } from './encoded-image';
import { PictureContexts } from './picture-contexts';
import { fitSquare, toSquare } from './square';

/** A loaded model, and what it keeps of the pictures that are being worked on. */
export interface InteractiveModel {
  readonly sam: Sam;
  readonly contexts: PictureContexts;
}

/** Loads a model; see `InteractiveSegmenter.load`. */
export async function loadInteractiveModel(
  ...given: Parameters<typeof Sam.load>
): Promise<InteractiveModel> {
  const sam = await Sam.load(...given);
  return { sam, contexts: new PictureContexts(sam) };
}

/** Runs the image encoder over a picture that has been read. @throws AbortedError, DisposedError */
export async function encodeImage(
  { sam, contexts }: InteractiveModel,
  image: RgbImage,
  { signal, onProgress }: RunOptions,
): Promise<EncodedImage> {
  const { width, height } = image;
  const fit = fitSquare(width, height, sam.config.imageSize);
  const features = await sam.encode(toSquare(image, fit), {
    signal,
    onProgress:
      onProgress &&
      ((fraction) =>
        onProgress({ stage: 'encode', loaded: Math.round(fraction * 100), total: 100 })),
  });
  return new EncodedImage(sam, contexts, width, height, features, image);
}

/** An encoded picture of its bytes; see `InteractiveSegmenter.fromBytes`. @throws InvalidInputError */
export async function imageFromBytes(
  { sam, contexts }: InteractiveModel,
  bytes: Uint8Array,
): Promise<EncodedImage> {
  const { width, height, model, features } = await encodedFromBytes(bytes);
  if (model !== sam.fingerprint)
    throw new InvalidInputError(
      'bytes',
      `were encoded for another model (${model}) than this one (${sam.fingerprint}); encode and decode with the same weights.`,
    );
  if (features.length !== sam.gridSide ** 2 * sam.config.channels)
    throw new InvalidInputError('bytes', 'hold features of another size than this model makes.');
  return new EncodedImage(sam, contexts, width, height, features);
}
