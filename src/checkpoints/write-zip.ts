import { crc32 } from '../base/crc32';
import { InvalidInputError } from '../base/errors';
import { utf8Bytes } from '../base/text';

/** 1980-01-01, the first day that a zip archive knows: the same members are the same bytes whenever they are packed. */
const FIRST_DAY = (1 << 5) | 1;
/** Bit 11 of the flags: names are UTF-8. */
const UTF8_NAMES = 1 << 11;
/** Version 2.0 of the format is needed, that of folders and plain members. */
const VERSION = 20;
/** Fields of four bytes; more takes zip64. */
const LARGEST = 0xffffffff;

/**
 * A zip archive whose members are stored, not compressed (PKWARE APPNOTE 6.3.10, section 4.3): what `readZipDirectory`
 * reads, and every tool for archives.
 *
 * @throws InvalidInputError if it had more than 4 GB.
 */
export function writeZip(members: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const named = [...members].map(([name, data]) => ({ name: utf8Bytes(name), data }));
  const size = named.reduce((sum, { name, data }) => sum + 76 + 2 * name.length + data.length, 22);
  if (size > LARGEST)
    throw new InvalidInputError('members', `take ${size} bytes, more than a zip archive holds.`);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  let at = 0;
  const short = (value: number) => (view.setUint16(at, value, true), (at += 2));
  const long = (value: number) => (view.setUint32(at, value, true), (at += 4));
  const bytes = (value: Uint8Array) => (file.set(value, at), (at += value.length));
  const places = named.map(({ name, data }) => ({ name, data, crc: crc32(data), header: 0 }));
  /** What the header of a member and its entry in the directory have in common. */
  const shared = ({ name, data, crc }: (typeof places)[number]) => {
    [VERSION, UTF8_NAMES, 0, 0, FIRST_DAY].forEach(short); // 0: stored; 0: midnight
    [crc, data.length, data.length].forEach(long);
    [name.length, 0].forEach(short); // no extra field
  };
  for (const place of places) {
    place.header = at;
    long(0x04034b50);
    shared(place);
    bytes(place.name);
    bytes(place.data);
  }
  const start = at;
  for (const place of places) {
    long(0x02014b50);
    short(VERSION);
    shared(place);
    [0, 0, 0].forEach(short); // no comment, first disk, no attributes
    [0, place.header].forEach(long);
    bytes(place.name);
  }
  const length = at - start;
  long(0x06054b50);
  [0, 0, places.length, places.length].forEach(short);
  [length, start].forEach(long);
  short(0);
  return file;
}
