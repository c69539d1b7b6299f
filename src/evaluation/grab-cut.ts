import type * as opencv from '@opencvjs/node';
import type { OpenCV } from '@opencvjs/node';
import { BackendError } from '../base/errors';
import { optionalModule } from '../base/optional-module';
import { resizeBicubic, resizeNearest } from '../images/resize';
import type { RgbImage } from '../images/rgb-image';

/** Side of the square that is cut: about what the bundled model sees. */
const SIDE = 288;
const ROUNDS = 5;

/** Turns a first guess of the target's mask into its mask. Both `(height, width)`, 0 and 1. */
export type GrabCut = (guess: Uint8Array, target: RgbImage) => Uint8Array;

/**
 * GrabCut (Rother et al. 2004) as OpenCV has it: colour models of inside and outside, fitted to the
 * guess, and the cheapest cut between them, in turns.
 *
 * @throws BackendError if the package `@opencvjs/node` is not installed or does not start.
 */
export async function loadGrabCut(): Promise<GrabCut> {
  let cv: typeof OpenCV;
  try {
    cv = await (await optionalModule<typeof opencv>('@opencvjs/node')).loadOpenCV();
  } catch (cause) {
    throw new BackendError(
      'GrabCut needs OpenCV: run "npm install @opencvjs/node", or leave --grabcut out.',
      { cause },
    );
  }
  return (guess, target) => {
    const square = resizeNearest(guess, [target.height, target.width, 1], [SIDE, SIDE]);
    const inside = square.reduce((sum, each) => sum + each, 0);
    if (inside === 0 || inside === square.length) return guess;
    const pixels = resizeBicubic(target.data, [target.height, target.width, 3], [SIDE, SIDE]);
    const image = cv.matFromArray(SIDE, SIDE, cv.CV_8UC3, pixels);
    const states = square.map((each) => (each ? cv.GC_PR_FGD : cv.GC_PR_BGD));
    const mask = cv.matFromArray(SIDE, SIDE, cv.CV_8UC1, states);
    const [outside, within] = [new cv.Mat(), new cv.Mat()];
    try {
      cv.setRNGSeed(0);
      const all = new cv.Rect(0, 0, SIDE, SIDE);
      cv.grabCut(image, mask, all, outside, within, ROUNDS, cv.GC_INIT_WITH_MASK);
      const found = Uint8Array.from(mask.data, (state: number) => Number(state === cv.GC_PR_FGD));
      return resizeNearest(found, [SIDE, SIDE, 1], [target.height, target.width]);
    } catch (error) {
      // OpenCV throws the address of its exception; it refuses guesses of fewer pixels than a model has parts.
      if (typeof error === 'number') return guess;
      throw error;
    } finally {
      for (const mat of [image, mask, outside, within]) mat.delete();
    }
  };
}
