import { InvalidInputError } from '../../base/errors';
import { encodePalettePng } from '../formats/palette-png';
import { vocColor } from '../formats/voc-colors';
import { type Annotated, SeenLabels, textFile } from '../model/annotated';

/** Objects of a picture: their numbers are a byte, of which 255 is void. */
const MOST_OBJECTS = 254;

/**
 * A VOC folder for segmentation (PASCAL VOC 2012 development kit, section 9), built as results come: for each picture PNGs with
 * VOC's palette, whose indices are labels (`SegmentationClass`) and objects (`SegmentationObject`; a mask is one object), and
 * `labelmap.txt`, which names the labels for CVAT and Datumaro (a colon in a name, which ends names there, becomes a space). There is no void: every pixel is labelled or background.
 */
export class VocFolder {
  private readonly labels = new SeenLabels();

  /**
   * Adds a picture's masks.
   *
   * @returns the bytes of two PNGs, both to be called as the picture.
   * @throws InvalidInputError for more objects than VOC's indices tell apart.
   */
  async add(
    result: Annotated,
  ): Promise<{ segmentationClass: Uint8Array; segmentationObject: Uint8Array }> {
    const { width, height, masks } = result;
    this.labels.add(result);
    const present = masks.filter((mask) => mask.present);
    if (present.length > MOST_OBJECTS)
      throw new InvalidInputError(
        'masks',
        `are ${present.length} objects, and VOC numbers at most ${MOST_OBJECTS} in a picture; write another format.`,
      );
    const [classes, objects] = [new Uint8Array(width * height), new Uint8Array(width * height)];
    present.forEach((mask, i) =>
      mask.toBinary().forEach((inside, at) => {
        if (!inside) return;
        classes[at] = mask.label;
        objects[at] = i + 1;
      }),
    );
    return {
      segmentationClass: await encodePalettePng(classes, width, height),
      segmentationObject: await encodePalettePng(objects, width, height),
    };
  }

  /** `labelmap.txt`: a line for every index up to the highest label, so that lines count as the palette does. */
  encodeClasses(): Uint8Array {
    const names = new Map(this.labels.sorted);
    const last = Math.max(0, ...names.keys());
    const lines = Array.from({ length: last + 1 }, (_, index) => {
      const name = index === 0 ? 'background' : (names.get(index) ?? `unused ${index}`);
      return `${name.replaceAll(':', ' ')}:${vocColor(index).join(',')}::\n`;
    });
    return textFile(`# label:color_rgb:parts:actions\n${lines.join('')}`);
  }
}
