import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

/** The browser build has its own platform module: `platform/index.ts` asks for `./node` and gets `./browser`. */
export const browserPlatform: Plugin = {
  name: 'browser-platform',
  setup(build) {
    build.onResolve({ filter: /^\.\/node$/ }, ({ importer }) =>
      importer.endsWith(join('platform', 'index.ts'))
        ? { path: join(dirname(importer), 'browser.ts') }
        : undefined,
    );
  },
};
