import { InvalidInputError } from '../../base/errors';
import { decodeLimits } from '../../images/decode-limits';
import { drawShape, isMaskShape, type MaskShape } from '../../masks/mask-input';
import type { SamPrompt } from '../../models/sam/prompt-encoder';
import { InteractiveMask } from './interactive-mask';
import { maskToLogits, pointToSquare, type SquareFit } from './square';

/**
 * A pixel of the picture, `[x, y]`: x to the right, y down, (0, 0) the top left one. Checked when it is used, so that plain lists
 * of numbers will do.
 */
export type Point = readonly number[];

/** Corners of a box in the picture's pixels, `[left, top, right, bottom]`. */
export type Corners = readonly number[];

/** What a person shows of one object: points, a box, a mask, or several of these. Coordinates are the picture's own pixels. */
export interface ClickPrompt {
  /** Points inside the object, or outside where `labels` says so. */
  readonly points?: readonly Point[];
  /** For each point 1 (inside) or 0 (outside). @default all inside */
  readonly labels?: readonly number[];
  /** Left, top, right, bottom of a box around the object. */
  readonly box?: Corners;
  /**
   * A mask to start from: one that was found before (its logits are used), any other of the picture's size, or logits
   * `(4G, 4G)` over the padded square, 256 x 256 with SAM's models.
   */
  readonly mask?: InteractiveMask | MaskShape | Float32Array;
}

/** Logit of pixels inside a mask that brings none: about what the decoder itself says of clear objects. */
const MASK_LEVEL = 8;

/**
 * A prompt in the model's own terms.
 *
 * @param cells side of the decoder's logits.
 * @throws InvalidInputError naming what is missing or does not fit the picture.
 */
export function toSamPrompt(
  prompt: ClickPrompt,
  fit: SquareFit,
  cells: number,
  argument = 'prompt',
): SamPrompt {
  if (typeof prompt !== 'object' || prompt === null || Array.isArray(prompt))
    throw new InvalidInputError(
      argument,
      'must be { points, labels, box, mask }, at least one of them.',
    );
  const { points, labels, box, mask } = prompt;
  if (points !== undefined && !Array.isArray(points))
    throw new InvalidInputError(`${argument}.points`, 'must be a list of [x, y].');
  if (!points?.length && !box && !mask)
    throw new InvalidInputError(
      argument,
      'shows nothing; give at least one point, a box or a mask.',
    );
  if (labels !== undefined && labels.length !== (points?.length ?? 0))
    throw new InvalidInputError(
      `${argument}.labels`,
      `has ${labels.length} entries for ${points?.length ?? 0} points; give one for each.`,
    );
  labels?.forEach((label, i) => {
    if (label !== 0 && label !== 1)
      throw new InvalidInputError(
        `${argument}.labels[${i}]`,
        `must be 1 (inside) or 0 (outside), is ${String(label)}.`,
      );
  });
  points?.forEach((point, i) => checkPoint(point, fit, `${argument}.points[${i}]`));
  if (box) checkBox(box, fit, `${argument}.box`);
  return {
    ...(points && {
      points: points.flatMap(([x, y]) => pointToSquare(x, y, fit)),
      labels: labels ?? points.map(() => 1),
    }),
    ...(box && {
      box: [
        ...pointToSquare(box[0], box[1], fit),
        ...pointToSquare(box[2], box[3], fit),
      ] as unknown as SamPrompt['box'],
    }),
    ...(mask && { mask: logitsOf(mask, fit, cells, `${argument}.mask`) }),
  };
}

function checkPoint(point: unknown, { width, height }: SquareFit, argument: string): void {
  const [x, y] = Array.isArray(point) ? point : [];
  if (!Number.isFinite(x) || !Number.isFinite(y) || (point as unknown[]).length !== 2)
    throw new InvalidInputError(argument, `must be [x, y] in pixels, is ${JSON.stringify(point)}.`);
  if (x < 0 || y < 0 || x > width || y > height)
    throw new InvalidInputError(
      argument,
      `is (${x}, ${y}), outside the picture of ${width} x ${height} pixels.`,
    );
}

function checkBox(box: unknown, { width, height }: SquareFit, argument: string): void {
  if (!Array.isArray(box) || box.length !== 4 || !box.every((each) => Number.isFinite(each)))
    throw new InvalidInputError(
      argument,
      `must be [left, top, right, bottom] in pixels, is ${JSON.stringify(box)}.`,
    );
  const [x0, y0, x1, y1] = box as number[];
  if (x1 <= x0 || y1 <= y0)
    throw new InvalidInputError(
      argument,
      `is inside out: left ${x0}, top ${y0}, right ${x1}, bottom ${y1}. It takes corners, not a width and height.`,
    );
  if (x0 >= width || y0 >= height || x1 <= 0 || y1 <= 0)
    throw new InvalidInputError(
      argument,
      `lies outside the picture of ${width} x ${height} pixels.`,
    );
}

function logitsOf(
  mask: InteractiveMask | MaskShape | Float32Array,
  fit: SquareFit,
  cells: number,
  argument: string,
): Float32Array {
  const logits =
    mask instanceof Float32Array ? mask : mask instanceof InteractiveMask ? mask.logits : undefined;
  if (logits) {
    if (logits.length !== cells * cells)
      throw new InvalidInputError(
        argument,
        `has ${logits.length} logits; this model takes ${cells} x ${cells}.`,
      );
    if (mask instanceof InteractiveMask && (mask.width !== fit.width || mask.height !== fit.height))
      throw new InvalidInputError(argument, sizes(mask, fit));
    return logits;
  }
  if (!isMaskShape(mask))
    throw new InvalidInputError(
      argument,
      'must be a Mask, run-lengths, outlines with a size, or logits as Float32Array.',
    );
  const drawn = drawShape(mask, argument, decodeLimits());
  if (drawn.width !== fit.width || drawn.height !== fit.height)
    throw new InvalidInputError(argument, sizes(drawn, fit));
  return maskToLogits(drawn.data, fit, cells, MASK_LEVEL);
}

function sizes(mask: { width: number; height: number }, fit: SquareFit): string {
  return `is ${mask.width} x ${mask.height}, but the picture is ${fit.width} x ${fit.height}.`;
}
