/**
 * How soon a page that Vite built shows its first mask, and how long its main thread is held meanwhile: headless Chromium,
 * from the packed archive, in pages that are cross-origin isolated and others. Prints a table; the first row of each is a
 * first visit, the second has the weights in its cache.
 */
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import {
  command,
  executablePath,
  pack,
  project,
  segmenting,
  staticServer,
} from '../test/packaging/harness.mjs';

const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
const watching = `
  globalThis.longest = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
  }).observe({ type: 'longtask', buffered: true });`;

const directory = await project('first-mask', pack(), {
  packages: ['vite@8'],
  files: {
    'index.html': '<!doctype html><script type="module" src="/main.js"></script>',
    'main.js': `${segmenting().replace('const started', `${watching}\nconst started`)}
      globalThis.outcome.sinceLoad = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 100)); // long tasks are told a little later
      globalThis.done = true;`,
  },
});
await command(directory, 'npx', ['vite', 'build']);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const rows = [];
for (const [page, headers] of [
  ['plain', {}],
  ['isolated', ISOLATED],
]) {
  const { url, stop } = await staticServer(join(directory, 'dist'), headers);
  const context = await browser.newContext();
  for (const visit of ['first', 'second']) {
    const tab = await context.newPage();
    await tab.goto(url + '/');
    await tab.waitForFunction(() => globalThis.done, null, { timeout: 60_000 });
    const { outcome, longest } = await tab.evaluate(() => ({
      outcome: globalThis.outcome,
      longest: globalThis.longest,
    }));
    rows.push({
      page,
      visit,
      'ms to the first mask': Math.round(outcome.sinceLoad),
      'longest task, ms': Math.round(longest),
    });
    await tab.close();
  }
  stop();
}
await browser.close();
console.table(rows);
