import { extname } from 'node:path';

const PICTURE = /\.(png|jpe?g|webp|avif|tiff?|gif)$/i;

/** Whether a file is a picture, by its extension: those that directories of frames are made of, too. */
export function isPicture(name: string): boolean {
  return PICTURE.test(name);
}

/** A file's name without its extension. */
export function stemOf(name: string): string {
  return name.slice(0, name.length - extname(name).length);
}

/** Puts `frame-2` before `frame-10`. */
export const naturally = new Intl.Collator('en', { numeric: true }).compare;
