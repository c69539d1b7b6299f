import { InvalidInputError } from '../../base/errors';
import type { Polygon } from '../../masks/polygons';
import { boxOutline, ellipseOutline, rotated } from '../formats/outlines';
import { parseXml, type XmlElement } from '../formats/xml';
import type { AnnotatedObject, AnnotatedPicture, ObjectShape } from '../model/annotated-picture';
import { type TextInput, textOf } from '../model/entry';
import { sizeFault } from '../model/size-limit';

/** What says something of a picture and marks nothing in it. */
const NO_REGIONS = ['tag'];

/**
 * Reads an XML file "CVAT for images 1.1" (docs.cvat.ai, "XML annotation format"): polygons, boxes, ellipses, each of them
 * in pixels and turned about its centre where it has a `rotation`, and masks (run-lengths of 0 and 1 in turn, starting with 0,
 * in rows of the box `left`, `top`, `width`, `height`). Drawn by `z_order`, and of one order as the file has them. Tags
 * are left out.
 *
 * @param file what messages call it.
 * @throws InvalidInputError naming the line: for points, polylines and others without area, files of "CVAT for video", and
 *   what is missing or of another kind.
 */
export function readCvat(input: TextInput, file = 'CVAT file'): AnnotatedPicture[] {
  const root = parseXml(textOf(input, file), file);
  if (root.name !== 'annotations')
    throw new InvalidInputError(file, `has <${root.name}>, but CVAT's files have <annotations>.`);
  const track = root.children.find(({ name }) => name === 'track');
  if (track) fail(track, file, 'is of a video; export as "CVAT for images 1.1".');
  return root.children
    .filter(({ name }) => name === 'image')
    .map((image) => {
      const [width, height] = sizes(image, file);
      const marked = image.children.filter(({ name }) => !NO_REGIONS.includes(name));
      const order = (element: XmlElement) =>
        'z_order' in element.attributes ? number(element, 'z_order', file) : 0;
      const sorted = [...marked].sort((a, b) => order(a) - order(b));
      const objects = sorted.map((element): AnnotatedObject => ({
        name: attribute(element, 'label', file),
        ...shapeOf(element, file),
      }));
      return { file: attribute(image, 'name', file), width, height, objects };
    });
}

function shapeOf(element: XmlElement, file: string): ObjectShape {
  const value = (name: string) => number(element, name, file);
  const turn = 'rotation' in element.attributes ? value('rotation') : 0;
  switch (element.name) {
    case 'polygon':
      return { polygons: [pointsOf(element, file)] };
    case 'box': {
      const [left, top, right, bottom] = ['xtl', 'ytl', 'xbr', 'ybr'].map(value);
      const box = boxOutline(left, top, right, bottom);
      return { polygons: [rotated(box, turn, (left + right) / 2, (top + bottom) / 2)] };
    }
    case 'ellipse': {
      const [x, y, radiusX, radiusY] = ['cx', 'cy', 'rx', 'ry'].map(value);
      return { polygons: [rotated(ellipseOutline(x, y, radiusX, radiusY), turn, x, y)] };
    }
    case 'mask':
      return { mask: maskOf(element, file) };
    default:
      return fail(
        element,
        file,
        `is <${element.name}>, which marks no area that is read; polygon, box, ellipse and mask are.`,
      );
  }
}

function pointsOf(element: XmlElement, file: string): Polygon {
  const polygon: Polygon = [];
  for (const point of attribute(element, 'points', file).split(';')) {
    const numbers = point.split(',').map(toNumber);
    if (numbers.length !== 2 || numbers.some(Number.isNaN))
      fail(element, file, `has the point "${point}"; points are x,y;x,y;…`);
    polygon.push(...numbers);
  }
  if (polygon.length < 6) fail(element, file, 'is a polygon of less than three points.');
  return polygon;
}

function maskOf(element: XmlElement, file: string) {
  const [x, y] = [number(element, 'left', file), number(element, 'top', file)];
  const [width, height] = sizes(element, file);
  const runs = attribute(element, 'rle', file).split(',').map(toNumber);
  const total = runs.reduce((sum, run) => sum + run, 0);
  const areRuns = runs.every((run) => Number.isInteger(run) && run >= 0);
  if (total !== width * height || !areRuns)
    fail(element, file, `has runs of ${total} pixels, but its box has ${width} x ${height}.`);
  const data = new Uint8Array(width * height);
  let at = 0;
  runs.forEach((run, i) => {
    if (i % 2 === 1) data.fill(1, at, at + run);
    at += run;
  });
  return { x, y, width, height, data };
}

function attribute(element: XmlElement, name: string, file: string): string {
  return element.attributes[name] ?? fail(element, file, `has no "${name}".`);
}

function number(element: XmlElement, name: string, file: string): number {
  const text = attribute(element, name, file);
  const value = toNumber(text);
  return Number.isNaN(value) ? fail(element, file, `has "${text}" for ${name}.`) : value;
}

function sizes(element: XmlElement, file: string): [width: number, height: number] {
  const [width, height] = [size(element, 'width', file), size(element, 'height', file)];
  const fault = sizeFault(width, height);
  return fault === undefined ? [width, height] : fail(element, file, fault);
}

function size(element: XmlElement, name: string, file: string): number {
  const value = number(element, name, file);
  return Number.isSafeInteger(value) && value > 0
    ? value
    : fail(element, file, `has "${value}" for ${name}; it is a number of pixels.`);
}

/** NaN for what is no finite number. */
function toNumber(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(value) ? value : NaN;
}

function fail(element: XmlElement, file: string, detail: string): never {
  throw new InvalidInputError(file, `the <${element.name}> in line ${element.line} ${detail}`);
}
