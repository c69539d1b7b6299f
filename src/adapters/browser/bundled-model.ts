import { CheckpointError } from '../../base/errors';
import type { BundledCheckpoint } from '../../checkpoints/file-store';
import { BESIDE, bundledAt, FILE, remedy } from '../bundled-model';

/**
 * Finds the bundled weights: where this package keeps them or a bundler put them, or in `seggpt-weights/` beside the
 * bundle.
 *
 * @throws CheckpointError naming where it looked and what to copy.
 */
export async function findBundledModel(): Promise<BundledCheckpoint> {
  const looked = places();
  for (const url of looked) if (await serves(url)) return bundledAt(url);
  throw new CheckpointError(
    `The bundled model was not found (looked for ${looked.join(', ')}); ${remedy}.`,
  );
}

function places(): string[] {
  const here = moduleUrl();
  const places = [new URL(`${BESIDE}/${FILE}`, here).href];
  try {
    // A literal URL, which bundlers recognise: they emit the file and put its new address here.
    places.unshift(new URL('../../weights/model.safetensors', import.meta.url).href);
  } catch {
    // a bundle that is no module has no address
  }
  // Vite's development server bundles dependencies into a directory of node_modules and leaves their files where they are.
  const prebundled = /^(.*\/node_modules)\/\.vite\/deps[^/]*\//.exec(here);
  if (prebundled) places.unshift(`${prebundled[1]}/seggpt/weights/${FILE}`);
  return places;
}

/** Address of this module, or of the page or worker where a bundle is no module. */
function moduleUrl(): string {
  return import.meta.url || globalThis.document?.baseURI || globalThis.location.href;
}

/** Whether a server has the file. Those that answer every path with a page do not. */
async function serves(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { method: 'HEAD' });
    const type = response.headers.get('content-type') ?? '';
    const knowsNoHead = response.status === 405 || response.status === 501;
    return knowsNoHead || (response.ok && !/^text\/html/.test(type));
  } catch {
    return false;
  }
}
