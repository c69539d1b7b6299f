import { DownloadError } from '../base/errors';

/** What no file system takes for a step out of a directory, another drive or a stream of a file. */
const SEGMENT = /^(?!\.{1,2}$)[^\0-\x1f\\/:*?"<>|]+$/; // eslint-disable-line no-control-regex

/**
 * The parts of a key, each the name of a directory or file. Whatever a server or a caller had a hand in becomes a key, and
 * every key comes by here before it becomes a path.
 *
 * @throws DownloadError if the key would lead out of the cache.
 */
export function keySegments(key: string): string[] {
  const segments = key.split('/');
  if (!segments.every((segment) => SEGMENT.test(segment)))
    throw new DownloadError(
      `${JSON.stringify(key.slice(0, 100))} is no name for a file in the cache.`,
    );
  return segments;
}

/** Whether a name that a file gives is one of a file beside it, and nothing else. */
export function isFileName(name: string): boolean {
  return /^[\w-][\w.-]{0,199}$/.test(name);
}
