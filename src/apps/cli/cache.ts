import { type CachedModel, clearCachedModels, listCachedModels } from '../../entries/checkpoints';
import { sizeText } from './size-text';
import { printTable } from './table';
import { UsageError } from './usage-error';

export interface CacheFlags {
  readonly cache?: string;
  readonly json?: boolean;
}

/** Prints the models in the cache. */
export async function listCache(flags: CacheFlags): Promise<void> {
  const models = await listCachedModels(flags);
  if (flags.json) printJson(models);
  else if (models.length === 0) process.stderr.write('the cache holds no models\n');
  else {
    printTable([['model', 'size', 'stored', 'known as'], ...models.map(row)]);
    process.stderr.write(`${models.length} model(s), ${sizeText(sizeOf(models))}\n`);
  }
}

/** Removes a model from the cache, or all. @throws UsageError if nothing is by that name. */
export async function clearCache(model: string | undefined, flags: CacheFlags): Promise<void> {
  const removed = await clearCachedModels(model, flags);
  if (model !== undefined && removed.length === 0)
    throw new UsageError(`the cache holds no "${model}"; "seggpt cache" lists what it holds.`);
  if (flags.json) return printJson(removed);
  for (const each of removed)
    process.stdout.write(`removed ${each.model}  ${sizeText(each.size)}\n`);
  process.stderr.write(`freed ${sizeText(sizeOf(removed))}\n`);
}

function row({ model, size, stored, revisions, partial }: CachedModel): string[] {
  const known = [...revisions, ...(partial ? ['a download that broke off'] : [])];
  return [model, sizeText(size), stored.toISOString().slice(0, 10), known.join(', ')];
}

function sizeOf(models: readonly CachedModel[]): number {
  return models.reduce((sum, { size }) => sum + size, 0);
}

function printJson(models: readonly CachedModel[]): void {
  process.stdout.write(`${JSON.stringify(models, null, 1)}\n`);
}
