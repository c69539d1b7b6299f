import { existsSync } from 'node:fs';
import type { BoxPrompt, Point, PointsPrompt } from '../../index';
import { UsageError } from './usage-error';

/** What is clicked in a picture, without the picture. */
export type Clicks = Omit<PointsPrompt, 'image'> | Omit<BoxPrompt, 'image'>;

/**
 * Reads clicks in place of a mask: `point:320,240`, `not:10,20`, `box:100,80,300,260`, joined by `+`. A file that is called so is
 * a mask.
 *
 * @returns null if the text is none.
 * @throws UsageError for half of one.
 */
export function parseClicks(text: string): Clicks | null {
  if (!/^(point|not|box):/.test(text) || existsSync(text)) return null;
  const points: Point[] = [];
  const labels: number[] = [];
  let box: BoxPrompt['box'] | undefined;
  for (const part of text.split('+')) {
    const [, kind, list] = /^(point|not|box):(.*)$/.exec(part) ?? [];
    const numbers = (list ?? '').split(',').map((number) => (number.trim() ? Number(number) : NaN));
    const wanted = kind === 'box' ? 4 : 2;
    if (kind === undefined || numbers.length !== wanted || !numbers.every(Number.isFinite))
      throw new UsageError(
        `"${part}" is no click: write point:X,Y, not:X,Y or box:X0,Y0,X1,Y1, joined by "+".`,
      );
    if (kind === 'box') box = numbers;
    else {
      points.push([numbers[0], numbers[1]]);
      labels.push(kind === 'point' ? 1 : 0);
    }
  }
  if (points.length === 0 && box) return { box };
  return { points, labels, ...(box && { box }) };
}
