import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VideoError } from '../../base/errors';
import type { ImageInput } from '../../images/image-input';
import { readVideo } from './ffmpeg';

const IMAGES = /\.(png|jpe?g|webp|avif|tiff?|gif)$/i;

/**
 * Image files of a directory in the natural order of their names. Where one name has several files, as a
 * photograph `000.jpg` with its mask `000.png`, the PNG is left out.
 */
export async function listImages(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => IMAGES.test(name));
  const stem = (name: string) => name.replace(IMAGES, '');
  const photographs = new Set(names.filter((name) => !/\.png$/i.test(name)).map(stem));
  const frames = names.filter((name) => !/\.png$/i.test(name) || !photographs.has(stem(name)));
  return frames
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .map((name) => join(directory, name));
}

/** Frames of a directory of images or of a video. @throws VideoError if there is nothing at the path. */
export async function* openFrames(path: string, signal?: AbortSignal): AsyncGenerator<ImageInput> {
  const found = /^[a-z]+:\/\//.test(path) ? null : await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new VideoError(`There is no video or directory "${path}"; check the path.`);
  if (found?.isDirectory()) yield* await listImages(path);
  else yield* readVideo(path, signal);
}
