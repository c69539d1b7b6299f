/** Pictures come in: files, and the samples. */
import { batch } from '@preact/signals';
import { encodeRuns } from '../logic/runs';
import { strings } from '../strings';
import { currentId, labels, type Picture, pictures, say } from './store';

/** Opens pictures; broken ones are named and passed by. */
export async function openFiles(files: readonly File[]): Promise<void> {
  const opened: Picture[] = [];
  const refused: string[] = [];
  for (const file of files) {
    try {
      const bitmap = await createImageBitmap(file);
      const { width, height } = bitmap;
      bitmap.close();
      opened.push({
        ...{ id: crypto.randomUUID(), name: file.name, width, height, blob: file },
        ...{ status: 'new', isExample: false, version: 0 },
        runs: encodeRuns(new Uint8Array(width * height)),
      });
    } catch {
      refused.push(file.name);
    }
  }
  batch(() => {
    pictures.value = [...pictures.value, ...opened];
    if (opened.length > 0) currentId.value = opened[0].id;
  });
  if (refused.length > 0) say(strings.refused(refused), true);
  else if (opened.length > 0) say(strings.opened(opened.length));
}

/** Pictures to try it with. */
export interface Sample {
  readonly name: string;
  readonly label: string;
  readonly urls: readonly string[];
}

export const samples: readonly Sample[] = [
  {
    ...{ name: strings.samples.cup, label: 'cup' },
    urls: [
      new URL('../../../examples/cup-1.jpg', import.meta.url).href,
      new URL('../../../examples/cup-2.jpg', import.meta.url).href,
    ],
  },
  {
    ...{ name: strings.samples.cat, label: 'eye' },
    urls: [
      new URL('../../../examples/cat-video/000.jpg', import.meta.url).href,
      new URL('../../../examples/cat-video/004.jpg', import.meta.url).href,
      new URL('../../../examples/cat-video/008.jpg', import.meta.url).href,
      new URL('../../../examples/cat-video/012.jpg', import.meta.url).href,
      new URL('../../../examples/cat-video/015.jpg', import.meta.url).href,
    ],
  },
  {
    ...{ name: strings.samples.coins, label: 'coin' },
    urls: [
      new URL('../../../examples/coins-left.jpg', import.meta.url).href,
      new URL('../../../examples/coins-right.jpg', import.meta.url).href,
    ],
  },
];

export async function openSample({ urls, label }: Sample): Promise<void> {
  labels.value = labels.value.map((each) => (each.id === 1 ? { ...each, name: label } : each));
  const files = urls.map(async (url) => {
    const name = /([^/]+?)(?:-[\w-]{8})?\.jpg/.exec(url)?.[1] ?? 'sample';
    return new File([await (await fetch(url)).blob()], `${name}.jpg`, { type: 'image/jpeg' });
  });
  await openFiles(await Promise.all(files));
}

/** Opens the folder that `seggpt app FOLDER` serves beside the page, where the address says that it does. */
export async function openServedFolder(): Promise<void> {
  if (!new URLSearchParams(location.search).has('folder') || pictures.value.length > 0) return;
  const names = (await (await fetch('folder.json')).json()) as readonly string[];
  const files = names.map(async (name) => {
    const response = await fetch(`folder/${encodeURIComponent(name)}`);
    return new File([await response.blob()], name);
  });
  await openFiles(await Promise.all(files));
}
