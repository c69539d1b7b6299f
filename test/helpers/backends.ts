import type { BackendChoice } from '../../src/engines/engine-options';

/** Backends that start on this machine and are to be tested; see `find-backends.mjs`. */
const found = (process.env.SEGGPT_FOUND_BACKENDS ?? '').split(',');

/** Defines a group of tests for each backend, skipped for all to see where it does not start. */
export function describeBackends(
  title: string,
  backends: readonly BackendChoice[],
  define: (backend: BackendChoice) => void,
): void {
  for (const backend of backends) {
    const group = title.replace('%s', backend);
    if (found.includes(backend)) describe(group, () => define(backend));
    else
      describe.skip(`${group} (${backend} does not start here, or was left out)`, () =>
        define(backend));
  }
}
