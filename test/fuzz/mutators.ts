/** Small changes to sound inputs, drawn from a seeded generator so that each input can be made again by its seed. */

/** Draws from a seeded generator. */
export class Dice {
  constructor(private readonly random: () => number) {}

  /** A whole number from 0 to below `count`. */
  below(count: number): number {
    return Math.floor(this.random() * count);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)];
  }
}

/** Numbers at the edges of what types and formats hold. */
const EDGES = [
  ...[0, 1, -1, 2, 7, 255, 256, 65_535, 65_536, 0x7fffffff, 0x80000000, 0xffffffff],
  ...[2 ** 32, 2 ** 40, 2 ** 53 - 1, 2 ** 53, 1e15, 0.5, 1.7e308],
];

/** Bytes with up to `most` changes: flipped, overwritten, cut, inserted, moved, doubled, or a number at an edge. */
export function mutateBytes(dice: Dice, sound: Uint8Array, most = 4): Uint8Array {
  let bytes = Uint8Array.from(sound);
  for (let left = 1 + dice.below(most); left > 0 && bytes.length > 0; left--) {
    const { length } = bytes;
    const at = dice.below(length);
    const run = dice.below(Math.min(length - at, 200) + 1);
    switch (dice.below(9)) {
      case 0:
        bytes[at] ^= 1 << dice.below(8);
        break;
      case 1:
        bytes[at] = dice.below(256);
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = joined(
          bytes.subarray(0, at),
          Uint8Array.from({ length: dice.below(64) }, () => dice.below(256)),
          bytes.subarray(at),
        );
        break;
      case 4:
        bytes.copyWithin(at, dice.below(length), dice.below(length) + run);
        break;
      case 5:
        bytes.fill(dice.pick([0, 255, 127, 128]), at, at + 1 + dice.below(8));
        break;
      case 6:
        writeNumber(dice, bytes);
        break;
      case 7:
        bytes = joined(bytes.subarray(0, at), bytes.subarray(at + run));
        break;
      case 8:
        bytes = joined(bytes.subarray(0, at + run), bytes.subarray(at));
        break;
    }
  }
  return bytes;
}

function writeNumber(dice: Dice, bytes: Uint8Array): void {
  if (bytes.length <= 8) return;
  const view = new DataView(bytes.buffer);
  const at = dice.below(bytes.length - 8);
  const value = dice.pick(EDGES);
  if (dice.chance(0.5)) view.setUint32(at, value, dice.chance(0.5));
  else
    view.setBigUint64(at, BigInt.asUintN(64, BigInt(Math.trunc(Math.min(value, 2 ** 63)))), true);
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** What JSON may hold in place of what was expected. */
function odd(dice: Dice): unknown {
  return dice.pick<() => unknown>([
    () => null,
    () => dice.pick(EDGES),
    () => dice.pick(['', 'a', '..', '../x', '__proto__', '\0', 'x'.repeat(300), '1e999', '\ud800']),
    () => dice.chance(0.5),
    () => [],
    () => ({}),
    () => [[[[[[[[[[1]]]]]]]]]],
    () => ({ toString: 1, valueOf: 1 }),
    () => Array.from({ length: dice.below(50) }, () => dice.pick(EDGES)),
  ])();
}

/**
 * A JSON value with changes anywhere in it: values, keys, lengths of lists.
 *
 * @param rate by what the usual probabilities of changes are multiplied: with a low one most of a large value stays sound.
 */
export function mutateJson(
  dice: Dice,
  value: unknown,
  rate = dice.pick([0.002, 0.05, 1]),
): unknown {
  if (dice.chance(0.04 * rate)) return odd(dice);
  if (Array.isArray(value)) {
    const items = value.map((item) => mutateJson(dice, item, rate));
    if (dice.chance(0.1 * rate)) items.push(odd(dice));
    if (dice.chance(0.1 * rate)) items.pop();
    return items;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(() => !dice.chance(0.04 * rate))
      .map(([key, item]): [string, unknown] => [
        dice.chance(0.03 * rate) ? dice.pick(['__proto__', 'constructor', '', `${key}x`]) : key,
        mutateJson(dice, item, rate),
      ]);
    return Object.fromEntries(entries);
  }
  if (!dice.chance(0.3 * rate)) return value;
  if (typeof value === 'number')
    return dice.chance(0.7) ? dice.pick(EDGES) : value + dice.pick([1, -1, 4, -4]);
  if (typeof value === 'string') return dice.pick([odd(dice), `${value}x`, value.slice(1)]);
  return odd(dice);
}
