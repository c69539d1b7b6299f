import checksums from '../../weights/checksums.json';
import config from '../../weights/config.json';
import contextConfig from '../../weights/context/config.json';
import preprocessor from '../../weights/preprocessor_config.json';
import samConfig from '../../weights/sam/config.json';
import type { BundledCheckpoint, BundledName } from '../checkpoints/file-store';

/** The bundled models' files, within the directory of weights. */
export const FILES = {
  seggpt: 'model.safetensors',
  sam: 'sam/model.safetensors',
  context: 'context/model.safetensors',
} as const satisfies Record<BundledName, string>;

/** Directory beside a bundle in which the weights are looked for: what a bundler did not carry is copied there. */
export const BESIDE = 'seggpt-weights';

/** How people are told to help a bundle that lacks the weights. */
export const remedy = `copy node_modules/seggpt/weights to a directory "${BESIDE}" beside the bundle, or name a copy: load("DIRECTORY_OR_URL")`;

/**
 * A bundled model at the place an adapter found. Its configuration is a part of the code, so that a bundler has one
 * file to carry and cannot inline the small ones as `data:` URLs, which a Content-Security-Policy may forbid to fetch.
 */
export function bundledAt(name: BundledName, location: string): BundledCheckpoint {
  const sha256 = checksums[FILES[name]];
  const configs = { seggpt: config, sam: samConfig, context: contextConfig };
  return {
    ...{ location, sha256, config: configs[name] },
    preprocessor: name === 'seggpt' ? preprocessor : null,
  };
}

/** Literal URLs of the weights, which bundlers and tracers of files recognise and carry along: they follow nothing else. */
export function literalUrl(name: BundledName): URL {
  switch (name) {
    case 'seggpt':
      return new URL('../../weights/model.safetensors', import.meta.url);
    case 'sam':
      return new URL('../../weights/sam/model.safetensors', import.meta.url);
    case 'context':
      return new URL('../../weights/context/model.safetensors', import.meta.url);
  }
}
