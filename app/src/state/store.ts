/** What the page knows, as signals; changed by the functions beside it alone. */
import { batch, computed, signal } from '@preact/signals';
import type { ProjectLabel, Status } from '../logic/project-file';
import type { QueueProgress } from '../logic/queue';
import type { Runs } from '../logic/runs';
import { type FoundLabel, surenessOf } from '../logic/sureness';

/** A picture that is open. */
export interface Picture {
  readonly id: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly blob: Blob;
  readonly status: Status;
  /** What is found elsewhere is found by what is marked here. */
  readonly isExample: boolean;
  readonly runs: Runs;
  readonly found?: readonly FoundLabel[];
  /** Why it could not be segmented. */
  readonly failure?: string;
  /** Tells one state of the marks from the next. */
  readonly version: number;
}

export const tools = ['click', 'box', 'brush', 'eraser', 'polygon', 'fill', 'pan'] as const;
export type Tool = (typeof tools)[number];

/** Colours of labels in turn: those of the library's overlays. */
export const palette = [
  '#e63946',
  '#1d8fff',
  '#2ec460',
  '#ffb703',
  '#9b5de5',
  '#00bbc7',
  '#ff70a6',
  '#83c52e',
] as const;

export const firstLabel: ProjectLabel = { id: 1, name: 'object', color: palette[0] };

export const pictures = signal<readonly Picture[]>([]);
export const labels = signal<readonly ProjectLabel[]>([firstLabel]);
export const activeLabel = signal(1);
export const currentId = signal<string | undefined>(undefined);
export const tool = signal<Tool>('click');
export const brushRadius = signal(12);
export const splitObjects = signal(false);
export const leastSureFirst = signal(false);
/** How far finding is, while it runs. */
export const finding = signal<QueueProgress | undefined>(undefined);
/** What a click waits for. */
export const thinking = signal<string | undefined>(undefined);
/** The last thing said to the person, read aloud too. */
export const message = signal<{ readonly text: string; readonly isError: boolean } | undefined>(
  undefined,
);

export const current = computed(() => pictures.value.find(({ id }) => id === currentId.value));
export const examples = computed(() => pictures.value.filter(({ isExample }) => isExample));
export const sortedPictures = computed(() =>
  leastSureFirst.value ? [...pictures.value].sort((a, b) => rank(a) - rank(b)) : pictures.value,
);

/** Found pictures by their sureness, then all others as they came. */
const rank = ({ status, found }: Picture) => (status === 'found' && found ? surenessOf(found) : 2);

export function say(text: string, isError = false): void {
  message.value = { text, isError };
}

/** Changes a picture, which may be gone by now. */
export function patchPicture(id: string, change: Partial<Picture>): void {
  pictures.value = pictures.value.map((each) => (each.id === id ? { ...each, ...change } : each));
}

export function removePicture(id: string): void {
  batch(() => {
    const at = pictures.value.findIndex((each) => each.id === id);
    pictures.value = pictures.value.filter((each) => each.id !== id);
    if (currentId.value === id)
      currentId.value = pictures.value[Math.min(at, pictures.value.length - 1)]?.id;
  });
}

export function addLabel(): void {
  const used = new Set(labels.value.map(({ id }) => id));
  let id = 1;
  while (used.has(id)) id++;
  if (id > 255) return say('There may be at most 255 labels.', true);
  batch(() => {
    const color = palette[(id - 1) % palette.length];
    labels.value = [...labels.value, { id, name: `object ${id}`, color }];
    activeLabel.value = id;
  });
}

export function changeLabel(id: number, change: Partial<ProjectLabel>): void {
  labels.value = labels.value.map((each) => (each.id === id ? { ...each, ...change } : each));
}

/** The next picture or the one before, in the order in which they are shown. */
export function step(by: 1 | -1): void {
  const shown = sortedPictures.value;
  const at = shown.findIndex(({ id }) => id === currentId.value);
  const next = shown[at + by];
  if (next) currentId.value = next.id;
}
