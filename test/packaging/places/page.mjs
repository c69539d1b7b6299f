/**
 * Pages without a bundler: the package's files from another origin, as from a CDN; under a Content-Security-Policy, in pages
 * that are cross-origin isolated and others.
 */
import { outcomeOf, project, segmenting, staticServer } from '../harness.mjs';
import { notACup, opened, passes } from '../expect.mjs';

export const needsBrowser = true;

const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
const SHARED = {
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
};
const html = '<!doctype html><script type="module" src="/page.js"></script>';
const entry = 'node_modules/seggpt/dist/browser/index.js';

export async function* checks(archive) {
  const directory = await project('page', archive, {
    picturesIn: '.',
    files: {
      'index.html': html,
      'page.js': segmenting(`import { segmentInContext } from '/${entry}';`),
      'import-map/index.html': `<!doctype html><script type="importmap">{"imports":{"seggpt":"/${entry}"}}</script><script type="module" src="./page.js"></script>`,
      'import-map/page.js': segmenting(),
    },
  });

  const cdn = await staticServer(directory, SHARED);
  const other = await project('page-elsewhere', archive, {
    picturesIn: '.',
    files: {
      'index.html': html,
      'page.js': segmenting(`import { segmentInContext } from '${cdn.url}/${entry}';`),
    },
  });
  for (const [check, headers] of [
    ['from another origin', {}],
    ['from another origin, isolated', ISOLATED],
  ]) {
    const { url, stop } = await staticServer(other, headers);
    yield* opened(check, `${url}/`, () => stop);
  }
  cdn.stop();

  const { url, stop } = await staticServer(directory);
  yield* opened('with an import map', `${url}/import-map/index.html`, () => stop);

  const csp = (sources, headers = {}) => ({ ...headers, 'content-security-policy': sources });
  yield* under(
    "CSP script-src 'self' 'wasm-unsafe-eval'",
    csp("script-src 'self' 'wasm-unsafe-eval'"),
  );
  yield* under(
    'the same, isolated: one thread, and a note',
    csp("script-src 'self' 'wasm-unsafe-eval'", ISOLATED),
    ({ said }) =>
      said.some((line) => /worker-src blob:/.test(line)) ? undefined : `no note: ${said}`,
  );
  yield* under(
    'the same with worker-src blob:, isolated',
    csp("script-src 'self' 'wasm-unsafe-eval'; worker-src blob:", ISOLATED),
    ({ said }) => (said.some((line) => /one thread/.test(line)) ? String(said) : undefined),
  );
  yield await passes("CSP without 'wasm-unsafe-eval': the error says what to allow", async () => {
    const { url, stop } = await staticServer(directory, csp("script-src 'self'"));
    const { error = 'no error' } = await outcomeOf(`${url}/`);
    stop();
    if (!/BackendError.*'wasm-unsafe-eval'/.test(error)) throw new Error(error);
  });

  async function* under(check, headers, further = () => undefined) {
    const { url, stop } = await staticServer(directory, headers);
    const outcome = await outcomeOf(`${url}/`);
    stop();
    yield { check, detail: outcome.engine, failure: notACup(outcome) ?? further(outcome) };
  }
}
