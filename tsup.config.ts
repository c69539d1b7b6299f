import { defineConfig, type Options } from 'tsup';

/** Peers and optional backends are the user's to install; they are never bundled. */
const external = [/^@tensorflow\//, /^@opencvjs\//, 'webgpu', 'sharp'];

const shared: Options = {
  target: 'es2022',
  sourcemap: true,
  clean: true,
  external,
  treeshake: false,
};

/** tsup hands the declaration builder a baseUrl, which TypeScript 6 warns about. */
const dts = { compilerOptions: { ignoreDeprecations: '6.0' } };

export default defineConfig([
  {
    ...shared,
    entry: { index: 'src/index.ts', cli: 'src/apps/cli/main.ts' },
    outDir: 'dist/node',
    platform: 'node',
    format: ['esm'],
    splitting: true,
    dts: { ...dts, entry: { index: 'src/index.ts' } },
  },
  {
    ...shared,
    entry: { index: 'src/index.ts' },
    outDir: 'dist/node',
    platform: 'node',
    format: ['cjs'],
    clean: false,
    shims: true,
    dts,
  },
  {
    ...shared,
    entry: { index: 'src/index.ts' },
    outDir: 'dist/browser',
    platform: 'browser',
    format: ['esm'],
    dts,
    noExternal: [/^@noble\//, 'ndarray'],
  },
]);
