import { defineConfig } from 'vite';

const isolated = {
  // The CPU engine shares memory between threads in isolated pages alone.
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/**
 * The package's weights keep their names, in `seggpt-weights/`: a static folder holds all it needs, and `seggpt app`, which
 * has the package at hand, serves them from there, so that the archive carries them once.
 */
function assetName({ originalFileNames }: { originalFileNames: readonly string[] }): string {
  const weights = /(?:^|\/)weights\/(.+)$/.exec(originalFileNames[0] ?? '');
  return weights ? `seggpt-weights/${weights[1]}` : 'assets/[name]-[hash][extname]';
}

const output = { assetFileNames: assetName };

export default defineConfig({
  base: './',
  resolve: {
    alias: [
      { find: /^seggpt$/, replacement: `${import.meta.dirname}/../dist/browser/index.js` },
      { find: /^seggpt\/(\w+)$/, replacement: `${import.meta.dirname}/../dist/browser/$1.js` },
    ],
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { headers: isolated, fs: { allow: ['..'] } },
  preview: { headers: isolated },
  worker: { format: 'es', rollupOptions: { output } },
  build: {
    ...{ outDir: '../dist/app', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0 },
    rollupOptions: { output },
  },
});
