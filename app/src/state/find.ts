/** Finds what the examples show in all other pictures. */
import { choosePrompts } from '../logic/prompt-choice';
import { runQueue } from '../logic/queue';
import { labelAreas } from '../logic/runs';
import { strings } from '../strings';
import type { Found, MarkedPicture } from '../workers/engine-worker';
import { clickWorker, findWorker } from '../workers/workers';
import {
  examples,
  finding,
  labels,
  patchPicture,
  type Picture,
  pictures,
  say,
  splitObjects,
} from './store';

/** Examples that are used at once: more take longer, and tell less and less. */
const MOST_EXAMPLES = 4;

let stop: AbortController | undefined;
const described = new Map<string, Promise<Float32Array>>();

/** Pictures that are not examples, nor accepted. */
export const targetsOf = (all: readonly Picture[]) =>
  all.filter(({ isExample, status }) => !isExample && status !== 'accepted');

export function cancelFinding(): void {
  stop?.abort();
  void findWorker.stop();
}

export async function findAll(): Promise<void> {
  const given = examples.value;
  const targets = targetsOf(pictures.value);
  if (finding.value || given.length === 0 || targets.length === 0) return;
  stop = new AbortController();
  const { signal } = stop;
  try {
    const { done, failed } = await runQueue(targets, (target) => find(target, given, signal), {
      signal,
      onProgress: (progress) => (finding.value = progress),
      onFailure: ({ id }, { message }) => patchPicture(id, { failure: message }),
    });
    say(signal.aborted ? strings.cancelled : strings.found(done, failed), failed > 0);
  } finally {
    finding.value = undefined;
  }
}

async function find(target: Picture, given: readonly Picture[], signal: AbortSignal) {
  const chosen = await choose(target, given);
  const shown = new Set(chosen.flatMap(({ runs }) => [...labelAreas(runs).keys()]));
  const names = labels.value.filter(({ id }) => shown.has(id)).map(({ id, name }) => [id, name]);
  const split = splitObjects.value;
  const key = JSON.stringify([chosen.map(({ id, version }) => [id, version]), names, split]);
  const found: Found = await findWorker.find(
    key,
    chosen.map(bare),
    Object.fromEntries(names),
    target.blob,
    split,
  );
  if (signal.aborted) return;
  const now = pictures.value.find(({ id }) => id === target.id);
  // Whoever marked it meanwhile knows better.
  if (!now || now.version !== target.version) return;
  patchPicture(target.id, {
    ...{ runs: found.runs, found: found.labels, status: 'found', failure: undefined },
    version: now.version + 1,
  });
}

/** What workers are sent of a picture. */
export const bare = ({ name, blob, width, height, runs }: Picture): MarkedPicture => ({
  ...{ name, blob, width, height, runs },
});

async function choose(target: Picture, given: readonly Picture[]): Promise<readonly Picture[]> {
  if (given.length <= MOST_EXAMPLES) return given;
  const candidates = await Promise.all(
    given.map(async (each) => ({
      id: each.id,
      labels: [...labelAreas(each.runs).keys()],
      features: await describe(each),
    })),
  );
  const ids = choosePrompts(candidates, await describe(target), MOST_EXAMPLES).sort();
  return given.filter(({ id }) => ids.includes(id));
}

function describe({ id, blob }: Picture): Promise<Float32Array> {
  const known = described.get(id);
  if (known) return known;
  const features = clickWorker.describe(id, blob);
  described.set(id, features);
  features.catch(() => described.delete(id));
  return features;
}
