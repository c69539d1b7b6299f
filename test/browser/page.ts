/** What the browser test runs inside a page. Bundled by the test; talks back through `window.page`. */
import * as tf from '@tensorflow/tfjs';
import * as seggpt from '../../src';
import { clearCachedModels, listCachedModels } from '../../src/entries/checkpoints';
import { Painter } from '../../src/entries/painter';

// TF.js is not bundled with the package: an application hands over its own.
seggpt.useTensorFlow(tf);

async function segment(backend: seggpt.BackendChoice, threads?: number) {
  const segmenter = await seggpt.InContextSegmenter.load('/weights', { backend, threads });
  const before = tf.memory().numTensors;
  const prompt = { image: '/examples/cat-video/000.jpg', mask: '/examples/cat-video/000.png' };
  const result = await segmenter.segment([prompt], '/examples/cat-video/004.jpg');
  const leaked = tf.memory().numTensors - before;
  const engine = segmenter.engine;
  segmenter.dispose();
  const { area, score } = result.masks[0];
  return {
    engine,
    leaked,
    area,
    score,
    labels: Array.from(result.labelMap.data),
    png: (await result.overlay().toPng()).length,
    isolated: crossOriginIsolated,
  };
}

/** The models inside the package: a target by both, and a click on a picture that is encoded once. */
async function bundled() {
  const prompt = { image: '/examples/cat-video/000.jpg', mask: '/examples/cat-video/000.png' };
  const segmenter = await seggpt.InContextSegmenter.load('bundled', { backend: 'wasm' });
  const result = await segmenter.segment([prompt], '/examples/cat-video/004.jpg');
  segmenter.dispose();
  const interactive = await seggpt.InteractiveSegmenter.load(undefined, { backend: 'wasm' });
  const picture = await interactive.encode('/examples/cup-1.jpg');
  const started = performance.now();
  const { masks } = await picture.segment({ points: [[270, 200]] });
  const milliseconds = performance.now() - started;
  const bytes = picture.toBytes().length;
  interactive.dispose();
  return {
    labels: Array.from(result.labelMap.data),
    clicked: Array.from(masks[0].toBinary()),
    milliseconds,
    bytes,
  };
}

/** Pictures a canvas can draw, drawn and read back. */
async function drawables() {
  const bitmap = await createImageBitmap(await (await fetch('/examples/cup-1.jpg')).blob());
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  const pen = canvas.getContext('2d')!;
  pen.drawImage(bitmap, 0, 0);
  const element = new Image();
  element.src = '/examples/cup-1.jpg';
  await element.decode();
  const pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
  const blob = await (await fetch('/examples/cup-1.jpg')).blob();
  const segmenter = await seggpt.InContextSegmenter.load('/weights', { backend: 'wasm' });
  const prompts = await segmenter.prepare([{ image: canvas, mask: '/examples/cup-1.png' }]);
  const areas: Record<string, number> = {};
  for (const [name, target] of Object.entries({ bitmap, canvas, element, pixels, blob })) {
    areas[name] = (await prompts.segment(target)).masks[0].area;
  }
  prompts.dispose();
  segmenter.dispose();
  return areas;
}

/**
 * Loads a model twice from a base URL; says what Cache Storage holds in between, what was asked the second time, and what is
 * listed and cleared.
 */
async function cached() {
  const load = async () =>
    (await Painter.load(`${location.origin}/weights`, { backend: 'wasm' })).dispose();
  await load();
  const cache = await caches.open('seggpt');
  const keys = (await cache.keys()).map(({ url }) => new URL(url).pathname.split('/').at(-1));
  const before = performance.getEntriesByType('resource').length;
  await load();
  const asked = performance.getEntriesByType('resource').slice(before);
  const listed = (await listCachedModels()).map(({ model, size }) => ({ model, size }));
  const cleared = (await clearCachedModels(`${location.origin}/weights/`)).length;
  const left = (await cache.keys()).length;
  const bodies = asked.reduce(
    (sum, entry) => sum + (entry as PerformanceResourceTiming).decodedBodySize,
    0,
  );
  return { keys: keys.sort(), asked: asked.length, bodies, listed, cleared, left };
}

/** Tracks through a video that the page demuxes and decodes itself. */
async function video(url: string) {
  const segmenter = await seggpt.InContextSegmenter.load('/weights', { backend: 'wasm' });
  const prompts = [{ image: '/examples/cup-1.jpg', mask: '/examples/cup-1.png' }];
  const sizes: string[] = [];
  for await (const { result } of segmenter.track(prompts, url, { resolution: 64 }))
    sizes.push(`${result?.width} x ${result?.height}`);
  const failure = await (async () => {
    for await (const _ of segmenter.track(prompts, '/examples/README.md'));
  })().catch(String);
  segmenter.dispose();
  return { sizes, failure };
}

async function failures() {
  const message = async (work: Promise<unknown>) =>
    String(await work.catch((error: unknown) => error));
  return {
    missing: await message(
      seggpt.segmentInContext([{ image: '/nope.jpg', mask: '/nope.png' }], '/nope.jpg'),
    ),
    path: await message(seggpt.InContextSegmenter.load('./model')),
    hash: await message(
      Painter.load(`${location.origin}/weights2`, {
        sha256: { 'model.safetensors': '00'.repeat(32) },
        backend: 'wasm',
      }),
    ),
  };
}

Object.assign(window, { page: { segment, bundled, drawables, cached, video, failures } });
