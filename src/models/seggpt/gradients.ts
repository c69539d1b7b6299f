import ndarray, { type NdArray } from 'ndarray';
import type * as tfjs from '@tensorflow/tfjs';
import { toFloats } from '../../tensors/to-floats';
import { paintingLoss } from '../../engines/tfjs/loss';
import { TfjsEngine, type TfjsLinear } from '../../engines/tfjs/tfjs-engine';
import { BackendError, InvalidInputError } from '../../base/errors';
import { channelsFirst } from '../../nn/channels-last';
import { shapesOf } from '../parameter-table';
import { painterParameters } from './parameter-table';
import { driveNow } from '../../nn/drive';
import { type PaintInputs, readBatch } from './inputs';
import { freePositions } from './shared-positions';
import type { Painter } from './painter';
import type { ParameterPlace } from './parameters';

/** A batch to learn from: canvases, what is masked, and what is judged. */
export interface TrainingInputs extends Omit<PaintInputs, 'output' | 'plain'> {
  /** `(N, H, W, 1)` or `(N, H, W, 3)`: 0 where a pixel's colour is not to be judged. @default all 1 */
  readonly valid?: NdArray;
  /** Half-width of the loss's quadratic part. @default 0.01 */
  readonly beta?: number;
}

/** What one batch says about the weights. */
export interface TrainingStep {
  /** Smooth L1 over the masked pixels that are judged. */
  readonly loss: number;
  /** By Hugging Face parameter name, in the parameter's own shape. */
  readonly gradients: ReadonlyMap<string, NdArray<Float32Array>>;
}

/**
 * The training loss of a batch and its gradients by every parameter, on any TF.js backend that can
 * differentiate convolutions (cpu, webgl, webgpu, tensorflow). `masks` holds the true colours everywhere.
 *
 * @throws BackendError on other engines, InvalidInputError for shapes that do not fit.
 */
export async function lossAndGradients(
  painter: Painter,
  inputs: TrainingInputs,
): Promise<TrainingStep> {
  painter.checkAlive();
  const { engine, config, parameters } = painter.model;
  if (!(engine instanceof TfjsEngine)) {
    throw new BackendError(
      `The engine ${engine.name} has no gradients; load the painter with backend "cpu", "webgpu" or "tensorflow".`,
    );
  }
  const batch = readBatch({ ...inputs, output: 'canvas' }, config.patch);
  const { masks, valid } = inputs;
  const [count, height, width] = masks.shape;
  if (
    valid &&
    (valid.shape.length !== 4 || valid.shape.slice(0, 3).join() !== [count, height, width].join())
  ) {
    throw new InvalidInputError(
      'valid',
      `must have shape (${count}, ${height}, ${width}, 1 or 3), has (${valid.shape.join(', ')}).`,
    );
  }
  const { tf } = engine;
  const flags = inputs.maskedPatches
    ? toFloats(inputs.maskedPatches)
    : lowerHalf(count, height / config.patch, width / config.patch);
  // The other task's type token takes no part; TF.js refuses to differentiate by what is not used.
  const unused = `model.embeddings.type_token_${batch.task === 'instance' ? 'semantic' : 'instance'}`;
  const places = [...parameters.places].filter(([name]) => name !== unused);
  const [loss, ...gradients] = engine.tidy(() => {
    const judged = judgedPixels(tf, flags, masks.shape, config.patch, valid);
    const target = tf.tensor(toFloats(masks), [...masks.shape]);
    const result = tf.valueAndGrads(() => {
      const positions = painter.model.positions(
        { rows: height / config.patch, columns: width / config.patch },
        batch.task,
      );
      const painted = driveNow(painter.paintBatch(batch, positions)) as tfjs.Tensor;
      freePositions(engine, positions);
      return paintingLoss(tf, painted, target, judged, inputs.beta);
    })(places.map(([, place]) => tensorAt(place)));
    return [result.value, ...result.grads];
  });
  try {
    const shapes = shapesOf(painterParameters(config));
    const named = new Map<string, NdArray<Float32Array>>();
    for (const [i, [name]] of places.entries()) {
      const shape = shapes.get(name) as readonly number[];
      const values = (await gradients[i].data()) as Float32Array;
      named.set(
        name,
        ndarray(
          shape.length === 4 && name.endsWith('.weight') ? channelsFirst(values, shape) : values,
          [...shape],
        ),
      );
    }
    named.set(unused, ndarray(new Float32Array(config.width), [1, 1, 1, config.width]));
    return { loss: (await loss.data())[0], gradients: named };
  } finally {
    tf.dispose([loss, ...gradients]);
  }
}

function tensorAt(place: ParameterPlace): tfjs.Tensor {
  return 'tensor' in place
    ? (place.tensor as tfjs.Tensor)
    : ((place.linear as TfjsLinear)[place.side] as tfjs.Tensor);
}

/** 1 for pixels that are masked and valid: `(N, H, W, 1 or 3)`. */
function judgedPixels(
  tf: typeof tfjs,
  flags: Float32Array,
  [count, height, width]: readonly number[],
  patch: number,
  valid: NdArray | undefined,
): tfjs.Tensor {
  const pixels = new Float32Array(count * height * width);
  const [rows, columns] = [height / patch, width / patch];
  for (let i = 0; i < pixels.length; i++) {
    const [n, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    pixels[i] = flags[(n * rows + Math.floor(y / patch)) * columns + Math.floor(x / patch)] ? 1 : 0;
  }
  const judged = tf.tensor(pixels, [count, height, width, 1]);
  return valid ? judged.mul(tf.tensor(toFloats(valid), [...valid.shape])) : judged;
}

function lowerHalf(count: number, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: count * rows * columns }, (_, i) =>
    Math.floor(i / columns) % rows < rows / 2 ? 0 : 1,
  );
}
