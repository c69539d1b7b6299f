import { version } from '../../base/version';
import { openCheckpoint, readModel } from '../../entries/checkpoints';
import { describeEngines } from '../../entries/engines';
import { Reporter } from './reporter';
import type { ModelFlags } from './segment';
import { printTable } from './table';

/** Prints what a model is, without loading its weights, and which engines start on this machine. */
export async function info(model: string, flags: ModelFlags, signal: AbortSignal): Promise<void> {
  const reporter = new Reporter(flags.json);
  const { cache, offline } = flags;
  const { onProgress } = reporter;
  const source = await openCheckpoint(model, { cache, offline, signal, onProgress });
  reporter.finish();
  try {
    const { family, config, parameters, rows } = readModel(source);
    const engines = await describeEngines();
    if (flags.json) {
      const count = parameters.reduce(
        (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
        0,
      );
      const types = [...new Set([...source.entries.values()].map(({ dtype }) => dtype))];
      process.stdout.write(
        `${JSON.stringify({ version, model: source.origin, family, config, parameters: count, types, engines }, null, 1)}\n`,
      );
      return;
    }
    const table: (readonly [string, string])[] = [
      ['model', source.origin],
      ...rows,
      ['seggpt', version],
      ...Object.entries(engines),
    ];
    printTable(table);
  } finally {
    await source.close();
  }
}
