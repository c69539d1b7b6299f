import { InvalidInputError } from '../../src/base/errors';
import {
  choice,
  expected,
  flag,
  number,
  type OptionSpec,
  resolveOptions,
  whole,
  withDefault,
} from '../../src/base/options';

const schema = {
  colors: choice('How labels are coloured', ['random', 'binary'], 'random'),
  count: withDefault(whole('How many', 2, 5), 3),
  share: number('How much', 0.25, 1),
  every: { ...withDefault(whole('How often', 4, 9), 0), orZero: true },
  smooth: flag('Whether', true),
};

it('fills in defaults, and only where an option is not given', () => {
  const defaults = { colors: 'random', count: 3, share: undefined, every: 0, smooth: true };
  expect(resolveOptions(schema, {})).toEqual(defaults);
  expect(resolveOptions(schema, { colors: undefined, smooth: undefined })).toEqual(defaults);
  const given = { colors: 'binary', count: 2, share: 0.5, every: 4, smooth: false };
  expect(resolveOptions(schema, given)).toEqual(given);
});

it('leaves options alone that it does not name', () => {
  expect(resolveOptions({ smooth: schema.smooth }, { other: 1, smooth: false })).toEqual({
    smooth: false,
  });
});

it.each<[keyof typeof schema, unknown[], unknown[]]>([
  ['colors', ['random', 'binary'], ['', 'Random', 0, ['random'], null]],
  ['count', [2, 3, 5], [1, 6, 0, 2.5, NaN, '3', null, true]],
  ['share', [0.25, 0.3, 1], [0.2499, 1.0001, 0, NaN, Infinity, '0.5']],
  ['every', [0, 4, 9], [1, 3, 10, -4, 4.5]],
  ['smooth', [true, false], [0, 1, 'true', null]],
])('%s takes what it may be', (name, right, wrong) => {
  for (const value of right) {
    expect(resolveOptions(schema, { [name]: value })).toMatchObject({ [name]: value });
  }
  for (const value of wrong) {
    const failure = (() => {
      try {
        return resolveOptions(schema, { [name]: value });
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toBeInstanceOf(InvalidInputError);
    expect(failure).toMatchObject({
      argument: name,
      detail: `must be ${expected(schema[name])}, is ${JSON.stringify(value)}.`,
    });
  }
});

it.each<[OptionSpec, string]>([
  [schema.colors, 'one of random, binary'],
  [schema.smooth, 'true or false'],
  [schema.count, 'a whole number from 2 to 5'],
  [schema.share, 'a number from 0.25 to 1'],
  [schema.every, '0, or a whole number from 4 to 9'],
  [whole('', 1, Infinity), 'a whole number of at least 1'],
  [{ ...number('', 0.5, Infinity), orZero: true }, '0, or a number of at least 0.5'],
])('says what %j may be', (spec, words) => {
  expect(expected(spec)).toBe(words);
});

it('keeps what a spec was made of', () => {
  expect(schema.colors).toEqual({
    kind: 'choice',
    about: 'How labels are coloured',
    choices: ['random', 'binary'],
    fallback: 'random',
  });
  expect(schema.count).toEqual({
    kind: 'whole',
    about: 'How many',
    least: 2,
    most: 5,
    fallback: 3,
  });
  expect(schema.share).toEqual({ kind: 'number', about: 'How much', least: 0.25, most: 1 });
  expect(schema.smooth).toEqual({ kind: 'flag', about: 'Whether', fallback: true });
});
