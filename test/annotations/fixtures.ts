import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { type LabelMapOptions, toLabelMap } from '../../src/annotations/model/to-label-map';
import type { AnnotatedPicture } from '../../src/annotations/model/annotated-picture';

/** A file that `make_annotations.py` wrote. */
export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(__dirname, '../fixtures/annotations', name)));
}

export const json = (name: string) => JSON.parse(new TextDecoder().decode(fixture(name)));

/** What the scene's files mean: 1 disc, 2 frame, 3 dot. */
export async function scene() {
  const { data, info } = await sharp(fixture('scene.png'))
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}

export const names = { 1: 'disc', 2: 'frame', 3: 'dot' };

/** Holds a picture that was read against the scene. */
export async function expectScene(picture: AnnotatedPicture, options?: LabelMapOptions) {
  const { width, height, data, labelNames } = toLabelMap(picture, options);
  const meant = await scene();
  expect([width, height]).toEqual([meant.width, meant.height]);
  expect(data).toEqual(meant.data);
  return labelNames;
}
