// node examples/one-call.mjs (after npm run build)
import { releaseModels, segmentInContext } from 'seggpt';

const result = await segmentInContext(
  [{ image: 'examples/cup-1.jpg', mask: 'examples/cup-1.png' }], // what to look for
  'examples/cup-2.jpg', // where to look
  { labelNames: { 1: 'cup' } },
);
for (const { name, area, score, box } of result.masks) {
  console.log(`${name}: ${area} pixels, score ${score.toFixed(2)}, box ${box.join(' ')}`);
}
await result.overlay().save('out/cup.png');
console.log(`wrote out/cup.png, painted by ${result.engine}`);
await releaseModels();
