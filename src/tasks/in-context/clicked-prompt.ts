import { InvalidInputError } from '../../base/errors';
import type { ImageInput } from '../../images/image-input';
import { decodeLimits } from '../../images/decode-limits';
import { readImage, type RgbImage } from '../../images/rgb-image';
import type { Polygon } from '../../masks/polygons';
import type { MaskShape } from '../../masks/mask-input';
import type { ClickPrompt, Corners, Point } from '../interactive/click-prompt';
import type { HelperModel } from './helper-model';
import type { MaskPrompt, ReadPromptOptions } from './prompts';

/** What every prompt that points has. Coordinates are the picture's own pixels. */
interface PointingPrompt {
  /** The picture. */
  readonly image: ImageInput;
  /** The label that the object gets, 1 … 255. @default 1 */
  readonly label?: number;
  /** What the label is called. */
  readonly name?: string;
}

/** Clicks, and a box with them if wanted. */
export interface PointsPrompt extends PointingPrompt {
  /** Points inside the object, or outside where `labels` says so. */
  readonly points: readonly Point[];
  /** For each point 1 (inside) or 0 (outside). @default all inside */
  readonly labels?: readonly number[];
  /** Left, top, right, bottom of a box around the object. */
  readonly box?: Corners;
}

/** A box alone. */
export interface BoxPrompt extends PointingPrompt {
  /** Left, top, right, bottom of a box around the object. */
  readonly box: Corners;
}

/** A line drawn over the object. */
export interface ScribblePrompt extends PointingPrompt {
  /** The line, corner by corner. */
  readonly scribble: readonly Point[];
}

/** The object's outline; it is taken as it is, without a model. */
export interface PolygonPrompt extends PointingPrompt {
  /** The outline, corner by corner. */
  readonly polygon: readonly Point[];
}

/** An example in which an object is pointed at instead of masked; the interactive model finds its mask. */
export type ClickedPrompt = PointsPrompt | BoxPrompt | ScribblePrompt | PolygonPrompt;

/** Any way of pointing, before it is known to be one alone. */
type Pointing = PointingPrompt &
  Partial<Pick<PointsPrompt, 'points' | 'labels' | 'box'>> &
  Partial<Pick<ScribblePrompt, 'scribble'>> &
  Partial<Pick<PolygonPrompt, 'polygon'>>;

/** Points along a scribble that the decoder is shown. */
const SCRIBBLE_POINTS = 6;

/**
 * A prompt that points at its object, with the mask that the interactive model finds.
 *
 * @throws InvalidInputError naming what does not fit the picture; ImageError, AbortedError, and what loading throws.
 */
export async function maskClicked(
  prompt: ClickedPrompt,
  argument: string,
  helper: HelperModel,
  options: ReadPromptOptions,
): Promise<MaskPrompt> {
  const { polygon, scribble, points, labels, box, label = 1, name }: Pointing = prompt;
  const ways = [points ?? box, scribble, polygon].filter((way) => way !== undefined);
  if (ways.length > 1)
    throw new InvalidInputError(
      argument,
      'points at its object in several ways; give points with a box, or a scribble, or a polygon.',
    );
  const { signal, sources, orientation, window } = options;
  const image = await readImage(prompt.image, {
    argument: `${argument}.image`,
    limits: decodeLimits(options),
    ...{ signal, sources, orientation, window },
  });
  const { width, height } = image;
  const labelled = { label, ...(name !== undefined && { name }) };
  if (polygon) {
    const outline: Polygon = polygon.flatMap((point, i) => {
      checkInside(point, image, `${argument}.polygon[${i}]`);
      return [...point];
    });
    return { image, mask: { polygons: [outline], width, height, ...labelled } };
  }
  const click: ClickPrompt = scribble
    ? { points: spread(scribble, image, `${argument}.scribble`) }
    : { points, labels, box };
  const picture = await helper.encode(image, { signal });
  const [mask] = (await picture.segment(click, { signal, argument })).masks;
  if (mask.area === 0)
    throw new InvalidInputError(
      argument,
      'points at nothing that the model can tell from the rest.',
    );
  return { image, mask: { segmentation: mask.toRLE(), ...labelled } satisfies MaskShape };
}

/** Points at even distances along a line. */
function spread(line: readonly Point[], image: RgbImage, argument: string): Point[] {
  if (!Array.isArray(line) || line.length < 2)
    throw new InvalidInputError(argument, 'must be a list of two points [x, y] or more.');
  line.forEach((point, i) => checkInside(point, image, `${argument}[${i}]`));
  const lengths = line.slice(1).map(([x, y], i) => Math.hypot(x - line[i][0], y - line[i][1]));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return Array.from({ length: SCRIBBLE_POINTS }, (_, n): Point => {
    let left = ((n + 0.5) / SCRIBBLE_POINTS) * total;
    let i = 0;
    while (i < lengths.length - 1 && left > lengths[i]) left -= lengths[i++];
    const share = lengths[i] > 0 ? Math.min(1, left / lengths[i]) : 0;
    const [[x0, y0], [x1, y1]] = [line[i], line[i + 1]];
    return [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
  });
}

function checkInside(point: unknown, { width, height }: RgbImage, argument: string): void {
  const [x, y] = Array.isArray(point) ? point : [];
  if (!(x >= 0 && y >= 0 && x <= width && y <= height))
    throw new InvalidInputError(
      argument,
      `must be [x, y] within the picture of ${width} x ${height} pixels, is ${JSON.stringify(point)}.`,
    );
}
