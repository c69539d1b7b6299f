import { join } from 'node:path';
import {
  openCheckpoint,
  quantizeCheckpoint,
  readModel,
  writeSafetensors,
} from '../../entries/checkpoints';
import { writeOutput } from './output';
import { Reporter } from './reporter';

/** Writes `config.json`, an int8 `model.safetensors` and the `preprocessor_config.json`, if there is one, into a directory. */
export async function quantize(
  model: string,
  out: string,
  flags: { readonly cache?: string; readonly offline: boolean },
  signal: AbortSignal,
): Promise<void> {
  const reporter = new Reporter();
  const { onProgress } = reporter;
  const source = await openCheckpoint(model, { ...flags, signal, onProgress });
  reporter.finish();
  try {
    const described = readModel(source);
    const file = writeSafetensors(await quantizeCheckpoint(described, signal));
    const write = (name: string, bytes: Uint8Array) => writeOutput(join(out, name), bytes);
    await write('config.json', jsonFile(described.config));
    if (source.preprocessor) await write('preprocessor_config.json', jsonFile(source.preprocessor));
    await write('model.safetensors', file);
    process.stdout.write(`${out}: ${(file.length / 1e6).toFixed(1)} MB\n`);
  } finally {
    await source.close();
  }
}

function jsonFile(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}
