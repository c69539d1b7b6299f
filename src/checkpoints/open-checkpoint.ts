import { guarded } from '../base/guard';
import { throwIfAborted } from '../base/abort';
import { CheckpointError } from '../base/errors';
import { type BundledName, fileStore } from './file-store';
import {
  BundledContextDecoder,
  BundledInteractiveModel,
  BundledModel,
  type CheckpointFiles,
  directoryFiles,
} from './checkpoint-files';
import type { HubOptions } from './hub';
import { memoryAccess, blobAccess } from './memory-access';
import type { Progress } from '../base/progress';
import type { RandomAccess } from './random-access';
import { openSafetensors } from './safetensors';
import type { TensorSource } from './tensor-source';

/**
 * Where a model comes from: a directory or file (Node), a hub id `owner/name[@revision]`, a URL of a
 * file or of a directory, the bytes or `Blob` of a `.safetensors` or `.pth` file, or an opened source.
 * `'bundled'` is the painter inside this package, `'bundled-sam'` its interactive model.
 */
export type CheckpointSource = string | URL | Uint8Array | Blob | TensorSource;

/** How a checkpoint is opened; what concerns fetching is of use for hub ids and URLs alone. */
export interface OpenOptions extends HubOptions {
  /** Told how far a download is: bytes by file. */
  readonly onProgress?: (progress: Progress) => void;
  /** Stops opening and downloading. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a checkpoint for reading; the caller closes it.
 *
 * @throws CheckpointError if it is not one, DownloadError if it cannot be fetched, AbortedError.
 */
export function openCheckpoint(
  source: CheckpointSource,
  options: OpenOptions = {},
): Promise<TensorSource> {
  return openGuarded(source, options);
}

const openGuarded = guarded(open);

async function open(source: CheckpointSource, options: OpenOptions): Promise<TensorSource> {
  throwIfAborted(options.signal);
  if (source instanceof Uint8Array)
    return openWeights(memoryAccess(source, 'the given bytes'), null);
  if (typeof Blob !== 'undefined' && source instanceof Blob)
    return openWeights(blobAccess(source, 'the given blob'), null);
  if (source instanceof URL)
    return open(source.protocol === 'file:' ? pathOfUrl(source) : source.href, options);
  if (typeof source === 'object' && source !== null && 'entries' in source) return source;
  if (typeof source !== 'string' || source === '') {
    throw new CheckpointError('The model must be a path, hub id, URL, Uint8Array or Blob.');
  }
  if (source === BundledModel) return openBundled('seggpt', options);
  if (source === BundledInteractiveModel) return openBundled('sam', options);
  if (source === BundledContextDecoder) return openBundled('context', options);
  const url = /^https?:\/\//.test(source) ? source : fileStore.relativeUrl(source);
  if (url) return openUrl(url, options);
  const kind = await fileStore.pathKind(source);
  if (kind === 'file')
    return openBeside(await fileStore.open(source), directoryFiles(directoryOf(source)));
  if (kind === 'directory') return openFiles(directoryFiles(source));
  const { hubFiles, parseHubId } = await network();
  const id = parseHubId(source);
  if (id) return openFiles(await hubFiles(id, options));
  throw new CheckpointError(
    `There is no model at "${source}": it is neither a file or directory, nor a hub id (owner/name[@revision]), nor a URL.`,
  );
}

/** Downloading, loaded with the first model that needs it. */
const network = () => import('./hub');

async function openBundled(name: BundledName, options: OpenOptions): Promise<TensorSource> {
  const { location, config, preprocessor, sha256 } = await fileStore.bundledModel(name);
  const open = async () => {
    if (!/^https?:/.test(location)) return fileStore.open(location);
    const { splitUrl, urlFiles } = await network();
    const [directory, file] = splitUrl(location);
    const known = { ...options, token: undefined, sha256: { [file]: sha256 } };
    return (await urlFiles(directory, known)).open(file);
  };
  return { ...(await openWeights(await open(), config)), preprocessor };
}

async function openUrl(url: string, options: OpenOptions): Promise<TensorSource> {
  const { splitUrl, urlFiles } = await network();
  const [directory, name] = splitUrl(url);
  if (!/\.(safetensors|pth|pt)$/.test(name)) return openFiles(await urlFiles(url, options));
  const files = await urlFiles(directory, options);
  return openBeside(await files.open(name), files);
}

/** A Hugging Face layout: config.json with one weights file, or with an index and shards. */
async function openFiles(files: CheckpointFiles): Promise<TensorSource> {
  const config = await files.json('config.json');
  if (config === null) {
    throw new CheckpointError(
      `${files.origin} holds no config.json; is it a model in the Hugging Face layout?`,
    );
  }
  const preprocessor = await files.json('preprocessor_config.json');
  const index = (await files.has('model.safetensors'))
    ? null
    : await files.json('model.safetensors.index.json');
  const source =
    index === null
      ? await openWeights(await files.open('model.safetensors'), config)
      : await (await import('./sharded')).openSharded(files, index, config);
  return { ...source, preprocessor };
}

/** A weights file by itself, with the configurations that lie beside it, if there are any. */
async function openBeside(access: RandomAccess, files: CheckpointFiles): Promise<TensorSource> {
  const source = await openWeights(access, await files.json('config.json'));
  return { ...source, preprocessor: await files.json('preprocessor_config.json') };
}

/** @throws CheckpointError for a path whose percent signs are none of a URL's. */
function pathOfUrl(url: URL): string {
  try {
    return decodeURIComponent(url.pathname);
  } catch (cause) {
    throw new CheckpointError(`${url.href} is no URL of a file.`, { cause });
  }
}

/** The path up to the last slash, or `.`. */
function directoryOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1) || '.';
}

/** Tells the two formats apart by their first bytes: a `.pth` is a zip archive. */
async function openWeights(access: RandomAccess, config: unknown): Promise<TensorSource> {
  try {
    const head = await access.read(0, Math.min(4, access.size));
    const zip = head[0] === 0x50 && head[1] === 0x4b;
    if (zip) return await (await import('./pth')).openPth(access, config);
    if (head[0] === 0x80 && head[1] === 0x02) {
      throw new CheckpointError(
        `${access.origin} is a PyTorch file older than version 1.6; save it again with a current torch.save.`,
      );
    }
    return await openSafetensors(access, config);
  } catch (error) {
    await access.close();
    throw error;
  }
}
