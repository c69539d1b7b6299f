import { InvalidInputError } from './errors';

/**
 * One option of a task, as data: what it may be, what it is by default, and one line about it. The API's checks, the
 * flags of the command line and the tables of the documentation all come from these.
 */
export type OptionSpec<Value = unknown> = {
  /** One line for people, without a full stop. */
  readonly about: string;
  /** Used where the option is not given; without one it stays undefined. */
  readonly fallback?: Value;
} & (
  | { readonly kind: 'choice'; readonly choices: readonly Value[] }
  | {
      readonly kind: 'number' | 'whole';
      readonly least: number;
      readonly most: number;
      /** Allow 0, too, where `least` is above it: "off". */
      readonly orZero?: boolean;
    }
  | { readonly kind: 'flag' }
  /** Two numbers, the lower first. */
  | { readonly kind: 'range' }
  /** What passes a test of its own. */
  | {
      readonly kind: 'custom';
      /** What it may be, in words. */
      readonly expected: string;
      /** Whether a value is one. */
      is(value: unknown): boolean;
      /** Reads a flag's text. */
      parse(text: string): unknown;
    }
);

/** Specs for the options of an interface, none left out. */
export type OptionSchema<Options> = {
  readonly [Name in keyof Options]-?: OptionSpec<Exclude<Options[Name], undefined>>;
};

/** Options after {@link resolveOptions}: those with a default are always there. */
export type Resolved<Schema> = {
  readonly [Name in keyof Schema]: Schema[Name] extends { readonly fallback: unknown }
    ? ValueOf<Schema[Name]>
    : ValueOf<Schema[Name]> | undefined;
};

/** What an option holds, by its spec. */
export type ValueOf<Spec> = Spec extends {
  readonly kind: 'choice';
  readonly choices: readonly (infer Value)[];
}
  ? Value
  : Spec extends { readonly kind: 'flag' }
    ? boolean
    : Spec extends { readonly kind: 'range' }
      ? readonly [low: number, high: number]
      : Spec extends { readonly kind: 'custom'; parse(text: string): infer Value }
        ? Value
        : number;

/** One of several words. */
export const choice = <const Value extends string>(
  about: string,
  choices: readonly Value[],
  fallback: NoInfer<Value>,
) => ({ kind: 'choice' as const, about, choices, fallback });

/** A number from `least` to `most`, whole or not. */
export interface NumberSpec {
  /** Whole numbers alone, or any. */
  readonly kind: 'number' | 'whole';
  /** One line for people, without a full stop. */
  readonly about: string;
  /** Least value allowed. */
  readonly least: number;
  /** Greatest value allowed. */
  readonly most: number;
}

/** A whole number from `least` to `most`. */
export const whole = (about: string, least: number, most: number): NumberSpec => ({
  kind: 'whole',
  about,
  least,
  most,
});

/** A number from `least` to `most`. */
export const number = (about: string, least: number, most: number): NumberSpec => ({
  kind: 'number',
  about,
  least,
  most,
});

/** Gives an option a default. */
export const withDefault = <Spec extends NumberSpec>(spec: Spec, fallback: number) => ({
  ...spec,
  fallback,
});

/** On or off. */
export const flag = (about: string, fallback: boolean) => ({
  kind: 'flag' as const,
  about,
  fallback,
});

/** Two numbers, the lower first. */
export const range = (about: string) => ({ kind: 'range' as const, about });

/**
 * Checks the options a schema names and fills in defaults; `undefined` counts as not given. Options the schema does not
 * name are left to others.
 *
 * @throws InvalidInputError naming the option and what it may be.
 */
export function resolveOptions<Schema extends Record<string, OptionSpec>>(
  schema: Schema,
  options: object,
): Resolved<Schema> {
  const resolved: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(schema)) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined && !fits(spec, value)) {
      throw new InvalidInputError(name, `must be ${expected(spec)}, is ${JSON.stringify(value)}.`);
    }
    resolved[name] = value ?? spec.fallback;
  }
  return resolved as Resolved<Schema>;
}

function fits(spec: OptionSpec, value: unknown): boolean {
  switch (spec.kind) {
    case 'choice':
      return spec.choices.includes(value);
    case 'flag':
      return typeof value === 'boolean';
    case 'range':
      return (
        Array.isArray(value) &&
        value.length === 2 &&
        value.every((end) => Number.isFinite(end)) &&
        value[0] < value[1]
      );
    case 'custom':
      return spec.is(value);
    default:
      return (
        typeof value === 'number' &&
        ((value >= spec.least && value <= spec.most) || (spec.orZero === true && value === 0)) &&
        (spec.kind === 'number' || Number.isInteger(value))
      );
  }
}

/** What an option may be, in words: `one of a, b`, `a whole number from 1 to 64`. */
export function expected(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'choice':
      return `one of ${spec.choices.join(', ')}`;
    case 'flag':
      return 'true or false';
    case 'range':
      return 'two numbers, the lower first';
    case 'custom':
      return spec.expected;
    default: {
      const kind = spec.kind === 'whole' ? 'a whole number' : 'a number';
      const range =
        spec.most === Infinity ? `of at least ${spec.least}` : `from ${spec.least} to ${spec.most}`;
      return `${spec.orZero ? '0, or ' : ''}${kind} ${range}`;
    }
  }
}
