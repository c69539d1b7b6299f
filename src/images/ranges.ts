import { InvalidInputError } from '../base/errors';
import type { Samples } from './decoded-image';
import type { Pixels } from './read-input';

/** Values that become black and white; those between are stretched over the levels. */
export type Window = readonly [low: number, high: number];

/** Values of a pixel's channels as levels 0 … 255, and what people should know of how they came about. */
export interface Levels {
  readonly levels: ArrayLike<number>;
  readonly note?: string;
}

/** Share of values at either end that may be clipped where a window is chosen by the values themselves. */
const CLIPPED = 0.001;
/** Most values that are looked at to choose one. */
const MOST_LOOKED_AT = 1_000_000;

/**
 * Whether values may be taken by their type's range: bytes may, 16 unsigned bits where any value reaches a quarter of it.
 * Cameras and scanners store 10, 12 and 14 bits in 16, which shown by their type are black.
 */
export function spansItsType(data: ArrayLike<number>): boolean {
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return true;
  if (!(data instanceof Uint16Array)) return false;
  for (let i = 0; i < data.length; i++) if (data[i] >= 16384) return true;
  return false;
}

/**
 * Values of any type as levels.
 *
 * 1. With a `window` its ends become 0 and 255.
 * 2. Bytes are levels; so are whole numbers 0 … 255 of any type in memory, and floats 0 … 1 when multiplied by 255.
 * 3. 16 unsigned bits that span their type are divided by 257.
 * 4. 16 unsigned bits that do not are taken for the fewest of 8, 10, 12 and 14 that hold them, as cameras store these.
 * 5. Of others (signed, floats past 0 … 1) all but a thousandth at either end is stretched. A note tells of 4 and 5.
 *
 * @throws InvalidInputError for values that are no numbers, and for those that look like a slip: a list with numbers past
 *   255, floats 0 … 255.
 */
export function toLevels(pixels: Pixels, window: Window | undefined, argument: string): Levels {
  const { data, bytes, channels } = pixels;
  const colors = channels === 2 || channels === 4 ? channels - 1 : channels;
  if (window) return { levels: stretched(pixels, colors, window) };
  if (bytes) return { levels: data };
  const { least, most } = extremes(data, argument);
  if (pixels.fractional) {
    if (least >= 0 && most <= 1)
      return { levels: Uint8Array.from(data, (value) => Math.round(Math.fround(value * 255))) };
    if (least >= 0 && most <= 255 && !pixels.owned)
      throw new InvalidInputError(
        argument,
        `holds the value ${most}; floating-point pixels are 0 … 1 (divide by 255, or give their range by the option window).`,
      );
  } else if (least >= 0 && most <= 255 && !pixels.owned) {
    return { levels: data };
  } else if (pixels.untyped) {
    throw new InvalidInputError(
      argument,
      `holds the value ${most > 255 ? most : least}; pixels are 0 … 255 (the option window gives others a range).`,
    );
  } else if (spansItsType(data)) {
    return { levels: stretched(pixels, colors, [0, 65535]) };
  }
  const chosen = storedBits(data, most) ?? windowOf(data, channels, colors);
  return {
    levels: stretched(pixels, colors, chosen),
    note: `its values ${text(least)} … ${text(most)} are no levels of 8 bits; ${text(chosen[0])} is shown as black and ${text(chosen[1])} as white. Pass the option window (low, high) to choose these.`,
  };
}

function extremes(data: ArrayLike<number>, argument: string): { least: number; most: number } {
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (!Number.isFinite(value))
      throw new InvalidInputError(argument, `holds the value ${value}, which is no level.`);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return { least, most };
}

/** The range of the bits in which a camera stores such values; `undefined` where they hardly reach into any. */
function storedBits(data: ArrayLike<number>, most: number): Window | undefined {
  if (!(data instanceof Uint16Array) || most < 64) return undefined;
  const bits = [8, 10, 12, 14].find((each) => most < 2 ** each) as number;
  return [0, 2 ** bits - 1];
}

/** The window that clips a thousandth of the values at either end; alpha does not count. */
function windowOf(data: ArrayLike<number>, channels: number, colors: number): Window {
  const step = Math.max(1, Math.floor(data.length / channels / MOST_LOOKED_AT));
  const seen: number[] = [];
  for (let i = 0; i < data.length; i += step * channels)
    for (let c = 0; c < colors; c++) seen.push(data[i + c]);
  const sorted = Float64Array.from(seen).sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  const [low, high] = [at(CLIPPED), at(1 - CLIPPED)];
  // Values that are nearly all the same: the few others are what there is to see.
  return high > low ? [low, high] : [sorted[0], sorted[sorted.length - 1]];
}

function stretched(
  { data, channels, fractional }: Pixels,
  colors: number,
  [low, high]: Window,
): Uint8Array {
  const scale = 255 / (high > low ? high - low : 1);
  const opaque = data instanceof Uint16Array ? 65535 : fractional ? 1 : 255;
  const levels = new Uint8ClampedArray(data.length); // rounds and clamps
  for (let i = 0; i < data.length; i++) {
    const isColor = i % channels < colors;
    levels[i] = isColor ? (data[i] - low) * scale : (data[i] * 255) / opaque;
  }
  return new Uint8Array(levels.buffer);
}

const text = (value: number) => String(Math.round(value * 1000) / 1000);

/** @throws InvalidInputError if a window is not two numbers, the lower first. */
export function checkWindow(window: Window | undefined): void {
  if (window === undefined) return;
  const [low, high] = Array.isArray(window) ? (window as Window) : [NaN, NaN];
  if (window.length !== 2 || !(low < high) || !Number.isFinite(high - low))
    throw new InvalidInputError(
      'window',
      `must be [low, high], two numbers of which the first is the lower, is ${JSON.stringify(window)}.`,
    );
}

/** Typed arrays, of whatever kind, hold values of a known range; lists may hold anything. */
export const isTyped = (data: unknown): data is Samples => ArrayBuffer.isView(data);
