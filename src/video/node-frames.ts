import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VideoError } from '../errors';
import type { ImageInput } from '../images/image-input';
import { readVideo } from './ffmpeg';

const IMAGES = /\.(png|jpe?g|webp|avif|tiff?|gif)$/i;

/** Image files of a directory in the natural order of their names. */
export async function listImages(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => IMAGES.test(name));
  return names
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
