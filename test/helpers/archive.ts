/** Zip archives and pickles as `torch.save` writes them, field by field, for tests. */
const u16 = (value: number) => [value & 255, value >> 8];
const u32 = (value: number) => [...u16(value & 0xffff), ...u16(value >>> 16)];
const u64 = (value: number) => [...u32(value >>> 0), ...u32(Math.floor(value / 2 ** 32))];
const ascii = (text: string) => [...Buffer.from(text, 'latin1')];
const WIDE = 0xffffffff;

export interface ZipOptions {
  /** Fields of a directory entry that are kept in a zip64 extra field. */
  readonly wide?: readonly ('full' | 'size' | 'header')[];
  /** Bytes of zip64 extra fields that are left out. */
  readonly cut?: number;
  /** Keep the directory's place in a zip64 end record, with nonsense in the old one. */
  readonly wideEnd?: boolean;
  readonly method?: number;
  /** How much larger the unpacked size is said to be. */
  readonly unpacked?: number;
  readonly comment?: string;
}

/** A zip archive with stored members (PKWARE APPNOTE 6.3.10, section 4.3). */
export function zip(
  members: Readonly<Record<string, Uint8Array | readonly number[]>>,
  options: ZipOptions = {},
): Uint8Array {
  const { wide = [], cut = 0, wideEnd = false, method = 0, unpacked = 0, comment = '' } = options;
  const bytes: number[] = [];
  const directory: number[] = [];
  for (const [name, data] of Object.entries(members)) {
    const header = bytes.length;
    const place = { full: data.length + unpacked, size: data.length, header };
    const sizes = [...u32(data.length), ...u32(data.length + unpacked)];
    // torch pads with an extra field "FB" so that data are aligned; the directory has none of it.
    const padding = [...ascii('FB'), ...u16(5), 0, 0, 0, 0, 0];
    bytes.push(
      ...[...u32(0x04034b50), ...u16(0), ...u16(0), ...u16(method), ...u32(0), ...u32(0)],
      ...[...sizes, ...u16(name.length), ...u16(padding.length), ...ascii(name), ...padding],
      ...data,
    );
    // Section 4.5.3: full size, packed size, header, each only where the old field is all ones.
    const numbers = (['full', 'size', 'header'] as const)
      .filter((field) => wide.includes(field))
      .flatMap((field) => u64(place[field]));
    const kept = numbers.slice(0, numbers.length - cut);
    // Fields of other kinds before and after it.
    const [before, after] = [
      [...u16(0x5455), ...u16(5), 1, 2, 3, 4, 5],
      [...u16(0x9901), ...u16(7), 1, 2, 3, 4, 5, 6, 7],
    ];
    const extra = wide.length ? [...before, ...u16(1), ...u16(kept.length), ...kept, ...after] : [];
    const shown = (field: keyof typeof place) => u32(wide.includes(field) ? WIDE : place[field]);
    const note = ascii('a note');
    directory.push(
      ...[...u32(0x02014b50), ...u16(0), ...u16(0), ...u16(0), ...u16(method), ...u32(0)],
      ...[...u32(0), ...shown('size'), ...shown('full'), ...u16(name.length)],
      ...[...u16(extra.length), ...u16(note.length), ...u16(0), ...u16(0), ...u32(0)],
      ...[...shown('header'), ...ascii(name), ...extra, ...note],
    );
  }
  const start = bytes.length;
  const count = Object.keys(members).length;
  bytes.push(...directory);
  if (wideEnd) {
    const record = bytes.length;
    bytes.push(
      ...[...u32(0x06064b50), ...u64(44), ...u16(45), ...u16(45), ...u32(0), ...u32(0)],
      ...[...u64(count), ...u64(count), ...u64(directory.length), ...u64(start)],
      ...[...u32(0x07064b50), ...u32(0), ...u64(record), ...u32(1)],
    );
  }
  bytes.push(
    ...[...u32(0x06054b50), ...u16(0), ...u16(0)],
    ...(wideEnd
      ? [...u16(0xffff), ...u16(0xffff), ...u32(WIDE), ...u32(WIDE)]
      : [...u16(count), ...u16(count), ...u32(directory.length), ...u32(start)]),
    ...[...u16(comment.length), ...ascii(comment)],
  );
  return Uint8Array.from(bytes);
}

/** A tensor as a pickle has it; offset and strides in elements. */
export interface TensorPickle {
  readonly type?: string;
  readonly key?: string;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

const string = (text: string) => [...ascii('X'), ...u32(text.length), ...ascii(text)];
const integer = (value: number) => [...ascii('J'), ...u32(value)];
const tuple = (items: readonly (readonly number[])[]) => [
  ...ascii('('),
  ...items.flat(),
  ...ascii('t'),
];
const none = ascii('N');

function tensor({ type = 'FloatStorage', key = '0', offset = 0, shape, strides }: TensorPickle) {
  const storage = [
    ...tuple([
      string('storage'),
      ascii(`ctorch\n${type}\n`),
      string(key),
      string('cpu'),
      integer(99),
    ]),
    ...ascii('Q'),
  ];
  const parts = [
    storage,
    integer(offset),
    tuple(shape.map(integer)),
    tuple(strides.map(integer)),
    [0x89],
    none,
  ];
  return [...ascii('ctorch._utils\n_rebuild_tensor_v2\n'), ...tuple(parts), ...ascii('R')];
}

export type StatePickle = { readonly [name: string]: TensorPickle | number | StatePickle };

function dictionary(state: StatePickle): number[] {
  const items = Object.entries(state).flatMap(([name, value]) => [
    ...string(name),
    ...(typeof value === 'number'
      ? integer(value)
      : Array.isArray(value.shape)
        ? tensor(value as TensorPickle)
        : dictionary(value as StatePickle)),
  ]);
  return [...ascii('}('), ...items, ...ascii('u')];
}

/** The pickle of a dictionary of tensors, numbers and dictionaries (protocol 2). */
export function pickleState(state: StatePickle): number[] {
  return [0x80, 2, ...dictionary(state), ...ascii('.')];
}
