/** What directories, patterns and prompt folders stand for. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { expandPrompts, joinPairs, parsePrompt } from '../../../src/apps/cli/prompt-pairs';
import { readPromptFolder } from '../../../src/apps/cli/prompt-folder';
import { expandTargets } from '../../../src/apps/cli/targets';
import { UsageError } from '../../../src/apps/cli/usage-error';
import { Wording } from '../../../src/apps/cli/wording';

let root: string;
let told: string[];
const tell = (line: string) => told.push(line.replaceAll(root, 'ROOT'));
const here = (...names: string[]) => names.map((name) => join(root, name));

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'seggpt-files-'));
  told = [];
});
afterEach(() => rm(root, { recursive: true }));

async function put(...names: string[]): Promise<void> {
  for (const path of here(...names)) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
  }
}

const refusalOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'not refused',
    (error: unknown) => {
      if (!(error instanceof UsageError)) throw error;
      return error.message.replaceAll(root, 'ROOT');
    },
  );

describe('targets', () => {
  it('of a directory are its pictures in natural order, without masks and deeper ones', async () => {
    await put('a10.jpg', 'a2.jpg', 'a2.png', 'b.PNG', 'notes.txt', 'deeper/c.jpg');
    expect(await expandTargets([root], tell)).toEqual(here('a2.jpg', 'a10.jpg', 'b.PNG'));
    expect(told).toEqual([
      'ROOT: 3 picture(s); left out 1 PNG beside a photograph of the same name',
    ]);
  });

  it('of a pattern are the pictures it matches in natural order', async () => {
    await put('a10.jpg', 'a2.jpg', 'a2.png', 'a.txt', 'deeper/a1.jpg', 'deeper/a.json');
    expect(await expandTargets(here('*.jpg'), tell)).toEqual(here('a2.jpg', 'a10.jpg'));
    expect(await expandTargets(here('**/a{1,2}.*'), tell)).toEqual(
      here('a2.jpg', 'a2.png', 'deeper/a1.jpg'),
    );
    expect(await expandTargets(here('deeper/*'), tell)).toEqual(here('deeper/a1.jpg'));
    expect(told).toEqual([
      'ROOT/*.jpg: 2 picture(s)',
      'ROOT/**/a{1,2}.*: 3 picture(s)',
      'ROOT/deeper/*: 1 picture(s); left out 1 of other kinds',
    ]);
    // Relative ones give relative names.
    expect(await expandTargets(['examples/cup-?.jpg'], tell)).toEqual([
      'examples/cup-1.jpg',
      'examples/cup-2.jpg',
    ]);
  });

  it('are themselves where they are there, are URLs, or are nothing at all', async () => {
    await put('cup [1].jpg', '*.jpg');
    const given = [...here('cup [1].jpg', '*.jpg', 'none.jpg'), 'https://a.b/c*.jpg?d=[1]'];
    expect(await expandTargets(given, tell)).toEqual(given);
    expect(told).toEqual([]);
  });

  it('are refused where a directory or a pattern has no pictures', async () => {
    await put('a.txt', 'b.txt', 'deeper/a.jpg');
    expect(await refusalOf(expandTargets([root], tell))).toBe(
      'the directory "ROOT" holds no pictures; those in folders of it are not looked for ("ROOT/**" does).',
    );
    expect(await expandTargets(here('**'), tell)).toEqual(here('deeper/a.jpg'));
    expect(await refusalOf(expandTargets(here('*.jpg'), tell))).toBe(
      '"ROOT/*.jpg" matches no files.',
    );
    expect(await refusalOf(expandTargets(here('*.txt'), tell))).toBe(
      '"ROOT/*.txt" matches no pictures, only "ROOT/a.txt", "ROOT/b.txt".',
    );
  });
});

describe('a prompt folder', () => {
  const pairs = (...names: [string, string][]) =>
    names.map(([image, mask]) => ({ image: join(root, image), mask: join(root, mask) }));

  it('has NAME.jpg beside NAME.png', async () => {
    await put('p10.jpg', 'p10.png', 'p2.webp', 'p2.png', 'notes.txt', 'deeper/x.jpg');
    expect(await readPromptFolder(root, tell)).toEqual(
      pairs(['p2.webp', 'p2.png'], ['p10.jpg', 'p10.png']),
    );
    expect(told).toEqual(['ROOT: 2 prompt(s), NAME.jpg beside NAME.png']);
  });

  it('or images/NAME with masks/NAME, of any kinds', async () => {
    await put('images/b.png', 'masks/b.png', 'images/a.jpg', 'masks/a.gif', 'readme.md');
    expect(await readPromptFolder(root, tell)).toEqual(
      pairs(['images/a.jpg', 'masks/a.gif'], ['images/b.png', 'masks/b.png']),
    );
    expect(told).toEqual(['ROOT: 2 prompt(s), images/NAME with masks/NAME']);
  });

  it.each<[string, string[], RegExp]>([
    ['a picture without its mask', ['a.jpg', 'a.png', 'b.jpg'], /"ROOT\/b.jpg" has no mask/],
    ['a mask of nothing', ['a.jpg', 'a.png', 'b.png'], /"ROOT\/b.png" is the mask of no picture/],
    [
      'names that differ',
      ['images/a.jpg', 'images/b.jpg', 'masks/A.png', 'masks/c.png'],
      /"ROOT\/images\/a.jpg", "ROOT\/images\/b.jpg" have no mask; "ROOT\/masks\/A.png", "ROOT\/masks\/c.png" are the masks of no picture \(read as images/,
    ],
    [
      'two pictures of a name',
      ['a.jpg', 'a.webp', 'a.png'],
      /"ROOT\/a.jpg", "ROOT\/a.webp" share a name/,
    ],
    [
      'two masks of a name',
      ['images/a.jpg', 'masks/a.png', 'masks/a.gif'],
      /"ROOT\/masks\/a.gif", "ROOT\/masks\/a.png" share a name/,
    ],
    [
      'both layouts at once',
      ['images/a.jpg', 'masks/a.png', 'b.jpg'],
      /there are images\/ and masks\/, but "ROOT\/b.jpg" beside them/,
    ],
    ['nothing', ['notes.txt', 'images/a.jpg'], /it holds no prompts; put NAME.jpg beside NAME.png/],
    [
      'many without a mask',
      Array.from({ length: 12 }, (_, i) => `p${i}.jpg`),
      /"ROOT\/p0.jpg", .*"ROOT\/p9.jpg" and 2 more have no mask/,
    ],
  ])('is refused with %s', async (_, names, message) => {
    await put(...names);
    expect(await refusalOf(readPromptFolder(root, tell))).toMatch(message);
  });

  it('stands alone after --prompt, where a pair takes two', async () => {
    await put('a.jpg', 'a.png', 'nested/b.jpg', 'nested/b.png');
    const [image, mask] = here('a.jpg', 'a.png');
    const argv = joinPairs(['--prompt', root, 'target', '--prompt', image, mask, 'other']);
    expect(argv).toEqual(['--prompt', root, 'target', '--prompt', `${image}\0${mask}`, 'other']);
    const prompts = [argv[1], argv[4]].map((value) => parsePrompt(value)!);
    expect(await expandPrompts(prompts, tell)).toEqual([
      { image, mask },
      { image, mask },
    ]);
    expect([image, join(root, 'none'), `\0${mask}`].map(parsePrompt)).toEqual([null, null, null]);
  });
});

it('words messages for the command line', () => {
  const program = new Command();
  program
    .command('segment')
    .option('--max-pixels <n>')
    .option('--cache <dir>')
    .option('--labels <l>');
  const wording = new Wording(program);
  const cases: Record<string, string> = {
    'raise the option maxPixels if': 'raise --max-pixels if',
    'with the option cache or SEGGPT_CACHE.': 'with --cache or SEGGPT_CACHE.',
    'set the option token or HF_TOKEN.': 'set HF_TOKEN.',
    'the option labelNames; option sources': '--labels; option sources',
    'photos/option maxPixels2': 'photos/option maxPixels2',
  };
  for (const [message, worded] of Object.entries(cases))
    expect(wording.inFlags(message)).toBe(worded);
  expect(['maxPixels', 'sources'].map((option) => wording.flagOf(option))).toEqual([
    '--max-pixels',
    undefined,
  ]);
});
