import { defineConfig, type Options } from 'tsup';

/**
 * sharp is the only package that is imported by name; what is optional is imported by names that bundlers do not follow.
 * Small packages, and mediabunny for browsers alone, become part of the bundles: see THIRD-PARTY-NOTICES.md.
 */
const external = ['sharp'];
const noExternal = [/^@noble\//, 'ndarray', 'mediabunny'];

const shared: Options = {
  target: 'es2022',
  sourcemap: true,
  clean: true,
  external,
  noExternal,
  treeshake: false,
};

/**
 * tsup hands the declaration builder a baseUrl, which TypeScript 6 warns about. The reference brings `Symbol.dispose` to
 * projects that compile for an older library.
 */
const dts = {
  banner: '/// <reference lib="esnext.disposable" />',
  compilerOptions: { ignoreDeprecations: '6.0' },
};

/** What people import: `seggpt`, and `seggpt/NAME` for the details. */
const everywhere = {
  index: 'src/index.ts',
  painter: 'src/entries/painter.ts',
  sam: 'src/entries/sam.ts',
  features: 'src/entries/features.ts',
  teaching: 'src/entries/teaching.ts',
  checkpoints: 'src/entries/checkpoints.ts',
  masks: 'src/entries/masks.ts',
  annotations: 'src/entries/annotations.ts',
  concepts: 'src/entries/concepts.ts',
  engines: 'src/entries/engines.ts',
  options: 'src/entries/options.ts',
  video: 'src/entries/video.ts',
};
const node = { ...everywhere, evaluation: 'src/entries/evaluation.ts' };

export default defineConfig([
  {
    ...shared,
    entry: { ...node, cli: 'src/apps/cli/main.ts' },
    outDir: 'dist/node',
    platform: 'node',
    format: ['esm'],
    splitting: true,
    dts: { ...dts, entry: node },
  },
  {
    ...shared,
    entry: node,
    outDir: 'dist/node',
    platform: 'node',
    format: ['cjs'],
    clean: false,
    // Each file's own place. tsup's shim asks for a document first, which jsdom has.
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    define: { 'import.meta.url': 'importMetaUrl' },
    splitting: true,
    dts,
    // Test runners that load CommonJS forbid import() (Jest's defaults); what is loaded late is required late instead.
    esbuildOptions: (options) => void (options.supported = { 'dynamic-import': false }),
  },
  {
    ...shared,
    entry: everywhere,
    outDir: 'dist/browser',
    platform: 'browser',
    format: ['esm'],
    splitting: true,
    dts,
  },
]);
