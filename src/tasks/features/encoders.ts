import { CheckpointError, InvalidInputError } from '../../base/errors';
import { type CheckpointSource, openCheckpoint } from '../../checkpoints/open-checkpoint';
import type { RgbImage } from '../../images/rgb-image';
import { Dino, type DinoLoadOptions, type DinoStepOptions } from '../../models/dino/dino';
import { familyOf } from '../../models/family';
import { Sam } from '../../models/sam/sam';
import { fitSquare, toSquare } from '../interactive/square';
import { FeatureGrid } from './feature-grid';
import { parsePreprocessing, type Preprocessing, toPixels } from './preprocessing';

/** A loaded image encoder of any family. */
export interface FeatureEncoder {
  /** The engine that computes. */
  readonly engine: string;
  /** Numbers for each cell. */
  readonly channels: number;
  /** @throws InvalidInputError for a resolution that the model cannot have; AbortedError, DisposedError */
  encode(
    image: RgbImage,
    resolution: number | undefined,
    options: DinoStepOptions,
  ): Promise<FeatureGrid>;
  /** @throws DisposedError */
  checkAlive(): void;
  dispose(): void;
}

/** Pixels on the longer side where nothing says it: of models that take any size alike. */
const USUAL_RESOLUTION = 512;
/** Tokens that look at one another: more would take gigabytes. */
const MOST_TOKENS = 16_384;

/** @throws CheckpointError for a checkpoint that is no image encoder, DownloadError, BackendError, AbortedError */
export async function loadEncoder(
  source: CheckpointSource,
  options: DinoLoadOptions,
): Promise<FeatureEncoder> {
  const checkpoint = await openCheckpoint(source, options);
  try {
    const { name } = familyOf(checkpoint);
    if (name === 'dino') {
      const preprocessing = parsePreprocessing(checkpoint.preprocessor, checkpoint.origin);
      return new DinoFeatures(await Dino.load(checkpoint, options), preprocessing);
    }
    if (name === 'sam') return new SamFeatures(await Sam.load(checkpoint, options));
    throw new CheckpointError(
      `${checkpoint.origin} is a ${name} model, which gives no features; DINO, DINOv2, DINOv3, MAE and SAM do.`,
    );
  } finally {
    await checkpoint.close(); // again, where the model has: that does nothing
  }
}

class DinoFeatures implements FeatureEncoder {
  constructor(
    private readonly model: Dino,
    private readonly preprocessing: Preprocessing,
  ) {}

  get engine(): string {
    return this.model.engine.name;
  }

  get channels(): number {
    return this.model.config.width;
  }

  async encode(
    image: RgbImage,
    asked: number | undefined,
    options: DinoStepOptions,
  ): Promise<FeatureGrid> {
    const { patch, positions } = this.model.config;
    const resolution =
      asked ?? (positions.kind === 'learned' ? positions.side * patch : USUAL_RESOLUTION);
    const scale = resolution / Math.max(image.width, image.height);
    const [width, height] = [image.width, image.height].map(
      (side) => Math.max(1, Math.round((side * scale) / patch)) * patch,
    );
    const [rows, columns] = [height / patch, width / patch];
    if (rows * columns > MOST_TOKENS)
      throw new InvalidInputError(
        'resolution',
        `${resolution} makes ${rows} x ${columns} patches of ${patch} pixels; at most ${MOST_TOKENS} look at one another.`,
      );
    const pixels = toPixels(image, height, width, this.preprocessing);
    const tokens = await this.model.encode(pixels, height, width, options);
    return new FeatureGrid({
      ...{ width: image.width, height: image.height, rows, columns },
      channels: tokens.width,
      cellWidth: image.width / columns,
      cellHeight: image.height / rows,
      data: tokens.patches,
      summary: tokens.classToken,
    });
  }

  checkAlive(): void {
    this.model.checkAlive();
  }

  dispose(): void {
    this.model.dispose();
  }
}

/** SAM sees pictures in a padded square; the grid is what of it shows the picture. */
class SamFeatures implements FeatureEncoder {
  constructor(private readonly model: Sam) {}

  get engine(): string {
    return this.model.engine.name;
  }

  get channels(): number {
    return this.model.config.channels;
  }

  async encode(
    image: RgbImage,
    asked: number | undefined,
    options: DinoStepOptions,
  ): Promise<FeatureGrid> {
    const { imageSize, patch, channels } = this.model.config;
    if (asked !== undefined && asked !== imageSize)
      throw new InvalidInputError(
        'resolution',
        `must be ${imageSize}, the one that this model has, is ${asked}.`,
      );
    const fit = fitSquare(image.width, image.height, imageSize);
    const all = await this.model.encode(toSquare(image, fit), options);
    const side = this.model.gridSide;
    const [rows, columns] = [fit.fittedHeight, fit.fittedWidth].map((length) =>
      Math.ceil(length / patch),
    );
    const data = new Float32Array(rows * columns * channels);
    for (let row = 0; row < rows; row++) {
      const from = row * side * channels;
      data.set(all.subarray(from, from + columns * channels), row * columns * channels);
    }
    return new FeatureGrid({
      ...{ width: image.width, height: image.height, rows, columns, channels, data },
      cellWidth: (patch * image.width) / fit.fittedWidth,
      cellHeight: (patch * image.height) / fit.fittedHeight,
    });
  }

  checkAlive(): void {
    this.model.checkAlive();
  }

  dispose(): void {
    this.model.dispose();
  }
}
