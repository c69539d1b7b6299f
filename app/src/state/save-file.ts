import type { ExportKind } from '../logic/export-kinds';
import { rgbOf } from '../logic/hex-color';
import { strings } from '../strings';
import { findWorker } from '../workers/workers';
import { bare } from './find';
import { labels, pictures, say } from './store';

/** Saves all pictures in which something is marked or was found, as one zip. */
export async function saveZip(kinds: readonly ExportKind[]): Promise<void> {
  const marked = pictures.value.filter(({ status }) => status !== 'new');
  if (marked.length === 0) return say(strings.nothingToExport, true);
  say(strings.exporting);
  const names = Object.fromEntries(labels.value.map(({ id, name }) => [id, name]));
  const colors = Object.fromEntries(labels.value.map(({ id, color }) => [id, rgbOf(color)]));
  try {
    const bytes = await findWorker.export(marked.map(bare), names, kinds, colors);
    download(new Blob([bytes], { type: 'application/zip' }), 'seggpt.zip');
    say(strings.exported(marked.length));
  } catch (error) {
    say(strings.failedClick((error as Error).message), true);
  }
}

/** Hands a file to the person. */
export function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
