/** Keeps the work in IndexedDB, so that it survives a reload. Pictures are written once, what changes of them often apart. */
import { batch, effect } from '@preact/signals';
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { ProjectLabel } from '../logic/project-file';
import { activeLabel, currentId, labels, type Picture, pictures, say } from './store';

type Marks = Omit<Picture, 'blob'> & { readonly order: number };

interface Schema extends DBSchema {
  blobs: { key: string; value: Blob };
  marks: { key: string; value: Marks };
  settings: {
    key: 'project';
    value: { readonly labels: readonly ProjectLabel[]; readonly currentId?: string };
  };
}

const PAUSE_MS = 300;

let database: IDBPDatabase<Schema> | undefined;
const written = new Map<string, Picture>();

/** Opens what was kept, and keeps what changes from now on. Where the browser keeps nothing, it says so and works without. */
export async function restore(): Promise<void> {
  try {
    database = await openDB<Schema>('seggpt-app', 1, {
      upgrade(fresh) {
        fresh.createObjectStore('blobs');
        fresh.createObjectStore('marks');
        fresh.createObjectStore('settings');
      },
    });
    const marks = (await database.getAll('marks')).sort((a, b) => a.order - b.order);
    const found: Picture[] = [];
    for (const each of marks) {
      const blob = await database.get('blobs', each.id);
      if (blob) found.push({ ...each, blob });
    }
    const project = await database.get('settings', 'project');
    for (const each of found) written.set(each.id, each);
    batch(() => {
      if (project) labels.value = project.labels;
      activeLabel.value = labels.value[0].id;
      pictures.value = found;
      currentId.value = found.some(({ id }) => id === project?.currentId)
        ? project?.currentId
        : found[0]?.id;
    });
  } catch (error) {
    database = undefined;
    say(`This browser keeps nothing here, so a reload loses the work: ${String(error)}`, true);
    return;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    // Read here, so that the effect follows them.
    const state = [pictures.value, labels.value, currentId.value] as const;
    clearTimeout(timer);
    timer = setTimeout(() => void save(...state), PAUSE_MS);
  });
}

async function save(
  shown: readonly Picture[],
  kept: readonly ProjectLabel[],
  id: string | undefined,
): Promise<void> {
  if (!database) return;
  try {
    for (const [order, picture] of shown.entries()) {
      const before = written.get(picture.id);
      if (before === picture) continue;
      const { blob, ...marks } = picture;
      if (!before) await database.put('blobs', blob, picture.id);
      await database.put('marks', { ...marks, order }, picture.id);
      written.set(picture.id, picture);
    }
    for (const gone of [...written.keys()].filter((key) => !shown.some((p) => p.id === key))) {
      await database.delete('blobs', gone);
      await database.delete('marks', gone);
      written.delete(gone);
    }
    await database.put('settings', { labels: kept, currentId: id }, 'project');
  } catch (error) {
    say(`The work could not be kept: ${String(error)}`, true);
  }
}
