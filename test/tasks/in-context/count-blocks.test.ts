import type { Progress } from '../../../src/base/progress';
import { countBlocks } from '../../../src/tasks/in-context/count-blocks';

const mapping = { labels: [1], colors: [[255, 255, 255] as const] };
const passes = [
  { labels: [1], mappings: [mapping, mapping] },
  { labels: [2], mappings: [mapping] },
];

it('counts the blocks of all paintings, one painting after the other', () => {
  const steps: Progress[] = [];
  const report = countBlocks('paint', passes, 4, (step) => steps.push(step))!;
  for (let painting = 0; painting < 3; painting++)
    for (const fraction of [0.25, 0.5, 0.75, 1]) report(fraction);
  expect(steps).toEqual(
    Array.from({ length: 12 }, (_, i) => ({ stage: 'paint', loaded: i + 1, total: 12 })),
  );
});

it('counts nothing where nobody listens', () => {
  expect(countBlocks('prepare', passes, 4, undefined)).toBeUndefined();
});
