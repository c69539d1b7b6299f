import { throwIfAborted } from '../../base/abort';
import type { RunOptions } from '../../base/progress';
import type { RgbImage } from '../../images/rgb-image';
import { boundsOf } from '../../masks/mask';
import { decodeRle, encodeRle, type Rle } from '../../masks/rle';
import { withoutSmallRegions } from '../../masks/regions';
import type { Sam } from '../../models/sam/sam';
import { suppress } from './box-nms';
import { type Corners, toSamPrompt } from './click-prompt';
import { type Crop, cropsOf, cutOut, isCutOff, pointGrid } from './crops';
import { InteractiveMask } from './interactive-mask';
import { LowMaskReader } from './low-mask';
import type { ResolvedEverything } from './options';
import type { PictureContexts } from './picture-contexts';
import { fitSquare, maskToLogits, type SquareFit, toSquare } from './square';

/** What a search for every mask needs. */
export interface EverythingSearch extends RunOptions {
  readonly sam: Sam;
  readonly contexts: PictureContexts;
  readonly fit: SquareFit;
  /** Of the whole picture. */
  readonly features: Float32Array;
  /** Needed for crops. */
  readonly image?: RgbImage;
  readonly options: ResolvedEverything;
}

/** A mask that passed the thresholds. */
interface Candidate {
  readonly corners: Corners;
  /** What decides between overlapping ones. */
  readonly score: number;
  readonly area: number;
  readonly predictedIou: number;
  readonly stability: number;
  /** Over the crop's square. */
  readonly logits: Float32Array;
  readonly reader: LowMaskReader;
  readonly crop: Crop;
}

/** Logit of masks whose own were given over a crop, or that were mended. */
const LEVEL = 8;

/**
 * SAM's automatic mask generation (official `automatic_mask_generator.py`): decodes a grid of points, three masks each, keeps
 * what the model expects to be right and what is stable, drops what a better mask's box overlaps; the same in crops.
 */
export async function findEverything(search: EverythingSearch): Promise<InteractiveMask[]> {
  const { sam, fit, options, signal, onProgress } = search;
  const { width, height } = fit;
  const crops = cropsOf(width, height, options.cropLayers, options.cropOverlapRatio);
  const sideOf = ({ layer }: Crop) =>
    Math.max(1, Math.floor(options.pointsPerSide / options.cropPointsDownscaleFactor ** layer));
  const total = crops.reduce((sum, crop) => sum + sideOf(crop) ** 2, 0);
  let loaded = 0;
  const found: Candidate[] = [];
  for (const crop of crops) {
    throwIfAborted(signal);
    const [x0, y0, x1, y1] = crop.box;
    const whole = crop.layer === 0;
    const cropFit = whole ? fit : fitSquare(x1 - x0, y1 - y0, sam.config.imageSize);
    const features = whole
      ? search.features
      : await sam.encode(toSquare(cutOut(search.image!, crop.box), cropFit), { signal });
    const candidates: Candidate[] = [];
    const points = pointGrid(sideOf(crop), cropFit.width, cropFit.height);
    const reader = new LowMaskReader(cropFit, 4 * sam.gridSide);
    await search.contexts.use(features, async (context) => {
      for (let at = 0; at < points.length; at += options.pointsPerBatch) {
        const some = points.slice(at, at + options.pointsPerBatch);
        const prompts = some.map((point) =>
          toSamPrompt({ points: [point] }, cropFit, 4 * sam.gridSide),
        );
        const output = await sam.decode(context, prompts, true, signal);
        candidates.push(...sieved(output, crop, reader, fit, options));
        loaded += some.length;
        onProgress?.({ stage: 'decode', loaded, total });
      }
    });
    found.push(...suppress(candidates, options.boxNmsThreshold));
  }
  let kept = found;
  if (crops.length > 1) {
    // Masks of smaller crops are preferred: they are sharper.
    const areaOf = ([x0, y0, x1, y1]: Corners) => (x1 - x0) * (y1 - y0);
    const preferred = found.map((each) => ({ ...each, score: 1 / areaOf(each.crop.box) }));
    kept = suppress(preferred, options.cropNmsThreshold);
  }
  const least = options.minMaskRegionArea;
  return least > 0
    ? mended(kept, least, fit, sam, options)
    : kept.map((each) => toMask(each, fit, sam));
}

/** Masks that are worth keeping of a batch's. */
function sieved(
  { logits, iou, side }: { logits: Float32Array; iou: Float32Array; side: number },
  crop: Crop,
  reader: LowMaskReader,
  { width, height }: SquareFit,
  options: ResolvedEverything,
): Candidate[] {
  const kept: Candidate[] = [];
  const [left, top] = crop.box;
  for (let m = 0; m < iou.length; m++) {
    if (!(iou[m] > options.predIouThreshold)) continue;
    const own = logits.subarray(m * side * side, (m + 1) * side * side);
    const { area, box, stability } = reader.measure(own, 0, options.stabilityScoreOffset);
    if (area === 0 || !(stability >= options.stabilityScoreThreshold)) continue;
    // Corners of the first and last pixel, as the official boxes are.
    const [x, y] = [box[0] + left, box[1] + top];
    const corners: Corners = [x, y, x + box[2] - 1, y + box[3] - 1];
    if (crop.layer > 0 && isCutOff(corners, crop.box, width, height)) continue;
    kept.push({
      ...{ corners, area, stability, reader, crop },
      ...{ score: iou[m], predictedIou: iou[m], logits: own.slice() },
    });
  }
  return kept;
}

/** The picture's pixels of a candidate, `(height, width)` of 0 and 1. */
function drawn({ logits, reader, crop }: Candidate, { width, height }: SquareFit): Uint8Array {
  const inside = reader.binary(logits, 0);
  if (crop.layer === 0) return inside;
  const [x0, y0, x1, y1] = crop.box;
  const data = new Uint8Array(width * height);
  const row = x1 - x0;
  for (let y = y0; y < y1; y++)
    data.set(inside.subarray((y - y0) * row, (y - y0 + 1) * row), y * width + x0);
  return data;
}

function toMask(each: Candidate, fit: SquareFit, sam: Sam): InteractiveMask {
  const [x0, y0, x1, y1] = each.corners;
  return new InteractiveMask({
    ...{ width: fit.width, height: fit.height, area: each.area },
    box: [x0, y0, x1 - x0 + 1, y1 - y0 + 1],
    logits:
      each.crop.layer === 0
        ? each.logits
        : maskToLogits(drawn(each, fit), fit, 4 * sam.gridSide, LEVEL),
    ...{ predictedIou: each.predictedIou, stabilityScore: each.stability },
    draw: () => drawn(each, fit),
  });
}

/** Masks without small holes and islands; of those that then overlap, unchanged ones are preferred. */
function mended(
  kept: readonly Candidate[],
  least: number,
  fit: SquareFit,
  sam: Sam,
  options: ResolvedEverything,
): InteractiveMask[] {
  const { width, height } = fit;
  const all = kept.flatMap((each) => {
    const before = drawn(each, fit);
    const after = withoutSmallRegions(before, width, height, least);
    const box = boundsOf(after, width, height);
    if (!box) return [];
    const corners: Corners = [box[0], box[1], box[0] + box[2] - 1, box[1] + box[3] - 1];
    const unchanged = after === before;
    const rle: Rle | undefined = unchanged ? undefined : encodeRle(after, height, width);
    return [{ each, corners, score: unchanged ? 1 : 0, rle, box }];
  });
  const threshold = Math.max(options.boxNmsThreshold, options.cropNmsThreshold);
  return suppress(all, threshold).map(({ each, rle, box }) => {
    if (!rle) return toMask(each, fit, sam);
    const data = decodeRle(rle);
    return new InteractiveMask({
      ...{ width, height, box, area: data.reduce((sum, value) => sum + value, 0) },
      logits: maskToLogits(data, fit, 4 * sam.gridSide, LEVEL),
      ...{ predictedIou: each.predictedIou, stabilityScore: each.stability },
      draw: () => decodeRle(rle),
    });
  });
}
