/**
 * J&F on sequences with a mask for each frame, for every way of tracking, and frames per second beside memory and size:
 * `node bench/run.mjs video DIRECTORY [STRIDE] [speed]`; `speed` leaves J&F out. Each sequence lies in a folder as FRAME.jpg and FRAME.png.
 */
import { averageStatistics, evaluateSequence, findSequences } from '../src/evaluation/video';
import { InContextSegmenter } from '../src/tasks/in-context/segmenter';
import type { TrackOptions } from '../src/tasks/tracking/options';

const variants: [string, TrackOptions][] = [
  ['K = 0', { memory: 0 }],
  ['K = 1', { memory: 1 }],
  ['K = 2', { memory: 2 }],
  ['K = 4', { memory: 4 }],
  ['K = 8', { memory: 8 }],
  ['K = 2, hard masks', { memory: 2, softMasks: false }],
  ['K = 2, distinct frames', { memory: 2, selection: 'distinct' }],
  ['K = 4, distinct frames', { memory: 4, selection: 'distinct' }],
  ['K = 2, new colours each frame', { memory: 2, redrawColors: true }],
  ['K = 2, prompt counts twice', { memory: 2, promptWeight: 2 }],
  ['K = 2, any score remembered', { memory: 2, memoryScore: 0 }],
  ['K = 2, surer frames only', { memory: 2, memoryScore: 0.8 }],
  ['K = 0, region followed x2', { memory: 0, regionScale: 2 }],
  ['K = 2, region followed x2', { memory: 2, regionScale: 2 }],
  ['K = 2, region followed x3', { memory: 2, regionScale: 3 }],
];

const [directory, stride = '1', part = 'both'] = process.argv.slice(2);
const sequences = (await findSequences(directory)).map(({ name, frames }) => ({
  name,
  frames: frames.filter((_, i) => i % Number(stride) === 0),
}));
const segmenter = await InContextSegmenter.load('weights'); // run from the package's root
const { inputSize: input } = segmenter.painter;
console.log(
  `backend ${segmenter.engine}, pictures of ${input.height} x ${input.width}, every ${stride}. frame\n`,
);
if (part !== 'speed') {
  console.log(
    `| tracking | ${sequences.map(({ name }) => `${name} J&F`).join(' | ')} | J | F | J&F | recall of J | decay of J | frames/s |`,
  );
  console.log(`|---|${sequences.map(() => '--:|').join('')}--:|--:|--:|--:|--:|--:|`);
  for (const [label, options] of variants) {
    const scores = [];
    for (const sequence of sequences)
      scores.push(await evaluateSequence(segmenter, sequence, options));
    const [J, F] = [
      averageStatistics(scores.map((score) => score.J)),
      averageStatistics(scores.map((score) => score.F)),
    ];
    const rate =
      scores.reduce((sum, { frames }) => sum + frames, 0) /
      scores.reduce((sum, { frames, framesPerSecond }) => sum + frames / framesPerSecond, 0);
    const cells = [
      ...scores.map(({ JF }) => JF),
      J.mean,
      F.mean,
      (J.mean + F.mean) / 2,
      J.recall,
      J.decay,
    ].map((value) => value.toFixed(3));
    console.log(`| ${label} | ${cells.join(' | ')} | ${rate.toFixed(1)} |`);
  }
}

console.log('\nframes per second of the first sequence\n');
const memories = [0, 1, 2, 4, 8];
console.log(`| pictures | ${memories.map((K) => `K = ${K}`).join(' | ')} |`);
console.log(`|---|${memories.map(() => '--:|').join('')}`);
const short = { ...sequences[0], frames: sequences[0].frames.slice(0, 16) };
for (const resolution of [160, 256, 384]) {
  const rates = [];
  for (const memory of memories) {
    const options = { memory, resolution, memoryScore: 0 }; // so that memory fills up
    rates.push((await evaluateSequence(segmenter, short, options)).framesPerSecond.toFixed(1));
  }
  console.log(`| ${resolution} x ${resolution} | ${rates.join(' | ')} |`);
}
segmenter.dispose();
process.exit();
