/** The tag of the orientation in an Exif directory (CIPA DC-008, 4.6.4). */
const ORIENTATION = 0x0112;

/**
 * How the pixels of a JPEG file have to be turned to be upright: EXIF's orientation, 1 … 8; `undefined` where the file says
 * nothing. Other formats hardly ever say it, and decoders disagree on whether they may.
 */
export function exifOrientation(bytes: Uint8Array): number | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 4 <= bytes.byteLength && bytes[at] === 0xff;) {
    const marker = bytes[at + 1];
    const length = view.getUint16(at + 2);
    if (marker === 0xda) return undefined; // the picture itself begins
    const isExif =
      marker === 0xe1 && String.fromCharCode(...bytes.subarray(at + 4, at + 8)) === 'Exif';
    if (isExif) return inDirectory(bytes.subarray(at + 10, at + 2 + length));
    at += 2 + length;
  }
  return undefined;
}

/** Looks the orientation up in the first directory of what is a TIFF file by form. */
function inDirectory(tiff: Uint8Array): number | undefined {
  if (tiff.byteLength < 8) return undefined;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49;
  const first = view.getUint32(4, little);
  if (first + 2 > tiff.byteLength) return undefined;
  const count = view.getUint16(first, little);
  for (let i = 0, at = first + 2; i < count && at + 12 <= tiff.byteLength; i++, at += 12) {
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}
