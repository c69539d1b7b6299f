import { InvalidInputError } from '../../base/errors';
import { checkRle, type CompressedRle, type Rle } from '../../masks/rle';
import type {
  AnnotatedObject,
  AnnotatedPicture,
  Category,
  ObjectShape,
} from '../model/annotated-picture';
import { Entry, type TextInput } from '../model/entry';

/**
 * Reads a COCO annotation file (cocodataset.org, "Data format", object detection): every picture in it, those without
 * annotations too. Segmentations may be polygons, plain run-lengths or compressed ones; those of `iscrowd: 1` lie beneath
 * the rest. Categories keep their ids as labels, where these are 1 … 255.
 *
 * @param file what messages call it.
 * @throws InvalidInputError naming the entry: for what is missing or of another kind, a picture or category that is not
 *   there, run-lengths that do not fill their picture, and annotations that have a box alone.
 */
export function readCoco(input: TextInput, file = 'COCO file'): AnnotatedPicture[] {
  return cocoPictures(Entry.ofJson(input, file));
}

/** The same of JSON that is parsed. */
export function cocoPictures(root: Entry): AnnotatedPicture[] {
  const nameOf = new Map<number, string>();
  const categories: Category[] = [];
  for (const category of root.at('categories').items()) {
    const [number, name] = [category.at('id').whole(), category.at('name').text()];
    if (nameOf.has(number)) category.fail(`has the id ${number} of another category.`);
    nameOf.set(number, name);
    categories.push({ name, number });
  }
  const pictures = new Map<number, AnnotatedPicture & { objects: AnnotatedObject[] }>();
  for (const image of root.at('images').items()) {
    const id = image.at('id').whole();
    if (pictures.has(id)) image.fail(`has the id ${id} of another image.`);
    pictures.set(id, {
      file: image.has('file_name') ? image.at('file_name').text() : undefined,
      width: image.at('width').whole(1),
      height: image.at('height').whole(1),
      objects: [],
      categories,
    });
  }
  for (const annotation of root.at('annotations').items()) {
    const [image, category] = [annotation.at('image_id'), annotation.at('category_id')];
    const picture = pictures.get(image.whole()) ?? image.fail('is the id of no image in the file.');
    const name =
      nameOf.get(category.whole()) ?? category.fail('is the id of no category in the file.');
    if (!annotation.has('segmentation') || isEmpty(annotation.at('segmentation')))
      annotation.fail(
        'has a box alone, which does not say what in it is meant; give it a segmentation.',
      );
    picture.objects.push({
      name,
      crowd: annotation.has('iscrowd') && annotation.at('iscrowd').number() === 1,
      ...shapeOf(annotation.at('segmentation'), picture),
    });
  }
  return [...pictures.values()];
}

function isEmpty(segmentation: Entry): boolean {
  return segmentation.isList && segmentation.items().length === 0;
}

function shapeOf(
  segmentation: Entry,
  { width, height }: { width: number; height: number },
): ObjectShape {
  if (segmentation.isObject) return { rle: rleOf(segmentation, width, height) };
  return {
    polygons: segmentation.items().map((polygon) => {
      const points = polygon.numbers();
      if (points.length < 6 || points.length % 2 !== 0)
        polygon.fail(
          `must list three points or more as [x0, y0, x1, y1, …], has ${points.length} numbers.`,
        );
      return points;
    }),
  };
}

function rleOf(segmentation: Entry, width: number, height: number): Rle | CompressedRle {
  const size = segmentation.at('size').numbers();
  if (size.length !== 2 || size[0] !== height || size[1] !== width)
    segmentation.fail(
      `is of the size [${size.join(', ')}], but its image is [${height}, ${width}] (height, width).`,
    );
  const counts = segmentation.at('counts');
  const rle =
    typeof counts.value === 'string'
      ? { size: [height, width] as [number, number], counts: counts.value }
      : { size: [height, width] as [number, number], counts: counts.numbers() };
  try {
    checkRle(rle);
  } catch (error) {
    if (error instanceof InvalidInputError) counts.fail(error.detail);
    throw error;
  }
  return rle;
}
