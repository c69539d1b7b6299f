import { InvalidInputError } from '../../base/errors';
import { readMask } from '../../masks/read-mask';
import type { Polygon } from '../../masks/polygons';
import { decodeLimits } from '../../images/decode-limits';
import { bytesOfBase64 } from '../formats/base64';
import { boxOutline, ellipseOutline } from '../formats/outlines';
import type { AnnotatedObject, AnnotatedPicture, Patch } from '../model/annotated-picture';
import { Entry, type TextInput } from '../model/entry';

/**
 * Reads a labelme file (github.com/wkentaro/labelme, `labelme/label_file.py` and `utils/shape.py`): shapes that are polygons,
 * rectangles (two opposite corners), circles (the centre and a point of the rim) and masks (the corners of a box, both in it,
 * and a PNG). Polygons of one label and one `group_id` are one object.
 *
 * labelme draws a polygon's outline in addition to what lies in it; here a pixel counts if its centre is inside, as everywhere
 * in this package, so that borders may differ by half a pixel.
 *
 * @param file what messages call it.
 * @throws InvalidInputError naming the shape: for points and lines, which mark no area, and for what is missing or of another
 *   kind; ImageError for a mask that is no PNG.
 */
export async function readLabelme(
  input: TextInput,
  file = 'labelme file',
): Promise<AnnotatedPicture> {
  return labelmePicture(Entry.ofJson(input, file));
}

/** The same of JSON that is parsed. */
export async function labelmePicture(root: Entry): Promise<AnnotatedPicture> {
  const objects: AnnotatedObject[] = [];
  const groups = new Map<string, { name: string; polygons: Polygon[] }>();
  for (const shape of root.at('shapes').items()) {
    const name = shape.at('label').text();
    const kind = shape.has('shape_type') ? shape.at('shape_type').text() : 'polygon';
    if (kind === 'mask') {
      objects.push({ name, mask: await maskOf(shape) });
      continue;
    }
    const outline = outlineOf(kind, shape);
    const group = shape.has('group_id') ? `${shape.at('group_id').number()} ${name}` : undefined;
    const begun = group === undefined ? undefined : groups.get(group);
    if (begun) {
      begun.polygons.push(outline);
      continue;
    }
    const object = { name, polygons: [outline] };
    objects.push(object);
    if (group !== undefined) groups.set(group, object);
  }
  return {
    file: root.has('imagePath') ? root.at('imagePath').text() : undefined,
    width: root.at('imageWidth').whole(1),
    height: root.at('imageHeight').whole(1),
    objects,
  };
}

function outlineOf(kind: string, shape: Entry): Polygon {
  const points = pointsOf(shape);
  const exactly = (count: number) => {
    if (points.length !== count)
      shape.fail(`is a ${kind}, which has ${count} points, but has ${points.length}.`);
  };
  if (kind === 'polygon') {
    if (points.length < 3) shape.fail(`is a polygon of ${points.length} points; it needs three.`);
    return points.flat();
  }
  if (kind === 'rectangle') {
    exactly(2);
    const [[x1, y1], [x2, y2]] = points;
    return boxOutline(Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2));
  }
  if (kind === 'circle') {
    exactly(2);
    const [[x, y], [rimX, rimY]] = points;
    const radius = Math.hypot(rimX - x, rimY - y);
    return ellipseOutline(x, y, radius, radius);
  }
  return shape.fail(
    `is of the type "${kind}", which marks no area that is read; polygon, rectangle, circle and mask are.`,
  );
}

function pointsOf(shape: Entry): [number, number][] {
  return shape
    .at('points')
    .items()
    .map((point) => {
      const numbers = point.numbers();
      if (numbers.length !== 2) point.fail('must be a point [x, y].');
      return numbers as [number, number];
    });
}

async function maskOf(shape: Entry): Promise<Patch> {
  const points = pointsOf(shape);
  if (points.length !== 2) shape.fail('is a mask, which has the two corners of its box as points.');
  const [[x, y], [right, bottom]] = points.map((point) => point.map(Math.trunc));
  const entry = shape.at('mask');
  const bytes = bytesOfBase64(entry.text()) ?? entry.fail('is no base64.');
  const read = { argument: `${entry.file}: ${entry.path}`, limits: decodeLimits() };
  const { width, height, data } = await readMask(bytes, read, new Map()).catch((error: Error) => {
    throw error instanceof InvalidInputError
      ? new InvalidInputError(entry.file, `${entry.path} ${error.detail}`, { cause: error })
      : error;
  });
  if (width !== right - x + 1 || height !== bottom - y + 1)
    throw new InvalidInputError(
      entry.file,
      `${entry.path} is a mask of ${width} x ${height} pixels, but its box has ${right - x + 1} x ${bottom - y + 1}.`,
    );
  return { x, y, width, height, data };
}
