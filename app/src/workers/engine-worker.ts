/** Everything heavy: clicks, finding, features, files to save. The page has two of these, so that clicks are answered while it finds. */
import { expose } from 'comlink';
import { zip } from 'fflate';
import {
  type EncodedImage,
  InContextSegmenter,
  InteractiveSegmenter,
  type PreparedPrompts,
} from 'seggpt';
import { annotatedOf, AnnotationSet } from 'seggpt/annotations';
import {
  compressRle,
  decodeRle,
  encodeRle,
  LabelPicture,
  overlay,
  type RgbImage,
} from 'seggpt/masks';
import type { ExportKind } from '../logic/export-kinds';
import { decodeRuns, encodeRuns, labelAreas, type Runs } from '../logic/runs';
import type { Rect } from '../logic/rect';
import type { FoundLabel } from '../logic/sureness';

/** What is shown of one object: points inside (1) and outside (0), and a box of corners. */
export interface Shown {
  readonly points: readonly (readonly [x: number, y: number, inside: 0 | 1])[];
  readonly box?: readonly [number, number, number, number];
}

/** A mask within its box: 1 inside, `(height, width)`. */
export interface ClickedMask {
  readonly rect: Rect;
  readonly inside: Uint8Array<ArrayBuffer>;
}

/** What is marked in a picture of a size. */
export interface MarkedSize {
  readonly width: number;
  readonly height: number;
  readonly runs: Runs;
}

/** A picture with what is marked in it, as workers are given it. */
export interface MarkedPicture extends MarkedSize {
  readonly name: string;
  readonly blob: Blob;
}

export type LabelNames = Readonly<Record<number, string>>;

/** What was found in a picture. */
export interface Found {
  readonly runs: Runs;
  readonly labels: readonly FoundLabel[];
}

let interactive: Promise<InteractiveSegmenter> | undefined;
let inContext: Promise<InContextSegmenter> | undefined;
let encoded: { readonly id: string; readonly picture: Promise<EncodedImage> } | undefined;
let prepared: { readonly key: string; readonly prompts: PreparedPrompts } | undefined;
let stop = new AbortController();

const clicks = () => (interactive ??= InteractiveSegmenter.load());
const finder = () => (inContext ??= InContextSegmenter.load());

/** The last picture that was asked for stays encoded. */
async function encode(id: string, blob: Blob): Promise<EncodedImage> {
  if (encoded?.id !== id) {
    const picture = clicks().then((segmenter) => segmenter.encode(blob));
    encoded = { id, picture };
    // One that failed is tried anew.
    picture.catch(() => encoded?.picture === picture && (encoded = undefined));
  }
  return encoded!.picture;
}

const labelMap = ({ width, height, runs }: MarkedPicture, labelNames: LabelNames = {}) => ({
  ...{ width, height, labelNames, data: decodeRuns(runs, width * height) },
});

async function rgbOf(blob: Blob): Promise<RgbImage> {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  const pen = new OffscreenCanvas(width, height).getContext('2d')!;
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = pen.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, o = 0; i < rgba.length; i += 4)
    for (let c = 0; c < 3; c++) data[o++] = rgba[i + c];
  return { width, height, data };
}

const api = {
  /** Loads the interactive model. */
  async load(): Promise<void> {
    await clicks();
  },

  /** Encodes a picture, so that the first click is answered at once. */
  async ready(id: string, blob: Blob): Promise<void> {
    await encode(id, blob);
  },

  /** The object that is shown; `undefined` if the model can tell none from the rest. */
  async click(id: string, blob: Blob, { points, box }: Shown): Promise<ClickedMask | undefined> {
    const picture = await encode(id, blob);
    const [mask] = (
      await picture.segment({
        ...(points.length > 0 && {
          points: points.map(([x, y]) => [x, y]),
          labels: points.map(([, , inside]) => inside),
        }),
        ...(box && { box }),
      })
    ).masks;
    if (mask.area === 0) return undefined;
    const [x, y, width, height] = mask.box;
    const all = mask.toBinary();
    const inside = new Uint8Array(width * height);
    for (let row = 0; row < height; row++) {
      const start = (y + row) * mask.width + x;
      inside.set(all.subarray(start, start + width), row * width);
    }
    return { rect: { x, y, width, height }, inside };
  },

  /** The mean of a picture's features over its grid, of length 1: what it is compared by. */
  async describe(id: string, blob: Blob): Promise<Float32Array<ArrayBuffer>> {
    const { features } = await encode(id, blob);
    const { channels } = (await clicks()).sam.config;
    const mean = new Float32Array(channels);
    for (let i = 0; i < features.length; i++) mean[i % channels] += features[i];
    const length = Math.hypot(...mean) || 1;
    return mean.map((value) => value / length);
  },

  /**
   * Segments a picture by examples, which stay prepared for the next.
   *
   * @param key what tells these examples, with their marks, from others.
   */
  async find(
    key: string,
    examples: readonly MarkedPicture[],
    labelNames: LabelNames,
    target: Blob,
    instances: boolean,
  ): Promise<Found> {
    const { signal } = stop;
    if (prepared?.key !== key) {
      prepared?.prompts.dispose();
      prepared = undefined;
      const segmenter = await finder();
      const prompts = examples.map((each) => ({ image: each.blob, mask: labelMap(each) }));
      const options = { labelNames, instances, tolerance: 0, signal };
      prepared = { key, prompts: await segmenter.prepare(prompts, options) };
    }
    const result = await prepared.prompts.segment(target, { signal });
    const labels = result.masks.map(({ label, score, strength, present }) => ({
      ...{ label, score, strength, present },
      ...(result.instances && {
        objects: result.instances.filter((each) => each.label === label).length,
      }),
    }));
    return { runs: encodeRuns(result.labelMap.data), labels };
  },

  /** Ends what is being found. */
  stop(): void {
    stop.abort();
    stop = new AbortController();
  },

  /** What is marked, as COCO's compressed run-lengths of each label. */
  toMarks({ width, height, runs }: MarkedSize): Record<string, string> {
    const data = decodeRuns(runs, width * height);
    return Object.fromEntries(
      [...labelAreas(runs).keys()].map((label) => {
        const binary = data.map((each) => (each === label ? 1 : 0));
        return [label, compressRle(encodeRle(binary, height, width)).counts];
      }),
    );
  },

  /** The way back. @throws InvalidInputError for run-lengths that do not fill the size. */
  fromMarks(width: number, height: number, marks: Readonly<Record<string, string>>): Runs {
    const data = new Uint8Array(width * height);
    for (const [label, counts] of Object.entries(marks)) {
      const inside = decodeRle({ size: [height, width], counts });
      for (let at = 0; at < data.length; at++) if (inside[at]) data[at] = Number(label);
    }
    return encodeRuns(data);
  },

  /** All pictures in the formats that are asked for, as one zip. */
  async export(
    pictures: readonly MarkedPicture[],
    labelNames: LabelNames,
    kinds: readonly ExportKind[],
    colors: Readonly<Record<number, readonly [number, number, number]>>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const files: Record<string, Uint8Array> = {};
    const set = new AnnotationSet(kinds, (path, bytes) => void (files[path] = bytes));
    for (const picture of pictures) {
      const map = labelMap(picture, labelNames);
      const name = picture.name.replace(/\.\w+$/, '');
      await set.add({ file: picture.name, name }, annotatedOf(map));
      if (kinds.includes('masks'))
        files[`masks/${name}.png`] = await new LabelPicture(
          map.width,
          map.height,
          map.data,
        ).toPng();
      if (kinds.includes('overlays'))
        files[`overlays/${name}.png`] = await overlay(await rgbOf(picture.blob), map, {
          colors,
        }).toPng();
    }
    await set.finish();
    return new Promise((resolve, reject) =>
      zip(files, (error, bytes) =>
        error ? reject(error) : resolve(bytes as Uint8Array<ArrayBuffer>),
      ),
    );
  },
};

export type EngineWorker = typeof api;
expose(api);
