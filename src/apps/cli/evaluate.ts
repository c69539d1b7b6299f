import {
  averageStatistics,
  evaluateClicks,
  evaluateImages,
  evaluateSequence,
  findSequences,
  type ImageScore,
  loadGrabCut,
} from '../../entries/evaluation';
import {
  InContextSegmenter,
  InteractiveSegmenter,
  InvalidInputError,
  type Precision,
  type Quality,
  type Refinement,
} from '../../index';
import { loadOptions } from './library-options';
import { Reporter } from './reporter';
import type { ModelFlags } from './segment';
import { printTable } from './table';

export interface EvaluateFlags extends ModelFlags {
  readonly kind: 'images' | 'video' | 'clicks';
  readonly memory: number;
  readonly regionScale: number;
  readonly shots: number;
  readonly episodes: number;
  readonly seed: number;
  readonly against?: Precision;
  readonly grabcut: boolean;
  readonly resolution?: number;
  readonly quality?: Quality;
  readonly refine: Refinement;
  readonly minimumScore?: number;
}

/** Measures a model on a directory of sequences or of labelled pictures, and prints a table. */
export async function evaluate(
  path: string,
  flags: EvaluateFlags,
  signal: AbortSignal,
): Promise<void> {
  for (const flag of ['against', 'grabcut', 'minimumScore'] as const) {
    if (flags[flag] !== undefined && flags[flag] !== false && flags.kind !== 'images')
      throw new InvalidInputError(flag, 'concerns pictures by example only; leave it out.');
  }
  if (flags.kind === 'clicks') return measureClicks(path, flags, signal);
  const grabCut = flags.grabcut ? await loadGrabCut() : undefined;
  const reporter = new Reporter(); // on standard error, also beside JSON: it takes minutes
  const sequences = flags.kind === 'video' ? await findSequences(path) : [];
  const load = (precision: Precision | undefined) =>
    InContextSegmenter.load(flags.model, {
      ...loadOptions(flags),
      precision,
      signal,
      onProgress: reporter.onProgress,
    });
  const segmenter = await load(flags.precision);
  let against: InContextSegmenter | undefined;
  try {
    if (flags.against) against = await load(flags.against);
    reporter.line(`model ${flags.model}, backend ${segmenter.engine}`);
    if (flags.kind === 'images') {
      const scores = await evaluateImages(segmenter, path, {
        shots: flags.shots,
        episodes: flags.episodes,
        seed: flags.seed,
        resolution: flags.resolution,
        quality: flags.quality,
        refine: flags.refine,
        minimumScore: flags.minimumScore,
        against,
        grabCut,
        signal,
        onEpisode: (text) => reporter.line(text),
      });
      print(flags, scores, imageTable(scores, flags));
      return;
    }
    const scores = [];
    for (const sequence of sequences) {
      scores.push(
        await evaluateSequence(segmenter, sequence, {
          memory: flags.memory,
          regionScale: flags.regionScale,
          resolution: flags.resolution,
          quality: flags.quality,
          refine: flags.refine,
          signal,
        }),
      );
      reporter.line(`${sequence.name} done`);
    }
    const number = (value: number) => value.toFixed(3);
    const J = averageStatistics(scores.map((score) => score.J));
    const F = averageStatistics(scores.map((score) => score.F));
    const rows = [
      ...scores,
      { name: 'mean', J, F, JF: (J.mean + F.mean) / 2, frames: 0, objects: 0, framesPerSecond: 0 },
    ];
    print(flags, scores, [
      [
        'sequence',
        'frames',
        'J&F',
        'J',
        'J recall',
        'J decay',
        'F',
        'F recall',
        'F decay',
        'frames/s',
      ],
      ...rows.map((row) => [
        row.name,
        String(row.frames || ''),
        ...[
          row.JF,
          row.J.mean,
          row.J.recall,
          row.J.decay,
          row.F.mean,
          row.F.recall,
          row.F.decay,
        ].map(number),
        row.framesPerSecond ? row.framesPerSecond.toFixed(1) : '',
      ]),
    ]);
  } finally {
    reporter.finish();
    segmenter.dispose();
    against?.dispose();
  }
}

/** Clicks on the interactive model, which is the bundled one unless `--model` names another. */
async function measureClicks(path: string, flags: EvaluateFlags, signal: AbortSignal) {
  const reporter = new Reporter();
  const source = flags.model === 'bundled' ? undefined : flags.model;
  const segmenter = await InteractiveSegmenter.load(source, {
    ...loadOptions(flags),
    ...{ precision: flags.precision, signal, onProgress: reporter.onProgress },
  });
  try {
    const { episodes, seed } = flags;
    const onEpisode = (text: string) => reporter.line(text);
    const scores = await evaluateClicks(segmenter, path, { episodes, seed, signal, onEpisode });
    const number = (value: number) => value.toFixed(3);
    print(flags, scores, [
      ['data set', 'objects', '1 click', '3 clicks', '5 clicks', 'to 0.85', 'to 0.90'],
      ...scores.map(({ dataset, objects, after1, after3, after5, to85, to90 }) => [
        ...[dataset, String(objects), ...[after1, after3, after5].map(number)],
        ...[to85, to90].map((clicks) => clicks.toFixed(1)),
      ]),
    ]);
  } finally {
    reporter.finish();
    segmenter.dispose();
  }
}

function imageTable(
  scores: readonly ImageScore[],
  { against: other, grabcut, shots }: EvaluateFlags,
): string[][] {
  const number = (value?: number) => value?.toFixed(3) ?? '';
  const when = (asked: unknown, ...cells: string[]) => (asked ? cells : []);
  return [
    [
      'protocol',
      'data set',
      'episodes',
      'model',
      ...when(shots > 1, 'first prompt alone'),
      'copied mask',
      'nearest colour',
      ...when(grabcut, 'GrabCut'),
      ...when(other, `as ${other}`, 'colours apart (of 255)'),
    ],
    ...scores.map((score) => [
      score.protocol,
      score.dataset,
      String(score.episodes),
      number(score.model),
      ...when(shots > 1, number(score.firstPrompt)),
      number(score.copy),
      number(score.nearest),
      ...when(grabcut, number(score.grabCut)),
      ...when(other, number(score.against), number(score.difference)),
    ]),
  ];
}

function print(flags: EvaluateFlags, scores: unknown, table: readonly (readonly string[])[]): void {
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(scores, null, 1)}\n`);
    return;
  }
  printTable(table);
}
