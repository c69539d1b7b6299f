import { utf8Text } from '../base/text';
import { CheckpointError } from '../base/errors';

/** A storage that a tensor's bytes lie in, as `torch.save` refers to it. */
export interface PickledStorage {
  readonly kind: 'storage';
  /** torch's class name, e.g. `FloatStorage`. */
  readonly type: string;
  /** Name of the archive member under `data/`. */
  readonly key: string;
  /** In elements. */
  readonly length: number;
}

/** A tensor over a storage. Offset and strides are in elements. */
export interface PickledTensor {
  readonly kind: 'tensor';
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export type PickledValue =
  | null
  | boolean
  | number
  | string
  | PickledStorage
  | PickledTensor
  | PickledValue[]
  | Map<string, PickledValue>
  | { readonly kind: 'global'; readonly name: string };

/** The only globals a checkpoint of tensors needs. None is looked up or run: each is a case below. */
const GLOBALS =
  /^(collections OrderedDict|torch\._utils _rebuild_(tensor_v2|parameter)|torch (Float|Half|BFloat16|Long|Int|Byte|Char|Double|Bool)Storage)$/;

const MARK = Symbol('mark');
/** Sides of a shape; convolutions have four. */
const MOST_SIDES = 8;
/** Bytes of a number; PyTorch's are of eight. */
const LONGEST_NUMBER = 16;
/** Lists, tuples, dictionaries and tensors; a tensor takes about seven of them. */
const MOST_OBJECTS = 1 << 18;
type Item = PickledValue | typeof MARK;

/**
 * Reads a pickle that holds nothing but tensors, numbers, strings and containers of them (Python
 * `pickletools`, protocols 2 to 4; torch `serialization.py`). It runs nothing: a pickle program that
 * names any other global, or uses an opcode that tensors do not need, is refused.
 *
 * Work and memory are bounded by the pickle's length: every opcode consumes input, costs no more than what it consumes
 * or takes off the stack, and walks into no value that was made before. Names are texts, shapes have at most
 * {@link MOST_SIDES} sides, and there are at most {@link MOST_OBJECTS} containers, each larger than its opcode.
 *
 * @throws CheckpointError
 */
export function readPickle(bytes: Uint8Array, origin: string): PickledValue {
  return new PickleReader(bytes, origin).run();
}

class PickleReader {
  private at = 0;
  private objects = 0;
  private readonly data: DataView;
  private readonly stack: Item[] = [];
  private readonly memo = new Map<number, PickledValue>();

  constructor(
    private readonly bytes: Uint8Array,
    private readonly origin: string,
  ) {
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): PickledValue {
    for (;;) {
      const opcode = this.byte();
      switch (opcode) {
        case 0x80: // PROTO
          if (this.byte() > 5) this.fail('its protocol is newer than 5');
          break;
        case 0x95: // FRAME
          this.skip(8);
          break;
        case 0x7d: // EMPTY_DICT
          this.count();
          this.stack.push(new Map());
          break;
        case 0x5d: // EMPTY_LIST
        case 0x29: // EMPTY_TUPLE
          this.count();
          this.stack.push([]);
          break;
        case 0x28: // MARK
          this.stack.push(MARK);
          break;
        case 0x4e: // NONE
          this.stack.push(null);
          break;
        case 0x88: // NEWTRUE
          this.stack.push(true);
          break;
        case 0x89: // NEWFALSE
          this.stack.push(false);
          break;
        case 0x4b: // BININT1
          this.stack.push(this.byte());
          break;
        case 0x4d: // BININT2
          this.stack.push(this.data.getUint16(this.skip(2), true));
          break;
        case 0x4a: // BININT
          this.stack.push(this.data.getInt32(this.skip(4), true));
          break;
        case 0x8a: // LONG1
          this.stack.push(this.long(this.byte()));
          break;
        case 0x47: // BINFLOAT
          this.stack.push(this.data.getFloat64(this.skip(8), false));
          break;
        case 0x58: // BINUNICODE
          this.stack.push(this.text(this.data.getUint32(this.skip(4), true)));
          break;
        case 0x8c: // SHORT_BINUNICODE
          this.stack.push(this.text(this.byte()));
          break;
        case 0x71: // BINPUT
          this.memo.set(this.byte(), this.top());
          break;
        case 0x72: // LONG_BINPUT
          this.memo.set(this.data.getUint32(this.skip(4), true), this.top());
          break;
        case 0x94: // MEMOIZE
          this.memo.set(this.memo.size, this.top());
          break;
        case 0x68: // BINGET
          this.stack.push(this.recall(this.byte()));
          break;
        case 0x6a: // LONG_BINGET
          this.stack.push(this.recall(this.data.getUint32(this.skip(4), true)));
          break;
        case 0x63: // GLOBAL
          this.stack.push(this.global(`${this.line()} ${this.line()}`));
          break;
        case 0x93: {
          // STACK_GLOBAL
          const name = this.pop();
          const module = this.pop();
          if (typeof name !== 'string' || typeof module !== 'string')
            return this.fail('a name is no text');
          this.stack.push(this.global(`${module} ${name}`));
          break;
        }
        case 0x85: // TUPLE1
        case 0x86: // TUPLE2
        case 0x87: // TUPLE3
          this.count();
          this.stack.push(Array.from({ length: opcode - 0x84 }, () => this.pop()).reverse());
          break;
        case 0x74: // TUPLE
        case 0x6c: // LIST
          this.count();
          this.stack.push(this.popToMark());
          break;
        case 0x61: {
          // APPEND
          const item = this.pop();
          this.list().push(item);
          break;
        }
        case 0x65: {
          // APPENDS
          const items = this.popToMark();
          const list = this.list();
          for (const item of items) list.push(item);
          break;
        }
        case 0x73: {
          // SETITEM
          const value = this.pop();
          const key = this.pop();
          this.setItems([key, value]);
          break;
        }
        case 0x75: // SETITEMS
          this.setItems(this.popToMark());
          break;
        case 0x51: // BINPERSID
          this.count();
          this.stack.push(this.storage(this.pop()));
          break;
        case 0x52: {
          // REDUCE
          const args = this.pop();
          this.count();
          this.stack.push(this.reduce(this.pop(), args));
          break;
        }
        case 0x62: // BUILD: state of an OrderedDict (`_metadata`), which nothing here needs
          this.pop();
          this.top();
          break;
        case 0x2e: // STOP
          return this.pop();
        default:
          this.fail(`it uses opcode 0x${opcode.toString(16)}, which tensors do not need`);
      }
    }
  }

  private fail(message: string): never {
    throw new CheckpointError(
      `${this.origin}: its pickle cannot be read: ${message} (byte ${this.at}).`,
    );
  }

  /** Counts an object that is about to be made. */
  private count(): void {
    if (++this.objects > MOST_OBJECTS) this.fail('it holds more objects than a model has');
  }

  private skip(count: number): number {
    const from = this.at;
    if (from + count > this.bytes.length) this.fail('it is cut short');
    this.at += count;
    return from;
  }

  private byte(): number {
    return this.bytes[this.skip(1)];
  }

  private text(length: number): string {
    const from = this.skip(length);
    return utf8Text(this.bytes.subarray(from, from + length));
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) this.fail('it is cut short');
    const line = this.text(end - this.at);
    this.at++;
    return line;
  }

  /** A little-endian two's complement integer. */
  private long(length: number): number {
    if (length > LONGEST_NUMBER) this.fail(`it holds a number of ${length} bytes`);
    const from = this.skip(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[from + i]);
    return Number(BigInt.asIntN(8 * length, value));
  }

  private pop(): PickledValue {
    const item = this.stack.pop();
    if (item === undefined || item === MARK) this.fail('its stack is empty');
    return item;
  }

  private top(): PickledValue {
    const item = this.stack[this.stack.length - 1];
    if (item === undefined || item === MARK) this.fail('its stack is empty');
    return item;
  }

  private popToMark(): PickledValue[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) this.fail('a mark is missing');
    const items = this.stack.splice(mark).slice(1);
    return items as PickledValue[];
  }

  private recall(index: number): PickledValue {
    const value = this.memo.get(index);
    if (value === undefined) this.fail(`memo ${index} was never set`);
    return value;
  }

  private list(): PickledValue[] {
    const list = this.top();
    if (!Array.isArray(list)) this.fail('it appends to what is no list');
    return list;
  }

  private setItems(items: readonly PickledValue[]): void {
    const target = this.top();
    if (!(target instanceof Map) || items.length % 2)
      return this.fail('it sets items of what is no dictionary');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (typeof key !== 'string' && typeof key !== 'number')
        this.fail('a dictionary key is neither string nor number');
      target.set(String(key), items[i + 1]);
    }
  }

  private global(name: string): PickledValue {
    if (!GLOBALS.test(name)) {
      this.fail(
        `it refers to "${name.replace(' ', '.').slice(0, 80)}"; only tensors are accepted, nothing is ever run`,
      );
    }
    return { kind: 'global', name };
  }

  private storage(id: PickledValue): PickledStorage {
    // ('storage', class, key, location, number of elements)
    const [tag, type, key, , length] = Array.isArray(id) ? id : [];
    const named = type as { kind?: string; name?: string } | null | undefined;
    if (
      tag !== 'storage' ||
      named?.kind !== 'global' ||
      typeof key !== 'string' ||
      !isCount(length)
    ) {
      return this.fail('a storage is described wrongly');
    }
    return { kind: 'storage', type: String(named.name).split(' ')[1], key, length };
  }

  private reduce(callee: PickledValue, args: PickledValue): PickledValue {
    const name = (callee as { kind?: string; name?: string } | null)?.name;
    if (!Array.isArray(args)) return this.fail('a call has no arguments');
    if (name === 'collections OrderedDict') return new Map();
    if (name === 'torch._utils _rebuild_parameter') return args[0] ?? null;
    if (name !== 'torch._utils _rebuild_tensor_v2')
      return this.fail('it calls what is not a tensor');
    const [storage, offset, shape, strides] = args;
    if (
      (storage as PickledStorage | null)?.kind !== 'storage' ||
      !isCount(offset) ||
      !areCounts(shape) ||
      !areCounts(strides)
    ) {
      return this.fail('a tensor is described wrongly');
    }
    if (shape.length !== strides.length) this.fail('a tensor has as many strides as sides');
    return { kind: 'tensor', storage: storage as PickledStorage, offset, shape, strides };
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function areCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MOST_SIDES && value.every(isCount);
}
