import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VideoError } from '../../base/errors';
import type { ImageInput } from '../../images/image-input';
import type { FrameStore, HearsOfDamage } from '../../video/frame-store';
import { isVideoUrl } from '../../video/video-url';
import { readVideo } from './video-reader';
import { VideoWriter } from './video-writer';

const IMAGES = /\.(png|jpe?g|webp|avif|tiff?|gif)$/i;

/** Image files of a directory; see `FrameStore.list`. */
async function listImages(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => IMAGES.test(name));
  const stem = (name: string) => name.replace(IMAGES, '');
  const photographs = new Set(names.filter((name) => !/\.png$/i.test(name)).map(stem));
  const frames = names.filter((name) => !/\.png$/i.test(name) || !photographs.has(stem(name)));
  return frames
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .map((name) => join(directory, name));
}

/** Frames of a directory of images or of a video. @throws VideoError if there is nothing at the path. */
async function* openFrames(
  location: string,
  signal?: AbortSignal,
  onDamage?: HearsOfDamage,
): AsyncGenerator<ImageInput> {
  if (isVideoUrl(location)) return yield* readVideo(location, signal, onDamage);
  const path = /^file:\/\//i.test(location) ? pathOfUrl(location) : location;
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new VideoError(`There is no video or directory "${path}"; check the path.`);
  if (found.isDirectory()) {
    const pictures = await listImages(path);
    if (pictures.length === 0) throw new VideoError(`The directory "${path}" holds no pictures.`);
    yield* pictures;
  } else if (!found.isFile()) throw new VideoError(`"${path}" is a device or a pipe, no video.`);
  else yield* readVideo(path, signal, onDamage);
}

/** @throws VideoError for a URL that stands for no file here. */
function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new VideoError(`"${url}" is no URL of a file: ${(cause as Error).message}`, { cause });
  }
}

/** Frames in Node: directories of images, and videos by ffmpeg. */
export const frameStore: FrameStore = {
  open: openFrames,
  list: listImages,
  createWriter: (path, width, height, options) => new VideoWriter(path, width, height, options),
};
