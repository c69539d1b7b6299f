import { inferConfig } from '../../models/seggpt/infer-config';
import { openCheckpoint } from '../../checkpoints/open-checkpoint';
import { checkParameters } from '../../checkpoints/check-parameters';
import { wasmFeatures } from '../../engines/wasm';
import { parameterShapes, parseInputSize, parsePainterConfig } from '../../models/seggpt/config';
import { type TfjsBackend, tfjsProvider } from '../../engines/tfjs/provider';
import { version } from '../../base/version';
import { Reporter } from './reporter';
import type { ModelFlags } from './segment';

const BACKENDS: readonly TfjsBackend[] = [
  'tensorflow-gpu',
  'webgpu',
  'tensorflow',
  'wasm',
  'webgl',
  'cpu',
];

/** Prints what a model is, without loading its weights, and which backends start on this machine. */
export async function info(model: string, flags: ModelFlags, signal: AbortSignal): Promise<void> {
  const reporter = new Reporter(flags.json);
  const source = await openCheckpoint(model, { ...flags, signal, onProgress: reporter.onProgress });
  reporter.finish();
  try {
    const config =
      source.config === null
        ? inferConfig(source)
        : parsePainterConfig(source.config, source.origin);
    const input = parseInputSize(source.preprocessor, config, source.origin);
    const shapes = parameterShapes(config);
    checkParameters(source, shapes);
    let parameters = 0;
    for (const shape of shapes.values()) parameters += shape.reduce((a, b) => a * b, 1);
    const types = [...new Set([...source.entries.values()].map(({ dtype }) => dtype))];
    const backends: Record<string, string> = { wasm: await describeCpuEngine() };
    for (const name of BACKENDS) {
      const found = await tfjsProvider.start(name);
      backends[`tfjs-${name}`] =
        'unavailable' in found
          ? `not available: ${found.unavailable}`
          : found.software
            ? 'available, in software'
            : 'available';
      if (!('unavailable' in found)) found.close?.();
    }
    if (flags.json) {
      process.stdout.write(
        `${JSON.stringify({ version, model: source.origin, config, input, parameters, types, backends }, null, 1)}\n`,
      );
      return;
    }
    const rows: [string, string][] = [
      ['model', source.origin],
      ['parameters', `${(parameters / 1e6).toFixed(1)} million (${types.join(', ')})`],
      [
        'transformer',
        `${config.depth} blocks of width ${config.width}, ${config.heads} heads, patch ${config.patch}`,
      ],
      [
        'canvas',
        `trained at ${config.canvas.height} x ${config.canvas.width}; pictures go in at ${input.height} x ${input.width}`,
      ],
      ['decoder', `width ${config.decoderWidth}, reads blocks ${config.taps.join(', ')}`],
      ['seggpt', version],
      ...Object.entries(backends),
    ];
    const wide = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) process.stdout.write(`${name.padEnd(wide)}  ${value}\n`);
  } finally {
    await source.close();
  }
}

async function describeCpuEngine(): Promise<string> {
  const { simd, relaxedSimd, wideVectors, threads, sharedMemory } = await wasmFeatures();
  const parts = {
    'WebAssembly SIMD': simd,
    'relaxed SIMD': relaxedSimd,
    '256-bit vectors': wideVectors,
    'shared memory': sharedMemory,
  };
  const found = Object.entries(parts).map(([name, has]) => (has ? name : `no ${name}`));
  return `${simd ? 'available' : 'not available'}: ${found.join(', ')}, ${threads} threads`;
}
