/** All code in the README and the documentation runs: each page's JavaScript and TypeScript, from a folder with its files. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import ts from 'typescript';

jest.setTimeout(180_000);

const pages = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const codeOf = (page: string) =>
  [...readFileSync(page, 'utf8').matchAll(/^```(?:js|ts)\n([\s\S]*?)^```/gm)].map(
    ([, code]) => code,
  );

/** What pages speak of without making it. */
const given = `
import * as seggptMain from 'seggpt';
const { signal } = new AbortController();
const [image, mask, image2, mask2] = ['cat-1.jpg', 'cat-1.png', 'cat-3.jpg', 'cat-3.png'];
const targets = ['cat-2.jpg', 'cat-4.jpg'];
const prompts = [{ image, mask }];
const segmenter = await seggptMain.InContextSegmenter.load();
`;
const taken = `segmenter.dispose(); void [signal, image, mask, image2, mask2, targets, prompts];`;

/** TF.js advises its users of Node; nothing else may be printed. */
const TENSORFLOW_SAYS = /\n=+\nHi, looks like you are running TensorFlow\.js[^]*?=+\n/;

let folder: string;
let hub: Server;
let endpoint: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'seggpt-docs-'));
  for (let i = 0; i < 4; i++)
    for (const end of ['jpg', 'png'])
      copyFileSync(
        `examples/cat-video/${String(i * 4).padStart(3, '0')}.${end}`,
        join(folder, `cat-${i + 1}.${end}`),
      );
  // A directory is as good a video as a file, and needs no decoder.
  mkdirSync(join(folder, 'cat.mp4'));
  for (let i = 0; i < 2; i++)
    copyFileSync(`examples/cat-video/00${i}.jpg`, join(folder, 'cat.mp4', `${i}.jpg`));
  // The hub that pages name serves the bundled model under every name.
  hub = createServer((request, response) => {
    const url = request.url ?? '';
    if (url.startsWith('/api/models/')) {
      const siblings = ['config.json', 'preprocessor_config.json', 'model.safetensors'];
      return response.end(
        JSON.stringify({
          sha: 'c'.repeat(40),
          siblings: siblings.map((rfilename) => ({ rfilename })),
        }),
      );
    }
    response.end(readFileSync(join('weights', url.split('/').at(-1) ?? '')));
  });
  await new Promise<void>((done) => hub.listen(0, '127.0.0.1', done));
  endpoint = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
});
afterAll(() => {
  hub.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A page's blocks as one module: imports on top, each block in a scope of its own. */
function moduleOf(blocks: readonly string[]): string {
  const imports = new Set<string>();
  const bodies = blocks.map((code) =>
    code.replace(/^import [\s\S]*?;\n/gm, (line) => (imports.add(line), '')),
  );
  const names = new Map<string, Set<string>>(); // by module: pages import a name again and again
  const whole: string[] = [];
  for (const line of imports) {
    const named = /^import \{([^}]*)\} from '([^']+)'/.exec(line);
    if (!named) whole.push(line);
    else
      for (const name of named[1]
        .split(',')
        .map((each) => each.trim())
        .filter(Boolean))
        names.set(named[2], (names.get(named[2]) ?? new Set()).add(name));
  }
  const lines = [...names].map(([from, of]) => `import { ${[...of].join(', ')} } from '${from}';`);
  const scopes = bodies.map((body) => `await (async () => {\n${body}\n})();`);
  return [...whole, ...lines, given, ...scopes, taken].join('\n');
}

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: object };
const subpaths = Object.keys(exports)
  .map((path) => path.slice(2))
  .filter((name) => /^[a-z]+$/.test(name));
const paths = Object.fromEntries([
  ['seggpt', resolve('src/index.ts')],
  ...subpaths.map((name) => [`seggpt/${name}`, resolve(`src/entries/${name}.ts`)]),
]) as Record<string, string>;

describe.each(pages.filter((page) => codeOf(page).length > 0))('%s', (page) => {
  const source = () => moduleOf(codeOf(page));

  it('compiles', () => {
    const file = resolve(`test/docs/${page.replace(/\W/g, '-')}.ts`);
    const { config } = ts.readConfigFile('tsconfig.json', (name) => ts.sys.readFile(name)) as {
      config: { compilerOptions: object };
    };
    const { options } = ts.convertCompilerOptionsFromJson(
      {
        ...config.compilerOptions,
        noUnusedLocals: false,
        paths: Object.fromEntries(Object.entries(paths).map(([name, to]) => [name, [to]])),
      },
      process.cwd(),
    );
    const host = ts.createCompilerHost(options);
    const { getSourceFile } = host;
    host.getSourceFile = (name, ...rest) =>
      name === file
        ? ts.createSourceFile(name, source(), ts.ScriptTarget.ES2022)
        : getSourceFile(name, ...rest);
    const program = ts.createProgram([file], options, host);
    const problems = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
    expect(
      problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
    ).toEqual([]);
  });

  it('runs', async () => {
    const bundle = await build({
      stdin: { contents: source(), loader: 'ts', resolveDir: process.cwd() },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      alias: paths,
      external: ['sharp', '@tensorflow/*', 'mediabunny'],
      logLevel: 'error',
    });
    // Beside node_modules, so that what is not bundled is found.
    const file = resolve(`dist-docs-${process.pid}.mjs`);
    writeFileSync(file, bundle.outputFiles[0].text);
    try {
      // Not spawnSync: the hub is served by this process.
      const { stderr } = await promisify(execFile)(process.execPath, ['--no-warnings', file], {
        cwd: folder,
        encoding: 'utf8',
        env: {
          ...process.env,
          HF_ENDPOINT: endpoint,
          SEGGPT_CACHE: join(folder, 'cache'),
          VK_DRIVER_FILES: '',
        },
      });
      expect(stderr.replace(TENSORFLOW_SAYS, '')).toBe('');
    } finally {
      rmSync(file, { force: true });
    }
  });
});
