import { CheckpointError } from '../../base/errors';
import type { BundledCheckpoint, BundledName } from '../../checkpoints/file-store';
import { BESIDE, bundledAt, FILES, literalUrl, remedy } from '../bundled-model';

/**
 * Finds a bundled model's weights: where this package keeps them or a bundler put them, or in `seggpt-weights/` beside the
 * bundle.
 *
 * @throws CheckpointError naming where it looked and what to copy.
 */
export async function findBundledModel(name: BundledName): Promise<BundledCheckpoint> {
  const looked = places(name);
  for (const url of looked) if (await serves(url)) return bundledAt(name, url);
  throw new CheckpointError(
    `The bundled model was not found (looked for ${looked.join(', ')}); ${remedy}.`,
  );
}

function places(name: BundledName): string[] {
  const here = moduleUrl();
  const places = [new URL(`${BESIDE}/${FILES[name]}`, here).href];
  try {
    // Bundlers emit the files and put their new addresses there.
    const { href } = literalUrl(name);
    places.unshift(new URL(href, pageUrl()).href); // Next.js gives a path alone
  } catch {
    // a bundle that is no module has no address
  }
  // Vite's development server bundles dependencies into a directory of node_modules and leaves their files where they are.
  const prebundled = /^(.*\/node_modules)\/\.vite\/deps[^/]*\//.exec(here);
  if (prebundled) places.unshift(`${prebundled[1]}/seggpt/weights/${FILES[name]}`);
  return places;
}

/** Address of this module; of the page or worker where a bundle is no module, or a bundler wrote down its own file. */
function moduleUrl(): string {
  const url = import.meta.url || pageUrl();
  return url.startsWith('file:') ? pageUrl() : url;
}

function pageUrl(): string {
  return globalThis.document?.baseURI ?? globalThis.location.href;
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
