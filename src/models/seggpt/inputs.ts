import type { NdArray } from 'ndarray';
import { toFloats } from '../../tensors/to-floats';
import { InvalidInputError } from '../../base/errors';
import { splitHalves, splitMaskedPatches, targetsEqual } from './halves';
import type { Task } from './model';
import type { TokenLayout } from './token-layout';

/** A batch of canvases for {@link Painter.paint}: NHWC, normalised colours, prompt half on top. */
export interface PaintInputs {
  /** `(N, H, W, 3)`: prompt image over target image. `H` is a multiple of two patches, `W` of one. */
  readonly images: NdArray;
  /** `(N, H, W, 3)`: prompt mask over target mask. What lies under masked patches is not read. */
  readonly masks: NdArray;
  /** `(N, H/p, W/p)`, non-zero where a patch is to be painted. @default the target half */
  readonly maskedPatches?: NdArray;
  /** Which type token is added. @default 'instance' */
  readonly taskType?: Task;
  /**
   * Average the target half over the batch at every layer (SegGPT, section 3.3), for several prompts of
   * one target. @default true when N > 1 and all target halves are equal
   */
  readonly featureEnsemble?: boolean;
  /** What comes back: target halves or whole canvases. @default 'target' */
  readonly output?: 'target' | 'canvas';
  /**
   * Compute every row of every canvas, as the official code does. Slower and equal: the oracle of the
   * savings. @default false
   */
  readonly plain?: boolean;
}

/** Checked inputs as plain data in the order of a token matrix. */
export interface CanvasBatch {
  /** How tokens lie: prompts, targets, rows and columns of a half. */
  readonly layout: TokenLayout;
  /** Of a whole canvas, in pixels. */
  readonly height: number;
  /** Of a canvas, in pixels. */
  readonly width: number;
  /** `(N + M, H/2, W, 3)` */
  readonly images: Float32Array;
  /** `(N, H, W, 3)` normalised colours. */
  readonly masks: Float32Array;
  /** One flag for each token row. */
  readonly masked: Uint8Array;
  /** Which type token is added. */
  readonly task: Task;
  /** Whether the target's tokens are averaged over canvases after each block (feature ensemble). */
  readonly averageTargets: boolean;
  /** Whether the last block leaves out rows that nothing reads. */
  readonly skipUnread: boolean;
  /** Whether whole canvases come back or target halves. */
  readonly output: 'target' | 'canvas';
}

/** @throws InvalidInputError naming the argument and the shape it should have. */
export function readBatch(inputs: PaintInputs, patch: number): CanvasBatch {
  const {
    images,
    masks,
    maskedPatches,
    taskType = 'instance',
    output = 'target',
    plain = false,
  } = inputs;
  const show = (shape: readonly number[]) => `(${shape.join(', ')})`;
  const [count, height, width, channels] = images.shape;
  if (images.shape.length !== 4 || channels !== 3 || count < 1) {
    throw new InvalidInputError(
      'images',
      `must have shape (N, H, W, 3), has ${show(images.shape)}.`,
    );
  }
  if (height === 0 || width === 0 || height % (2 * patch) || width % patch) {
    throw new InvalidInputError(
      'images',
      `the canvas must be a multiple of ${2 * patch} pixels high and of ${patch} wide, is ${height} x ${width}.`,
    );
  }
  if (show(masks.shape) !== show(images.shape)) {
    throw new InvalidInputError(
      'masks',
      `must have the shape of images, ${show(images.shape)}, has ${show(masks.shape)}.`,
    );
  }
  if (taskType !== 'instance' && taskType !== 'semantic') {
    throw new InvalidInputError(
      'taskType',
      `must be "instance" or "semantic", is ${JSON.stringify(taskType)}.`,
    );
  }
  const [rows, columns] = [height / patch, width / patch];
  const flagShape = [count, rows, columns];
  if (maskedPatches && show(maskedPatches.shape) !== show(flagShape)) {
    throw new InvalidInputError(
      'maskedPatches',
      `must have shape ${show(flagShape)}, has ${show(maskedPatches.shape)}.`,
    );
  }
  const pixels = toFloats(images);
  const colors = toFloats(masks);
  const flags = maskedPatches
    ? Uint8Array.from(toFloats(maskedPatches), (flag) => (flag ? 1 : 0))
    : Uint8Array.from({ length: count * rows * columns }, (_, i) =>
        (i / columns) % rows < rows / 2 ? 0 : 1,
      );
  const equal =
    targetsEqual(pixels, count) &&
    targetsEqual(flags, count) &&
    (targetsEqual(colors, count) || allTargetsMasked(flags, count));
  const ensemble = count > 1 && (inputs.featureEnsemble ?? equal);
  const share = ensemble && equal && !plain;
  return {
    layout: { prompts: count, targets: share ? 1 : count, rows: rows / 2, columns },
    height,
    width,
    images: splitHalves(pixels, count, share),
    masks: splitHalves(colors, count, share),
    masked: splitMaskedPatches(flags, count, share),
    task: taskType,
    averageTargets: ensemble && !share,
    skipUnread: !plain,
    output,
  };
}

function allTargetsMasked(flags: Uint8Array, count: number): boolean {
  const size = flags.length / count;
  return flags.every((flag, i) => i % size < size / 2 || flag === 1);
}
