/**
 * docs/options.md is made from the schemas; `UPDATE_DOCS=1 npm test -- test/docs` writes it anew. The defaults that
 * docstrings name must be the schemas' too.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expected, type OptionSpec } from '../../src/base/options';
import { engineSchema } from '../../src/engines/engine-options';
import { promptSchema, segmentationSchema } from '../../src/tasks/in-context/options';
import { everythingSchema } from '../../src/tasks/interactive/options';
import { trackSchema } from '../../src/tasks/tracking/options';

const groups: [string, Record<string, OptionSpec>, string][] = [
  ['Loading a model', engineSchema, 'src/engines/engine-options.ts'],
  ['Reading prompts', promptSchema, 'src/tasks/in-context/prompts.ts'],
  ['Segmenting', segmentationSchema, 'src/tasks/in-context/options.ts'],
  ['Tracking', trackSchema, 'src/tasks/tracking/options.ts'],
  ['Everything', everythingSchema, 'src/tasks/interactive/options.ts'],
];

function table([title, schema]: (typeof groups)[number]): string {
  const rows = Object.entries(schema).map(([name, spec]) => {
    const fallback = spec.fallback === undefined ? '' : `\`${String(spec.fallback)}\``;
    return `| \`${name}\` | ${spec.about} | ${expected(spec)} | ${fallback} |`;
  });
  return [
    `## ${title}`,
    '',
    '| option | what it does | must be | default |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}

it('the page of options says what the schemas say', () => {
  const page = `# Options

Made from the schemas that check them (\`seggpt/options\`). The docstrings of the types say more. On the command line
\`colorEnsemble\` is \`--color-ensemble\`.

${groups.map(table).join('\n\n')}
`;
  if (process.env.UPDATE_DOCS) writeFileSync('docs/options.md', page);
  const unpadded = (text: string) =>
    text
      .replace(/ +/g, ' ')
      .replace(/-{3,}/g, '---')
      .replace(/ ?\| ?/g, '|');
  expect(unpadded(readFileSync('docs/options.md', 'utf8'))).toBe(unpadded(page));
});

describe.each(groups)('%s', (_, schema, file) => {
  const source = readFileSync(file, 'utf8');
  it.each(Object.entries(schema).filter(([, spec]) => spec.fallback !== undefined))(
    'the docstring of %s names its default',
    (name, spec) => {
      const docblock = new RegExp(
        `@default ([^\\n]*?)\\s*(?:\\*/)?\\n(?:\\s*\\*/\\n)?\\s*readonly ${name}\\??:`,
      ).exec(source)?.[1];
      const named = String(docblock)
        .replace(/^(\S+?),? .*$/, '$1')
        .replace(/^'|'$/g, '');
      const words: Record<string, string> = { maxPixels: '100', cropOverlapRatio: '512' }; // "100 million"
      expect(named).toBe(words[name] ?? String(spec.fallback));
    },
  );
});
