import { InvalidInputError } from '../../base/errors';
import { utf8Text } from '../../base/text';

/** What a file is given as: its text, or its bytes in UTF-8. */
export type TextInput = string | Uint8Array;

/** @throws InvalidInputError if bytes are no UTF-8. */
export function textOf(input: TextInput, file: string): string {
  if (typeof input === 'string') return input.replace(/^\uFEFF/, '');
  try {
    return utf8Text(input, true);
  } catch (cause) {
    throw new InvalidInputError(file, 'is no text in UTF-8; save it as such.', { cause });
  }
}

/**
 * A place in a JSON file that somebody else wrote: what is read there is checked, and messages name the file and the entry,
 * as in `instances.json: annotations[3].bbox …`.
 */
export class Entry {
  private constructor(
    readonly file: string,
    readonly path: string,
    readonly value: unknown,
  ) {}

  /** @throws InvalidInputError if the text is no JSON. */
  static ofJson(input: TextInput, file: string): Entry {
    const text = textOf(input, file);
    try {
      return new Entry(file, '', JSON.parse(text));
    } catch (cause) {
      const why = (cause as Error).message;
      throw new InvalidInputError(file, `is no whole JSON file (${why}).`, { cause });
    }
  }

  /** @throws InvalidInputError always, for this entry. */
  fail(detail: string): never {
    throw new InvalidInputError(this.file, this.path === '' ? detail : `${this.path} ${detail}`);
  }

  get isObject(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  /** Whether a property is there, and not null. */
  has(key: string): boolean {
    return (
      this.isObject &&
      Object.hasOwn(this.value as object, key) &&
      (this.value as Record<string, unknown>)[key] !== null
    );
  }

  at(key: string): Entry {
    if (!this.isObject) this.fail('must be an object.');
    if (!this.has(key)) this.fail(`has no "${key}".`);
    const path = this.path === '' ? key : `${this.path}.${key}`;
    return new Entry(this.file, path, (this.value as Record<string, unknown>)[key]);
  }

  items(): Entry[] {
    if (!Array.isArray(this.value)) this.fail('must be a list.');
    return this.value.map((value, i) => new Entry(this.file, `${this.path}[${i}]`, value));
  }

  text(): string {
    if (typeof this.value !== 'string') this.fail(`must be text, is ${this.shown}.`);
    return this.value;
  }

  number(): number {
    if (typeof this.value !== 'number' || !Number.isFinite(this.value))
      this.fail(`must be a number, is ${this.shown}.`);
    return this.value;
  }

  whole(least = 0): number {
    const value = this.number();
    if (!Number.isSafeInteger(value) || value < least)
      this.fail(`must be a whole number of at least ${least}, is ${value}.`);
    return value;
  }

  numbers(): number[] {
    if (!Array.isArray(this.value)) this.fail('must be a list.');
    const wrong = this.value.findIndex(
      (each) => typeof each !== 'number' || !Number.isFinite(each),
    );
    if (wrong >= 0) this.items()[wrong].number();
    return this.value;
  }

  private get shown(): string {
    return JSON.stringify(this.value)?.slice(0, 40) ?? 'nothing';
  }
}
