import { utf8Text } from '../base/text';
import { CheckpointError } from '../base/errors';
import type { RandomAccess } from './random-access';

/** Where a stored (not compressed) member of a zip archive lies. */
export interface ZipMember {
  readonly offset: number;
  readonly size: number;
  /** CRC-32 of its bytes, as the directory has it; nobody has compared them. */
  readonly crc: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
/** The end record is 22 bytes and a comment of at most 65,535. */
const LONGEST_TAIL = 22 + 65_535;
/** Each member costs a read of its header. A model has as many members as tensors, some hundreds. */
const MOST_MEMBERS = 1 << 14;
const LARGEST_DIRECTORY = 4 << 20;

/**
 * Lists the members of a zip archive whose files are stored, as `torch.save` writes them
 * (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3 for zip64).
 *
 * @param kind what messages call the archive.
 * @throws CheckpointError if the archive is damaged, or a member is compressed.
 */
export async function readZipDirectory(
  access: RandomAccess,
  kind = 'PyTorch archive',
): Promise<Map<string, ZipMember>> {
  const { origin, size } = access;
  const fail = (message: string): never => {
    throw new CheckpointError(`${origin} is not a sound ${kind}: ${message}`);
  };
  const tailStart = Math.max(0, size - LONGEST_TAIL);
  const tail = view(await access.read(tailStart, size - tailStart));
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  if (end < 0) fail('its end record is missing; the file is truncated.');

  let count = tail.getUint16(end + 10, true);
  let length = tail.getUint32(end + 12, true);
  let start = tail.getUint32(end + 16, true);
  if (end >= 20 && tail.getUint32(end - 20, true) === LOCATOR64) {
    const at = Number(tail.getBigUint64(end - 12, true));
    if (at + 56 > size) fail('its zip64 record lies outside the file.');
    const record = view(await access.read(at, 56));
    if (record.getUint32(0, true) !== END64) fail('its zip64 record is damaged.');
    count = Number(record.getBigUint64(32, true));
    length = Number(record.getBigUint64(40, true));
    start = Number(record.getBigUint64(48, true));
  }
  if (count > MOST_MEMBERS || length > LARGEST_DIRECTORY)
    fail(`its directory of ${count} members and ${length} bytes is larger than a model's.`);
  if (start + length > size) fail('its directory lies outside the file.');

  const directory = view(await access.read(start, length));
  const members = new Map<string, ZipMember>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > length || directory.getUint32(at, true) !== CENTRAL)
      fail('its directory is damaged.');
    const method = directory.getUint16(at + 10, true);
    const nameLength = directory.getUint16(at + 28, true);
    const extraLength = directory.getUint16(at + 30, true);
    const commentLength = directory.getUint16(at + 32, true);
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > length) fail('its directory is damaged.');
    const name = utf8Text(bytesOf(directory, at + 46, nameLength));
    const packed = {
      size: directory.getUint32(at + 20, true),
      full: directory.getUint32(at + 24, true),
      header: directory.getUint32(at + 42, true),
    };
    const place =
      widen(packed, directory, at + 46 + nameLength, extraLength) ??
      fail('a zip64 entry is damaged.');
    if (method !== 0 || place.size !== place.full) {
      fail(
        `its member "${name}" is compressed; members must be stored plainly, as torch.save and this package store them.`,
      );
    }
    if (place.header + 30 > size) fail(`its member "${name}" lies outside the file.`);
    const local = view(await access.read(place.header, 30));
    if (local.getUint32(0, true) !== LOCAL) fail(`the header of its member "${name}" is damaged.`);
    const offset = place.header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    if (offset + place.size > size)
      fail(`its member "${name}" reaches past the end; the file is truncated.`);
    members.set(name, { offset, size: place.size, crc: directory.getUint32(at + 16, true) });
    at = next;
  }
  return members;
}

interface Place {
  size: number;
  full: number;
  header: number;
}

/** Replaces sizes of 0xffffffff by those of the zip64 extra field (tag 1); `null` if it is cut short. */
function widen(place: Place, directory: DataView, start: number, length: number): Place | null {
  const wide = 0xffffffff;
  if (place.size !== wide && place.full !== wide && place.header !== wide) return place;
  for (let at = start; at + 4 <= start + length;) {
    const tag = directory.getUint16(at, true);
    const size = directory.getUint16(at + 2, true);
    if (tag === 1) {
      let from = at + 4;
      const stop = Math.min(from + size, start + length);
      for (const field of ['full', 'size', 'header'] as const) {
        if (place[field] !== wide) continue;
        if (from + 8 > stop) return null;
        place[field] = Number(directory.getBigUint64(from, true));
        from += 8;
      }
      return place;
    }
    at += 4 + size;
  }
  return null;
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const bytesOf = (data: DataView, offset: number, length: number) =>
  new Uint8Array(data.buffer, data.byteOffset + offset, length);
