import { resizeNearest } from '../../images/resize';
import { colorize } from '../../colors/color-mapping';
import { gridHalf, type HalfSize, imageHalf } from './half-canvas';
import type { HalfPrompt } from './painting-session';
import type { ReadPrompt } from './prompts';

/** A prompt squeezed to half a canvas. Nothing of the full picture is kept. */
export function halfPrompt({ image, mask, colors }: ReadPrompt, size: HalfSize): HalfPrompt {
  const { height, width } = mask;
  const labels = resizeNearest(mask.data, [height, width, 1], [size.height, size.width]);
  const own = colors && resizeNearest(colors, [height, width, 3], [size.height, size.width]);
  return {
    image: imageHalf(image, size),
    drawMask: (mapping) => (mapping.asGiven && own ? own : colorize(labels, mapping)),
  };
}

/** Spatial ensemble (SegGPT, section 3.3): all prompts shrunk into one, as a grid. */
export function gridPrompt(prompts: readonly ReadPrompt[], size: HalfSize): HalfPrompt {
  const cells = new Map<string, HalfPrompt>();
  const cell = (i: number, of: HalfSize): HalfPrompt => {
    const key = `${i} ${of.height} ${of.width}`;
    const known = cells.get(key) ?? halfPrompt(prompts[i], of);
    cells.set(key, known);
    return known;
  };
  return {
    image: gridHalf(prompts.length, size, (i, of) => cell(i, of).image),
    drawMask: (mapping) => gridHalf(prompts.length, size, (i, of) => cell(i, of).drawMask(mapping)),
  };
}
