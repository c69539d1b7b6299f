import checksums from '../../weights/checksums.json';
import config from '../../weights/config.json';
import preprocessor from '../../weights/preprocessor_config.json';
import type { BundledCheckpoint } from '../checkpoints/file-store';

/** The bundled weights' file. */
export const FILE = 'model.safetensors';

/** Directory beside a bundle in which the weights are looked for: what a bundler did not carry is copied there. */
export const BESIDE = 'seggpt-weights';

/** How people are told to help a bundle that lacks the weights. */
export const remedy = `copy node_modules/seggpt/weights to a directory "${BESIDE}" beside the bundle, or name a copy: load("DIRECTORY_OR_URL")`;

/**
 * The bundled model at the place an adapter found. Its configuration is a part of the code, so that a bundler has one
 * file to carry and cannot inline the small ones as `data:` URLs, which a Content-Security-Policy may forbid to fetch.
 */
export function bundledAt(location: string): BundledCheckpoint {
  return { location, config, preprocessor, sha256: checksums[FILE] };
}
