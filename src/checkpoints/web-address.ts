import { DownloadError } from '../base/errors';
import { shown } from '../base/shown';

/** @throws DownloadError if a text is no address of the web. */
export function webAddress(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // told below
  }
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new DownloadError(`${shown(text)} is no URL that begins with https:// or http://.`);
  return url;
}

/** A server's directory as a part of keys in the cache: its host and path, apart for the two protocols. */
export function keyOfAddress({ protocol, host, pathname }: URL): string {
  const place = [host, ...pathname.split('/').filter(Boolean)];
  if (protocol === 'http:') place.unshift('http');
  return place.map((part) => part.replace(/[^\w.-]/g, '_')).join('/');
}

/** A text without the slashes at its end. A pattern would take time in the square of their number. */
export function trimSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === '/') end--;
  return text.slice(0, end);
}
