import type { RgbImage } from '../images/rgb-image';
import type { LabelMap } from '../masks/label-map';

/** A picture with the mask of one label: 1 inside, 0 outside, and where not to look. */
export interface Example {
  readonly image: RgbImage;
  readonly mask: LabelMap;
  readonly ignore: Uint8Array;
}
