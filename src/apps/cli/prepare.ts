import type { Concept } from '../../entries/concepts';
import { segmentationSchema } from '../../entries/options';
import { InContextSegmenter } from '../../index';
import type { WithConcept } from './concept';
import { loadOptions, segmentOptions } from './library-options';
import { isSamePlace, writeOutput } from './output';
import { asPrompts, expandPrompts } from './prompt-pairs';
import { Reporter } from './reporter';
import type { SegmentFlags } from './segment';
import { UsageError } from './usage-error';
import { namingPrompts } from './wording';

export type PrepareFlags = Omit<SegmentFlags, 'save'>;

/** Writes a concept of examples, with the options of segmenting that were chosen; others stay free for who applies it. */
export async function prepare(
  flags: PrepareFlags & WithConcept,
  signal: AbortSignal,
): Promise<void> {
  const { out } = flags;
  if (!/\.seggpt$/i.test(out)) throw new UsageError(`--out: "${out}" must end in .seggpt.`);
  const reporter = new Reporter(flags.json);
  const given = await expandPrompts(flags.prompt ?? [], (line) => reporter.note(line));
  for (const file of given.flatMap(({ image, mask }) => [image, mask]))
    if (await isSamePlace(out, file))
      throw new UsageError(`--out: "${out}" is what is read; choose another.`);
  const prompts = [...flags.examples, ...given];
  const { onProgress } = reporter;
  const segmenter = await InContextSegmenter.load(flags.model, {
    ...{ ...loadOptions(flags), signal, onProgress },
  });
  let concept: Concept;
  try {
    const options = Object.entries(segmentOptions(flags)).filter(
      ([name]) => !(name in segmentationSchema) || flags.chosen.includes(name),
    );
    concept = await namingPrompts({ prompts }, () =>
      segmenter.createConcept(asPrompts(prompts), { ...Object.fromEntries(options), signal }),
    );
  } finally {
    reporter.finish();
    segmenter.dispose();
  }
  const bytes = concept.toBytes();
  await writeOutput(out, bytes);
  if (flags.json) {
    process.stdout.write(
      `${JSON.stringify({ file: out, bytes: bytes.length, ...concept.toJSON() }, null, 1)}\n`,
    );
  } else {
    const labels = concept.labels.map(({ label, name }) => `${label} ${name}`).join(', ');
    process.stdout.write(
      `${out}: ${concept.prompts.length} example(s) of ${labels}, ${(bytes.length / 1e6).toFixed(1)} MB\n`,
    );
  }
}
