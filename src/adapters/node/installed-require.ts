import { NotInstalled } from '../../base/optional-module';

/**
 * A `require` that finds a package: from where this code lies, or from the working directory where it was bundled and moved.
 * Bundlers do not see it.
 *
 * @param request a package, or a file that it exports.
 * @throws NotInstalled
 */
export function installedRequire(request: string): NodeJS.Require {
  const { createRequire } = process.getBuiltinModule('node:module');
  for (const base of [import.meta.url || undefined, `${process.cwd()}/any.js`]) {
    if (base === undefined) continue;
    const load = createRequire(base);
    try {
      load.resolve(request);
      return load;
    } catch {
      // not from there
    }
  }
  throw new NotInstalled(request);
}
