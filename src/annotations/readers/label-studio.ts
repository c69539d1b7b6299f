import type { Polygon } from '../../masks/polygons';
import { decodeBrush } from '../formats/brush-rle';
import { boxOutline, ellipseOutline, rotated } from '../formats/outlines';
import type { AnnotatedObject, AnnotatedPicture, ObjectShape } from '../model/annotated-picture';
import { Entry, type TextInput } from '../model/entry';
import { sizeFault } from '../model/size-limit';

/** Results that say something of the picture, or of other results, and mark nothing in it. */
const NO_REGIONS = [
  'choices',
  'textarea',
  'rating',
  'number',
  'taxonomy',
  'datetime',
  'pairwise',
  'ranker',
  'relation',
];

/**
 * Reads a JSON export of Label Studio (labelstud.io, "Export annotations", "Label Studio JSON format of annotated tasks"; not
 * JSON-MIN): brushes in their packed form, polygons, rectangles and ellipses, which are in percent of the picture and may be
 * turned. Of a task the first annotation that was not cancelled counts, or the first prediction where there is none; of a
 * region with several labels the first. Tasks in which nothing is marked are left out, as their picture's size is told nowhere,
 * and so are results that mark no region, such as choices.
 *
 * @param file what messages call it.
 * @throws InvalidInputError naming the entry: for key points and other regions without area, turned pictures, and what is
 *   missing or of another kind.
 */
export function readLabelStudio(
  input: TextInput,
  file = 'Label Studio export',
): AnnotatedPicture[] {
  return labelStudioPictures(Entry.ofJson(input, file));
}

/** The same of JSON that is parsed. */
export function labelStudioPictures(root: Entry): AnnotatedPicture[] {
  const pictures: AnnotatedPicture[] = [];
  for (const task of root.items()) {
    const regions = resultsOf(task).filter(
      (result) => !NO_REGIONS.includes(result.at('type').text()),
    );
    if (regions.length === 0) continue;
    const [width, height] = sizeOf(regions[0]);
    const objects = regions.map((region): AnnotatedObject => {
      const [w, h] = sizeOf(region);
      if (w !== width || h !== height)
        region.fail(
          `is of a picture of ${w} x ${h} pixels, others of the task ${width} x ${height}.`,
        );
      if (region.has('image_rotation') && region.at('image_rotation').number() !== 0)
        region.fail(
          'is of a picture that was turned in Label Studio; turn the file itself instead.',
        );
      return { name: nameOf(region), ...shapeOf(region, width, height) };
    });
    pictures.push({ file: pictureOf(task), width, height, objects });
  }
  return pictures;
}

function resultsOf(task: Entry): Entry[] {
  const annotations = task.has('annotations') ? task.at('annotations').items() : [];
  const kept = annotations.find(
    (each) => !each.has('was_cancelled') || each.at('was_cancelled').value !== true,
  );
  const source = kept ?? (task.has('predictions') ? task.at('predictions').items()[0] : undefined);
  if (source) return source.at('result').items();
  if (!task.has('annotations') && !task.has('predictions'))
    task.fail('has no "annotations"; export as JSON, not as JSON-MIN.');
  return [];
}

function sizeOf(region: Entry): [number, number] {
  const size = [
    region.at('original_width').whole(1),
    region.at('original_height').whole(1),
  ] as const;
  const fault = sizeFault(...size);
  return fault === undefined ? [...size] : region.fail(fault);
}

/** The first label of a region; it stands under the name of the region's type. */
function nameOf(region: Entry): string {
  const [value, kind] = [region.at('value'), region.at('type').text()];
  const [first] = value.has(kind) ? value.at(kind).items() : [];
  return first ? first.text() : value.fail(`has no label under "${kind}".`);
}

function shapeOf(region: Entry, width: number, height: number): ObjectShape {
  const [value, kind] = [region.at('value'), region.at('type').text()];
  const x = (percent: number) => (percent / 100) * width;
  const y = (percent: number) => (percent / 100) * height;
  const number = (key: string) => value.at(key).number();
  const turn = value.has('rotation') ? number('rotation') : 0;
  if (kind === 'brushlabels') {
    const rle = value.at('rle');
    const data = decodeBrush(rle.numbers(), width, height, `${rle.file}: ${rle.path}`);
    return { mask: { x: 0, y: 0, width, height, data } };
  }
  if (kind === 'polygonlabels') {
    const points = value.at('points').items();
    if (points.length < 3) value.fail(`is a polygon of ${points.length} points; it needs three.`);
    const polygon: Polygon = [];
    for (const point of points) {
      const numbers = point.numbers();
      if (numbers.length !== 2) point.fail('must be a point [x, y].');
      polygon.push(x(numbers[0]), y(numbers[1]));
    }
    return { polygons: [polygon] };
  }
  if (kind === 'rectanglelabels') {
    const [left, top] = [x(number('x')), y(number('y'))];
    const box = boxOutline(left, top, left + x(number('width')), top + y(number('height')));
    return { polygons: [rotated(box, turn, left, top)] };
  }
  if (kind === 'ellipselabels') {
    const [centerX, centerY] = [x(number('x')), y(number('y'))];
    const oval = ellipseOutline(centerX, centerY, x(number('radiusX')), y(number('radiusY')));
    return { polygons: [rotated(oval, turn, centerX, centerY)] };
  }
  return region.fail(
    `is of the type "${kind}", which marks no area that is read; brushlabels, polygonlabels, rectanglelabels and ellipselabels are.`,
  );
}

/** The picture that a task shows: the only text among its data, or what is called `image`. */
function pictureOf(task: Entry): string | undefined {
  if (!task.has('data')) return undefined;
  const data = task.at('data');
  if (data.has('image')) return data.at('image').text();
  const texts = Object.values(data.value as object).filter((each) => typeof each === 'string');
  return texts.length === 1 ? texts[0] : undefined;
}
