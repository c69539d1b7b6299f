import { ENCODER_SIDE } from './config';

/** Padding that is encoded, in pixels: it takes part in what is seen near the border alone. */
const MARGIN = 48;
/** The encoder's sides are multiples of this. */
const STEP = 32;

/** The part of the encoder's square that is encoded of a picture: itself and a margin. */
export function encodedSize(width: number, height: number): { rows: number; columns: number } {
  const longer = Math.max(width, height);
  const side = (length: number) => {
    const fitted = Math.floor((ENCODER_SIDE * length) / longer) + MARGIN;
    return Math.min(ENCODER_SIDE, Math.ceil(fitted / STEP) * STEP);
  };
  return { rows: side(height), columns: side(width) };
}
