/**
 * Installs the packed archive where people use it, one fresh project for each place, and segments a photograph there with
 * the bundled model. Prints a table and ends with `N passed, N failed`. Arguments choose places by name.
 */
import { readdirSync, rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { closeBrowser, executablePath, pack, workplace } from './harness.mjs';

const wanted = process.argv.slice(2);
const directory = new URL('places/', import.meta.url);
const archive = pack();
const rows = [];

for (const file of readdirSync(directory).sort()) {
  const { checks, needsBrowser = false } = await import(new URL(file, directory));
  const place = file.replace('.mjs', '');
  if (wanted.length > 0 && !wanted.some((name) => place.includes(name))) continue;
  if (needsBrowser && !executablePath) {
    rows.push({ place, check: 'needs Chromium', outcome: 'skipped' });
    continue;
  }
  const started = performance.now();
  try {
    // Each check is told as it ends, so that a place that hangs is seen.
    for await (const { check, failure, detail } of checks(archive)) {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      rows.push({ place, check, outcome: failure ? 'FAILED' : 'ok', detail: detail ?? '', seconds });
      console.log(`${failure ? 'FAILED' : 'ok    '} ${place}: ${check} ${detail ?? ''} (${seconds} s)`);
      if (failure) console.log(`       ${String(failure).slice(0, 2000)}`);
    }
  } catch (error) {
    rows.push({ place, check: 'set up', outcome: 'FAILED' });
    console.log(`FAILED ${place}: ${String(error.message ?? error).slice(0, 3000)}`);
  }
}
await closeBrowser();
if (!process.env.SEGGPT_KEEP) rmSync(workplace, { recursive: true, force: true });
else console.log(workplace);
const failed = rows.filter(({ outcome }) => outcome === 'FAILED').length;
const skipped = rows.filter(({ outcome }) => outcome === 'skipped').length;
if (skipped) console.log(`${skipped} places skipped: no Chromium here`);
console.log(`${rows.length - failed - skipped} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
