import { crop, cropImage, type Region } from '../../images/crop';
import type { ReadPrompt } from './prompts';

/** A region of a prompt as a prompt. */
export function cropPrompt({ image, mask, colors }: ReadPrompt, region: Region): ReadPrompt {
  const [, , width, height] = region;
  return {
    image: cropImage(image, region),
    mask: { width, height, data: crop(mask.data, mask.width, 1, region) },
    ...(colors && { colors: crop(colors, mask.width, 3, region) }),
  };
}
