import { type Command, InvalidArgumentError, Option } from 'commander';
import { expected, type OptionSpec } from '../../entries/options';

/** Words for a flag's value, where the kind of number does not say it all. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  resolution: 'pixels',
  tiles: 'n',
  regionScale: 'factor',
  tolerance: 'distance',
  ignore: 'value',
  window: 'low,high',
  orientation: 'way',
  memory: 'k',
  backend: 'name',
  task: 'task',
  colors: 'scheme',
};

/**
 * Gives a command the flags of a schema: `--color-ensemble <n>` for `colorEnsemble`, with the schema's text, choices,
 * range and default.
 */
export function addFlags<Schema extends Record<string, OptionSpec>>(
  command: Command,
  schema: Schema,
  names: readonly (keyof Schema & string)[],
): Command {
  for (const name of names) command.addOption(flagOf(name, schema[name]));
  return command;
}

/** Options whose flag has a shorter name. */
const RENAMED: Readonly<Record<string, string>> = { labelNames: '--labels' };

/** `--color-ensemble` for `colorEnsemble`. */
export function flagName(option: string): string {
  if (RENAMED[option]) return RENAMED[option];
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function flagOf(name: string, spec: OptionSpec): Option {
  const long = flagName(name);
  if (spec.kind === 'flag') return new Option(long, spec.about).default(spec.fallback);
  const placeholder = PLACEHOLDERS[name] ?? (spec.kind === 'choice' ? 'kind' : 'n');
  const option = new Option(`${long} <${placeholder}>`, spec.about);
  if (spec.kind === 'choice') option.choices(spec.choices as readonly string[]);
  else if (spec.kind === 'range') option.argParser(rangeOf(spec));
  else if (spec.kind === 'custom') option.argParser(customOf(spec));
  else option.argParser(numberOf(spec));
  return spec.fallback === undefined ? option : option.default(spec.fallback);
}

/** A parser of the numbers a spec allows; whatever else is given is refused in the flag's name. */
export function numberOf(spec: OptionSpec & { readonly kind: 'number' | 'whole' }) {
  return (text: string): number => {
    const value = text.trim() ? Number(text) : NaN; // Number('') is 0
    const inRange = value >= spec.least && value <= spec.most;
    const whole = spec.kind === 'number' || Number.isInteger(value);
    if ((inRange && whole && Number.isFinite(value)) || (spec.orZero && value === 0)) return value;
    throw new InvalidArgumentError(`It must be ${expected(spec)}.`);
  };
}

/** A parser of `low,high`. */
function rangeOf(spec: OptionSpec & { readonly kind: 'range' }) {
  return (text: string): readonly [low: number, high: number] => {
    const ends = text.split(',').map((end) => (end.trim() ? Number(end) : NaN));
    if (ends.length === 2 && ends.every(Number.isFinite) && ends[0] < ends[1])
      return [ends[0], ends[1]];
    throw new InvalidArgumentError(`It must be ${expected(spec)}, as in -1000,400.`);
  };
}

/** A parser of what passes a test of its own. */
function customOf(spec: OptionSpec & { readonly kind: 'custom' }) {
  return (text: string): unknown => {
    const value = spec.parse(text.trim());
    if (spec.is(value)) return value;
    throw new InvalidArgumentError(`It must be ${expected(spec)}.`);
  };
}

/** An option of comma-separated words out of `kinds`; given again it adds to them. */
export function listOption<Kind extends string>(
  flags: string,
  about: string,
  kinds: readonly Kind[],
  fallback: readonly Kind[],
): Option {
  return new Option(flags, `${about}, comma-separated or repeated`)
    .choices(kinds) // for the help and for completion; the parser below takes lists of them
    .default(fallback, fallback.join(','))
    .argParser((text: string, previous: readonly Kind[]): Kind[] => {
      const given = text.split(',').map((kind) => kind.trim());
      const unknown = given.find((kind) => !kinds.includes(kind as Kind));
      if (unknown !== undefined)
        throw new InvalidArgumentError(`"${unknown}" is none of ${kinds.join(', ')}.`);
      // What is given takes the default's place, whatever it holds.
      const before = previous === fallback ? [] : previous;
      return [...new Set([...before, ...(given as Kind[])])];
    });
}
