/* global document, PerformanceObserver */
/**
 * A person's day in the built page, as `seggpt app` serves it: open, click, find, correct two, accept, save COCO, reload, go on;
 * what axe-core says of each screen; the pictures of docs/app.md (with `--screenshots`). Needs Chromium and dist/app.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { unzipSync } from '../../app/node_modules/fflate/esm/index.mjs';
import { executablePath } from '../packaging/harness.mjs';
import { chromium } from 'playwright-core';

const axe = readFileSync(
  createRequire(new URL('../../app/package.json', import.meta.url)).resolve('axe-core/axe.min.js'),
  'utf8',
);
const root = new URL('../..', import.meta.url).pathname;
const screenshots = process.argv.includes('--screenshots');
let passed = 0;
let failed = 0;

async function check(name, work) {
  const started = performance.now();
  try {
    const detail = (await work()) ?? '';
    passed++;
    console.log(
      `ok     ${name} ${detail} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
    );
  } catch (error) {
    failed++;
    console.log(`FAILED ${name}: ${String(error.message).slice(0, 1500)}`);
  }
}

if (!executablePath) {
  console.log('skipped: no Chromium here\n0 passed, 0 failed');
  process.exit(0);
}
const server = spawn(process.execPath, ['dist/node/cli.js', 'app', '--port', '0'], { cwd: root });
const url = await new Promise((resolve, reject) => {
  server.stdout.once('data', (data) => resolve(String(data).trim()));
  server.stderr.once('data', (data) => reject(new Error(String(data))));
});
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const context = await browser.newContext({
  viewport: { width: 1400, height: 900 },
  acceptDownloads: true,
});
const page = await context.newPage();
const errors = [];
page.on('pageerror', (error) => errors.push(String(error)));
page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
await page.addInitScript(() => {
  globalThis.markedPixels = () => {
    const canvas = document.querySelectorAll('.paper canvas')[1];
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let pixels = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i]) pixels++;
    return pixels;
  };
  globalThis.longTasks = [];
  // The test's own reading of the page is none of its work.
  globalThis.mine = [];
  globalThis.timed = (work) => {
    const start = performance.now();
    const value = work();
    globalThis.mine.push([start, performance.now()]);
    return value;
  };
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      const end = startTime + duration;
      const own = globalThis.mine
        .filter(([from, to]) => to > startTime && from < end)
        .reduce((sum, [from, to]) => sum + Math.min(to, end) - Math.max(from, startTime), 0);
      if (duration - own > 50) globalThis.longTasks.push(Math.round(duration - own));
    }
  }).observe({ type: 'longtask', buffered: true });
});

const thumbnail = (name) =>
  page.getByRole('button', { name: new RegExp(`^${name.replace(', ', '\\s*,\\s*')}`) });
const marked = () => page.evaluate(() => globalThis.timed(globalThis.markedPixels));
/** Clicks at a place of the picture, 0 … 1. */
async function clickAt(x, y, options) {
  const { left, top, width, height } = await page.evaluate(() =>
    document.querySelector('.paper canvas').getBoundingClientRect().toJSON(),
  );
  await page.mouse.move(left + x * width, top + y * height);
  if (options?.alt) await page.keyboard.down('Alt');
  await page.mouse.down();
  await page.mouse.up();
  if (options?.alt) await page.keyboard.up('Alt');
}
const accessible = async () => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(async () => {
    const start = performance.now();
    const found = await globalThis.axe.run();
    globalThis.mine.push([start, performance.now()]);
    return found;
  });
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  assert.deepEqual(
    serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 3)}`),
    [],
  );
};
async function tellLongTasks(when) {
  const tasks = await page.evaluate(() => globalThis.longTasks);
  console.log(`tasks over 50 ms on the page ${when}: ${tasks.join(', ') || 'none'}`);
}
async function shoot(name) {
  if (!screenshots) return;
  await page.screenshot({ path: `${root}docs/app-${name}.jpg`, type: 'jpeg', quality: 82 });
}
const settle = (was) =>
  page.waitForFunction((before) => globalThis.timed(globalThis.markedPixels) !== before, was, {
    polling: 60,
  });

const opened = performance.now();
await page.goto(url);
await check('the first screen is accessible', accessible);
await shoot('welcome');

await check('the first mask is two clicks away', async () => {
  await page.getByRole('button', { name: 'An eye, five frames' }).click();
  await page.waitForFunction(() => document.querySelector('.paper canvas')?.width > 400);
  await clickAt(0.4, 0.45);
  await settle(0);
  const area = await marked();
  assert.ok(area > 2000, `${area} pixels`);
  return `${area} pixels, ${Math.round(performance.now() - opened)} ms after opening`;
});

await check('a further click is answered, and taken back and made again', async () => {
  const before = await marked();
  const started = performance.now();
  await clickAt(0.05, 0.05, { alt: true });
  await settle(before);
  const ms = Math.round(performance.now() - started);
  const after = await marked();
  await page.keyboard.press('Control+z');
  await settle(after);
  assert.equal(await marked(), before);
  await page.keyboard.press('Control+Shift+z');
  await settle(before);
  assert.equal(await marked(), after);
  await page.keyboard.press('Control+z');
  await settle(after);
  return `${ms} ms`;
});

await check('everything is found in the other pictures', async () => {
  await page.getByRole('button', { name: 'Find in all others' }).click();
  await page.getByText('4 pictures segmented').waitFor({ timeout: 120_000 });
  await page.getByLabel('Least sure first').check();
  await thumbnail('015.jpg, found').click();
  const area = await marked();
  assert.ok(area > 2000, `${area} pixels`);
  return `${area} pixels in the last frame`;
});
await check('the desk is accessible', accessible);
await shoot('found');

await check('two are corrected, by eraser and by click, and become examples', async () => {
  const before = await marked();
  await page.keyboard.press('e');
  await clickAt(0.4, 0.5);
  await settle(before);
  await thumbnail('012.jpg, found').click();
  await page.waitForTimeout(300);
  const other = await marked();
  await page.keyboard.press('c');
  await clickAt(0.4, 0.5);
  await settle(other).catch(() => undefined);
  await page.keyboard.press('b');
  await clickAt(0.95, 0.95);
  await thumbnail('012.jpg, corrected').waitFor();
  await page.getByText('By 3 examples in 2 pictures.').waitFor();
});

await check('finding again uses them; a result is accepted', async () => {
  await page.keyboard.press('g');
  await page.getByText('2 pictures segmented').waitFor({ timeout: 120_000 });
  await thumbnail('004.jpg, found').click();
  await page.keyboard.press('a');
  await thumbnail('004.jpg, accepted').waitFor();
});

await check('the keyboard alone marks', async () => {
  await thumbnail('008.jpg').click();
  await page.waitForTimeout(300);
  const before = await marked();
  await page.locator('.stage').focus();
  await page.keyboard.press('e');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press(' ');
  await settle(before);
});

let sum;
await check('COCO is saved, as are PNG masks and overlays', async () => {
  await page.getByRole('button', { name: 'Save as' }).click();
  await page.getByLabel('Masks (PNG)').check();
  await page.getByLabel('Overlays (PNG)').check();
  await accessible();
  await shoot('save');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download zip' }).click(),
  ]);
  const files = unzipSync(new Uint8Array(readFileSync(await download.path())));
  const coco = JSON.parse(Buffer.from(files['coco.json']).toString());
  assert.equal(coco.images.length, 5);
  assert.equal(coco.annotations.length, 5);
  assert.deepEqual(
    coco.categories.map(({ name }) => name),
    ['eye'],
  );
  for (const name of ['000', '004', '008', '012', '015'])
    for (const folder of ['masks', 'overlays']) assert.ok(files[`${folder}/${name}.png`]);
  sum = createHash('sha256').update(files['coco.json']).digest('hex');
});

await tellLongTasks('before the reload');
await check('a reload loses nothing, and work goes on', async () => {
  await page.waitForTimeout(800);
  await page.reload();
  await thumbnail('004.jpg, accepted').waitFor();
  await page.getByRole('button', { name: 'Save as' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download zip' }).click(),
  ]);
  const files = unzipSync(new Uint8Array(readFileSync(await download.path())));
  assert.equal(createHash('sha256').update(files['coco.json']).digest('hex'), sum);
  await thumbnail('000.jpg').click();
  await page.waitForTimeout(300);
  const before = await marked();
  await page.keyboard.press('b');
  await clickAt(0.9, 0.1);
  await settle(before);
});

await check('a broken picture is named and passed by', async () => {
  await page.locator('input[type=file]').setInputFiles([
    { name: 'broken.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') },
    { name: 'cup.jpg', mimeType: 'image/jpeg', buffer: readFileSync(`${root}examples/cup-1.jpg`) },
  ]);
  await page.getByText('These cannot be read as pictures: broken.jpg.').waitFor();
  await thumbnail('cup.jpg').waitFor();
});

await check(
  'a project comes back; a damaged one and one of another version change nothing',
  async () => {
    await page.getByRole('button', { name: 'Save as' }).click();
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Project file' }).click(),
    ]);
    await page.getByRole('button', { name: 'Close' }).click();
    const text = readFileSync(await saved.path(), 'utf8');
    await thumbnail('015.jpg').click();
    await page.waitForTimeout(300);
    const before = await marked();
    const open = (content) =>
      page.locator('input[type=file]').setInputFiles({
        ...{ name: 'p.json', mimeType: 'application/json', buffer: Buffer.from(content) },
      });
    await page.getByRole('button', { name: 'Clear marks' }).click();
    await settle(before);
    await open(text.slice(0, -30));
    await page.getByText('it is cut off. Nothing was changed.').waitFor();
    await open(text.replace('"version": 1', '"version": 9'));
    await page.getByText('another version (9)').waitFor();
    assert.equal(await marked(), 0);
    await open(text);
    await page.getByText('The project was taken over for 6 pictures.').waitFor();
    await settle(0);
    assert.equal(await marked(), before);
  },
);

await check('dark, and 390 pixels wide', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await thumbnail('015.jpg').click();
  await page.waitForTimeout(400);
  await accessible();
  await shoot('dark');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.waitForTimeout(400);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${wide} pixels wide`);
  await accessible();
  await shoot('narrow');
});

await check('nothing went wrong unseen', () => assert.deepEqual(errors, []));
await tellLongTasks('since the reload');

await browser.close();
server.kill('SIGTERM');
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
