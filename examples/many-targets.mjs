// node examples/many-targets.mjs (after npm run build)
import { InContextSegmenter } from 'seggpt';

const abort = new AbortController();
process.once('SIGINT', () => abort.abort());

const segmenter = await InContextSegmenter.load(undefined, {
  onProgress: ({ stage, loaded, total }) => process.stderr.write(`\r${stage} ${loaded}/${total} `),
  signal: abort.signal,
});
console.log(`\nbackend: ${segmenter.engine}`);

// Whatever depends on prompts alone is computed here, once.
const prompts = await segmenter.prepare([
  { image: 'examples/cat-video/000.jpg', mask: 'examples/cat-video/000.png' },
  { image: 'examples/cat-video/002.jpg', mask: 'examples/cat-video/002.png' },
]);
for (const frame of ['005', '010', '015']) {
  const { masks } = await prompts.segment(`examples/cat-video/${frame}.jpg`, {
    signal: abort.signal,
  });
  console.log(frame, masks[0].present ? `cat at ${masks[0].box.join(' ')}` : 'no cat');
}
prompts.dispose();
segmenter.dispose();
