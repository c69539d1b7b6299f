import cases from '../fixtures/pickles.json';
import { CheckpointError } from '../../src/base/errors';
import { type PickledValue, readPickle } from '../../src/checkpoints/pickle';

/** Dictionaries as objects. */
const plain = (value: unknown): unknown =>
  value instanceof Map
    ? Object.fromEntries([...(value as Map<string, PickledValue>)].map(([k, v]) => [k, plain(v)]))
    : Array.isArray(value)
      ? value.map(plain)
      : value;

it.each(cases)("reads Python's pickle of $name, protocol $protocol", ({ data, value }) => {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64'));
  expect(plain(readPickle(bytes, 'x'))).toEqual(value);
  // As a part of something larger, and cut short anywhere.
  const larger = new Uint8Array(bytes.length + 9);
  larger.set(bytes, 3);
  expect(plain(readPickle(larger.subarray(3), 'x'))).toEqual(value);
  for (const length of [1, 2, Math.floor(bytes.length / 2), bytes.length - 1])
    expect(() => readPickle(bytes.subarray(0, length), 'x')).toThrow('cut short');
});

it('what is the same in a pickle is the same when it is read', () => {
  for (const { data } of cases.filter(({ name }) => name === 'twice')) {
    const [a, b, other, c] = readPickle(Buffer.from(data, 'base64'), 'x') as PickledValue[];
    expect(b).toBe(a);
    expect(c).toBe(a);
    expect(other).not.toBe(a);
  }
});

/** Opcodes and numbers as bytes, texts as ASCII; opcodes by the names of `pickletools`. */
const bytes = (...parts: (number | string)[]) =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'number' ? [part] : [...Buffer.from(part)])),
  );
const text = (value: string) => [0x8c, value.length, value];
const [TUPLE2, TUPLE3, MARK, TUPLE, REDUCE, BINPERSID, STOP] = [
  0x86,
  0x87,
  '(',
  't',
  'R',
  'Q',
  '.',
];
const [APPEND, SETITEM, BUILD, DICT, LIST, NONE] = ['a', 's', 'b', '}', ']', 'N'];
const number = (value: number) => ['K', value];
const global = (module: string, name: string) => ['c', `${module}\n${name}\n`];
const storage = (type = 'FloatStorage', key = '7', length = 9) =>
  [
    ...[MARK, ...text('storage'), ...global('torch', type), ...text(key), ...text('cpu')],
    ...[...number(length), TUPLE, BINPERSID],
  ] as (number | string)[];
const tensor = (parts: {
  storage?: (number | string)[];
  offset?: (number | string)[];
  shape?: (number | string)[];
  strides?: (number | string)[];
}) => [
  ...global('torch._utils', '_rebuild_tensor_v2'),
  MARK,
  ...(parts.storage ?? storage()),
  ...(parts.offset ?? number(2)),
  ...(parts.shape ?? [...number(3), ...number(4), TUPLE2]),
  ...(parts.strides ?? [...number(4), ...number(1), TUPLE2]),
  ...[0x89, NONE, TUPLE, REDUCE],
];
const read = (...parts: (number | string)[]) => readPickle(bytes(...parts, STOP), 'x.pth');
const refusal = (...parts: (number | string)[]) => {
  try {
    read(...parts);
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    return (error as Error).message;
  }
  throw new Error('it was read');
};

describe('what torch writes', () => {
  it('a storage', () => {
    const known = { kind: 'storage', type: 'HalfStorage', key: '12', length: 5 };
    expect(read(...storage('HalfStorage', '12', 5))).toEqual(known);
  });

  it('a tensor, by itself and as a parameter', () => {
    const known = {
      kind: 'tensor',
      storage: { kind: 'storage', type: 'FloatStorage', key: '7', length: 9 },
      offset: 2,
      shape: [3, 4],
      strides: [4, 1],
    };
    expect(read(...tensor({}))).toEqual(known);
    const parameter = global('torch._utils', '_rebuild_parameter');
    expect(read(...parameter, MARK, ...tensor({}), 0x88, NONE, TUPLE, REDUCE)).toEqual(known);
    expect(read(...parameter, ')', REDUCE)).toBeNull();
  });

  it('a tensor of no values at the start of its storage', () => {
    const empty = tensor({
      offset: number(0),
      shape: [...number(0), 0x85],
      strides: [...number(1), 0x85],
    });
    expect(read(...empty)).toMatchObject({ offset: 0, shape: [0], strides: [1] });
  });

  it('an ordered dictionary with its state', () => {
    const ordered = [...global('collections', 'OrderedDict'), ')', REDUCE];
    const item = [...text('a'), ...number(1), SETITEM];
    expect(read(...ordered, ...item, DICT, BUILD)).toEqual(new Map([['a', 1]]));
    expect(read(DICT, ...number(3), ...number(4), SETITEM)).toEqual(new Map([['3', 4]]));
    expect(read(LIST, ...number(3), APPEND)).toEqual([3]);
    expect(read(MARK, ...number(3), 'l')).toEqual([3]);
  });

  it.each([
    'FloatStorage',
    'HalfStorage',
    'BFloat16Storage',
    'LongStorage',
    'IntStorage',
    'ByteStorage',
    'CharStorage',
    'DoubleStorage',
    'BoolStorage',
  ])('storages of %s', (type) => {
    expect(read(...storage(type))).toMatchObject({ type });
  });

  it('globals by stack', () => {
    const name = [...text('collections'), ...text('OrderedDict'), 0x93];
    expect(read(...name)).toEqual({ kind: 'global', name: 'collections OrderedDict' });
  });
});

describe('refuses', () => {
  it.each([
    ['torch', 'FloatStorageX'],
    ['xtorch', 'FloatStorage'],
    ['torch', 'ComplexStorage'],
    ['torchx_utils', '_rebuild_tensor_v2'],
    ['collections', 'Counter'],
    ['torch._utils', '_rebuild_tensor'],
  ])('the global %s.%s', (module, name) => {
    expect(refusal(...global(module, name))).toContain(`refers to "${module}.${name}"`);
  });

  it.each<[string, (number | string)[], string]>([
    ['a newer protocol', [0x80, 6, NONE], 'newer than 5'],
    ['a storage that is none', [NONE, BINPERSID], 'storage is described wrongly'],
    ['a storage by a name', [...text('storage'), BINPERSID], 'storage is described wrongly'],
    [
      'a storage with another tag',
      storage().map((each) => (each === 'storage' ? 'sturage' : each)),
      'storage is described wrongly',
    ],
    [
      'a storage without a class',
      [
        MARK,
        ...text('storage'),
        ...text('x'),
        ...text('7'),
        ...text('cpu'),
        ...number(9),
        TUPLE,
        BINPERSID,
      ],
      'storage is described wrongly',
    ],
    [
      'a storage with a number for a key',
      [
        MARK,
        ...text('storage'),
        ...global('torch', 'FloatStorage'),
        ...number(7),
        ...text('cpu'),
        ...number(9),
        TUPLE,
        BINPERSID,
      ],
      'storage is described wrongly',
    ],
    [
      'a storage without a length',
      [
        MARK,
        ...text('storage'),
        ...global('torch', 'FloatStorage'),
        ...text('7'),
        ...text('cpu'),
        TUPLE,
        BINPERSID,
      ],
      'storage is described wrongly',
    ],
    ['a tensor without storage', tensor({ storage: [NONE] }), 'tensor is described wrongly'],
    ['a tensor over a tensor', tensor({ storage: tensor({}) }), 'tensor is described wrongly'],
    [
      'a negative offset',
      tensor({ offset: ['J', 255, 255, 255, 255] }),
      'tensor is described wrongly',
    ],
    [
      'a broken offset',
      tensor({ offset: ['G', 0x3f, 0xe0, 0, 0, 0, 0, 0, 0] }),
      'tensor is described wrongly',
    ],
    ['a shape that is a number', tensor({ shape: number(3) }), 'tensor is described wrongly'],
    [
      'a shape of texts',
      tensor({ shape: [...text('3'), ...number(1), TUPLE2] }),
      'tensor is described wrongly',
    ],
    ['strides that are none', tensor({ strides: [NONE] }), 'tensor is described wrongly'],
    [
      'fewer strides than sides',
      tensor({ strides: [...number(1), 0x85] }),
      'as many strides as sides',
    ],
    [
      'more strides than sides',
      tensor({ strides: [...number(4), ...number(1), ...number(1), TUPLE3] }),
      'as many strides as sides',
    ],
    [
      'a call without arguments',
      [...global('collections', 'OrderedDict'), NONE, REDUCE],
      'a call has no arguments',
    ],
    [
      'a call of a storage class',
      [...global('torch', 'FloatStorage'), ')', REDUCE],
      'calls what is not a tensor',
    ],
    ['a call of nothing', [NONE, ')', REDUCE], 'calls what is not a tensor'],
    ['appending to a dictionary', [DICT, NONE, APPEND], 'appends to what is no list'],
    ['appending several to a dictionary', [DICT, MARK, NONE, 'e'], 'appends to what is no list'],
    [
      'an item of a list',
      [LIST, ...text('a'), NONE, SETITEM],
      'sets items of what is no dictionary',
    ],
    [
      'a key without a value',
      [DICT, MARK, ...text('a'), 'u'],
      'sets items of what is no dictionary',
    ],
    ['a key that is nothing', [DICT, NONE, NONE, SETITEM], 'neither string nor number'],
    ['a key that is true', [DICT, 0x88, NONE, SETITEM], 'neither string nor number'],
    ['a tuple without a mark', [NONE, TUPLE], 'a mark is missing'],
    ['a mark for a value', [MARK, 0x85], 'stack is empty'],
    ['nothing to remember', ['q', 0], 'stack is empty'],
    ['an empty stack with a memo to set', [0x94], 'stack is empty'],
    ['an item of nothing', [MARK, ...text('a'), NONE, 'u'], 'stack is empty'],
    [
      'a class that is nothing',
      [
        MARK,
        ...text('storage'),
        NONE,
        ...text('7'),
        ...text('cpu'),
        ...number(9),
        TUPLE,
        BINPERSID,
      ],
      'storage is described wrongly',
    ],
    ['an argument that is no list', [NONE, ...number(1), REDUCE], 'a call has no arguments'],
    ['the end of nothing', [], 'stack is empty'],
    ['a mark to remember', [MARK, 'q', 0], 'stack is empty'],
    ['a state of nothing', [NONE, BUILD], 'stack is empty'],
    ['memory of nothing', ['j', 0, 1, 0, 0], 'memo 256 was never set'],
    ['a line without an end', ['ctorch'], 'cut short'],
  ])('%s', (_, parts, message) => {
    expect(refusal(...parts)).toContain(message);
  });

  it('shows no more of a long name than tells it', () => {
    expect(refusal(...global('m', 'n'.repeat(200)))).toContain(`"m.${'n'.repeat(78)}";`);
  });

  it('says where', () => {
    expect(refusal(0x80, 2, 'I')).toMatch(/^x\.pth: its pickle cannot be read: .*0x49.*\(byte 3\)/);
  });

  it('reads on to protocol 5 and past frames', () => {
    expect(read(0x80, 5, 0x95, 1, 0, 0, 0, 0, 0, 0, 0, NONE)).toBeNull();
  });
});
