/**
 * Matroska around raw RGB frames, so that ffmpeg hears the time of each by the same pipe. Only what that needs:
 * a header, then one cluster for each frame (RFC 9559).
 */

/** Nanoseconds of a tick: times are in microseconds. */
const TICK = 1000;
/** A size of eight bytes that is not known yet, for the segment that never ends. */
const UNKNOWN_SIZE = Uint8Array.of(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

/** What stands before the first frame. @param frameRate frames a second that are stated. */
export function matroskaHeader(width: number, height: number, frameRate: number): Uint8Array {
  const track = [
    element(0xd7, number(1)), // number
    element(0x73c5, number(1)), // UID
    element(0x83, number(1)), // type: video
    element(0x86, text('V_UNCOMPRESSED')),
    element(0x23e383, number(Math.round(1e9 / frameRate))),
    element(
      0xe0,
      element(0xb0, number(width)),
      element(0xba, number(height)),
      element(0x2eb524, Uint8Array.of(0x52, 0x47, 0x42, 24)), // four characters of colour space: RGB, 24 bits
    ),
  ];
  return concat([
    element(0x1a45dfa3, element(0x4282, text('matroska')), element(0x4287, number(4))),
    bytesOf(0x18538067),
    UNKNOWN_SIZE,
    element(0x1549a966, element(0x2ad7b1, number(TICK))),
    element(0x1654ae6b, element(0xae, ...track)),
  ]);
}

/**
 * What stands before the pixels of a frame, which follow as they are.
 *
 * @param length of the pixels, in bytes.
 * @param time seconds, 0 or more.
 */
export function matroskaFrameHeader(length: number, time: number): Uint8Array {
  const block = Uint8Array.of(0x81, 0, 0, 0x80); // track 1, at the cluster's time, a key frame
  const blockHead = concat([bytesOf(0xa3), sizeOf(block.length + length), block]);
  const timestamp = element(0xe7, number(Math.round((time * 1e9) / TICK)));
  const cluster = timestamp.length + blockHead.length + length;
  return concat([bytesOf(0x1f43b675), sizeOf(cluster), timestamp, blockHead]);
}

function element(id: number, ...parts: Uint8Array[]): Uint8Array {
  const data = concat(parts);
  return concat([bytesOf(id), sizeOf(data.length), data]);
}

/** Sizes are written in eight bytes, however small. */
function sizeOf(length: number): Uint8Array {
  const size = number(length);
  size[0] = 0x01;
  return size;
}

/** A whole number below 2^53 in eight bytes. */
function number(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** The bytes of an identifier, which tells its own length. */
function bytesOf(id: number): Uint8Array {
  const bytes = number(id);
  return bytes.subarray(bytes.findIndex((byte) => byte > 0));
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
